"""People who smile, drawn at will: a model of what a frozen face network sees in the clips of study `smiles`.

What is simulated from it has the classes' distances, the people's differences and the correlations of real faces. No clip is
kept: means and covariances alone.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from rich.console import Console
from rich.progress import track

import fertune
from trainables.core.baselines.clips import frames_of
from trainables.core.baselines.features import faces_of, frozen_features
from trainables.core.prepared.stored import Prepared

NUM_FRAMES = 4  # of a clip, evenly from its first to its last
NUM_FEATURES = 24  # principal components that are kept
REACTION = (
    0.5  # of what a clip has beside class and person, the part that a person's clips of a class share: our choice
)


@dataclasses.dataclass(frozen=True)
class Population:
    """Class means `(L, D)`, and roots `(D, D)` of the covariances of people and of clips."""

    means: np.ndarray
    of_people: np.ndarray
    of_clips: np.ndarray

    @property
    def num_classes(self) -> int:
        return len(self.means)

    def deviations(self, rng: np.random.Generator, labels: np.ndarray, people: np.ndarray) -> np.ndarray:
        """What clips `(N,)` of numbered `people` `(N,)` with `labels` `(N,)` have beside their class means, `(N, D)`."""
        size, num_people = self.means.shape[1], int(people.max()) + 1
        offsets = rng.standard_normal((num_people, size)) @ self.of_people.T
        reactions = rng.standard_normal((num_people, self.num_classes, size)) @ self.of_clips.T
        noise = rng.standard_normal((len(labels), size)) @ self.of_clips.T
        return offsets[people] + REACTION**0.5 * reactions[people, labels] + (1 - REACTION) ** 0.5 * noise


def fitted(features: np.ndarray, labels: np.ndarray, people: np.ndarray) -> Population:
    """The population that `features` `(N, D)` of people with one clip of each class come from, by analysis of variance."""
    order = np.lexsort((labels, people))
    table = features[order].reshape(people.max() + 1, labels.max() + 1, -1)  # (I, L, D)
    means = table.mean(axis=0)
    rest = table - means
    by_person = rest.mean(axis=1)
    within = (rest - by_person[:, None]).reshape(-1, table.shape[2])
    num_people, num_classes = table.shape[:2]
    of_clips = within.T @ within / ((num_people - 1) * (num_classes - 1))
    of_people = by_person.T @ by_person / (num_people - 1) - of_clips / num_classes
    return Population(means, _root(of_people), _root(of_clips))


def smiling_people(data_root: Path, weights: Path, home: Path) -> Population:
    """The population behind the clips under `data_root`, as the network with `weights` (`expression_net`) sees them."""
    prepared = fertune.prepare("clip_folder", data_root=data_root, home=home)
    features = _features(prepared, weights)
    middle = features.mean(axis=0)
    _, sizes, directions = np.linalg.svd(features - middle, full_matrices=False)
    kept = (features - middle) @ directions[:NUM_FEATURES].T
    kept /= sizes[:NUM_FEATURES] / len(kept) ** 0.5
    return fitted(kept, np.asarray(prepared.labels), _numbered(prepared.subject_ids))


def _features(prepared: Prepared, weights: Path) -> np.ndarray:
    """The mean over a clip's frames, and what the last frames have more than the first: `(N, 2 D)`."""
    network = frozen_features(str(weights), "expression_net", torch.device("cpu"))
    rows = []
    for index in track(range(len(prepared)), description="features", console=Console(stderr=True)):
        frames = torch.from_numpy(frames_of(prepared, index, NUM_FRAMES))
        seen = network.of(faces_of(frames, prepared)).flatten(1).numpy()
        first, last = seen[: NUM_FRAMES // 2].mean(axis=0), seen[NUM_FRAMES // 2 :].mean(axis=0)
        rows.append(np.concatenate([seen.mean(axis=0), last - first]))
    return np.stack(rows)


def _numbered(names: Sequence[str]) -> np.ndarray:
    return np.unique(list(names), return_inverse=True)[1]


def _root(covariance: np.ndarray) -> np.ndarray:
    values, vectors = np.linalg.eigh(covariance)
    return vectors * np.sqrt(np.maximum(values, 0.0))
