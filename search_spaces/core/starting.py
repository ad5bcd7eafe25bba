"""What the trials of a study start from: every file of weights is read once, and fits, before the first of them begins."""

from __future__ import annotations

import itertools
from collections.abc import Generator
from typing import Any

import torch

from search_spaces.core.study import Study
from trainables.core import lookup
from trainables.core.config import TrainerConfig
from trainables.models.published import Loaded, loaded_into

# The fields that decide which file is read, and whether it fits.
_DECIDING = ("weights", "backbone", "architecture", "width")


def starting_weights(study: Study) -> list[Loaded]:
    """What is loaded into the networks of `study`, once for each file and backbone; empty where all start from nothing.

    Raises `ValueError` for a file that is not there, or that misfits, for any network that a trial may ask for.
    """
    build_model = lookup.load("trainables", study.trainable, "trainable").build_model
    found: dict[tuple[Any, ...], Loaded] = {}
    for config in _configs(study):
        key = tuple(getattr(config, field, None) for field in _DECIDING)
        if getattr(config, "weights", "none") == "none" or key in found:
            continue
        with torch.random.fork_rng(devices=[]):
            loaded = loaded_into(build_model(config))
        if loaded:
            found[key] = loaded
    return list(found.values())


def _configs(study: Study) -> Generator[TrainerConfig]:
    """One for each way in which the deciding fields may come together."""
    choices = {key: study.parameters[key] for key in _DECIDING if key in study.parameters}
    values = [getattr(domain, "categories", None) or [domain.sample(random_state=0)] for domain in choices.values()]
    changes = [{}] if study.design is None else list(study.design.variants.values())
    for change, chosen in itertools.product([*changes, *study.controls.values()], itertools.product(*values)):
        try:
            config = study.config({**dict(zip(choices, chosen, strict=True)), **change})
        except ValueError:  # values that do not go together are never trained together
            continue
        yield config
