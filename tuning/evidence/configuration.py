"""What a configuration is, whole, and what it is called: the same after fields were added, and where today refuses it."""

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
from tuning.records.ledger import Trial

# The fields of `TrainerConfig` (`""`) and of the trainables when ledgers began to name configurations. One that was added
# since is part of the name only where it is not at its default, which switches it off: so a name stays what it was.
_FIRST_FIELDS = {
    "": {
        *("num_frames", "image_size", "frame_selection", "redundancy_threshold", "epochs", "batch_size", "batch_by"),
        *("optimizer", "lr", "weight_decay", "warmup_epochs", "label_smoothing", "gradient_clip", "masking_rate"),
        *(
            "augmentation",
            "flip",
            "max_rotation_deg",
            "max_shift",
            "max_zoom",
            "max_brightness",
            "max_drift",
            "precision",
        ),
    },
    "deep_residual_attention": {"backbone", "attention", "mlp_hidden", "dropout", "weights"},
    "res_rbg": {
        *(
            "backbone",
            "attention",
            "temporal",
            "recurrent",
            "rbg_depth",
            "gru_hidden",
            "shortcut",
            "dropout",
            "weights",
        ),
    },
    "static_cnn": {"architecture", "input_size", "weights"},
    "tdrag": {
        *("attention", "temporal", "gru_hidden", "gru_layers", "temporal_halvings", "width", "dropout", "weights"),
    },
}


def configuration(trainable: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Every setting of `trainable` that has an effect under `parameters`, defaults included, without the number of classes.

    Raises `ValueError` for a trainable that is not here, for a parameter that it does not take and for a value that it
    refuses.
    """
    config_type = lookup.load("trainables", trainable, "trainable").Config
    return _without_classes(make_config(config_type, dict(parameters)).effective())


def configuration_hash(study: Study, parameters: Mapping[str, Any]) -> str:
    """Names what a trial of `study` with `parameters` trains, whichever trial it is: 16 hexadecimal digits."""
    try:
        return _hash(study, study.config(parameters))
    except (TypeError, ValueError):  # of an earlier version, which today refuses
        return _digest(study, {**study.settings, **parameters})


def earlier_hashes(study: Study, trials: Iterable[Trial]) -> dict[str, str]:
    """Today's hashes of what `trials` train, by those of before what has no effect was left out of them."""
    found = {}
    for trial in trials:
        with contextlib.suppress(ValueError, TypeError):  # what can no longer be trained is not asked about
            config = make_config(study.config_type, {**study.settings, **trial.parameters})
            found[_hash(study, config)] = _hash(study, config.canonical())
    return found


def _hash(study: Study, config: TrainerConfig) -> str:
    own = {field.name for field in dataclasses.fields(config)} - {one.name for one in dataclasses.fields(TrainerConfig)}
    first = _FIRST_FIELDS[""] | _FIRST_FIELDS.get(study.trainable, own)
    values = {
        field.name: getattr(config, field.name)
        for field in dataclasses.fields(config)
        if field.name in first or getattr(config, field.name) != field.default
    }
    return _digest(study, values)


def _digest(study: Study, values: dict[str, Any]) -> str:
    named = json.dumps([study.trainable, _without_classes(values)], sort_keys=True)
    return hashlib.sha256(named.encode()).hexdigest()[:16]


def _without_classes(values: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if key != "num_classes"}
