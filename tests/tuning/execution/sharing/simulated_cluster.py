"""Studies on a cluster that exists in numbers alone, second by second, with the real arbiter."""

import dataclasses
import random

from tuning.execution.sharing.shares import Amount, SlotNeed, total
from tuning.execution.sharing.turns import Beat, Turns

START_S = 10  # of a slot, from when it is allowed


@dataclasses.dataclass
class Simulated:
    """A study with trials of some `trial_s` seconds (drawn between), that wants so many slots from `begins` to `ends`."""

    name: str
    wants: int
    trial_s: tuple[int, int] = (5, 30)
    priority: str = "normal"
    slot: SlotNeed = dataclasses.field(default_factory=SlotNeed)
    begins: int = 0
    ends: int = 10**9
    token: str = "driver"

    def __post_init__(self):
        self.busy_until: list[int] = []  # of the slots that it holds
        self.opening: list[int] = []  # when each slot that is being opened will be held
        self.allowed = 0
        self.waits_for = ""
        self.held_at: list[int] = []  # by second
        self.wanted_at: list[int] = []
        self.history: list[int] = []

    @property
    def held(self):
        return len(self.busy_until)


class Cluster:
    """So many CPUs and GPUs in one piece; every study beats every second, in an order drawn anew."""

    def __init__(self, studies, whole=None, *, seed=0, fits=None):
        self.studies, self.whole = studies, whole or Amount(cpus=4)
        self.draw = random.Random(seed)
        self.turns = Turns(began=-10.0)
        self.now = 0
        self.fits = fits or (lambda study: study.slot.amount.fits(self.free()))

    def free(self):
        return self.whole.plus(total(Amount().plus(one.slot.amount, one.held) for one in self.studies), -1)

    def run(self, seconds):
        for _ in range(seconds):
            self.second()
        return self

    def second(self):
        for study in self.draw.sample(self.studies, len(self.studies)):
            is_here = study.begins <= self.now < study.ends
            self._work(study)
            if is_here:
                self._beat(study)
            study.held_at.append(study.held)
            study.wanted_at.append(study.wants if is_here else 0)
        assert total(Amount().plus(one.slot.amount, one.held) for one in self.studies).fits(self.whole)
        self.now += 1

    def _work(self, study):
        ready = [at for at in study.opening if at <= self.now]
        for at in ready:
            if self.fits(study):  # what Ray does
                study.opening.remove(at)
                study.busy_until.append(self.now + self.draw.randint(*study.trial_s))
        for number, until in reversed(list(enumerate(study.busy_until))):
            if until <= self.now:
                if study.held > study.allowed or self.now >= study.ends:
                    del study.busy_until[number]
                else:
                    study.busy_until[number] = self.now + self.draw.randint(*study.trial_s)

    def _beat(self, study):
        beat = Beat(
            home="home",
            study=study.name,
            token=study.token,
            held=study.held,
            wanted=study.wants,
            slot=study.slot,
            priority=study.priority,
            user=f"of {study.name}",
        )
        turn = self.turns.beat(beat, self.whole, float(self.now))
        study.allowed, study.waits_for = turn.allowed, turn.waits_for
        del study.opening[max(turn.allowed - study.held, 0) :]
        study.opening += [self.now + START_S] * (turn.allowed - study.held - len(study.opening))


def longest_wait(study):
    """The most seconds at a time in which it held nothing and wanted something."""
    longest = waited = 0
    for held, wanted in zip(study.held_at, study.wanted_at, strict=True):
        waited = waited + 1 if wanted and not held else 0
        longest = max(longest, waited)
    return longest
