"""What a slot takes, what a cluster has, and each study's part of it: weighted max-min fairness over CPUs and GPUs.

Nothing but the standard library is imported: these lines travel to the keeper on a cluster's head by value.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence

WEIGHTS = {"low": 1, "normal": 2, "high": 4}  # of a priority
SLACK = 0.02  # CPUs or GPUs that sums of shares may be off


@dataclasses.dataclass(frozen=True, kw_only=True)
class Amount:
    """CPUs and GPUs."""

    cpus: float = 0.0
    gpus: float = 0.0

    def plus(self, other: Amount, times: float = 1.0) -> Amount:
        """This and so many `times` the `other`."""
        return Amount(cpus=self.cpus + times * other.cpus, gpus=self.gpus + times * other.gpus)

    def fits(self, room: Amount, times: float = 1.0) -> bool:
        """Whether `room` holds it so many `times`."""
        return times * self.cpus <= room.cpus + SLACK and times * self.gpus <= room.gpus + SLACK

    def part_of(self, whole: Amount) -> float:
        """The larger of its parts of the CPUs and of the GPUs of the `whole` (dominant resource fairness)."""
        parts = [mine / all_ for mine, all_ in ((self.cpus, whole.cpus), (self.gpus, whole.gpus)) if mine and all_]
        return max(parts, default=0.0)


def total(amounts: Iterable[Amount]) -> Amount:
    """Their sum."""
    found = Amount()
    for one in amounts:
        found = found.plus(one)
    return found


@dataclasses.dataclass(frozen=True, kw_only=True)
class SlotNeed:
    """What one slot of a study takes of a cluster: the CPUs and GPUs of each of its workers."""

    workers: int = 1
    cpus_per_worker: float = 1.0
    gpus_per_worker: float = 0.0

    @property
    def amount(self) -> Amount:
        """Of all its workers."""
        return Amount(cpus=self.workers * self.cpus_per_worker, gpus=self.workers * self.gpus_per_worker)

    def __str__(self) -> str:
        each = _count(self.cpus_per_worker, "CPU")
        if self.gpus_per_worker:
            each += f" and {_count(self.gpus_per_worker, 'GPU')}"
        return each if self.workers == 1 else f"{self.workers} workers of {each} each"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Claim:
    """What a study asks for: so many slots, at most, of that amount each, with a weight."""

    weight: float
    slot: Amount
    wanted: int


def fair_shares(claims: Sequence[Claim], whole: Amount) -> list[float]:
    """The slots, in parts of one too, that each of `claims` is due of the `whole`.

    All grow at once, by their weights in their larger part of the whole, until they have what they want or something that they
    take is used up. What does not fit the whole even once is due nothing.
    """
    shares, left = [0.0] * len(claims), whole
    rates = [claim.weight / (claim.slot.part_of(whole) or 1e-9) for claim in claims]
    growing = [number for number, claim in enumerate(claims) if claim.wanted > 0 and claim.slot.fits(whole)]
    while growing:
        used = total(Amount().plus(claims[number].slot, rates[number]) for number in growing)
        steps = [(claims[number].wanted - shares[number]) / rates[number] for number in growing]
        steps += [has / takes for has, takes in ((left.cpus, used.cpus), (left.gpus, used.gpus)) if takes > 0]
        step = max(min(steps), 0.0)
        for number in growing:
            shares[number] += step * rates[number]
        left = left.plus(used, -step)
        growing = [
            number
            for number in growing
            if shares[number] < claims[number].wanted - 1e-9
            and not (claims[number].slot.cpus and left.cpus < 1e-6)
            and not (claims[number].slot.gpus and left.gpus < 1e-6)
        ]
    return shares


def _count(number: float, noun: str) -> str:
    return f"{number:g} {noun if number == 1 else noun + 's'}"
