"""The model registry: what is served under a task's name, and what was served before it."""

from __future__ import annotations

import contextlib
import dataclasses
import warnings
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path

import mlflow
from mlflow.entities.model_registry import RegisteredModel
from mlflow.exceptions import MlflowException
from mlflow.models import ModelSignature
from mlflow.types import ColSpec, DataType, ParamSchema, ParamSpec, Schema

import trainables
from trainables.core import files
from tuning.records import tags as names
from tuning.records.aliases import (
    CHAMPION,
    ChampionChanged,
    aliases,
    champion_uri,
    champion_version,
    guarded,
    make_champion,
    require_unchanged,
    swap,
)
from tuning.records.mlflow_client import registry_uri, without_password
from tuning.records.mlflow_store import asking, patient, pointed_at, shown_registry
from tuning.records.projection.artifact_store import refusal

PACKAGE = Path(trainables.__file__).resolve().parent

# What `trainables/core/serving/mlflow_model.py` imports, and nothing that only training or searching needs.
SERVING_PACKAGES = (
    "av",
    "facenet-pytorch",
    "filelock",
    "mlflow",
    "natsort",
    "numpy",
    "opencv-python-headless",
    "pandas",
    "safetensors",
    "scipy",
    "torch",
    "torchvision",
)


def log_and_register(
    *,
    tracking_uri: str,
    run_id: str,
    model_folder: Path,
    name: str,
    tags: Mapping[str, str],
    description: str = "",
    replacing: int | None = None,
) -> int:
    """Log the model in `model_folder` to run `run_id`, register it as `name` and make it the champion.

    Returns the version, which carries `tags` and the `description`. `replacing`, the version that was champion when this
    was decided (`None` for none), becomes `previous`; the run keeps its state. What an attempt that died left behind is
    completed: a version of this run with these tags is not registered twice.

    Raises `ValueError` where the folder holds no model, and `ChampionChanged` where another version than `replacing` is
    champion by now; then nothing is registered, and what was there before stays.
    """
    folder = Path(model_folder).resolve()
    for file in (files.MODEL, files.WEIGHTS):
        if not (folder / file).is_file():
            raise ValueError(f"{folder}: there is no {file}, so there is no trained model here to register.")
    with pointed_at(tracking_uri), guarded(registry_uri(tracking_uri), name):
        client = mlflow.MlflowClient()
        try:
            client.create_registered_model(name)
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise
        version = begun = _begun(client, name, run_id, tags)
        if version is None:
            require_unchanged(name, champion_version(client, name), replacing)
            model_id, source = _logged(client, tracking_uri, run_id, folder)
            created = client.create_model_version(
                name,
                source=source,
                run_id=run_id,
                tags=dict(tags),
                model_id=model_id,
                description=description,
            )
            version = int(created.version)
        try:
            make_champion(client, name, version, replacing=replacing)
        except ChampionChanged:
            if begun is None and version not in aliases(client, name).values():
                client.delete_model_version(name, str(version))
            raise
        if begun is not None:
            client.delete_model_version_tag(name, str(version), names.ROLLED_BACK)
    return version


def rollback(tracking_uri: str, name: str) -> int:
    """Make the `previous` version of `name` champion again, and the champion `previous`; the version that serves now.

    The version that was champion says so in its tag `fertune.rolled_back`; the one that serves again loses it. A rollback
    that died is completed by the next.
    Raises `ValueError` where there is no such model or no previous version, and `ChampionChanged`.
    """
    with pointed_at(tracking_uri), guarded(registry_uri(tracking_uri), name):
        client = mlflow.MlflowClient()
        try:
            return swap(client, name)
        except MlflowException as error:
            if error.error_code != "RESOURCE_DOES_NOT_EXIST":
                raise
            listed = ", ".join(found for found, _, _ in champions(tracking_uri)) or "none"
            raise ValueError(
                f"There is no registered model {name!r} in {shown_registry(tracking_uri)}. With a champion there are: {listed}."
            ) from error


def champions(tracking_uri: str) -> list[tuple[str, int, str]]:
    """Name, version and URI of every registered model's champion, by name."""
    with pointed_at(tracking_uri):
        found = [
            (one.name, int(one.aliases[CHAMPION])) for one in _all(mlflow.MlflowClient()) if CHAMPION in one.aliases
        ]
    return [(name, version, champion_uri(name)) for name, version in sorted(found)]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Registered:
    """A registered model with the version that is champion, `None` where none is: the tags of both."""

    name: str
    version: int | None
    of_model: Mapping[str, str]
    of_version: Mapping[str, str]


def registered(tracking_uri: str) -> list[Registered]:
    """Every registered model, by name, also one without a champion."""
    found = []
    with pointed_at(tracking_uri):
        client = mlflow.MlflowClient()
        for model in sorted(_all(client), key=lambda one: one.name):
            version = model.aliases.get(CHAMPION)
            stated = client.get_model_version(model.name, str(version)).tags if version is not None else {}
            given = {"of_model": dict(model.tags), "of_version": dict(stated)}
            found.append(Registered(name=model.name, version=None if version is None else int(version), **given))
    return found


def _all(client: mlflow.MlflowClient) -> list[RegisteredModel]:
    found, token = [], None
    while True:
        page = client.search_registered_models(page_token=token)
        found += page
        token = page.token
        if not token:
            return found


def present_champion(tracking_uri: str, name: str) -> tuple[int, dict[str, str]] | None:
    """Version and tags of the present champion of `name`; `None` where there is none.

    Of one that does not say that its batch is whole the tag `WORKERS` of its run is among them, where that is still there.
    """
    with pointed_at(tracking_uri):
        try:
            found = mlflow.MlflowClient().get_model_version_by_alias(name, CHAMPION)
        except MlflowException as error:
            if error.error_code in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
                return None
            raise
        stated = dict(found.tags)
        if names.WHOLE_BATCH not in stated:
            with contextlib.suppress(MlflowException, KeyError):
                run = mlflow.MlflowClient().get_run(str(found.run_id))
                stated |= {names.WORKERS: run.data.tags[names.WORKERS]}
    return int(found.version), stated


def only_champion(tracking_uri: str) -> str:
    """The URI of the only champion there is; `ValueError` with the list of them where there are none or several."""
    found = champions(tracking_uri)
    if not found:
        raise ValueError(
            f"No model has been promoted in {shown_registry(tracking_uri)}; run a study and `promote` it, or give --model."
        )
    if len(found) > 1:
        listed = ", ".join(f"{uri} (version {version})" for _, version, uri in found)
        raise ValueError(f"There are several champions; choose one with --model: {listed}.")
    return found[0][2]


def download(uri: str, tracking_uri: str, into: Path) -> Path:
    """The registered model of `uri` as MLflow keeps it, copied into the folder `into`.

    Raises `ValueError` where the store has no such model.
    """
    with pointed_at(tracking_uri), patient(tracking_uri):
        try:
            return Path(mlflow.artifacts.download_artifacts(uri, dst_path=str(into)))
        except MlflowException as error:
            if refusal(error):  # of the bucket that it lies in
                raise
            raise ValueError(_not_loaded(uri, tracking_uri, error)) from error


def fetch_model(uri: str, tracking_uri: str, into: Path) -> tuple[Path, str]:
    """Copy the registered model of `uri` into the folder `into`.

    Returns the folder in it that holds `model.json` and `model.safetensors`, and the id of the run that logged it.
    Raises `ValueError` where the store has no such model.
    """
    local = download(uri, tracking_uri, into)
    logged = mlflow.models.Model.load(str(local))
    stored = logged.flavors["python_function"]["artifacts"]["model"]["path"]
    return local / stored, str(logged.run_id)


def serving_requirements() -> list[str]:
    """What a fresh environment must hold to serve, pinned to the versions installed here."""
    # The part after `+` names a build (+cpu, +cu130) that the package index does not know.
    return [f"{package}=={metadata.version(package).split('+')[0]}" for package in SERVING_PACKAGES]


def _begun(client: mlflow.MlflowClient, name: str, run_id: str, tags: Mapping[str, str]) -> int | None:
    """The version of `name` that an earlier attempt made of this run, with these tags."""
    for found in client.search_model_versions(f"run_id = '{run_id}'"):
        if found.name == name and found.status == "READY" and dict(tags).items() <= dict(found.tags).items():
            return int(found.version)
    return None


def _logged(client: mlflow.MlflowClient, tracking_uri: str, run_id: str, folder: Path) -> tuple[str, str]:
    """Log the model in `folder` to the run; the id that it gets, and where it lies."""
    # `pyfunc.log_model` would reopen the finished run and move its end; `Model.log` leaves it alone, but by itself puts
    # the model into the default experiment, whose folder is the working directory.
    with asking(tracking_uri), patient(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*input example was not provided")  # there is no clip that everybody has
        planned = client.create_logged_model(client.get_run(run_id).info.experiment_id, "model", run_id)
        logged = mlflow.models.Model.log(
            artifact_path=None,
            name="model",
            model_id=planned.model_id,
            flavor=mlflow.pyfunc,
            run_id=run_id,
            python_model=str(PACKAGE / "core" / "serving" / "mlflow_model.py"),
            artifacts={"model": folder.as_uri()},  # MLflow reads `%20` in a path as a blank
            code_paths=[str(PACKAGE)],
            infer_code_paths=False,
            pip_requirements=serving_requirements(),
            signature=ModelSignature(
                inputs=Schema([ColSpec(DataType.string)]),
                params=ParamSchema([ParamSpec("every_face", DataType.boolean, default=False)]),
            ),
        )
    return logged.model_id, logged.model_uri


def _not_loaded(uri: str, tracking_uri: str, error: MlflowException) -> str:
    listed = ", ".join(found for _, _, found in champions(tracking_uri)) or "none"
    reason = without_password(error.message, tracking_uri, registry_uri(tracking_uri))
    return f"{uri} cannot be loaded from {shown_registry(tracking_uri)}: {reason} Champions: {listed}."
