"""What the trials of a study start from: every file of weights is read once, and fits, before the first of them begins."""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
from collections.abc import Collection, Generator
from typing import Any

from search_spaces.core.study import Study
from search_spaces.core.values import ends
from trainables.core import lookup
from trainables.core.config import TrainerConfig, has_effect
from trainables.core.starting import Loaded, what_is_loaded

# The fields that decide which file is read, and whether it fits.
DECIDING = ("weights", "backbone", "architecture", "width")
_MOST = 1000  # configurations that are looked at


def starting_weights(study: Study) -> list[Loaded]:
    """What is loaded into the networks of `study`, once for each file and backbone; empty where all start from nothing.

    Raises `ValueError` for a file that is not there, or that misfits, for any network that a trial may ask for.
    """
    build_model = lookup.load("trainables", study.trainable, "trainable").build_model
    found: dict[tuple[Any, ...], Loaded] = {}
    for config in configs(study, DECIDING):
        key = tuple(getattr(config, field, None) for field in DECIDING)
        if getattr(config, "weights", "none") == "none" or key in found:
            continue
        if loaded := what_is_loaded(build_model, config):
            found[key] = loaded
    return list(found.values())


def first_parameters(study: Study) -> dict[str, Any]:
    """All fields of the first configuration that starts from weights, else of the first one; empty where none is found.

    What is searched and decides nothing is at its default, or where this goes with no settings of the study at an end.
    """
    others = [key for key in study.parameters if key not in DECIDING]
    for fields in (DECIDING, (*others, *DECIDING)):
        found = list(itertools.islice(configs(study, fields), _MOST))
        if found:
            return dataclasses.asdict(
                next((one for one in found if getattr(one, "weights", "none") != "none"), found[0])
            )
    return {}


def configs(study: Study, fields: Collection[str]) -> Generator[TrainerConfig]:
    """One for each way in which `fields` may come together in a trial of `study`."""
    beside, only_if = {**study.defaults, **study.settings}, study.exists_only_if
    choices = {key: ends(study.parameters[key]) for key in fields if key in study.parameters}
    variants = [{}] if study.design is None else list(study.design.variants.values())
    for change, chosen in itertools.product(
        [*variants, *study.controls.values()], itertools.product(*choices.values())
    ):
        given = {**dict(zip(choices, chosen, strict=True)), **change}
        exists = {key: value for key, value in given.items() if has_effect(key, {**beside, **given}, only_if)}
        with contextlib.suppress(ValueError):  # a control need not go with every value that is searched
            yield study.config(exists)
