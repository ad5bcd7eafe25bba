"""BAUM-1s: spontaneous expressions of 31 Turkish people on video, of which the six basic emotions are read.

Zhalehpour et al., "BAUM-1: A Spontaneous Audio-Visual Face Database of Affective and Mental States", IEEE Transactions on
Affective Computing 2017. A table names for each clip a code from 1 to 13: the thirteen states in alphabetical order, as
two public loaders read them too. Which subjects form the five groups of the protocol is not published; ours: every fifth
of the sorted ones.
"""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

from trainables.core.wording import counted
from trainables.data.core.dataset import DataError, Dataset, Sample
from trainables.data.core.finding import entries, list_folders, list_videos, natural
from trainables.data.core.frames import read_frames
from trainables.data.core.layout import find_parts, first_of, listed, require_both, shortfall
from trainables.data.core.protocols import tested_in_turn
from trainables.data.core.spreadsheets import TABLE_SUFFIXES, read_rows, shown, whole_number

LAYOUT = "'BAUM1s_MP4 - All/s001/S001_001.mp4' beside Annotations_BAUM1s.xls, .xlsx or .csv"
CLASSES = ("anger", "disgust", "fear", "happiness", "sadness", "surprise")
CODES = {1: "anger", 6: "disgust", 7: "fear", 8: "happiness", 10: "sadness", 11: "surprise"}
OTHER_CODES = {
    2: "boredom",
    3: "bothered",
    4: "concentrating",
    5: "contempt",
    9: "neutral",
    12: "thinking",
    13: "unsure",
}
NUM_SUBJECTS, NUM_GROUPS = 31, 5


def load(root: Path) -> Dataset:
    """The clips of the six emotions under `root`, in folds that leave one group of subjects out.

    Raises `DataError` for a layout other than this one, a table without clips, and fewer than three subjects.
    """
    root = Path(root)
    found = find_parts(root, _parts_at, ("videos", "annotations"), LAYOUT, inner=r"s\d+|BAUM1s_MP4.*")
    require_both(root, found, LAYOUT)
    folder, several = first_of(found["videos"], "videos")
    table = _tables(found["annotations"][0])[0]
    codes, unread = _read_codes(table)
    if not codes:
        first = shown([",".join(row) for row in read_rows(table) if any(row)])
        raise DataError(
            f"{table}: no row names a clip such as S001_001 and, two cells on, a code from 1 to 13; it begins {first}. "
            f"Expected: {LAYOUT}."
        )
    videos = {name: video for video in _videos(folder) if (name := _clip_name(video.stem))}
    samples = [
        Sample(clip_id=name, label=CLASSES.index(CODES[code]), subject=name.split("_")[0], paths=(videos[name],))
        for name, code in codes.items()
        if code in CODES and name in videos
    ]
    if not samples:
        raise DataError(f"{table}: none of {len(codes)} clips is one of {len(videos)} videos. Expected: {LAYOUT}.")
    folds, fold_notes = tested_in_turn([str(sample.subject) for sample in samples], NUM_GROUPS)
    notes = [
        *several,
        *shortfall(len({name.split("_")[0] for name in videos}), NUM_SUBJECTS, "subjects"),
        *fold_notes,
        *_disagreements(codes, videos),
    ]
    if unread:
        notes.append(
            f"{counted(len(unread), 'row')} of {table.name} with a clip but no code from 1 to 13 ({listed(unread)})"
        )
    return Dataset(name="baum1s", classes=CLASSES, samples=samples, folds=folds, read=read_frames, notes=tuple(notes))


def _parts_at(folder: Path) -> tuple[str, ...]:
    videos = ("videos",) if next(iter(_videos(folder)), None) else ()
    return (*videos, "annotations") if _tables(folder) else videos


def _videos(folder: Path) -> list[Path]:
    subjects = [subject for subject in list_folders(folder) if re.fullmatch(r"s\d+", subject.name, re.IGNORECASE)]
    return [video for subject in subjects for video in list_videos(subject) if _clip_name(video.stem)]


def _tables(folder: Path) -> list[Path]:
    """The tables of annotations in a folder, workbooks first; those of BAUM-1a, which is acted, are another data set's."""
    tables = [
        path
        for path in (folder / entry.name for entry in entries(folder))
        if re.match(r"annotation.*", path.name, re.IGNORECASE)
        and "baum1a" not in path.name.lower()
        and path.suffix.lower() in TABLE_SUFFIXES
    ]
    return sorted(tables, key=lambda path: (TABLE_SUFFIXES.index(path.suffix.lower()), path.name))


def _clip_name(text: str) -> str | None:
    """`S001_001` of a video's stem or a cell, however many zeros are in it; `None` for anything else."""
    match = re.fullmatch(r"s(\d+)_(\d+)(?:\.\w+)?", text.strip(), re.IGNORECASE)
    return f"S{int(match[1]):03d}_{int(match[2]):03d}" if match else None


def _read_codes(table: Path) -> tuple[dict[str, int], list[str]]:
    """The code of each clip, and the clips whose row holds none.

    The clip's cell is known by its form, which skips header rows and holds whether or not a column of row numbers comes
    first; the emotion's name follows it, and then the code.
    """
    codes, unread = {}, []
    for row in read_rows(table):
        column, name = next(((i, clip) for i, cell in enumerate(row) if (clip := _clip_name(cell))), (0, None))
        if name is None:
            continue
        code = whole_number(row[column + 2]) if column + 2 < len(row) else None
        if code in CODES or code in OTHER_CODES:
            codes[name] = code
        else:
            unread.append(name)
    return {name: codes[name] for name in natural(codes)}, unread


def _disagreements(codes: dict[str, int], videos: dict[str, Path]) -> tuple[str, ...]:
    """What the table and the videos say of each other."""
    others = Counter(OTHER_CODES[code] for name, code in codes.items() if code in OTHER_CODES and name in videos)
    missing = [name for name in codes if name not in videos]
    unannotated = [name for name in videos if name not in codes]
    notes = []
    if others:
        notes.append(f"{counted(others.total(), 'clip')} of other states, left out ({listed(sorted(others), most=7)})")
    if missing:
        notes.append(f"{counted(len(missing), 'annotated clip')} without a video ({listed(missing)})")
    if unannotated:
        notes.append(f"{counted(len(unannotated), 'video')} without an annotation ({listed(unannotated)})")
    return tuple(notes)
