"""One case of an input, and what cases share: a drawn clip, reading what was made, comparing it.

To add one, append a `Case` to the list of a family. What its check returns must hold every sentence that `happens` quotes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from trainables.data.core.dataset import DataError, Dataset, Sample
from trainables.data.core.frames import read_frames
from trainables.data.core.video import Reading

Check = Callable[[Path], str | None]


@dataclass(frozen=True)
class Case:
    """`make` writes the input into an empty folder and returns its place, of which `check` asserts what `happens` says.

    `check` returns what a user is told: the text of a refusal, notes, or what came of reading.
    """

    given: str
    happens: str
    make: Callable[[Path], Path]
    check: Check

    @property
    def quoted(self) -> list[str]:
        """The sentences that the user is said to be told."""
        return re.findall(r"“(.+?)”", self.happens)


@dataclass(frozen=True)
class Family:
    """The cases of one kind, and what a user should know of all of them."""

    title: str
    about: str
    cases: Sequence[Case]


def pictures(num: int = 8, width: int = 96, height: int = 64) -> list[np.ndarray]:
    """The frames of a clip, RGB: a red, a green, a blue and a grey corner, and a white bar that moves to the right."""
    frames = []
    for place in range(num):
        frame = np.empty((height, width, 3), np.uint8)
        top, left = height // 2, width // 2
        frame[:top, :left], frame[:top, left:] = (200, 40, 40), (40, 180, 60)
        frame[top:, :left], frame[top:, left:] = (50, 60, 190), (128, 128, 128)
        begin = place * width // num
        frame[:, begin : begin + max(width // 8, 1)] = 240
        frames.append(frame)
    return frames


def of_bytes(name: str, content: bytes) -> Callable[[Path], Path]:
    """Writes a file of that content."""

    def make(folder: Path) -> Path:
        (folder / name).write_bytes(content)
        return folder / name

    return make


def read(path: Path) -> tuple[list[np.ndarray], Reading]:
    """The frames of a clip, and what came of reading it."""
    sample = Sample(clip_id=path.name, label=0, subject=None, paths=(path,))
    frames, reading = [], read_frames(sample)
    while True:
        try:
            frames.append(next(reading))
        except StopIteration as end:
            return frames, end.value


def require_same(found: Sequence[np.ndarray], expected: Sequence[np.ndarray], within: float = 0.0) -> None:
    """The same frames in the same order: of one shape, and on average no more than `within` of 255 levels apart."""
    assert [frame.shape for frame in found] == [frame.shape for frame in expected]
    for place, frame in enumerate(found):
        apart = [float(np.abs(frame.astype(int) - other).mean()) for other in expected if other.shape == frame.shape]
        assert np.abs(frame.astype(int) - expected[place]).mean() <= min(within, min(apart) + 1e-9), (place, apart)


def gives(frames: Callable[[], Sequence[np.ndarray]] = pictures, *, within: float = 0.0, whole: bool = True) -> Check:
    """Checks that the clip is read as `frames`, and whether nothing of it is missing."""

    def check(path: Path) -> str:
        found, reading = read(path)
        require_same(found, frames(), within)
        assert reading.is_incomplete != whole
        return str(reading)

    return check


def is_refused(path: Path) -> str:
    """Checks that the clip cannot be read, by one sentence that names it."""
    said = refusal(read, path)
    assert path.name in said
    return said


def refusal(ask: Callable[[Path], object], path: Path) -> str:
    """What is said of `path`, which must be refused."""
    try:
        ask(path)
    except DataError as error:
        return str(error)
    raise AssertionError("it was not refused")


def told(dataset: Dataset) -> str:
    """What is told of a data set that is read."""
    return "; ".join(dataset.notes)


def labels(dataset: Dataset) -> dict[str, tuple[str, str | None]]:
    """The class and the person of each clip."""
    return {sample.clip_id: (dataset.classes[sample.label], sample.subject) for sample in dataset.samples}
