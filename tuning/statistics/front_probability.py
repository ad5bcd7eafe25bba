"""How probable it is that a trial belongs on the front, where what was measured varies by people, by seed and by clock.

A draw is what the trials may truly have: `(N, M)`, N trials by M quantities. The people of all rates are resampled
together, as all trials answered the same clips; what is a trial's own (its seed, its clock) is normal. Rates lie around
what was measured, shrunk towards the mean of the search (docs/decisions/0028): the best of many looks better than it is.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import moocore
import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from tuning.statistics.intervals import wilson
from tuning.statistics.pareto import Direction, non_dominated

NUM_DRAWS = 2000  # a probability of 20 % has a standard error of 0.9 points
MOST_DRAWN = 2_000_000  # trials times draws: of very many trials fewer draws are made, a quarter of them at least
REAL_MEMBER = 0.20  # from this probability on a trial is taken for a member of the front
LEVELS = (5, 50, 95)  # of attainment surfaces, in % of the draws
_ONE_SD = 0.6827  # the confidence of one standard deviation to both sides


@dataclasses.dataclass(frozen=True, kw_only=True)
class Noise:
    """What the values `(N,)` of one quantity vary by.

    `by_people` `(N, P)` is what each of P groups of people adds to a rate where it is drawn once more (`influences`);
    `None` for what is no rate. `own` `(N,)` is the standard deviation of what a trial has by itself.
    """

    own: np.ndarray
    by_people: np.ndarray | None = None


def influences(without: ArrayLike) -> np.ndarray:
    """What each group of people adds to a rate, `(N, P)`, from the rate `without` each of them, `(N, P)`.

    The jackknife's: over resampled groups their sum has its variance (Efron and Tibshirani, An Introduction to the
    Bootstrap, 1993, chapter 11); for the accuracy on equally many clips of each group it is the bootstrap itself.
    """
    left = np.asarray(without, dtype=float)
    groups = left.shape[1]
    return np.sqrt((groups - 1) / groups) * (left.mean(axis=1, keepdims=True) - left)


def of_clips(rates: ArrayLike, num_clips: float) -> np.ndarray:
    """The standard deviation of `rates` `(N,)` on as many independent clips: half of Wilson's interval for one."""
    limits = [wilson(float(np.clip(rate, 0.0, 1.0)), num_clips, _ONE_SD) for rate in np.asarray(rates, dtype=float)]
    return np.array([(high - low) / 2 for low, high in limits])


def shares_left(rates: np.ndarray, noise: Noise, num_draws: int, rng: np.random.Generator) -> np.ndarray:
    """What of the differences between measured `rates` `(N,)` is true ones, drawn from what they tell of it: `(num_draws,)`.

    Their variance is that of true differences and of noise, and known no better than N rates tell it: the posterior by
    Jeffreys' prior, cut where noise would explain more than all (Box and Tiao, Bayesian Inference in Statistical
    Analysis, 1973, section 5.2). Trials that failed to learn make it large, and then nearly all is left. Two trials say
    nothing of how much trials differ, and keep all.
    """
    assert noise.by_people is not None
    if len(rates) < 3:
        return np.ones(num_draws)
    apart = noise.by_people - noise.by_people.mean(axis=0)
    degrees = len(rates) - 1
    explained = float((apart**2).sum()) / degrees + float((noise.own**2).mean())
    squares = degrees * float(rates.var(ddof=1))
    if explained == 0:
        return np.ones(num_draws)
    most = squares / explained
    if most == 0:
        return np.zeros(num_draws)
    drawn = stats.chi2.ppf(rng.uniform(0, stats.chi2.cdf(most, degrees), num_draws), degrees)
    return np.clip(1 - drawn / most, 0.0, 1.0)


def draw(values: ArrayLike, noises: Sequence[Noise | None], *, num_draws: int = NUM_DRAWS, seed: int = 0) -> np.ndarray:
    """`(num_draws, N, M)` from `values` `(N, M)` as measured, with one of `noises` for each column, `None` for an exact one.

    The first draw is what was measured, so that nothing on the measured front has a probability of 0. Same seed, same draws.
    """
    table, rng = np.asarray(values, dtype=float), np.random.default_rng(seed)
    num_trials = len(table)
    found = np.repeat(table[None], num_draws, axis=0)
    own = rng.standard_normal((num_draws, num_trials))  # a seed does the same to all rates of a trial
    rates = [noise.by_people for noise in noises if noise and noise.by_people is not None]
    num_groups = rates[0].shape[1] if rates else 1
    weights = rng.multinomial(num_groups, np.full(num_groups, 1 / num_groups), size=num_draws) - 1.0
    for column, noise in enumerate(noises):
        if noise is None:
            continue
        if noise.by_people is None:
            drawn = table[:, column] + rng.standard_normal((num_draws, num_trials)) * noise.own
        else:
            drawn = _shrunk(table[:, column], noise, weights, own, rng)
        found[1:, :, column] = drawn[1:]
    return found


def _shrunk(
    rates: np.ndarray, noise: Noise, weights: np.ndarray, own: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Draws `(R, N)` around `rates`, whose differences are shrunk, and with them what noise does to each trial alone.

    Efron and Morris, JASA 70, 1975: the posterior of true values that are normal around their mean. What people do to all
    trials alike stays as it is.
    """
    assert noise.by_people is not None
    left = shares_left(rates, noise, len(own), rng)[:, np.newaxis]
    together = noise.by_people.mean(axis=0)
    apart = weights @ (noise.by_people - together).T + own * noise.own
    return rates.mean() + left * (rates - rates.mean()) + (weights @ together)[:, np.newaxis] + np.sqrt(left) * apart


def draws_for(num_trials: int) -> int:
    """How many draws are made of so many trials, which bounds what they take of memory."""
    return max(min(NUM_DRAWS, MOST_DRAWN // num_trials), NUM_DRAWS // 4)


def front_probability(draws: np.ndarray, directions: Sequence[Direction]) -> np.ndarray:
    """The share of `draws` `(R, N, M)` in which no other dominates a trial, `(N,)`. Equal rows are all on it."""
    return np.mean([non_dominated(one, directions) for one in draws], axis=0)


def attainment(
    draws: np.ndarray, directions: Sequence[Direction], levels: Sequence[int] = LEVELS
) -> dict[int, np.ndarray]:
    """The attainment surfaces of two objectives: by level the corners `(K, 2)`, from the best of the second to its worst.

    At level L lie the points that some trial is at least as good as in L % of the `draws` `(R, N, 2)`: the 50 % surface is the
    median front (Fonseca, Guerreiro, López-Ibáñez and Paquete, EMO 2011). Raises `ValueError` for other than two objectives.
    """
    if draws.shape[2] != 2:
        raise ValueError(f"A surface is drawn of two objectives; {draws.shape[2]} were given.")
    signs = np.array([-1.0 if direction == "max" else 1.0 for direction in directions])
    points, sets = [], []
    for number, one in enumerate(draws):
        kept = one[non_dominated(one, directions)] * signs
        points.append(kept)
        sets.append(np.full(len(kept), number + 1))
    found = moocore.eaf(np.concatenate(points), np.concatenate(sets), percentiles=[float(level) for level in levels])
    surfaces = {}
    for level in levels:
        corners = found[np.isclose(found[:, 2], level), :2]
        surfaces[level] = corners[np.argsort(corners[:, 1])] * signs
    return surfaces
