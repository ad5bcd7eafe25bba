"""An epoch that is under way: its random draws, its sums, its times, and the state from which it goes on to the last bit."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from trainables.core.training.timing.reference import Reference
from trainables.core.training.timing.step_clock import StepClock, clock_of
from trainables.core.training.workers import Group


def seeded(*parts: int) -> torch.Generator:
    """A CPU generator seeded by `parts`; the global generator, which dropout uses, is seeded likewise."""
    digest = hashlib.blake2b(repr(parts).encode(), digest_size=7).digest()
    seed = int.from_bytes(digest, "little")
    torch.manual_seed(seed)
    return torch.Generator().manual_seed(seed)


class Epoch:
    """Epoch `number` (from 0) of a training with `seed`; `found` is what `state` said of it, where it was begun before.

    `order` is the same on every rank, `generator` is each rank's own. `num_steps` of the epoch are done. Where it was begun
    by another number of workers its draws from here on are fresh ones, and everything else goes on.
    """

    def __init__(
        self, seed: int, number: int, group: Group, reference: Reference, found: Mapping[str, Any] | None = None
    ) -> None:
        self.group = group
        self.order = seeded(seed, number)
        self.generator = seeded(seed, number, group.rank)
        self._reference = reference
        self._clock = StepClock(group.device, clock_of(group))
        self._beside = StepClock(group.device, clock_of(group))  # of the reference's runs
        self._began = 0.0
        self._beside_at: list[int] = []
        self._references: list[tuple[int, float]] = []
        self.num_steps = 0
        self._sums = torch.zeros(2, device=group.device)  # loss and right answers, over this rank's clips
        self._num_clips = 0
        self._times_s: list[float] = []
        if found:
            self._resume(seed, number, found)

    def begin(self) -> None:
        """From here on, a step."""
        self._began = time.perf_counter()
        self._clock.begin()

    def end(self) -> None:
        """The end of what is timed of it."""
        self._clock.end()
        self._reference.step_took(time.perf_counter() - self._began)

    def add(self, loss: Tensor, num_right: Tensor, num_clips: int) -> None:
        """A step is done: the mean loss of this rank's `num_clips` clips, and how many of them were answered right.

        The reference runs beside it where it is due.
        """
        self._sums += torch.stack([loss.detach() * num_clips, num_right])
        self._num_clips += num_clips
        self.num_steps += 1
        if self._reference.run_if_due(self._beside):
            self._beside_at.append(self.num_steps)

    def sums(self) -> tuple[float, float, float]:
        """Loss and right answers, summed over the clips of all ranks, and the number of these."""
        loss, right, clips = np.sum(self.group.gather([*self._sums.tolist(), self._num_clips]), axis=0)
        return loss, right, clips

    def step_times_s(self) -> list[float]:
        """The seconds of each step; waits for the device."""
        return self._times_s + self._clock.seconds()

    def references(self, after: int = 0) -> list[tuple[int, float]]:
        """Of each run of the reference its seconds, and after how many steps it was, of which `after` were before this epoch.

        Waits for the device.
        """
        found = self._references + list(zip(self._beside_at, self._beside.seconds(), strict=True))
        return [(after + steps, seconds) for steps, seconds in found]

    def state(self) -> dict[str, Any]:
        """What goes on from here; the same on every rank, and every rank must ask."""
        return {
            "num_steps": self.num_steps,
            "step_times_s": self.step_times_s(),
            "references": self.references(),
            "ranks": self.group.gather(self._mine()),
        }

    def _mine(self) -> dict[str, Any]:
        device = self.group.device
        return {
            "draws": self.generator.get_state(),
            "global": torch.get_rng_state(),
            "device": torch.cuda.get_rng_state(device) if device.type == "cuda" else None,
            "sums": self._sums.tolist(),
            "num_clips": self._num_clips,
        }

    def _resume(self, seed: int, number: int, found: Mapping[str, Any]) -> None:
        self.num_steps, self._times_s = found["num_steps"], list(found["step_times_s"])
        self._references = [(after, seconds) for after, seconds in found.get("references", ())]
        ranks, group = found["ranks"], self.group
        if len(ranks) != group.world_size:
            self.generator = seeded(seed, number, group.rank, self.num_steps)
            kept = ranks if group.leads else []
        else:
            kept = [mine := ranks[group.rank]]
            self.generator.set_state(mine["draws"])
            torch.set_rng_state(mine["global"])
            if mine["device"] is not None and group.device.type == "cuda":
                torch.cuda.set_rng_state(mine["device"], group.device)
        for rank in kept:
            self._sums += torch.tensor(rank["sums"], device=group.device)
            self._num_clips += rank["num_clips"]
