"""What the scores of some points tell of others: a Gaussian process over choices, numbers, and what does not exist.

Points are `(N, D)`: a number in a column from 0 to 1, a choice as its index, NaN where the parameter does not exist, which is a
value of its own. Source: Rasmussen and Williams, Gaussian Processes for Machine Learning, 2006, chapters 2 and 5.
"""

from __future__ import annotations

import dataclasses
from typing import Self

import numpy as np
from scipy import linalg, optimize

MOST_POINTS = 256  # that are conditioned on, of which `kept_rows` keeps those that tell most
_MOST_FITTED = 80  # of them, by which the settings of the kernel are chosen
_CONSTANT = 4.0  # the variance of the mean, in that of the scores
_JITTER = 1e-8
# What is believed before any score, as the mean and the standard deviation of logarithms.
_LENGTH = (np.log(1.5), 1.0)  # of a column as wide as its range; times the root of the number of columns
_SIGNAL = (0.0, 1.0)  # the variance of what points differ by, in that of the scores
_NOISE = (np.log(0.1), 1.5)  # the variance of one score beside its point's quality
_LEAST_NOISE = 1e-4
_ROOT5 = np.sqrt(5.0)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Scores:
    """What was measured: `points` `(N, D)`, each once; `means` `(N,)` of the scores of each, and their number, `counts`.

    `within` is the sum of squares of single scores about the mean of their point. `is_number` `(D,)` tells numbers from
    choices.
    """

    points: np.ndarray
    means: np.ndarray
    counts: np.ndarray
    is_number: np.ndarray
    within: float = 0.0

    def of(self, rows: np.ndarray) -> Scores:
        """Those of some points alone; what is known of their noise stays."""
        return dataclasses.replace(self, points=self.points[rows], means=self.means[rows], counts=self.counts[rows])


def pooled(points: np.ndarray, scores: np.ndarray, is_number: np.ndarray) -> Scores:
    """The `scores` `(N,)` of `points` `(N, D)`, in which a point may stand several times; the distinct ones in order."""
    _, first, where = np.unique(np.nan_to_num(points, nan=-1.0), axis=0, return_index=True, return_inverse=True)
    rank = np.argsort(np.argsort(first))[where.ravel()]
    counts = np.bincount(rank).astype(float)
    means = np.bincount(rank, weights=scores) / counts
    within = float(((scores - means[rank]) ** 2).sum())
    return Scores(points=points[np.sort(first)], means=means, counts=counts, is_number=is_number, within=within)


def kept_rows(scores: Scores, most: int, keep: np.ndarray | None = None) -> np.ndarray:
    """The rows of at most `most` points: those that `keep` `(N,)` marks, then half the best of the others, half the last."""
    number = len(scores.means)
    if number <= most:
        return np.arange(number)
    marked = [] if keep is None else np.flatnonzero(keep)[:most].tolist()
    best = np.argsort(-scores.means, kind="stable")[: (most - len(marked)) // 2].tolist()
    return np.sort(list(dict.fromkeys([*marked, *best, *range(number - 1, -1, -1)]))[:most])


@dataclasses.dataclass(frozen=True, kw_only=True)
class GaussianProcess:
    """A model of quality, conditioned on `scores`. `noise` is the standard deviation of one score about its point's quality."""

    scores: Scores
    noise: float
    _settings: np.ndarray
    _centre: float
    _scale: float
    _factor: np.ndarray
    _weights: np.ndarray

    @classmethod
    def fit(cls, scores: Scores) -> Self:
        """The model that makes `scores` likeliest, under what is believed of such models beforehand.

        Of more than `MOST_POINTS` points some are left out. Raises `ValueError` without a score.
        """
        if not len(scores.means):
            raise ValueError("A model needs one score at least.")
        scores = scores.of(kept_rows(scores, MOST_POINTS))
        number = len(scores.means)
        some = scores.of(np.unique(np.linspace(0, number - 1, min(number, _MOST_FITTED)).astype(int)))
        centre = float(np.average(scores.means, weights=scores.counts))
        spread = float(np.sqrt(np.average((scores.means - centre) ** 2, weights=scores.counts)))
        scale = spread or 1.0
        return cls._conditioned(scores, _likeliest(some, centre, scale), centre, scale)

    @classmethod
    def _conditioned(cls, scores: Scores, settings: np.ndarray, centre: float, scale: float) -> Self:
        covariance = _covariance(settings, scores.points, scores.points, scores.is_number)
        covariance[np.diag_indices_from(covariance)] += np.exp(settings[-1]) / scores.counts + _JITTER
        factor = linalg.cholesky(covariance, lower=True)
        weights = linalg.cho_solve((factor, True), (scores.means - centre) / scale)
        return cls(
            scores=scores,
            noise=float(scale * np.exp(settings[-1] / 2)),
            _settings=settings,
            _centre=centre,
            _scale=scale,
            _factor=factor,
            _weights=weights,
        )

    def predict(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The expected quality of `points` `(M, D)` and its standard deviation, each `(M,)`, without the noise of a score."""
        across = _covariance(self._settings, points, self.scores.points, self.scores.is_number)
        solved = linalg.solve_triangular(self._factor, across.T, lower=True)
        own = np.exp(self._settings[-2]) + _CONSTANT
        variance = np.maximum(own - (solved**2).sum(axis=0), 0.0)
        return self._centre + self._scale * (across @ self._weights), self._scale * np.sqrt(variance)

    def believing(self, points: np.ndarray) -> Self:
        """The same with a score at each of `points` `(M, D)`, as expected: what is being measured is less worth measuring."""
        if not len(points):
            return self
        expected, _ = self.predict(points)
        whole = Scores(
            points=np.concatenate([self.scores.points, points]),
            means=np.concatenate([self.scores.means, expected]),
            counts=np.concatenate([self.scores.counts, np.ones(len(points))]),
            is_number=self.scores.is_number,
        )
        return self._conditioned(whole, self._settings, self._centre, self._scale)


def apart(points: np.ndarray, others: np.ndarray, is_number: np.ndarray) -> np.ndarray:
    """How far apart the values are in each column, `(D, N, M)`, from 0 to 1; what exists is 1 from what does not."""
    one, other = points.T[:, :, np.newaxis], others.T[:, np.newaxis, :]
    absent = np.isnan(one), np.isnan(other)
    found = np.where(is_number[:, np.newaxis, np.newaxis], np.abs(one - other), (one != other).astype(float))
    found[absent[0] ^ absent[1]] = 1.0
    found[absent[0] & absent[1]] = 0.0
    return found


def _covariance(settings: np.ndarray, points: np.ndarray, others: np.ndarray, is_number: np.ndarray) -> np.ndarray:
    return np.exp(settings[-2]) * _correlations(settings, apart(points, others, is_number), is_number) + _CONSTANT


def _correlations(settings: np.ndarray, gaps: np.ndarray, is_number: np.ndarray) -> np.ndarray:
    """`(N, M)`, a product over columns: Matérn's of 5/2 for numbers, exponential in what differs for choices."""
    logs = np.zeros(gaps.shape[1:])
    for distance, length, number in zip(gaps, np.exp(settings[:-2]), is_number, strict=True):
        far = distance / length
        logs += np.log1p(_ROOT5 * far + 5 / 3 * far**2) - _ROOT5 * far if number else -far
    return np.exp(logs)


def _likeliest(scores: Scores, centre: float, scale: float) -> np.ndarray:
    """The logarithms of each column's length, of the signal's and of the noise's variance, `(D + 2,)`."""
    columns, number = scores.points.shape[1], len(scores.means)
    believed = np.array([*[_LENGTH] * columns, _SIGNAL, _NOISE], dtype=float)
    believed[:columns, 0] += np.log(max(columns, 1)) / 2
    gaps = apart(scores.points, scores.points, scores.is_number)
    values, within = (scores.means - centre) / scale, scores.within / scale**2
    repeated = float(scores.counts.sum()) - number

    def unlikely(settings: np.ndarray) -> tuple[float, np.ndarray]:
        signal, noise = np.exp(settings[-2]), np.exp(settings[-1])
        varied = signal * _correlations(settings, gaps, scores.is_number)
        covariance = varied + _CONSTANT
        covariance[np.diag_indices(number)] += noise / scores.counts + _JITTER
        factor = linalg.cholesky(covariance, lower=True)
        inverse = linalg.cho_solve((factor, True), np.eye(number))
        weights = inverse @ values
        off = (settings - believed[:, 0]) / believed[:, 1]
        value = 0.5 * values @ weights + np.log(np.diag(factor)).sum() + 0.5 * off @ off
        value += 0.5 * (within / noise + repeated * settings[-1])
        slope = inverse - np.outer(weights, weights)
        gradient = off / believed[:, 1]
        for column, (distance, is_number) in enumerate(zip(gaps, scores.is_number, strict=True)):
            far = distance / np.exp(settings[column])
            by_length = (
                (5 / 3 * far**2 * (1 + _ROOT5 * far) / (1 + _ROOT5 * far + 5 / 3 * far**2)) if is_number else far
            )
            gradient[column] += 0.5 * (slope * varied * by_length).sum()
        gradient[-2] += 0.5 * (slope * varied).sum()
        gradient[-1] += 0.5 * (np.diag(slope) * noise / scores.counts).sum() + 0.5 * (repeated - within / noise)
        return float(value), gradient

    limits = [(mean - 4 * sd, mean + 4 * sd) for mean, sd in believed]
    limits[-1] = (np.log(_LEAST_NOISE), limits[-1][1])
    found = optimize.minimize(
        unlikely, believed[:, 0], jac=True, method="L-BFGS-B", bounds=limits, options={"maxiter": 40}
    )
    return found.x
