"""What is told about a clip, in `prepare` and `predict` alike: what came of reading it, and how its face shows."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from trainables.core.faces.clip import LYING, CroppedClip
from trainables.core.faces.crops import MAX_FRAMES
from trainables.core.wording import counted
from trainables.data.core.layout import listed
from trainables.data.core.video import Reading

FEW = 0.75  # share of the frames that show the face, below which it is told
UPSIDE_DOWN = 135.0  # degrees from upright


@dataclass(frozen=True, kw_only=True)
class Told:
    """What is told about one clip.

    `num_frames` are its crops; the others are of `CroppedClip`. Of other people what earlier versions wrote knows the number
    alone, and each share is `None`.
    """

    reading: Reading
    num_frames: int
    face_share: float
    other_shares: tuple[float | None, ...]
    roll_deg: float | None
    turned: bool
    num_shots: int | None
    box: dict[str, int] | None

    @classmethod
    def of(cls, clip: CroppedClip) -> Told:
        """What is to be told of the clip, without its frames."""
        return cls(
            reading=clip.reading,
            num_frames=len(clip.frames),
            face_share=clip.face_share,
            other_shares=clip.other_shares,
            roll_deg=clip.roll_deg,
            turned=clip.turned,
            num_shots=clip.num_shots,
            box=None if clip.box is None else {key: round(at) for key, at in dataclasses.asdict(clip.box).items()},
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
            "faces": 1 + len(self.other_shares),
            "face_share": round(self.face_share, 3),
            "other_shares": [None if share is None else round(share, 3) for share in self.other_shares],
            "roll_deg": roll,
            "turned_upright": self.turned,
            "shots": self.num_shots,
            "box": self.box,
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
            face_share=told["face_share"],
            other_shares=tuple(told.get("other_shares", [None] * (told["faces"] - 1))),
            roll_deg=told["roll_deg"],
            turned=told.get("turned_upright", False),
            num_shots=told.get("shots"),
            box=told.get("box"),
        )

    @property
    def is_followed(self) -> bool:
        """Whether the crops go with the head; else they are all of one place."""
        return self.num_shots is not None

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


def _of_frames(told: Told) -> str | None:
    length = f", {told.reading.seconds:,.0f} s" if told.reading.seconds else ""
    return f"{told.reading.num_frames:,}{length}" if told.reading.num_frames > MAX_FRAMES else None


def _of_people(told: Told) -> str | None:
    """Such as "2 in 98 / 45 % of the frames", the one who is kept first."""
    if not told.other_shares:
        return None
    shares = [f"{100 * share:.0f}" for share in (told.face_share, *told.other_shares) if share is not None]
    number = str(1 + len(told.other_shares))
    return f"{number} in {' / '.join(shares)} % of the frames" if len(shares) > 1 else number


def _of_share(told: Told) -> str | None:
    return f"{100 * told.face_share:.0f} %" if told.face_share < FEW else None


def _of_shots(told: Told) -> str | None:
    return str(told.num_shots) if told.num_shots and told.num_shots > 1 else None


def _of_roll(told: Told, least: float, below: float) -> str | None:
    return f"{abs(told.roll_deg):.0f}°" if told.roll_deg is not None and least <= abs(told.roll_deg) < below else None


def _of_side(told: Told) -> str | None:
    return _of_roll(told, LYING, UPSIDE_DOWN)


def _of_head_down(told: Told) -> str | None:
    return _of_roll(told, UPSIDE_DOWN, 181)


def _followed(what: str, of: Callable[[Told], str | None], then: str, otherwise: str) -> tuple[_Remark, _Remark]:
    """A remark on clips whose head is followed, and on those that are cropped to one place."""
    return (
        _Remark(what, lambda told: of(told) if told.is_followed else None, then),
        _Remark(what, lambda told: None if told.is_followed else of(told), otherwise),
    )


REMARKS = (
    *_followed(
        "more than one face",
        _of_people,
        "kept is the first: who shows in most frames, the largest of those who show in nine tenths as many",
        "the one that is largest and surest over the frames is kept",
    ),
    _Remark(
        "several shots", _of_shots, "in each the head is followed anew, and those without this person are left out"
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
    *_followed(
        "a face that shows in part of the frames",
        _of_share,
        "the others are left out",
        "all frames are cropped to its place",
    ),
    *_followed("a face that lies on its side", _of_side, "it is turned upright", "it is cropped as it lies"),
    *_followed("a face that is upside down", _of_head_down, "it is turned upright", "it is cropped as it is"),
)


def notes(names: Sequence[str], clips: Sequence[Told]) -> list[str]:
    """What is told of all clips: a sentence for each remark, with the number and the first of the clips."""
    sentences = []
    for remark in REMARKS:
        found = [(name, remark.of(told)) for name, told in zip(names, clips, strict=True)]
        named = [f"{name}: {of}" if of else name for name, of in found if of is not None]
        if named:
            sentences.append(f"{counted(len(named), 'clip')} with {remark.what} ({listed(named)}); {remark.then}")
    return sentences


def cropped(
    crop_clip: Callable[[Iterator[np.ndarray], int], CroppedClip], frames: Iterator[np.ndarray], size: int
) -> CroppedClip:
    """What `crop_clip` makes of `frames`, with what came of reading them, where their reader returns it."""
    (clip,) = all_cropped(lambda given, side: [crop_clip(given, side)], frames, size)
    return clip


def all_cropped(
    crop: Callable[[Iterator[np.ndarray], int], list[CroppedClip]], frames: Iterator[np.ndarray], size: int
) -> list[CroppedClip]:
    """As `cropped`, of what makes several clips of some frames."""
    reading: Reading | None = None

    def read() -> Iterator[np.ndarray]:
        nonlocal reading
        reading = yield from frames

    clips = crop(read(), size)
    return [replace(clip, reading=reading) for clip in clips] if reading else clips
