"""Ways of feeding a trainer, to be timed against each other: each stands where the trainer's `Clips` stand."""

from __future__ import annotations

import itertools
import queue
import threading
from collections.abc import Sequence

import torch
from torch import Tensor

from trainables.core.prepared.batches import Clips

AHEAD = 2  # batches that wait for the trainer


class _Feed:
    """Labels and people of `clips`; who inherits it gives the batches."""

    def __init__(self, clips: Clips, device: torch.device) -> None:
        self.clips, self.device = clips, device
        self.labels, self.people, self.weights = clips.labels, clips.people, clips.weights


class OnDevice(_Feed):
    """One batch that lies on the device, again and again: what a trainer reaches that nobody lets wait for data."""

    def __init__(self, clips: Clips, device: torch.device, batch_size: int) -> None:
        super().__init__(clips, device)
        frames, self.lengths = clips.batch(list(range(batch_size)))
        self.frames = frames.to(device)

    def batch(
        self, indices: Sequence[int], jitter: torch.Generator | None = None, *, pinned: bool = False
    ) -> tuple[Tensor, Tensor]:
        return self.frames[: len(indices)], self.lengths[: len(indices)]


class Resident(_Feed):
    """The whole prepared set on the device, batches taken out of it there."""

    def __init__(self, clips: Clips, device: torch.device) -> None:
        super().__init__(clips, device)
        self.frames = torch.from_numpy(clips.frames.copy()).to(device)

    def batch(
        self, indices: Sequence[int], jitter: torch.Generator | None = None, *, pinned: bool = False
    ) -> tuple[Tensor, Tensor]:
        rows, lengths = self.clips.rows(indices, jitter)
        frames = self.frames[torch.from_numpy(rows).to(self.device, non_blocking=True)]
        padding = torch.arange(rows.shape[1]) >= lengths[:, None]
        if padding.any():
            frames.masked_fill_(padding.to(self.device, non_blocking=True)[..., None, None, None], 0)
        return frames, lengths


class Prefetched(_Feed):
    """A thread takes batches out of the prepared set, in an order of its own, into pinned memory ahead of the trainer."""

    def __init__(self, clips: Clips, device: torch.device, batch_size: int) -> None:
        super().__init__(clips, device)
        self._batch_size = batch_size
        self._waiting: queue.Queue[tuple[Tensor, Tensor]] = queue.Queue(AHEAD)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._fill, daemon=True)
        self._thread.start()

    def batch(
        self, indices: Sequence[int], jitter: torch.Generator | None = None, *, pinned: bool = False
    ) -> tuple[Tensor, Tensor]:
        frames, lengths = self._waiting.get(timeout=60)
        return frames[: len(indices)], lengths[: len(indices)]

    def close(self) -> None:
        """End the thread."""
        self._over.set()
        while not self._waiting.empty():
            self._waiting.get_nowait()
        self._thread.join(timeout=10)

    def _fill(self) -> None:
        jitter = torch.Generator().manual_seed(0)
        places = itertools.cycle(range(len(self.clips)))
        while not self._over.is_set():
            indices = list(itertools.islice(places, self._batch_size))
            self._waiting.put(self.clips.batch(indices, jitter, pinned=self.device.type == "cuda"))
