"""What the trainer reads: batches of clips out of the prepared frames."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from trainables.core.config import TrainerConfig
from trainables.core.prepared.keyframes import GREY_SIZE, keyframes, redundancy
from trainables.core.prepared.stored import Prepared, margin_size, open_prepared


class Clips:
    """The clips of a prepared data set at one size, `num_frames` frames at most from each.

    Frames come with a margin for rotation and shift: `margin_size` is 1.25 x `image_size`, made even, so that a network is
    shown the same part of the crop at every size; the trainer crops the centre. Of data that an earlier version prepared it
    is the side of the crops, where these are smaller. `frame_selection` and `redundancy_threshold` are the config's.
    Raises `ValueError` for an `image_size` beyond the `face_size` of the data.
    """

    def __init__(
        self,
        prepared: Prepared,
        *,
        num_frames: int,
        image_size: int,
        frame_selection: str = "even",
        redundancy_threshold: float = 1.0,
    ) -> None:
        if num_frames < 1:
            raise ValueError(f"num_frames is {num_frames}; a clip needs at least 1 frame.")
        if image_size < 1:
            raise ValueError(f"image_size is {image_size} px; it must be at least 1.")
        if image_size > prepared.face_size:
            raise ValueError(
                f"image_size is {image_size} px, but these faces are prepared for {prepared.face_size} px at most; choose at "
                f"most that, or prepare larger ones with `prepare {prepared.name} --data-root DIR --face-size {image_size}`."
            )
        self.num_frames = num_frames
        self.image_size = image_size
        self.labels = prepared.labels
        self.people = prepared.subject_ids
        self.weights = prepared.weights
        self.votes = prepared.votes
        self.folder = prepared.folder
        self._offsets = prepared.offsets
        self.frames = prepared.at_size(margin_size(image_size))
        self.margin_size = self.frames.shape[1]
        self._redundancy: np.ndarray | None = None
        self.shown = (num_frames, image_size, self.margin_size, frame_selection)  # what decides the frames of a clip
        if frame_selection == "keyframes":
            self.shown += (redundancy_threshold,)
            self._redundancy = _redundancy_of(prepared.folder, redundancy_threshold)

    @classmethod
    def of(cls, prepared: Prepared, config: TrainerConfig) -> Clips:
        """The clips as a network of `config` reads them."""
        return cls(
            prepared,
            num_frames=config.num_frames,
            image_size=config.image_size,
            frame_selection=config.frame_selection,
            redundancy_threshold=config.redundancy_threshold,
        )

    def __len__(self) -> int:
        return len(self.labels)

    def batch(
        self, indices: Sequence[int], jitter: torch.Generator | None = None, *, pinned: bool = False
    ) -> tuple[Tensor, Tensor]:
        """The frames uint8 `(B, T, S, S, 3)` of the clips at `indices`, and their lengths int64 `(B,)`.

        S is `margin_size`, T is `num_frames`. A longer clip gives evenly spaced frames, the first and the last among
        them, or with `jitter` one random frame out of each of T equal segments; a shorter one is padded with zeros.
        Keyframes are the same with `jitter` and without: which frames matter is not left to chance. `pinned` frames lie
        in memory that a GPU copies from by itself.
        """
        rows, lengths = self.rows(indices, jitter)
        frames = torch.empty((*rows.shape, *self.frames.shape[1:]), dtype=torch.uint8, pin_memory=pinned)
        # mode="clip" lets numpy write into `out` directly; the default checks bounds through a second buffer.
        np.take(self.frames, rows, axis=0, out=frames.numpy(), mode="clip")
        for i, length in enumerate(lengths.tolist()):
            frames[i, length:] = 0
        return frames, lengths

    def rows(self, indices: Sequence[int], jitter: torch.Generator | None = None) -> tuple[np.ndarray, Tensor]:
        """Which of all frames `batch` takes, int64 `(B, T)`, 0 in the place of padding, and the lengths, int64 `(B,)`."""
        rows = np.zeros((len(indices), self.num_frames), dtype=np.int64)  # (B, T)
        lengths = torch.zeros(len(indices), dtype=torch.int64)
        for i, index in enumerate(indices):
            start, stop = int(self._offsets[index]), int(self._offsets[index + 1])
            if self._redundancy is None:
                positions = frame_positions(stop - start, self.num_frames, jitter)
            else:
                positions = keyframes(self._redundancy[start:stop], self.num_frames)
            rows[i, : len(positions)] = start + positions
            lengths[i] = len(positions)
        return rows, lengths


def frame_positions(num_available: int, num_frames: int, jitter: torch.Generator | None = None) -> np.ndarray:
    """Which of `num_available` frames to take, in order, int64 `(min(num_available, num_frames),)`.

    Evenly spaced with both ends, or with `jitter` one random frame out of each of `num_frames` equal segments.
    """
    if num_available <= num_frames:
        return np.arange(num_available)
    if jitter is None:
        if num_frames == 1:
            return np.array([num_available // 2])
        return np.round(np.linspace(0, num_available - 1, num_frames)).astype(np.int64)
    edges = np.arange(num_frames + 1) * num_available // num_frames
    share = torch.rand(num_frames, generator=jitter, dtype=torch.float64).numpy()
    return edges[:-1] + np.floor(share * np.diff(edges)).astype(np.int64)


def batches(
    indices: Sequence[int],
    batch_size: int,
    *,
    shuffle: torch.Generator | None,
    together: Sequence[Hashable] | None = None,
    balanced: Sequence[int] | None = None,
) -> Iterator[list[int]]:
    """`indices` in batches of `batch_size`, the last of what is left; each of them once.

    With `shuffle` (training) in an order that it draws, without (evaluation) in theirs. `together` names a group for each of
    `indices`; the groups are shuffled, and each stays together. `balanced` names a class for each: as many clips are taken as
    ever, but of all classes equally many in every batch (`_in_turn`), so that one may come several times and another not.
    """
    if batch_size < 1:
        raise ValueError(f"batch_size is {batch_size}; it must be at least 1.")
    order = list(indices)
    if shuffle is not None and order:
        places = _in_turn(balanced, shuffle) if balanced else torch.randperm(len(order), generator=shuffle).tolist()
        groups: dict[Hashable, list[int]] = {}
        for number, place in enumerate(places):
            groups.setdefault(together[place] if together else number, []).append(order[place])
        order = [index for group in groups.values() for index in group]
    for start in range(0, len(order), batch_size):
        yield order[start : start + batch_size]


def _in_turn(classes: Sequence[int], shuffle: torch.Generator) -> list[int]:
    """Places in `classes`, as many as it has: in each round one of every class, the classes of a round in random order.

    A class's places come in random order, and all of them before one comes again.
    """
    members: dict[int, list[int]] = {}
    for place, label in enumerate(classes):
        members.setdefault(label, []).append(place)
    every, left, places = list(members.values()), [[] for _ in members], []
    while len(places) < len(classes):
        for one in torch.randperm(len(every), generator=shuffle).tolist():
            left[one] = left[one] or [
                every[one][i] for i in torch.randperm(len(every[one]), generator=shuffle).tolist()
            ]
            places.append(left[one].pop())
    return places[: len(classes)]


@lru_cache(maxsize=8)  # the trials of a study ask for the same again and again
def _redundancy_of(folder: Path, threshold: float) -> np.ndarray:
    prepared = open_prepared(folder)
    return redundancy(prepared.at_size(margin_size(GREY_SIZE)), prepared.offsets, threshold)
