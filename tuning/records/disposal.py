"""What MLflow holds of a study, and its end: runs, models and artifacts, for good where the store is a database.

A server deletes runs only as far as its owner can restore them, until `mlflow gc` is run there; so it keeps the experiment,
under whose name a study may be begun anew.
"""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Callable, Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

from tuning.records import tags
from tuning.records.aliases import CHAMPION
from tuning.records.left_over import num_bytes
from tuning.records.mlflow_client import database_path, is_server, make_client
from tuning.records.mlflow_store import asking
from tuning.records.moved_home import local_path
from tuning.records.projection import artifact_store


@dataclasses.dataclass(frozen=True, kw_only=True)
class Version:
    """A registered version: what it is called, with its aliases, and the run and the logged model that it needs.

    `study` and `fingerprint` are those of what it was trained by and on, as its tags say.
    """

    title: str
    run_id: str
    model_id: str
    is_champion: bool = False
    study: str = ""
    fingerprint: str = ""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Tracked:
    """What MLflow holds of a study: artifact folders by run and by logged model, and the versions made of them.

    A folder is `None` where it is not on this machine. `errors` are the messages of the runs that failed.
    """

    experiment_id: str
    runs: dict[str, Path | None]
    models: dict[str, Path | None]
    versions: tuple[Version, ...]
    errors: dict[str, str]

    def without_versions(self) -> Tracked:
        """What of it no registered version needs."""
        needed_runs, needed_models = needed(self.versions)
        return dataclasses.replace(
            self,
            runs={run: folder for run, folder in self.runs.items() if run not in needed_runs},
            models={model: folder for model, folder in self.models.items() if model not in needed_models},
        )

    @property
    def num_bytes(self) -> int:
        """What its artifacts take on this machine's disk."""
        return sum(num_bytes(folder) for folder in (*self.runs.values(), *self.models.values()) if folder)


def tracked(uri: str, study: str) -> Tracked | None:
    """What MLflow at `uri` holds of `study`; `None` for nothing. Raises `ConnectionError` where it does not answer."""
    from mlflow.entities import ViewType

    if _is_not_made(uri):
        return None
    with asking(uri):
        client = make_client(uri)
        experiment = client.get_experiment_by_name(f"fertune/{study}")
        if experiment is None:
            return None
        where = [experiment.experiment_id]
        runs = _all(lambda token: client.search_runs(where, run_view_type=ViewType.ALL, page_token=token))
        models = _all(lambda token: client.search_logged_models(experiment_ids=where, page_token=token))
        known = _folders((run.info.run_id, run.info.artifact_uri) for run in runs)
        return Tracked(
            experiment_id=experiment.experiment_id,
            runs=known,
            models=_folders((model.model_id, model.artifact_location) for model in models),
            versions=tuple(version for version in _versions(client) if version.run_id in known),
            errors={run.info.run_id: run.data.tags[tags.ERROR] for run in runs if tags.ERROR in run.data.tags},
        )


def registered(uri: str) -> list[Version]:
    """Every registered version. Raises `ConnectionError` where MLflow does not answer."""
    if _is_not_made(uri):
        return []
    with asking(uri):
        return _versions(make_client(uri))


def correct_errors(uri: str, errors: Mapping[str, str]) -> None:
    """Let the runs say of their errors what `errors` has by run. Raises `ConnectionError` where MLflow does not answer."""
    with asking(uri):
        client = make_client(uri)
        for run_id, text in errors.items():
            client.set_tag(run_id, tags.ERROR, text)


def delete(uri: str, found: Tracked) -> None:
    """Delete what `found` names; the experiment too where no version needs it. What a version needs stays, whoever asks.

    Raises `ConnectionError` where MLflow does not answer.
    """
    rest = found.without_versions()
    with asking(uri):
        client = make_client(uri)
        for run_id in rest.runs:
            client.delete_run(run_id)
        if is_server(uri):
            return
        store = client._tracking_client.store  # what `mlflow gc` calls; that itself would empty the whole trash
        for model_id, folder in rest.models.items():
            location = client.get_logged_model(model_id).artifact_location
            client.delete_logged_model(model_id)
            _remove(folder, location)
            store._hard_delete_logged_model(model_id)
        purge(uri, rest.runs)
        if not found.versions:
            client.delete_experiment(found.experiment_id)
            store._hard_delete_experiment(found.experiment_id)


def deleted_runs(uri: str, *, but: Collection[str] = ()) -> dict[str, Path | None]:
    """The artifact folders of runs that were deleted and could be restored, of all studies `but` some.

    Those that a registered version needs are not among them.
    """
    from mlflow.entities import ViewType

    def experiments(token: str | None) -> Any:
        return client.search_experiments(ViewType.ALL, filter_string="name LIKE 'fertune/%'", page_token=token)

    if _is_not_made(uri):
        return {}
    with asking(uri):
        client = make_client(uri)
        where = [one.experiment_id for one in _all(experiments) if one.name.removeprefix("fertune/") not in but]
        if not where:
            return {}
        runs = _all(lambda token: client.search_runs(where, run_view_type=ViewType.DELETED_ONLY, page_token=token))
        kept, _ = needed(_versions(client) if runs else ())
        return _folders((run.info.run_id, run.info.artifact_uri) for run in runs if run.info.run_id not in kept)


def purge(uri: str, runs: dict[str, Path | None]) -> None:
    """Delete for good runs that are deleted already, with their artifacts; of a database alone."""
    with asking(uri):
        client = make_client(uri)
        store = client._tracking_client.store
        for run_id, folder in runs.items():
            _remove(folder, client.get_run(run_id).info.artifact_uri)
            store._hard_delete_run(run_id)


def needed(versions: Iterable[Version]) -> tuple[set[str], set[str]]:
    """The runs and the logged models that `versions` need."""
    listed = list(versions)
    return {version.run_id for version in listed}, {version.model_id for version in listed}


def _is_not_made(uri: str) -> bool:
    """Whether `uri` names a database file that no study has made yet: whoever only looks does not make it."""
    database = database_path(uri)
    return database is not None and not database.exists()


def _versions(client: Any) -> list[Version]:
    aliases = {
        (model.name, int(version)): alias
        for model in _all(lambda token: client.search_registered_models(page_token=token))
        for alias, version in model.aliases.items()
    }
    found = []
    for version in _all(lambda token: client.search_model_versions(page_token=token)):
        alias = aliases.get((version.name, int(version.version)), "")
        title = f"{version.name} version {version.version}{f' ({alias})' if alias else ''}"
        model_id = getattr(version, "model_id", None) or str(version.source).removeprefix("models:/")
        found.append(
            Version(
                title=title,
                run_id=version.run_id or "",
                model_id=model_id,
                is_champion=alias == CHAMPION,
                study=version.tags.get(tags.STUDY, ""),
                fingerprint=version.tags.get(tags.DATASET_FINGERPRINT, ""),
            )
        )
    return found


def _all(page_of: Callable[[str | None], Any]) -> list[Any]:
    found, token = [], None
    while True:
        page = page_of(token)
        found += page
        token = page.token
        if not token:
            return found


def _folders(locations: Iterable[tuple[str, str | None]]) -> dict[str, Path | None]:
    """By id of a run or a logged model the folder of that name that holds its `artifacts`; `None` where it is not here."""
    found = {}
    for identity, location in locations:
        folder = local_path(location or "")
        found[identity] = folder.parent if folder and folder.parent.name == identity else None
    return found


def _remove(folder: Path | None, location: str | None) -> None:
    if folder is not None:
        shutil.rmtree(folder, ignore_errors=True)
    else:
        artifact_store.delete(location)
