"""What a search tries first: the points of its study, then what the source of its network and its presets say."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from search_spaces.core.study import Study
from trainables.core import lookup
from tuning.execution.search.space import Space


def first_points(study: Study, space: Space, num_samples: int) -> list[dict[str, Any]]:
    """In order, each once. Where the study names none: the defaults, which are the paper's values, then the presets.

    Of the defaults and of a preset that fits the study's settings those values that the space has; what is open is chosen by
    the searcher. They are a third of `num_samples` trials at most.
    """
    if study.first_points:
        return [dict(point) for point in study.first_points]
    module = lookup.load("trainables", study.trainable, "trainable")
    presets: Mapping[str, Mapping[str, Any]] = getattr(module, "PRESETS", {})
    fitting = [preset for preset in presets.values() if _agrees(study, preset)]
    found: list[dict[str, Any]] = []
    for settings in (study.defaults, *({**study.defaults, **preset} for preset in fitting)):
        point = {key: settings[key] for key in space.distributions if space.has(key, settings[key])}
        if point and point not in found:
            found.append(point)
    return found[: max(num_samples // 3, 1)]


def _agrees(study: Study, preset: Mapping[str, Any]) -> bool:
    """Whether the study fixes nothing otherwise than `preset`."""
    return all(study.settings.get(key, value) == value for key, value in preset.items())
