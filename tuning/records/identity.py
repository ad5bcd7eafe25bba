"""When two trials of one phase are the same work: by what they train, not by how it is written down."""

from __future__ import annotations

from collections.abc import Hashable

from search_spaces.core.study import Study
from trainables.core import lookup
from trainables.core.config import make_config
from tuning.records.ledger import Trial


def identity(study: Study, trial: Trial) -> Hashable:
    """Equal for trials of one phase of `study` that are the same work."""
    return (
        *(trial.of, trial.variant, trial.trainable, configuration_of(study, trial)),
        *(trial.seed, tuple(trial.folds), trial.num_epochs),
    )


def configuration_of(study: Study, trial: Trial) -> Hashable:
    """Equal for trials of `study` that train the same configuration."""
    try:
        if not trial.trainable:
            return study.config(trial.parameters)
        config_type = lookup.load("trainables", trial.trainable, "trainable").Config
        return make_config(config_type, trial.parameters).canonical()
    except (TypeError, ValueError):  # of an earlier version, or bound to fail
        return tuple(sorted(trial.parameters.items()))
