"""Selection from a search's table: the front, how probable each member is, the one to recommend, and how sure that is."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from tuning.statistics import pareto
from tuning.statistics.front_probability import REAL_MEMBER, Noise, draw, draws_for, front_probability


@dataclasses.dataclass(frozen=True, kw_only=True)
class Rule:
    """Which member to recommend, of a table whose first columns are the objectives.

    `knee` and `small` (the least of column `size`) choose among those whose first objective, where it is a rate on `num_clips`
    clips, is within one standard error of the best (Breiman's rule): a network that is cheap because it guesses is never
    recommended. `accuracy` takes the best first objective; `limits`, each a column, a sign and a value, the best of those that
    keep to them; `weights` `(C,)` the largest sum of the columns scaled from 0, their worst, to 1, their best.
    """

    kind: Literal["knee", "accuracy", "small", "limits", "weights"] = "knee"
    num_clips: int | None = None
    size: int | None = None
    limits: tuple[tuple[int, Literal["<=", ">="], float], ...] = ()
    weights: tuple[float, ...] = ()
    exceeded: bool = False  # no row keeps to the limits: the one that exceeds them least is taken

    def kept_to(self, values: np.ndarray) -> np.ndarray:
        """Which rows of `values` `(..., C)` keep to the limits; all of them where there are none."""
        kept = np.ones(values.shape[:-1], dtype=bool)
        for column, sign, value in self.limits:
            kept &= values[..., column] <= value if sign == "<=" else values[..., column] >= value
        return kept


@dataclasses.dataclass(frozen=True, kw_only=True)
class Choice:
    """What was chosen among N trials, by row.

    `front` is the exact front of the measured values. `probability` `(N,)` is that of being on the front of the true ones, NaN
    where a value is not finite; `members` are those that may be recommended. `chosen_in` `(N,)` is the share of the draws in
    which the rule takes a row among all, so that of `recommended` says how sure it is. `met` is false where no row keeps to
    the limits.
    """

    front: np.ndarray
    probability: np.ndarray
    members: np.ndarray
    recommended: int | None
    chosen_in: np.ndarray
    met: bool = True


def choose(
    values: ArrayLike,
    directions: Sequence[pareto.Direction],
    *,
    num_objectives: int,
    noises: Sequence[Noise | None],
    rule: Rule,
    seed: int = 0,
) -> Choice:
    """Choose by `rule` among the rows of `values` `(N, C)`: the first `num_objectives` columns span the front.

    Members are on it in `REAL_MEMBER` of the draws or more; with limits, on the front of those that keep to them. Where
    nothing is so often, the exact front stands for them. Where nothing keeps to the limits as measured, the limits say
    nothing of who is a member, and the row is taken that exceeds them least.
    """
    table = np.asarray(values, dtype=float)
    finite = np.flatnonzero(np.isfinite(table).all(axis=1))
    objectives, probability, chosen_in = slice(num_objectives), np.full(len(table), np.nan), np.zeros(len(table))
    front = np.flatnonzero(pareto.non_dominated(table[:, objectives], directions[objectives]))
    if not finite.size:
        return Choice(front=front, probability=probability, members=front, recommended=None, chosen_in=chosen_in)
    kept = [_of_rows(noise, finite) for noise in noises]
    draws = draw(table[finite], kept, num_draws=draws_for(len(finite)), seed=seed)
    probability[finite] = front_probability(draws[:, :, objectives], directions[objectives])
    met = bool(rule.kept_to(draws[0]).any())
    rule = rule if met else dataclasses.replace(rule, exceeded=True)
    candidates = _candidates(draws[:, :, objectives], directions[objectives], rule.kept_to(draws) | rule.exceeded)
    recommended = int(finite[candidates[preferred(draws[0][candidates], directions, rule, num_objectives)]])
    taken = [preferred(one, directions, rule, num_objectives) for one in draws]
    chosen_in[finite] = np.bincount(taken, minlength=len(finite)) / len(draws)
    return Choice(
        front=front,
        probability=probability,
        members=finite[candidates],
        recommended=recommended,
        chosen_in=chosen_in,
        met=met,
    )


def preferred(values: np.ndarray, directions: Sequence[pareto.Direction], rule: Rule, num_objectives: int) -> int:
    """The row of `values` `(K, C)` that `rule` takes; equal ones go to the better first objective, the next, the earlier."""
    signs = np.array([-1.0 if direction == "max" else 1.0 for direction in directions])
    costs = values * signs
    if rule.kind == "knee":
        floor = None if rule.num_clips is None else _floor(values, directions, rule.num_clips)
        return pareto.knee(values[:, :num_objectives], directions[:num_objectives], floor=floor)
    key = np.zeros(len(values))
    if rule.kind == "small":
        assert rule.size is not None
        key = costs[:, rule.size].copy()
        if rule.num_clips is not None:
            key[costs[:, 0] > _floor(values, directions, rule.num_clips) * signs[0]] = np.inf
    elif rule.kind == "weights":
        span = np.ptp(costs, axis=0)
        key = (costs - costs.min(axis=0)) / np.where(span > 0, span, 1.0) @ np.array(rule.weights)
    elif rule.kind == "limits":
        key = _excess(values, rule) if rule.exceeded else np.where(rule.kept_to(values), 0.0, np.inf)
    order = np.lexsort((*costs[:, :num_objectives].T[::-1], key))  # the last key is the first
    return int(order[0])


def _candidates(draws: np.ndarray, directions: Sequence[pareto.Direction], allowed: np.ndarray) -> np.ndarray:
    """The rows of `draws` `(R, N, M)` to choose among: often on the front of those `allowed` `(R, N)` in a draw.

    One at least of those that are on it as measured, in the first draw, is among them.
    """
    within = np.where(allowed[:, :, np.newaxis], draws, np.nan)
    likely = front_probability(within, directions) >= REAL_MEMBER
    measured = pareto.non_dominated(within[0], directions)
    return np.flatnonzero(likely if (likely & measured).any() else likely | measured)


def _floor(values: np.ndarray, directions: Sequence[pareto.Direction], num_clips: int) -> float:
    best = values[:, 0].max() if directions[0] == "max" else values[:, 0].min()
    return pareto.one_standard_error_below(float(np.clip(best, 0.0, 1.0)), num_clips)


def _excess(values: np.ndarray, rule: Rule) -> np.ndarray:
    """By how much each row exceeds the limits, each as a share of the limit, `(K,)`."""
    found = np.zeros(len(values))
    for column, sign, value in rule.limits:
        over = values[:, column] - value if sign == "<=" else value - values[:, column]
        found += np.maximum(over, 0.0) / (abs(value) or 1.0)
    return found


def _of_rows(noise: Noise | None, rows: np.ndarray) -> Noise | None:
    if noise is None:
        return None
    return Noise(own=noise.own[rows], by_people=None if noise.by_people is None else noise.by_people[rows])
