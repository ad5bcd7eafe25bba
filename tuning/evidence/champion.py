"""The present champion of a task, as a configuration that can be trained again beside those that challenge it."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from search_spaces.core.study import Study
from trainables.core import files
from trainables.core.prepared.splits import Splits
from trainables.core.prepared.stored import Prepared
from tuning.evidence.chosen_on import (
    ChosenOn,
    chosen_on_then,
    holdout_hash,
    read_chosen_on,
)
from tuning.evidence.configuration import configuration
from tuning.evidence.holdout import Evidence
from tuning.records import registry, tags
from tuning.records.aliases import champion_name
from tuning.records.home import known_studies, version


class Incomparable(ValueError):
    """The present champion cannot be set beside a study's configurations; the message says why."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Champion:
    """Version `version` of the registered model `name`.

    `parameters` is all of its configuration that has an effect, but for the number of classes, `tags` what the version
    says of itself.
    """

    name: str
    version: int
    trainable: str
    parameters: Mapping[str, Any]
    tags: Mapping[str, str]

    @property
    def uri(self) -> str:
        """Names this version for good, whoever is champion later."""
        return f"models:/{self.name}/{self.version}"

    @property
    def num_members(self) -> int:
        """How many trainings answer in it; one of before does not say, and has one."""
        return int(self.tags.get(tags.NUM_MEMBERS, "1"))

    def is_configuration(self, study: Study, parameters: Mapping[str, Any]) -> bool:
        """Whether a trial of `study` with `parameters` trains what this champion was trained with."""
        if self.trainable != study.trainable:
            return False
        try:
            return self.parameters == configuration(study.trainable, {**study.settings, **parameters})
        except ValueError:  # of an earlier version, which today refuses
            return False

    def has_data(self, prepared: Prepared) -> bool:
        """Whether it was trained on this very preparation of the data."""
        return self.tags.get(tags.DATASET_FINGERPRINT) == prepared.fingerprint


def champion_of(study: Study, prepared: Prepared, splits: Splits, tracking_uri: str, home: Path) -> Champion | None:
    """The champion that a configuration of `study` would replace; `None` where there is none yet.

    Raises `Incomparable` where its classes are others, or its configuration cannot be trained here, also for want of larger
    faces, and `ConnectionError` where MLflow does not answer.
    """
    name = registered_name(study, prepared)
    found = registry.present_champion(tracking_uri, name)
    if found is None:
        return None
    version, stated = found
    compared = comparison_tags(prepared, splits)
    if stated.get(tags.CLASSES) != compared[tags.CLASSES]:
        raise Incomparable(
            f"The present champion of {name} has other classes, so the two cannot be compared. It was promoted by study "
            f"{stated.get(tags.STUDY)}. Register under another name (`registered_model` of the study)."
        )
    trainable = stated.get(tags.TRAINABLE, study.trainable)
    try:
        parameters = _parameters(trainable, stated)
    except (ValueError, TypeError) as error:
        raise Incomparable(
            f"The present champion of {name} (version {version}) cannot be trained again to be compared with: {error} It "
            "serves on as it is. Register under another name (`registered_model` of the study)."
        ) from error
    if (size := parameters.get("image_size", 0)) > prepared.face_size:
        raise Incomparable(
            f"The present champion of {name} (version {version}) reads an image_size of {size} px, and the faces of study "
            f"{study.name} are prepared for {prepared.face_size} px at most, so the two cannot be compared on these. Begin a "
            f"study that asks for {size} px too, to be searched or as one of its `controls`, or register under another name "
            "(`registered_model` of the study)."
        )
    return Champion(name=name, version=version, trainable=trainable, parameters=parameters, tags=stated)


def served(tracking_uri: str) -> list[tuple[str, dict[str, Any]]]:
    """Trainable and configuration of every present champion that can be trained again.

    Raises `ConnectionError` where MLflow does not answer.
    """
    found = []
    for name, _, _ in registry.champions(tracking_uri):
        stated = (registry.present_champion(tracking_uri, name) or (0, {}))[1]
        if trainable := stated.get(tags.TRAINABLE):
            with contextlib.suppress(ValueError, TypeError):
                found.append((trainable, _parameters(trainable, stated)))
    return found


def _parameters(trainable: str, stated: Mapping[str, str]) -> dict[str, Any]:
    """The whole configuration of a version, by its tags. Raises `ValueError` or `TypeError` where it cannot be trained here."""
    parameters = configuration(trainable, json.loads(stated.get(tags.PARAMETERS, "null")))
    if workers := stated.get(tags.WORKERS):  # of a version that had batches of `batch_size` on each of them
        parameters["batch_size"] *= len(workers.split(", "))
    return parameters


def chosen_on(champion: Champion, tracking_uri: str, home: Path) -> ChosenOn:
    """The people whom the search of `champion` chose on. Raises `ValueError` where nobody knows them any more."""
    if sha256 := champion.tags.get(tags.CHOSEN_ON):
        with tempfile.TemporaryDirectory() as place:
            folder, _ = registry.fetch_model(champion.uri, tracking_uri, Path(place))
            return read_chosen_on(folder / files.CHOSEN_ON, sha256)
    study = champion.tags.get(tags.STUDY, "")
    found = None
    if study in known_studies(home):
        found = chosen_on_then(home / study, champion.tags.get(tags.HOLDOUT, ""))
    if found is None:
        raise ValueError(f"the splits of study {study}, or the faces they are of, are gone from {home}")
    return found


def registered_name(study: Study, prepared: Prepared) -> str:
    """The name that a study's champion gets on these faces (`champion_name`)."""
    return champion_name(study.registered_model, study.dataset, drawn=prepared.drawn)


def comparison_tags(prepared: Prepared, splits: Splits) -> dict[str, str]:
    """What says whether two versions of a registered model can be compared: the classes, and whether on all locked clips."""
    return {tags.CLASSES: json.dumps(prepared.classes), tags.HOLDOUT: holdout_hash(prepared, splits)}


def version_tags(study: Study, prepared: Prepared, splits: Splits, found: Evidence, commit: str) -> dict[str, str]:
    """What a registered version says of itself: what it was trained as and on, and what its configuration achieved."""
    return {
        tags.STUDY: study.name,
        tags.TRIAL_ID: found.trial_id,
        tags.EVIDENCE_OF: "configuration",
        tags.SELECTION: "nested",
        **comparison_tags(prepared, splits),
        tags.ACCURACY: f"{found.accuracy.mean:.4f}",
        tags.ACCURACY_LOW: f"{found.accuracy.low:.4f}",
        tags.ACCURACY_HIGH: f"{found.accuracy.high:.4f}",
        **({tags.ACCURACY_BY_SEED: f"{min(each):.4f} to {max(each):.4f}"} if (each := found.by_seed) else {}),
        tags.DATASET: prepared.name,
        tags.DATASET_FINGERPRINT: prepared.fingerprint,
        tags.GIT_COMMIT: commit,
        tags.VERSION: version(),
        tags.TRAINABLE: study.trainable,
        tags.WHOLE_BATCH: "true",
        # Whole: defaults that change later do not change what it says.
        tags.PARAMETERS: json.dumps(
            configuration(study.trainable, {**study.settings, **found.parameters}), sort_keys=True
        ),
    }
