"""A contact sheet: one picture of the crops of a data set, by which a person judges them at a look."""

from __future__ import annotations

import math
import os
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from trainables.core.faces.crops import MARGIN, resized
from trainables.core.prepared.batches import frame_positions
from trainables.core.prepared.stored import Dropped, Prepared
from trainables.core.wording import counted
from trainables.data.core.dataset import Dataset, Sample
from tuning.text.pictures.lettering import Lettering

MOST_ROWS = 240
NUM_PICTURES = 5  # of a clip
SIDE = 112  # px of a picture
FORMATS: dict[str, list[int]] = {
    ".png": [],
    ".jpg": [cv2.IMWRITE_JPEG_QUALITY, 92],
    ".jpeg": [cv2.IMWRITE_JPEG_QUALITY, 92],
    ".webp": [cv2.IMWRITE_WEBP_QUALITY, 92],
}

_TEXT, _GAP, _PAD, _EDGE, _BETWEEN = 310, 6, 9, 24, 28  # px
_ASPECT = 1.5  # width over height, as near as whole columns come
_PALE = 0.68  # by how much the margin of a crop fades into white

_INK, _GREY, _RED, _AMBER, _VIOLET = (28, 28, 32), (105, 107, 115), (190, 30, 40), (150, 84, 0), (94, 53, 177)
_WHITE, _PINK, _CREAM, _LINE, _FRAME = (
    (255, 255, 255),
    (253, 234, 234),
    (255, 248, 232),
    (226, 228, 232),
    (150, 152, 160),
)


@dataclass(frozen=True, kw_only=True)
class Choice:
    """Which clips are shown: the indices of kept ones, and dropped ones."""

    kept: Sequence[int]
    dropped: Sequence[Dropped]


def require_file(path: Path) -> None:
    """Raises `ValueError` for an ending that stands for no format, and where no file can be written at `path`."""
    if path.suffix.lower() not in FORMATS:
        raise ValueError(
            f"{path} ends in {path.suffix or 'nothing'}; a contact sheet (--preview) is written to {', '.join(FORMATS)}."
        )
    if path.is_dir():
        raise ValueError(f"{path} is a folder; --preview needs a file, such as {path / 'sheet.png'}.")
    if not path.parent.is_dir():
        raise ValueError(f"There is no folder {path.parent} to write the contact sheet to: make it, or choose another.")
    try:
        with tempfile.TemporaryFile(dir=path.parent):
            pass
    except OSError as error:
        raise ValueError(
            f"The contact sheet cannot be written in {path.parent} ({error.strerror}): give this user access, or choose "
            "another folder."
        ) from error


def choose(prepared: Prepared) -> Choice:
    """At most `MOST_ROWS` clips: the dropped first, up to half of the sheet, then kept ones evenly over all of them.

    Where few are kept, more of the dropped are shown.
    """
    num_dropped = min(len(prepared.dropped), max(MOST_ROWS // 2, MOST_ROWS - len(prepared)))
    dropped = [prepared.dropped[place] for place in frame_positions(len(prepared.dropped), num_dropped)]
    return Choice(kept=frame_positions(len(prepared), MOST_ROWS - num_dropped).tolist(), dropped=dropped)


def write(path: Path, prepared: Prepared, choice: Choice, dataset: Dataset, frames: Iterable[np.ndarray]) -> None:
    """Write the sheet of `choice` to `path`, in the format of its ending, whole or not at all.

    `dataset` is what `prepared` was made of; `frames` are those of each dropped clip, uint8 RGB `(T, H, W, 3)`, at most
    `SIDE` px long; none of a clip that cannot be read. Raises `OSError` where the file cannot be written.
    """
    sheet = draw(prepared, choice, dataset, frames)
    whole, data = cv2.imencode(
        path.suffix.lower(), cv2.cvtColor(sheet, cv2.COLOR_RGB2BGR), FORMATS[path.suffix.lower()]
    )
    if not whole:
        raise OSError(f"{path}: the contact sheet could not be written in this format.")
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        temporary.write_bytes(data.tobytes())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def draw(prepared: Prepared, choice: Choice, dataset: Dataset, frames: Iterable[np.ndarray]) -> np.ndarray:
    """The sheet as a picture, uint8 RGB `(H, W, 3)`; what is given is as for `write`."""
    samples = {sample.clip_id: sample for sample in dataset.samples}
    rows = []
    for clip, pictures in zip(choice.dropped, frames, strict=True):
        sample = samples[clip.clip_id]
        about = _about(dataset.classes[sample.label], sample.subject)
        rows.append(_Row(clip.clip_id, about, list(pictures), [f"dropped: {_reason(clip, sample)}"], is_dropped=True))
    for index in choice.kept:
        first, last = prepared.offsets[index], prepared.offsets[index + 1]
        cluster = prepared.clusters[index] if prepared.clusters else None
        about = _about(prepared.classes[prepared.labels[index]], prepared.subjects[index] or cluster)
        crops = [_with_margin(prepared.frames[first + place]) for place in frame_positions(last - first, NUM_PICTURES)]
        remarks = prepared.told[index]["remarks"] if prepared.told else []
        rows.append(_Row(prepared.clip_ids[index], about, crops, remarks))
    body = _in_columns([row.draw(max(len(row.pictures) for row in rows)) for row in rows])
    head = _heading(prepared, choice, body.shape[1])
    return np.pad(np.vstack([head, body]), ((_EDGE, _EDGE), (_EDGE, _EDGE), (0, 0)), constant_values=255)


@dataclass(frozen=True)
class _Row:
    """A clip: its name, its class and person (or cluster), pictures of at most `SIDE` px, and what is remarkable about it."""

    clip_id: str
    about: str
    pictures: Sequence[np.ndarray]
    remarks: Sequence[str]
    is_dropped: bool = False

    def draw(self, num_pictures: int) -> np.ndarray:
        """The row, with room for so many pictures."""
        ground = _PINK if self.is_dropped else _CREAM if self.remarks else _WHITE
        mark = _RED if self.is_dropped else _AMBER if self.remarks else _LINE
        row = _plain(SIDE + 2 * _PAD, 2 * _PAD + _TEXT + 2 * _PAD + num_pictures * (SIDE + _GAP), ground)
        row[-1] = _LINE
        row[:-1, :5] = mark
        self._write(row, left=2 * _PAD)
        left = _TEXT + 3 * _PAD
        for picture in self.pictures:
            height, width = picture.shape[:2]
            y, x = _PAD + (SIDE - height) // 2, left + (SIDE - width) // 2
            row[y : y + height, x : x + width] = picture
            left += SIDE + _GAP
        return row

    def _write(self, row: np.ndarray, left: int) -> None:
        name = Lettering(size=16, weight=600, colour=_RED if self.is_dropped else _INK)
        name.write(row, name.shortened(self.clip_id, _TEXT), left, _PAD + 15)
        grey = Lettering(size=14, colour=_GREY)
        grey.write(row, grey.shortened(self.about, _TEXT), left, _PAD + 36)
        loud = Lettering(size=14, colour=_RED if self.is_dropped else _AMBER)
        width = _TEXT if self.pictures else row.shape[1] - 2 * left
        for number, line in enumerate(loud.wrapped(", ".join(self.remarks), width, most=4)):
            loud.write(row, line, left, _PAD + 57 + 18 * number)


def _about(class_name: str, subject: str | None) -> str:
    return f"{class_name}  ·  {subject}" if subject else class_name


def _reason(clip: Dropped, sample: Sample) -> str:
    """Why the clip was dropped, without the folder of a file that is named: the row says which clip it is."""
    return clip.reason.replace(f"{sample.paths[0].parent}{os.sep}", "") if sample.paths else clip.reason


def _with_margin(crop: np.ndarray) -> np.ndarray:
    """A stored crop at `SIDE` px: what a network sees of it within a thin line, the margin around it pale."""
    picture = resized(crop, (SIDE, SIDE))
    border = round(SIDE * MARGIN / (1 + 2 * MARGIN))
    pale = cv2.addWeighted(picture, 1 - _PALE, np.full_like(picture, 255), _PALE, 0)
    inner = slice(border, SIDE - border)
    pale[inner, inner] = picture[inner, inner]
    cv2.rectangle(pale, (border - 1, border - 1), (SIDE - border, SIDE - border), _FRAME)
    return pale


def _in_columns(rows: Sequence[np.ndarray]) -> np.ndarray:
    """The rows from top to bottom in as many columns as make the picture about `_ASPECT` as wide as it is high."""
    height, width = rows[0].shape[:2]

    def badness(num_columns: int) -> float:
        return abs(math.log((width + _BETWEEN) * num_columns / (height * math.ceil(len(rows) / num_columns)) / _ASPECT))

    num_columns = min(range(1, len(rows) + 1), key=badness)
    per_column = math.ceil(len(rows) / num_columns)
    num_columns = math.ceil(len(rows) / per_column)
    picture = _plain(height * per_column, (width + _BETWEEN) * num_columns - _BETWEEN, _WHITE)
    for number, row in enumerate(rows):
        column, place = divmod(number, per_column)
        left = column * (width + _BETWEEN)
        picture[place * height : (place + 1) * height, left : left + width] = row
    return picture


def _heading(prepared: Prepared, choice: Choice, width: int) -> np.ndarray:
    """What the sheet shows, above all columns: larger above a larger sheet, which is seen from further away."""
    num_kept, num_dropped = len(prepared), len(prepared.dropped)
    found = f"{counted(num_kept, 'clip')} kept, {num_dropped:,} dropped"
    is_whole = (len(choice.kept), len(choice.dropped)) == (num_kept, num_dropped)
    part = f"{len(choice.kept):,} of {num_kept:,} kept, {len(choice.dropped):,} of {num_dropped:,} dropped"
    lines = [
        (30, 700, _INK, prepared.name),
        (17, 400, _INK, f"{found}; {'all are shown' if is_whole else f'shown are {part}'}."),
        (15, 400, _GREY, "In the frame: what a network sees. Pale around it: the margin for rotation and shift."),
    ]
    if prepared.drawn:
        lines.insert(1, (17, 600, _VIOLET, "These faces are drawn by a program."))
    scale = min(max(width / 1500, 1.0), 2.5)
    written: list[tuple[Lettering, str]] = []
    for size, weight, colour, text in lines:
        lettering = Lettering(size=round(size * scale), weight=weight, colour=colour)
        written += [(lettering, line) for line in lettering.wrapped(text, width, most=3)]
    head = _plain(sum(round(1.6 * lettering.size) for lettering, _ in written) + round(14 * scale), width, _WHITE)
    top = 0
    for lettering, line in written:
        lettering.write(head, line, 0, top + round(1.25 * lettering.size))
        top += round(1.6 * lettering.size)
    return head


def _plain(height: int, width: int, colour: tuple[int, int, int]) -> np.ndarray:
    return np.full((height, width, 3), colour, np.uint8)
