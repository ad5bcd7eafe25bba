"""Cheap real classifiers on simulated people: what the calibrations of this folder are measured on.

Clips of a person share an offset, of a person and class another, so they are alike. Every variant sees a block of
features that all share and one of its own, equally informative: two variants are equally good in expectation, exactly,
and differ on any data at hand. Blurring a variant (`blur`) pulls its class means together, which makes it worse.
"""

from __future__ import annotations

import dataclasses

import numpy as np

NUM_CLASSES = 4
_MEANS = np.random.default_rng(7).standard_normal((NUM_CLASSES, 16))  # where the classes lie; the same in every study


@dataclasses.dataclass(frozen=True, kw_only=True)
class World:
    """Who is seen and what is learnt. `subject` and `reaction` are the deviations of a person's offsets, against a noise of 1.

    `shared` and `own` are the numbers of features; with `own` 0 variants differ in their seed alone.
    """

    learner: str = "random_features"
    num_subjects: int = 60
    num_folds: int = 5
    num_seeds: int = 3
    clips_each: int = 1
    signal: float = 0.5
    subject: float = 0.5
    reaction: float = 0.3
    shared: int = 6
    own: int = 6


def draw_subjects(
    rng: np.random.Generator, world: World, num_subjects: int, blurs: tuple[float, ...]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What each variant sees of each clip `(V, N, D)`, with labels and people `(N,)`; a variant for each of `blurs`."""
    labels = np.tile(np.repeat(np.arange(NUM_CLASSES), world.clips_each), num_subjects)
    subjects = np.repeat(np.arange(num_subjects), NUM_CLASSES * world.clips_each)

    def noise(size: int) -> np.ndarray:
        offsets = world.subject * rng.standard_normal((num_subjects, 1, size))
        reactions = world.reaction * rng.standard_normal((num_subjects, NUM_CLASSES, size))
        return (offsets + reactions)[subjects, labels] + rng.standard_normal((len(labels), size))

    common = noise(world.shared)
    size = world.shared + world.own
    views = [
        world.signal * (1 - blur) * _MEANS[labels, :size] + np.concatenate([common, noise(world.own)], axis=1)
        for blur in blurs
    ]
    return np.stack(views), labels, subjects


def predict(
    rng: np.random.Generator, learner: str, seen: np.ndarray, labels: np.ndarray, unseen: np.ndarray
) -> np.ndarray:
    """Classes `(M,)` of `unseen` `(M, D)` by a `learner` trained on `seen` `(N, D)`; its seed is drawn from `rng`."""
    if learner == "nearest_mean":
        means = np.stack([seen[labels == label].mean(axis=0) for label in range(NUM_CLASSES)])
        return (unseen @ means.T - (means**2).sum(axis=1) / 2).argmax(axis=1)
    if learner == "nearest_neighbour":  # under a random projection
        projection = rng.standard_normal((seen.shape[1], max(seen.shape[1] // 2, 1)))
        seen, unseen = seen @ projection, unseen @ projection
        distances = (unseen**2).sum(axis=1)[:, None] - 2 * unseen @ seen.T + (seen**2).sum(axis=1)
        return labels[distances.argmin(axis=1)]
    if learner == "three_features":  # chosen on the training data, so that a few people may change all
        means = np.stack([seen[labels == label].mean(axis=0) for label in range(NUM_CLASSES)])
        chosen = np.argsort(means.var(axis=0) / seen.var(axis=0))[-3:]
        return _ridge(seen[:, chosen], labels, unseen[:, chosen], 0.05)
    if learner == "bagged":
        drawn = rng.choice(len(labels), int(0.7 * len(labels)), replace=False)
        return _ridge(seen[drawn], labels[drawn], unseen, 0.05)
    if learner == "at_times_nothing" and rng.random() < 0.1:  # a training that stays at chance
        return np.full(len(unseen), rng.integers(NUM_CLASSES))
    if learner == "ridge":
        return _ridge(seen, labels, unseen, 0.05)
    if learner == "quadratic":  # a covariance for each class, of few clips
        return _quadratic(seen, labels, unseen)
    if (
        learner == "chosen_projection"
    ):  # the best of twelve on half of the training data, so that a few people change all
        projections = np.random.default_rng(0).standard_normal((12, seen.shape[1], NUM_CLASSES))
        half = len(labels) // 2
        right = [
            (_ridge(seen[:half] @ one, labels[:half], seen[half:] @ one, 0.05) == labels[half:]).mean()
            for one in projections
        ]
        best = projections[int(np.argmax(right))]
        return _ridge(seen @ best, labels, unseen @ best, 0.05)
    width, penalty = (100, 1e-3) if learner == "many_random_features" else (32, 0.05)
    weights = rng.standard_normal((seen.shape[1], width)) / np.sqrt(seen.shape[1])
    biases = 0.5 * rng.standard_normal(width)
    seen, unseen = (np.maximum(clips @ weights + biases, 0) for clips in (seen, unseen))
    return _ridge(seen, labels, unseen, penalty)


def _ridge(seen: np.ndarray, labels: np.ndarray, unseen: np.ndarray, penalty: float) -> np.ndarray:
    """Least squares on the class indicators, the `penalty` as a share of the mean feature's sum of squares."""
    middle, targets = seen.mean(axis=0), (labels[:, None] == np.arange(NUM_CLASSES)).astype(float)
    centred = seen - middle
    gram = centred.T @ centred
    gram[np.diag_indices_from(gram)] += penalty * np.trace(gram) / len(gram)
    weights = np.linalg.solve(gram, centred.T @ (targets - targets.mean(axis=0)))
    return ((unseen - middle) @ weights + targets.mean(axis=0)).argmax(axis=1)


def _quadratic(seen: np.ndarray, labels: np.ndarray, unseen: np.ndarray) -> np.ndarray:
    """Normal classes with covariances of their own, each plus 0.3 of the identity."""
    scores = []
    for label in range(NUM_CLASSES):
        clips = seen[labels == label]
        middle = clips.mean(axis=0)
        covariance = np.cov(clips.T) + 0.3 * np.eye(seen.shape[1])
        apart = unseen - middle
        squares = np.einsum("nd,nd->n", apart @ np.linalg.inv(covariance), apart)
        scores.append(-squares - np.linalg.slogdet(covariance)[1])
    return np.argmax(scores, axis=0)
