"""What becomes of the frames of a clip: the crops of one face, with what was seen of it; or no face."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from trainables.data.core.dataset import DataError
from trainables.data.core.video import Reading

LYING = 45.0  # degrees from upright from which a face lies


class NoFace(DataError):
    """No face was found in a clip, or one in few of its frames."""


@dataclass(frozen=True, kw_only=True)
class Box:
    """Where a face is in the `frame`-th of the frames read, from 0, in px of the first of them; `right` and `bottom` end it."""

    frame: int
    left: float
    top: float
    right: float
    bottom: float

    @classmethod
    def as_read(cls, frame: int, edges: np.ndarray, *, every: int, scale: float) -> Box:
        """The box with `edges` x1, y1, x2, y2 in frame number `frame` of those kept: each `every`-th, shrunk by `scale`."""
        left, top, right, bottom = (float(edge * scale) for edge in edges)
        return cls(frame=frame * every, left=left, top=top, right=right, bottom=bottom)


@dataclass(frozen=True)
class CroppedClip:
    """The face of one clip.

    `frames` is RGB uint8 `(T, size, size, 3)`; `score` the mean probability over the `num_frames_with_face` frames where the
    face was found. `face_share` is the share of the frames that show it, and `other_shares` those of the other people.
    `roll_deg` is by how much it lies turned clockwise from upright, from -180, where that was measured; `turned` says that
    the crops show it upright all the same. `num_shots` are the shots of the clip, where these were told apart and the head
    was followed. `box` is where the face is found first, and `reading` what came of reading the clip.
    """

    frames: np.ndarray
    num_frames_with_face: int
    score: float
    face_share: float = 1.0
    other_shares: tuple[float, ...] = ()
    roll_deg: float | None = None
    turned: bool = False
    num_shots: int | None = None
    box: Box | None = None
    reading: Reading = field(default_factory=Reading)

    @property
    def num_faces(self) -> int:
        """How many people show."""
        return 1 + len(self.other_shares)


class Finder(Protocol):
    """What makes crops of one face of a clip; `settings` (JSON) is what they depend on.

    `frames` are RGB uint8 `(H, W, 3)` in time order, crops `size` px wide. All raise `NoFace` where none shows.
    """

    @property
    def settings(self) -> dict[str, Any]: ...

    def crop_clip(self, frames: Iterable[np.ndarray], size: int) -> CroppedClip:
        """The crops of a clip of a data set, in which the face has to show in half of the frames."""
        ...


class AnsweringFinder(Finder, Protocol):
    """What also makes crops of clips for which a model is to answer, whatever they are."""

    def crop_shown(self, frames: Iterable[np.ndarray], size: int) -> CroppedClip:
        """As `crop_clip`, but however few frames show the face, and only where one shows."""
        ...

    def crop_everyone(self, frames: Iterable[np.ndarray], size: int) -> list[CroppedClip]:
        """The crops of everybody who shows, one at least, the one first whom `crop_shown` takes."""
        ...
