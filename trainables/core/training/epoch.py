"""An epoch that is under way: its random draws, its sums, its times, and the state from which it goes on to the last bit."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from trainables.core.training.step_clock import StepClock
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

    def __init__(self, seed: int, number: int, group: Group, found: Mapping[str, Any] | None = None) -> None:
        self.group = group
        self.order = seeded(seed, number)
        self.generator = seeded(seed, number, group.rank)
        self.clock = StepClock(group.device)
        self.num_steps = 0
        self._sums = torch.zeros(2, device=group.device)  # loss and right answers, over this rank's clips
        self._num_clips = 0
        self._times_s: list[float] = []
        if found:
            self._resume(seed, number, found)

    def add(self, loss: Tensor, num_right: Tensor, num_clips: int) -> None:
        """A step is done: the mean loss of this rank's `num_clips` clips, and how many of them were answered right."""
        self._sums += torch.stack([loss.detach() * num_clips, num_right])
        self._num_clips += num_clips
        self.num_steps += 1

    def sums(self) -> tuple[float, float, float]:
        """Loss and right answers, summed over the clips of all ranks, and the number of these."""
        loss, right, clips = np.sum(self.group.gather([*self._sums.tolist(), self._num_clips]), axis=0)
        return loss, right, clips

    def step_times_s(self) -> list[float]:
        """The seconds of each step; waits for the device."""
        return self._times_s + self.clock.seconds()

    def state(self) -> dict[str, Any]:
        """What goes on from here; the same on every rank, and every rank must ask."""
        return {
            "num_steps": self.num_steps,
            "step_times_s": self.step_times_s(),
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
