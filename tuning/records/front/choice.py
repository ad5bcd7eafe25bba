"""Choosing among the trials of a search: the exact front, its members by probability, and the one to recommend."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from search_spaces.core.preference import SIZE, preference_of
from search_spaces.core.study import Study
from trainables.core.training.metrics import METRICS
from tuning.records.front.noise import noises_of
from tuning.records.ledger import Ledger, Trial, objective_values
from tuning.statistics import selection

_LEAST_SHARE = 0.005  # of the draws: what is chosen less often is not kept


@dataclasses.dataclass(frozen=True, kw_only=True)
class Chosen:
    """What was chosen among trials.

    `front` is exact: what no other dominates as measured. `front_probability` is by trial, `members` are those that are on the
    front in one draw of five or more, the recommended one among them. `sureness` is by trial the share of the draws in which
    the preference takes it. `unmet` says that no trial keeps to the limits of the preference.
    """

    front: tuple[str, ...] = ()
    members: tuple[str, ...] = ()
    recommended: str | None = None
    front_probability: dict[str, float] = dataclasses.field(default_factory=dict)
    sureness: dict[str, float] = dataclasses.field(default_factory=dict)
    prefer: str = "knee"
    unmet: str = ""

    def facts(self) -> dict[str, Any]:
        """What the ledger keeps of it."""
        return json_ready(dataclasses.asdict(self))


def json_ready(facts: dict[str, Any]) -> dict[str, Any]:
    """Lists for tuples, as a ledger that was read again has them."""
    return {key: list(value) if isinstance(value, tuple) else value for key, value in facts.items()}


def choose(study: Study, ledger: Ledger, trials: Sequence[Trial], num_clips: int) -> Chosen:
    """Choose among finished `trials` of `study`; empty where no objective is finite.

    `num_clips` is the number of clips that the objectives were measured on. The preference is the one that the ledger keeps.
    """
    asked = _asked(study, ledger, num_clips)
    found = selection.choose(
        [objective_values(trial, asked.metrics) for trial in trials],
        asked.directions,
        num_objectives=len(study.objectives),
        noises=noises_of(ledger, trials, asked.metrics, num_clips),
        rule=asked.rule,
        seed=study.seed,
    )
    names = [trial.trial_id for trial in trials]
    shares = {names[row]: round(float(share), 4) for row, share in enumerate(found.chosen_in) if share >= _LEAST_SHARE}
    return Chosen(
        front=tuple(names[row] for row in found.front),
        members=tuple(names[row] for row in found.members),
        recommended=None if found.recommended is None else names[found.recommended],
        front_probability={
            name: round(float(share), 4) for name, share in zip(names, found.probability, strict=True) if share == share
        },
        sureness=dict(sorted(shares.items(), key=lambda one: -one[1])),
        prefer=asked.words,
        unmet="" if found.met else f"No trial keeps to {asked.words}; the one that exceeds it least is recommended.",
    )


def taken(study: Study, ledger: Ledger, values: Mapping[str, Mapping[str, float]], num_clips: int) -> str:
    """Whom the preference of `ledger` takes among `values`: by name the metrics of each, measured on `num_clips` clips.

    Who lacks an objective comes last. Of those that are as good, the first.
    """
    asked = _asked(study, ledger, num_clips)
    table = {name: [found.get(metric, math.nan) for metric in asked.metrics] for name, found in values.items()}
    names = [name for name, row in table.items() if all(map(math.isfinite, row))] or list(table)[:1]
    rows, rule = np.array([table[name] for name in names]), asked.rule
    if not rule.kept_to(rows).any():
        rule = dataclasses.replace(rule, exceeded=True)
    if len(names) == 1:
        return names[0]
    return names[selection.preferred(rows, asked.directions, rule, len(study.objectives))]


def within_limits(study: Study, ledger: Ledger, values: Mapping[str, Mapping[str, float]]) -> list[str]:
    """Who of `values`, as `taken` has them, keeps to the limits of the preference of `ledger`; all where it states none."""
    asked = _asked(study, ledger, 1)
    rows = {name: np.array([found.get(metric, math.nan) for metric in asked.metrics]) for name, found in values.items()}
    return [name for name, row in rows.items() if asked.rule.kept_to(row)]


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Asked:
    """The preference of a study as a rule on a table, whose columns are `metrics`, the objectives first; `words` state it."""

    words: str
    metrics: list[str]
    directions: list[Any]
    rule: selection.Rule


def _asked(study: Study, ledger: Ledger, num_clips: int) -> _Asked:
    prefer = preference_of(ledger.study.get("prefer"))
    objectives = [objective.metric for objective in study.objectives]
    metrics = [*objectives, *(metric for metric in prefer.metrics if metric not in objectives)]
    weights = dict(prefer.weights)
    rule = selection.Rule(
        kind=prefer.kind,
        num_clips=num_clips if METRICS[metrics[0]].share_of_clips else None,
        size=metrics.index(SIZE) if prefer.kind == "small" else None,
        limits=tuple((metrics.index(limit.metric), limit.sign, limit.value) for limit in prefer.limits),
        weights=tuple(weights.get(metric, 0.0) for metric in metrics),
    )
    directions: list[Any] = [METRICS[metric].direction for metric in metrics]
    return _Asked(words=prefer.words, metrics=metrics, directions=directions, rule=rule)
