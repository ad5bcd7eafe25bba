"""What a study is, and how it is found by name."""

from __future__ import annotations

import dataclasses
import re
import traceback
from collections.abc import Mapping
from numbers import Integral
from pathlib import Path
from typing import Annotated, Any, Literal

from search_spaces.core.conditions import check_conditions, check_no_circle, joined
from search_spaces.core.designs import Design
from search_spaces.core.prior import Prior, check_prior
from search_spaces.core.values import check_values, plain_fields
from trainables.core import files, lookup
from trainables.core.config import OnlyIf, TrainerConfig, check_keys, make_config, only_if_of, with_effect
from trainables.core.ranges import AtLeast, check_fields
from trainables.core.training.metrics import METRICS, Direction, measured_at, objectives

SMOKE_SUBJECTS = 8  # enough for a holdout and three parts of a fold

Folds = Literal["published", "random_leaky"]
FOLDS: tuple[Folds, ...] = ("published", "random_leaky")

_OF_THE_TABLE: Any = None  # the direction that `METRICS` gives


@dataclasses.dataclass(frozen=True, kw_only=True)
class Objective:
    """One quantity to optimise, by its name in `METRICS`, in the direction that is given there.

    Raises `ValueError` for another direction: no study wants the worst model.
    """

    metric: str
    direction: Direction = _OF_THE_TABLE

    def __post_init__(self) -> None:
        if self.metric not in (known := objectives()):
            raise ValueError(lookup.unknown("objective", self.metric, list(known)))
        better = METRICS[self.metric].direction
        if self.direction not in (better, _OF_THE_TABLE):
            raise ValueError(
                f"The direction of {self.metric} was given as {self.direction!r}; allowed is {better}, which may be left out."
            )
        object.__setattr__(self, "direction", better)


PARETO = (Objective(metric="accuracy"), Objective(metric="train_time_s"), Objective(metric="param_count"))


@dataclasses.dataclass(frozen=True, kw_only=True)
class Study:
    """A search or, with a `design`, an ablation: what is trained, on what, over which parameters, towards which objectives.

    `parameters` maps a key of the trainable's `Config` to a Ray Tune domain; `settings` fixes further keys. An ablation
    has parameters only where its design tunes each variant. `only_if` says of a parameter under which values of others
    alone it exists, `{"shortcut": {"rbg_depth": (1, 2, 3)}}`; elsewhere it is not tried and has its default. What has no
    effect by the trainable's `Config` is not tried either, and need not be repeated. `published` quotes a paper's figures
    by variant or system, in our units (0.981 for 98.1 %). `folds` is `published`, or `random_leaky` for clips dealt at
    random, which puts one person on both sides: such results are marked everywhere and never promoted.
    `first_points` are tried before the searcher's own suggestions. `prior` weighs choices as their author believes in them,
    `{"rbg_depth": {1: 3, 2: 1}}`: it counts less with every trial. `controls` are named changes to a confirmed
    configuration that are trained and scored beside it. `drawing` is what the drawn copy of the data set is made with
    when no data root is given (of a real data set under `--smoke` alone); `smoke` overrides settings for a run of
    seconds. Without `baselines` none is measured before the first trial (docs/decisions/0025). A file's name sets the
    `name` of its study; one that is made in a notebook needs its own.
    """

    name: str = ""
    trainable: str
    dataset: str
    registered_model: str
    parameters: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    only_if: OnlyIf = dataclasses.field(default_factory=dict)
    design: Design | None = None
    settings: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    objectives: tuple[Objective, ...] = PARETO
    num_samples: Annotated[int, AtLeast(1)] = 20
    search_folds: tuple[int, ...] = (0,)
    first_points: tuple[Mapping[str, Any], ...] = ()
    prior: Prior = dataclasses.field(default_factory=dict)
    controls: Mapping[str, Mapping[str, Any]] = dataclasses.field(default_factory=dict)
    drawing: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    smoke: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    published: Mapping[str, Mapping[str, float]] = dataclasses.field(default_factory=dict)
    folds: Folds = "published"
    seed: Annotated[int, AtLeast(0)] = 0
    baselines: bool = True
    is_smoke: bool = False

    def __post_init__(self) -> None:
        check_fields(self)
        for field, value in plain_fields(self).items():
            object.__setattr__(self, field, value)
        if self.name:
            _check_folder(self.name)
        if self.dataset not in (known := lookup.names("trainables.data")):
            raise lookup.UnknownName(lookup.unknown("data set", self.dataset, known))
        config_type = self.config_type
        changes = () if self.design is None else tuple(self.design.variants.values())
        named = (self.parameters, self.only_if, *self.only_if.values(), self.settings, self.smoke)
        for keys in (*named, *self.first_points, *self.controls.values(), *changes):
            check_keys(config_type, keys)  # names the nearest field for a key it does not have
        both = sorted(set(self.parameters) & set(self.settings))
        if both:
            raise ValueError(f"{', '.join(both)}: searched and fixed at once; keep each in `parameters` or `settings`.")
        fixed = [key for key, domain in self.parameters.items() if not callable(getattr(domain, "sample", None))]
        if fixed:
            raise ValueError(f"{', '.join(fixed)}: no domain to search, such as tune.choice; fix it in `settings`.")
        check_conditions(self.only_if, self.parameters, {key for one in changes for key in one})
        check_no_circle(self.exists_only_if)
        check_values(self)
        check_prior(self.prior, self.parameters)
        if not self.objectives:
            raise ValueError("A study needs at least one objective.")
        _check_folds(self.search_folds)
        if self.folds not in FOLDS:
            raise lookup.UnknownName(lookup.unknown("way to cut folds", self.folds, list(FOLDS)))
        for metric in (metric for figures in self.published.values() for metric in figures):
            if metric not in (known := [*objectives(), *measured_at("source")]):
                raise lookup.UnknownName(lookup.unknown("published quantity", metric, known))
        if self.design is None:
            if not self.parameters:
                raise ValueError("A study needs `parameters` to search, or a `design` of variants to compare.")
        else:
            _check_design(self, self.design)

    @property
    def config_type(self) -> type[TrainerConfig]:
        """The `Config` of the study's trainable."""
        return lookup.load("trainables", self.trainable, "trainable").Config

    @property
    def defaults(self) -> dict[str, Any]:
        """What a key is where neither the study nor a trial says."""
        return dataclasses.asdict(self.config_type())

    @property
    def exists_only_if(self) -> OnlyIf:
        """Under which values of others alone a key exists: by the trainable's `Config` and by this study."""
        return joined(only_if_of(self.config_type), self.only_if)

    def config(self, parameters: Mapping[str, Any]) -> TrainerConfig:
        """What a trial with `parameters` trains, in canonical form: equal ones train the same.

        Raises `ValueError` for a key that the trainable does not have and a value that it does not allow.
        """
        return make_config(self.config_type, {**self.settings, **parameters}).canonical()

    def effective(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Those of `parameters` that have an effect in a trial of this study."""
        values = {**self.defaults, **self.settings, **parameters}
        return with_effect(parameters, values, only_if_of(self.config_type))

    def space(self) -> dict[str, str]:
        """The searched parameters in words: the domain of each, and where alone it exists."""
        found = {}
        for key, domain in self.parameters.items():
            needs = (f"{other} {', '.join(map(str, values))}" for other, values in self.only_if.get(key, {}).items())
            where = " and ".join(needs)
            found[key] = f"{getattr(domain, 'domain_str', domain)}{f' where {where}' if where else ''}"
        return found

    def effects(self) -> dict[str, Any]:
        """What `effective` knows beside the settings, as plain values that a ledger remembers."""
        only_if = only_if_of(self.config_type)
        needed = {other for needs in only_if.values() for other in needs}
        return {
            "only_if": {
                key: {other: list(values) for other, values in needs.items()} for key, needs in only_if.items()
            },
            "defaults": {key: value for key, value in self.defaults.items() if key in needed},
        }

    def facts(self) -> dict[str, Any]:
        """What a ledger remembers of it beside its space and its settings, as plain values."""
        return {
            "registered_model": self.registered_model,
            "objectives": [[objective.metric, objective.direction] for objective in self.objectives],
            "design": self.design.facts() if self.design else None,
            "published": {name: dict(figures) for name, figures in self.published.items()},
            "effects": self.effects(),
        }

    def smoked(self) -> Study:
        """The same study in seconds, under a name of its own: nothing of it mixes with the real one.

        Two search trials, or all variants of an ablation, each with what it changes of the smoke settings. A drawing has
        `SMOKE_SUBJECTS` people at most.
        """
        design, drawing = self.design, dict(self.drawing)
        if "num_subjects" in drawing:
            drawing["num_subjects"] = min(drawing["num_subjects"], SMOKE_SUBJECTS)
        if design is not None:
            design = dataclasses.replace(design, tune_each=min(design.tune_each, 1))
        return dataclasses.replace(
            self,
            design=design,
            drawing=drawing,
            num_samples=min(self.num_samples, 2),
            is_smoke=True,
            name=f"{self.name}-smoke" if self.name else "",
            registered_model=f"{self.registered_model}-smoke",
            settings={**self.settings, **self.smoke},
            smoke={},
        )


def as_study(given: str | Study, *, smoke: bool = False) -> Study:
    """The study that is `given`, by name or as an object; with `smoke` its run of seconds.

    Raises `ValueError` for an object without a name, and what `load_study` raises for a name.
    """
    study = load_study(given) if isinstance(given, str) else given
    if not study.name:
        raise ValueError(
            f"This study of {study.trainable} has no name. Give it one, such as Study(name='smiles', ...)."
        )
    return study.smoked() if smoke else study


def load_study(name: str) -> Study:
    """The study of file `search_spaces/<name>.py`.

    Raises `UnknownName` where there is no such file and `ValueError` where it cannot be loaded.
    """
    try:
        module = lookup.load("search_spaces", name, "study")
    except lookup.UnknownName:
        raise
    except Exception as error:  # a file that somebody is writing raises whatever Python has
        raise ValueError(f"search_spaces/{name}.py cannot be loaded: {_said(error, name)}") from error
    study = getattr(module, "STUDY", None)
    if not isinstance(study, Study):
        raise ValueError(f"search_spaces/{name}.py defines no `STUDY = Study(...)`; demo.py is an example.")
    return dataclasses.replace(study, name=name)


def _check_folder(name: str) -> None:
    """Raises `ValueError` for a name that cannot be that of a study's folder in a home."""
    taken = (files.PREPARED, files.DRAWN, files.ARTIFACTS, files.DATABASE, files.KEPT_TRAININGS)
    if not re.fullmatch(r"[^-./\\\s][^/\\\n]*", name) or name in taken:
        raise ValueError(
            f"The study's name was given as {name!r}. No `/` or `\\` is allowed in it, no `.` or `-` at "
            f"its start, and none of {', '.join(taken)}, which a home has already."
        )


def _check_folds(folds: Any) -> None:
    """Raises `ValueError` for what are no folds to search on."""
    numbers = folds if isinstance(folds, tuple | list) else ()
    if (
        not numbers
        or len(set(numbers)) < len(numbers)
        or not all(isinstance(one, Integral) and one >= 0 for one in numbers)
    ):
        raise ValueError(
            f"search_folds was given as {folds!r}; whole numbers of at least 0, each once, are allowed, such as (0,)."
        )


def _said(error: Exception, name: str) -> str:
    """What is wrong in the file of study `name`, and in which line of it."""
    if isinstance(error, SyntaxError):
        return f"line {error.lineno}: {error.msg} ({type(error).__name__})."
    file = f"{name}.py"
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if Path(frame.filename).name == file]
    where = f"line {lines[-1]}: " if lines else ""
    message = str(error) if isinstance(error, ValueError) else f"{type(error).__name__}: {error}"
    return f"{where}{message}"


def _check_design(study: Study, design: Design) -> None:
    """Raises `ValueError` for a design that cannot run: what is searched, changed and quoted must fit together."""
    if study.parameters and not design.tune_each:
        raise ValueError(
            f"{', '.join(study.parameters)}: an ablation searches its `parameters` only where its design says for how many "
            "trials (`tune_each=N`); else fix them in `settings`."
        )
    if design.tune_each and not study.parameters:
        raise ValueError(f"tune_each={design.tune_each} needs `parameters` to search; none are given.")
    both = sorted({key for changes in design.variants.values() for key in changes} & set(study.parameters))
    if both:
        raise ValueError(f"{', '.join(both)}: searched, and changed by a variant, at once; keep one of the two.")
    unknown = [name for name in study.published if name not in design.variants]
    if unknown:
        raise lookup.UnknownName(lookup.unknown("variant to quote figures for", unknown[0], list(design.variants)))
    seen: dict[TrainerConfig, str] = {}
    for name, changes in design.variants.items():
        config = study.config(changes)
        if config in seen:
            raise ValueError(
                f"The variants {seen[config]!r} and {name!r} train the same: their settings do not differ in anything that "
                "has an effect."
            )
        seen[config] = name
