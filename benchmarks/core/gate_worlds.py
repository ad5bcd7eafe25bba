"""Worlds in which a promotion gate is tried: people, what is trained on them, and who is asked about how often.

Half of them draw answers from a probit model, half train classifiers on people drawn from a model of real smiling faces.
All configurations of a world are alike in law, so equal in truth, but for the gains they are given.
"""

from __future__ import annotations

import abc
import dataclasses
from collections.abc import Sequence
from typing import Literal

import numpy as np
from scipy import stats

from benchmarks.core.smiling_people import Population
from benchmarks.simulated_studies import predict

NUM_FOLDS = 5
RACERS = 3
CHAMPION = 0  # its number among a study's configurations
ROW, COPIES = 20, 10
SHARED = 0.5  # of what classifiers see beside the class, the part that all configurations see alike
APART = 1.25  # of the class means' distances in the features, so that classifiers are as good as trained networks
FARTHEST = 3.25  # of these distances, for a configuration with the largest gain
SPLIT, JOINED = 0.10, 0.05  # of people whose clips fall into two clusters, and who share a cluster with somebody

Story = Literal["race", "row", "copies", "peeking", "more seeds"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class World:
    """What a study draws. Variances are on the probit scale, against 1 for what is left of a clip's answer; with a `learner`
    they do not count. `training` is of what a person's presence in a training set does. `units` are what the gate knows."""

    name: str
    story: Story = "race"
    learner: str = ""
    num_people: int = 50
    unequal: bool = False
    units: Literal["people", "clusters"] = "people"
    required: float = 0.0
    accuracy: float = 0.8
    people: float = 0.3
    clips: float = 0.3
    taste: float = 0.2
    seeds: float = 0.03
    seed_taste: float = 0.1
    training: float = 0.0

    @property
    def num_challengers(self) -> int:
        return {"row": ROW, "copies": COPIES * RACERS}.get(self.story, RACERS)


WORLDS = (
    World(name="equal"),
    World(name="equal, faces", learner="ridge"),
    World(name="worse by the margin, cheaper", required=-0.02),
    World(name="large training-set variance", training=0.006),
    World(name="large training-set variance, faces", learner="quadratic"),
    World(name="strong seed effect", seeds=0.15),
    World(name="strong seed effect, faces", learner="at_times_nothing"),
    World(name="unequal numbers of clips", unequal=True),
    World(name="unequal numbers of clips, faces", unequal=True, learner="ridge"),
    World(name="face clusters", units="clusters"),
    World(name="face clusters, faces", units="clusters", learner="ridge"),
    World(name="twenty in a row", story="row"),
    World(name="twenty in a row, faces", story="row", learner="nearest_mean"),
    World(name="ten copies of a study", story="copies"),
    World(name="ten copies of a study, faces", story="copies", learner="random_features"),
    World(name="peeking after each fold", story="peeking"),
    World(name="peeking after each fold, faces", story="peeking", learner="ridge"),
    World(name="more seeds after a refusal", story="more seeds"),
    World(name="more seeds after a refusal, faces", story="more seeds", learner="random_features"),
    World(name="a projection chosen in training, faces", learner="chosen_projection"),
)
NOT_HELD = ("a projection chosen in training, faces",)  # whose training variance is beyond what the gate allows for


class Study(abc.ABC):
    """One study of a world: `people` are the units `(C,)` of its clips, `folds` `(C,)` where each is tested.

    `gains` are what each configuration has above the first, in accuracy.
    """

    def __init__(self, rng: np.random.Generator, world: World, gains: Sequence[float]) -> None:
        self.rng, self.world, self.gains = rng, world, gains
        counts = np.full(world.num_people, 4)
        if world.unequal:
            counts = np.clip(np.exp(rng.normal(1.2, 0.8, world.num_people)).round().astype(int), 1, 30)
        self.persons = np.repeat(np.arange(world.num_people), counts)
        self.people = self.persons if world.units == "people" else clustered(rng, self.persons)
        self.folds = (rng.permutation(int(self.people.max()) + 1) % NUM_FOLDS)[self.people]

    @abc.abstractmethod
    def trained(self, configuration: int) -> np.ndarray:
        """Right answers `(C,)` by one training in each fold, with a seed that nothing else has."""


class ProbitStudy(Study):
    """Answers of a probit model, whose accuracies are known in closed form."""

    def __init__(self, rng: np.random.Generator, world: World, gains: Sequence[float]) -> None:
        super().__init__(rng, world, gains)
        variance = 1 + world.people + world.clips + world.taste + world.seeds + world.seed_taste + world.training
        self._levels = stats.norm.ppf(np.clip(world.accuracy + np.asarray(gains), 0.01, 0.999)) * variance**0.5
        shared = self._noise(world.people, world.num_people)[self.persons] + self._noise(world.clips, len(self.persons))
        self._known = [shared + self._noise(world.taste, world.num_people)[self.persons] for _ in gains]
        for known in self._known:
            influence = self._noise(world.training * world.num_people, int(self.people.max()) + 1)
            outside = [influence[np.unique(self.people[self.folds != fold])].mean() for fold in range(NUM_FOLDS)]
            known += np.array(outside)[self.folds]

    def trained(self, configuration: int) -> np.ndarray:
        world = self.world
        seeds = self._noise(world.seeds, NUM_FOLDS)[self.folds]
        own = self._noise(world.seed_taste, world.num_people)[self.persons]
        level = self._levels[configuration] + self._known[configuration]
        return (level + seeds + own + self._noise(1.0, len(self.persons)) > 0).astype(float)

    def _noise(self, variance: float, size: int) -> np.ndarray:
        return variance**0.5 * self.rng.standard_normal(size)


class FacesStudy(Study):
    """Classifiers trained on people of `population`; what each sees is half its own. `spreads` draw the class means apart."""

    def __init__(
        self,
        rng: np.random.Generator,
        world: World,
        gains: Sequence[float],
        population: Population,
        spreads: Sequence[float],
    ) -> None:
        super().__init__(rng, world, gains)
        self._population, self._spreads = population, spreads
        self._labels = np.tile(np.arange(population.num_classes), world.num_people)
        if world.unequal:
            self._labels = rng.integers(population.num_classes, size=len(self.persons))
        self._common = population.deviations(rng, self._labels, self.persons)
        self._views: dict[int, np.ndarray] = {}

    def trained(self, configuration: int) -> np.ndarray:
        if configuration not in self._views:
            own = self._population.deviations(self.rng, self._labels, self.persons)
            self._views[configuration] = seen(
                self._population, self._labels, self._common, own, self._spreads[configuration]
            )
        view, correct = self._views[configuration], np.zeros(len(self.persons))
        for fold in range(NUM_FOLDS):
            tested = self.folds == fold
            answers = predict(self.rng, self.world.learner, view[~tested], self._labels[~tested], view[tested])
            correct[tested] = answers == self._labels[tested]
        return correct


def seen(population: Population, labels: np.ndarray, common: np.ndarray, own: np.ndarray, spread: float) -> np.ndarray:
    """What a configuration sees of clips `(N, D)`: class means drawn apart by `spread`, and deviations, some its own."""
    middle = population.means.mean(axis=0)
    return middle + spread * (population.means - middle)[labels] + SHARED**0.5 * common + (1 - SHARED) ** 0.5 * own


def clustered(rng: np.random.Generator, persons: np.ndarray) -> np.ndarray:
    """Clusters `(C,)` of clips that stand for `persons` `(C,)`, some of whom are split and some joined."""
    clusters, count = persons.copy(), int(persons.max()) + 1
    for person in range(count):
        mine = np.flatnonzero(persons == person)
        if rng.random() < SPLIT and len(mine) > 1:
            clusters[mine[rng.permutation(len(mine))[: len(mine) // 2]]] = int(clusters.max()) + 1
        elif rng.random() < JOINED:
            clusters[mine] = persons[rng.integers(len(persons))]
    return np.unique(clusters, return_inverse=True)[1]


def accuracies(
    rng: np.random.Generator,
    learner: str,
    population: Population,
    spreads: Sequence[float],
    *,
    num_people: int,
    trainings: int,
) -> np.ndarray:
    """The expected accuracy under each of `spreads`, of trainings on four fifths of `num_people`, on drawn people."""
    classes = population.num_classes

    def drawn(count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        labels, persons = np.tile(np.arange(classes), count), np.repeat(np.arange(count), classes)
        common, own = (population.deviations(rng, labels, persons) for _ in range(2))
        return labels, common, own

    totals = np.zeros(len(spreads))
    for _ in range(trainings):
        taught, asked = drawn(round(num_people * (1 - 1 / NUM_FOLDS))), drawn(100)
        for place, spread in enumerate(spreads):
            views = [seen(population, labels, common, own, spread) for labels, common, own in (taught, asked)]
            totals[place] += (predict(rng, learner, views[0], taught[0], views[1]) == asked[0]).mean()
    return totals / trainings
