"""What a study is, and how it is found by name."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, Literal

from trainables.core import lookup
from trainables.core.config import check_keys

# What a trial measures at its chosen epoch, and so what a study can optimise.
METRICS = (
    "accuracy",
    "uar",
    "f1_macro",
    "train_time_s",
    "wall_time_s",
    "param_count",
    "weights_mb",
    "latency_ms",
    "train_flops",
    "epochs_to_90",
    "generalisation_gap",
)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Objective:
    """One quantity to optimise, by the name under which the trainer reports it."""

    metric: str
    direction: Literal["max", "min"]

    def __post_init__(self) -> None:
        if self.metric not in METRICS:
            raise ValueError(lookup.unknown("objective", self.metric, list(METRICS)))
        if self.direction not in ("max", "min"):
            raise ValueError(
                f"The direction of {self.metric} was given as {self.direction!r}; allowed are max and min."
            )


PARETO = (
    Objective(metric="accuracy", direction="max"),
    Objective(metric="train_time_s", direction="min"),
    Objective(metric="param_count", direction="min"),
)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Study:
    """One search: what is trained, on what, over which parameters, towards which objectives.

    `parameters` maps a key of the trainable's `Config` to a Ray Tune domain; `settings` fixes further keys.
    `first_points` are tried before the searcher's own suggestions. `controls` are named changes to a confirmed
    configuration that are trained and scored beside it. `drawing` is what the drawn copy of the data set is made with
    when no data root is given; `smoke` overrides settings for a run of seconds.
    """

    name: str = ""
    trainable: str
    dataset: str
    registered_model: str
    parameters: Mapping[str, Any]
    settings: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    objectives: tuple[Objective, ...] = PARETO
    num_samples: int = 20
    search_folds: tuple[int, ...] = (0,)
    first_points: tuple[Mapping[str, Any], ...] = ()
    controls: Mapping[str, Mapping[str, Any]] = dataclasses.field(default_factory=dict)
    drawing: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    smoke: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    seed: int = 0

    def __post_init__(self) -> None:
        if self.dataset not in (known := lookup.names("trainables.data")):
            raise lookup.UnknownName(lookup.unknown("data set", self.dataset, known))
        config_type = lookup.load("trainables", self.trainable, "trainable").Config
        for keys in (self.parameters, self.settings, self.smoke, *self.first_points, *self.controls.values()):
            check_keys(config_type, keys)  # names the nearest field for a key it does not have
        both = sorted(set(self.parameters) & set(self.settings))
        if both:
            raise ValueError(f"{', '.join(both)}: searched and fixed at once; keep each in `parameters` or `settings`.")
        fixed = [key for key, domain in self.parameters.items() if not callable(getattr(domain, "sample", None))]
        if fixed:
            raise ValueError(f"{', '.join(fixed)}: no domain to search, such as tune.choice; fix it in `settings`.")
        if not self.objectives:
            raise ValueError("A study needs at least one objective.")
        if not self.search_folds:
            raise ValueError("A study needs at least one fold to search on; the default is `search_folds=(0,)`.")

    def smoked(self) -> Study:
        """The same study in seconds, under a name of its own: nothing of it mixes with the real one."""
        return dataclasses.replace(
            self,
            name=f"{self.name}-smoke",
            registered_model=f"{self.registered_model}-smoke",
            settings={**self.settings, **self.smoke},
            smoke={},
        )


def load_study(name: str) -> Study:
    """The study of file `search_spaces/<name>.py`.

    Raises `UnknownName` where there is no such file and `ValueError` where it cannot be loaded.
    """
    module = lookup.load("search_spaces", name, "study")
    return dataclasses.replace(module.STUDY, name=name)
