"""The configurations of a study that take the most and the least of something."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from search_spaces.core.study import Study
from search_spaces.core.values import ends
from trainables.core.config import TrainerConfig, has_effect


def extremes(study: Study, size: Callable[[TrainerConfig], float]) -> tuple[TrainerConfig, TrainerConfig]:
    """The configurations of `study` of the least and of the largest `size`.

    Of a search each parameter is taken to its best end, one after the other and twice over, beside those that were before:
    exact where no parameter changes the sign of another's effect. Raises `ValueError` where no configuration of the study
    can be made.
    """
    variants = [{}] if study.design is None else list(study.design.variants.values())
    found = [
        config
        for change in variants
        for most in (False, True)
        if (config := _extreme(study, change, size, most=most)) is not None
    ]
    if not found:
        raise ValueError(f"Study {study.name} has no values that can be trained together.")
    return min(found, key=size), max(found, key=size)


def least_of_each(study: Study, size: Callable[[TrainerConfig], float]) -> dict[str, TrainerConfig]:
    """By variant of `study` the configuration of the least `size` that it may have; of a search the one of `""`."""
    variants = {"": {}} if study.design is None else study.design.variants
    found = {name: _extreme(study, change, size, most=False) for name, change in variants.items()}
    return {name: config for name, config in found.items() if config is not None}


def _extreme(
    study: Study, change: Mapping[str, Any], size: Callable[[TrainerConfig], float], *, most: bool
) -> TrainerConfig | None:
    choices = {key: found for key, domain in study.parameters.items() if key not in change and (found := ends(domain))}
    chosen = {key: values[0] for key, values in choices.items()}
    best = _sized(study, {**chosen, **change}, size)
    for key, values in 2 * list(choices.items()):  # one may wake another
        for value in values:
            tried = _sized(study, {**chosen, key: value, **change}, size)
            if tried is not None and (best is None or (tried[0] > best[0] if most else tried[0] < best[0])):
                best, chosen = tried, {**chosen, key: value}
    return best and best[1]


def _sized(
    study: Study, given: Mapping[str, Any], size: Callable[[TrainerConfig], float]
) -> tuple[float, TrainerConfig] | None:
    """`None` where the values cannot be trained together."""
    beside = {**study.defaults, **study.settings, **given}
    exist = {key: value for key, value in given.items() if has_effect(key, beside, study.exists_only_if)}
    try:
        config = study.config(exist)
    except ValueError:
        return None
    return size(config), config
