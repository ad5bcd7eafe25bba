"""What is told about a clip, in `prepare` and `predict` alike: what came of reading it, and how its face shows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from trainables.core.prepared.faces import CroppedClip
from trainables.core.prepared.pixels import MAX_FRAMES
from trainables.core.wording import counted
from trainables.data.core.layout import listed
from trainables.data.core.video import Reading

FEW = 0.75  # share of the frames looked at that show the face, below which it is told
LYING, UPSIDE_DOWN = 45.0, 135.0  # degrees from upright


@dataclass(frozen=True, kw_only=True)
class Told:
    """What is told about one clip.

    `num_frames` are its crops, `num_faces` the faces that show in it, `face_share` the share of the frames looked at that
    show the one that is followed, `roll_deg` by how much that is turned clockwise, where it was measured.
    """

    reading: Reading
    num_frames: int
    num_faces: int
    face_share: float
    roll_deg: float | None

    @classmethod
    def of(cls, clip: CroppedClip) -> Told:
        """What is to be told of the clip, without its frames."""
        return cls(
            reading=clip.reading,
            num_frames=len(clip.frames),
            num_faces=clip.num_faces,
            face_share=clip.face_share,
            roll_deg=clip.roll_deg,
        )

    def to_json(self) -> dict[str, Any]:
        """All of it as data; what was not measured is `None`."""
        roll = None if self.roll_deg is None else round(self.roll_deg, 1)
        return {
            "frames_read": self.reading.num_frames or self.num_frames,
            "frames_expected": self.reading.num_expected or self.num_frames,
            "damaged_packets": self.reading.num_damaged,
            "uneven_times": self.reading.uneven,
            "length_s": round(self.reading.seconds, 3) or None,
            "frames_used": self.num_frames,
            "faces": self.num_faces,
            "face_share": round(self.face_share, 3),
            "roll_deg": roll,
            "remarks": self.remarks(),
        }

    @classmethod
    def from_json(cls, told: dict[str, Any]) -> Told:
        """What `to_json` gave."""
        reading = Reading(
            num_frames=told["frames_read"],
            num_expected=told["frames_expected"],
            num_damaged=told["damaged_packets"],
            uneven=told["uneven_times"],
            seconds=told["length_s"] or 0.0,
        )
        return cls(
            reading=reading,
            num_frames=told["frames_used"],
            num_faces=told["faces"],
            face_share=told["face_share"],
            roll_deg=told["roll_deg"],
        )

    def remarks(self) -> list[str]:
        """What a person should know of it, such as "more than one face (2)"; nothing of most clips."""
        found = ((remark.what, remark.of(self)) for remark in REMARKS)
        return [f"{what} ({detail})" if detail else what for what, detail in found if detail is not None]


@dataclass(frozen=True)
class _Remark:
    """Something to tell of some clips: `what` they come with, the detail `of` one, or `None`, and what is done `then`."""

    what: str
    of: Callable[[Told], str | None]
    then: str
    detailed: bool = True  # in a list of clips


def _of_frames(told: Told) -> str | None:
    length = f", {told.reading.seconds:,.0f} s" if told.reading.seconds else ""
    return f"{told.reading.num_frames:,}{length}" if told.reading.num_frames > MAX_FRAMES else None


def _of_roll(told: Told, least: float, below: float) -> str | None:
    return f"{abs(told.roll_deg):.0f}°" if told.roll_deg is not None and least <= abs(told.roll_deg) < below else None


REMARKS = (
    _Remark(
        "more than one face",
        lambda told: str(told.num_faces) if told.num_faces > 1 else None,
        "the one that is largest and surest over the frames is followed",
        detailed=False,
    ),
    _Remark(
        "frames missing",
        lambda told: str(told.reading) if told.reading.is_incomplete else None,
        "what can be decoded is used",
    ),
    _Remark(
        "a variable frame rate",
        lambda told: "" if told.reading.uneven else None,
        "their frames are taken at even times",
    ),
    _Remark(f"more than {MAX_FRAMES} frames", _of_frames, "they are thinned out evenly"),
    _Remark(
        "a face that shows in part of the frames",
        lambda told: f"{100 * told.face_share:.0f} %" if told.face_share < FEW else None,
        "all frames are cropped to its place",
    ),
    _Remark(
        "a face that lies on its side",
        lambda told: _of_roll(told, LYING, UPSIDE_DOWN),
        "it is cropped as it lies",
    ),
    _Remark("a face that is upside down", lambda told: _of_roll(told, UPSIDE_DOWN, 181), "it is cropped as it is"),
)


def notes(names: Sequence[str], clips: Sequence[Told]) -> list[str]:
    """What is told of all clips: a sentence for each remark, with the number and the first of the clips."""
    sentences = []
    for remark in REMARKS:
        found = [(name, remark.of(told)) for name, told in zip(names, clips, strict=True)]
        named = [f"{name}: {of}" if of and remark.detailed else name for name, of in found if of is not None]
        if named:
            sentences.append(f"{counted(len(named), 'clip')} with {remark.what} ({listed(named)}); {remark.then}")
    return sentences


def cropped(
    crop_clip: Callable[[Iterator[np.ndarray], int], CroppedClip], frames: Iterator[np.ndarray], size: int
) -> CroppedClip:
    """What `crop_clip` makes of `frames`, with what came of reading them, where their reader returns it."""
    reading: Reading | None = None

    def read() -> Iterator[np.ndarray]:
        nonlocal reading
        reading = yield from frames

    clip = crop_clip(read(), size)
    return replace(clip, reading=reading) if reading else clip
