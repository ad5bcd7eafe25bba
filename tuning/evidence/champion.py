"""The present champion of a task, as a configuration that can be trained again beside those that challenge it."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

from search_spaces.core.study import Study
from trainables.core import lookup
from trainables.core.config import TrainerConfig, make_config
from trainables.core.prepared.splits import Splits
from trainables.core.prepared.stored import Prepared
from tuning.evidence.holdout import Evidence
from tuning.records import registry, tags
from tuning.records.home import version
from tuning.records.ledger import Trial


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

    def is_configuration(self, study: Study, parameters: Mapping[str, Any]) -> bool:
        """Whether a trial of `study` with `parameters` trains what this champion was trained with."""
        if self.trainable != study.trainable:
            return False
        return self.parameters == configuration(study.trainable, {**study.settings, **parameters})

    def has_data(self, prepared: Prepared) -> bool:
        """Whether it was trained on this very preparation of the data."""
        return self.tags.get(tags.DATASET_FINGERPRINT) == prepared.fingerprint


def champion_of(study: Study, prepared: Prepared, splits: Splits, tracking_uri: str) -> Champion | None:
    """The champion that a configuration of `study` would replace; `None` where there is none yet.

    Raises `Incomparable` where its classes or its holdout are others, or its configuration cannot be trained here, and
    `ConnectionError` where MLflow does not answer.
    """
    name = registered_name(study, prepared)
    found = registry.present_champion(tracking_uri, name)
    if found is None:
        return None
    version, stated = found
    for key, value in comparison_tags(prepared, splits).items():
        if stated.get(key) != value:
            differs = {tags.CLASSES: "other classes", tags.HOLDOUT: "another holdout"}[key]
            raise Incomparable(
                f"The present champion of {name} has {differs}, so the two cannot be compared. It was promoted by study "
                f"{stated.get(tags.STUDY)}. Register under another name (`registered_model` of the study)."
            )
    trainable = stated.get(tags.TRAINABLE, study.trainable)
    try:
        parameters = configuration(trainable, json.loads(stated.get(tags.PARAMETERS, "null")))
    except (ValueError, TypeError) as error:
        raise Incomparable(
            f"The present champion of {name} (version {version}) cannot be trained again to be compared with: {error}"
        ) from error
    return Champion(name=name, version=version, trainable=trainable, parameters=parameters, tags=stated)


def registered_name(study: Study, prepared: Prepared) -> str:
    """The name that a study's champion gets: a model of drawn faces may not pass for one of the data set they imitate."""
    imitation = prepared.drawn and study.dataset != "drawn_faces"
    return f"{study.registered_model}-drawn" if imitation else study.registered_model


def comparison_tags(prepared: Prepared, splits: Splits) -> dict[str, str]:
    """What two versions of a registered model must agree in to be compared: the classes and the locked clips."""
    locked = sorted(prepared.clip_ids[index] for index in splits.holdout)
    return {
        tags.CLASSES: json.dumps(prepared.classes),
        tags.HOLDOUT: hashlib.sha256("\n".join(locked).encode()).hexdigest()[:16],
    }


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
        tags.DATASET: prepared.name,
        tags.DATASET_FINGERPRINT: prepared.fingerprint,
        tags.GIT_COMMIT: commit,
        tags.VERSION: version(),
        tags.TRAINABLE: study.trainable,
        tags.PARAMETERS: json.dumps(study.effective({**study.settings, **found.parameters}), sort_keys=True),
    }


def configuration_hash(study: Study, parameters: Mapping[str, Any]) -> str:
    """Names what a trial of `study` with `parameters` trains, whichever trial it is: 16 hexadecimal digits."""
    return _hash(study, study.config(parameters))


def earlier_hashes(study: Study, trials: Iterable[Trial]) -> dict[str, str]:
    """Today's hashes of what `trials` train, by those of before what has no effect was left out of them."""
    found = {}
    for trial in trials:
        with contextlib.suppress(ValueError, TypeError):  # what can no longer be trained is not asked about
            config = make_config(study.config_type, {**study.settings, **trial.parameters})
            found[_hash(study, config)] = _hash(study, config.canonical())
    return found


def configuration(trainable: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Every setting of `trainable` that has an effect under `parameters`, defaults included, without the number of classes.

    Raises `ValueError` for a trainable that is not here and for a parameter that it does not take.
    """
    config_type = lookup.load("trainables", trainable, "trainable").Config
    return _without_classes(make_config(config_type, dict(parameters)).effective())


def _hash(study: Study, config: TrainerConfig) -> str:
    named = json.dumps([study.trainable, _without_classes(dataclasses.asdict(config))], sort_keys=True)
    return hashlib.sha256(named.encode()).hexdigest()[:16]


def _without_classes(values: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if key != "num_classes"}
