"""FER2013: 35,887 grey face crops of 48 x 48 px from the web, in seven classes, with a published split.

Goodfellow et al., "Challenges in Representation Learning", ICONIP 2013. `fer2013.csv` holds all images with their part:
`Training`, `PublicTest` (validation here) and `PrivateTest`. The copy as folders merges the last two into `test`; there
validation is a tenth of each class of `train` (ours; by clip, as nobody names subjects). Copies of `train` and `validation`
alone are tested on the latter. Some pictures are in FER2013 several times, which is told and left as published.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from trainables.core.wording import counted
from trainables.data.core.dataset import DataError, Dataset, Fold, Sample
from trainables.data.core.finding import entries, list_folders, list_images
from trainables.data.core.frames import read_frames
from trainables.data.core.layout import find_parts, first_of, listed, shortfall
from trainables.data.core.pixel_table import PixelTable, read_pixel_table
from trainables.data.core.protocols import split_off
from trainables.data.core.spreadsheets import shown, whole_number

LAYOUT = "fer2013.csv with the columns emotion,pixels,Usage, or train/<class>/*.png and test/<class>/*.png"
CLASSES = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")  # the codes 0 to 6
# The second is the same table with its columns in another order; some lose their ending on the way.
TABLES = ("fer2013.csv", "icml_face_data.csv", "fer2013", "icml_face_data", "fer2013.tsv", "fer2013.txt")
PARTS = {
    "training": "train",
    "publictest": "validation",
    "privatetest": "test",
    "train": "train",
    "validation": "validation",
    "valid": "validation",
    "val": "validation",
    "test": "test",
}
# How the names of the classes begin, however they end: anger, happiness, fearful.
SPELLINGS = ("ang", "dis", "fea", "hap", "sad", "sur", "neu")
NUM_IMAGES, SIDE, CROP_SIZE, VALIDATION_SHARE = 35_887, 48, 60, 0.1


def load(root: Path) -> Dataset:
    """FER2013 under `root`, from the table where there is one, else from the folders.

    Raises `DataError` for a layout other than these, and where train or test is empty.
    """
    root = Path(root)
    folder, has_table, notes = locate(root)
    if has_table:
        table = open_table(folder)
        labels = [_label_of(text) for text in table.values["emotion"]]
        if labels and not any(label is not None for label in labels):
            raise DataError(
                f"{table.path}: no row has a class; the column emotion begins {shown(table.values['emotion'])}. "
                f"Expected: 0 to 6, or {', '.join(CLASSES)}."
            )
        if lacking := [str(row) for row, label in enumerate(labels) if label is None]:
            notes += (f"{counted(len(lacking), 'row')} of no class, left out ({listed(lacking)})",)
        return of_table("fer2013", CLASSES, table, labels, NUM_IMAGES, notes)
    samples, parts, more = _of_folders(folder)
    return _assembled("fer2013", CLASSES, samples, parts, NUM_IMAGES, read_frames, (*notes, *more))


@dataclass(frozen=True)
class TableReader:
    """Reads the image of a sample whose id ends with the number of its row."""

    table: PixelTable

    def __call__(self, sample: Sample) -> Iterator[np.ndarray]:
        yield self.table.image(int(sample.clip_id[3:]), SIDE)


def locate(root: Path) -> tuple[Path, bool, tuple[str, ...]]:
    """The folder of the table, or of train and test; whether it is the table's; and notes."""
    found = find_parts(root, _parts_at, ("images",), LAYOUT, inner="|".join((*PARTS, *CLASSES)))["images"]
    with_table = [place for place in found if _table_in(place)]
    folder, notes = first_of(with_table or found, "FER2013")
    return folder, bool(with_table), notes


def open_table(folder: Path) -> PixelTable:
    """The table of all images in `folder`."""
    path = _table_in(folder)
    assert path is not None
    return read_pixel_table(path, ("emotion", "usage"))


def of_table(
    name: str,
    classes: tuple[str, ...],
    table: PixelTable,
    labels: Sequence[int | None],
    num_published: int | None,
    notes: tuple[str, ...],
    votes: Sequence[tuple[float, ...]] = (),
) -> Dataset:
    """The data set of the rows of a table that have a label and a known part, with `votes` for `classes` if there are any."""
    if table.values["usage"] and not any(usage.lower() in PARTS for usage in table.values["usage"]):
        raise DataError(
            f"{table.path}: no row names a part; the column Usage begins {shown(table.values['usage'])}. "
            "Expected: Training, PublicTest and PrivateTest, or train, validation and test."
        )
    samples, parts, lacking = [], [], []
    for row, (label, usage) in enumerate(zip(labels, table.values["usage"], strict=True)):
        part = PARTS.get(usage.lower())
        if part is None:
            lacking.append(str(row))
        elif label is not None:
            given = votes[row] if votes else ()
            samples.append(Sample(clip_id=f"fer{row:07d}", label=label, subject=None, paths=(table.path,), votes=given))
            parts.append(part)
    if lacking:
        notes += (f"{counted(len(lacking), 'row')} of no part, left out ({listed(lacking)})",)
    notes += _seen_again([table.digest(int(sample.clip_id[3:])) for sample in samples], samples, parts, classes)
    return _assembled(name, classes, samples, parts, num_published, TableReader(table), notes)


def _seen_again(
    digests: Sequence[bytes], samples: Sequence[Sample], parts: Sequence[str], classes: Sequence[str]
) -> tuple[str, ...]:
    """What pictures that are there several times, known by the digests of their pixels, say against a test on them."""
    places = defaultdict(list)
    for index, digest in enumerate(digests):
        places[digest].append(index)
    several = [indices for indices in places.values() if len(indices) > 1]
    across = [indices for indices in several if len({parts[i] for i in indices}) > 1]
    unsure = [indices for indices in several if len({samples[i].label for i in indices}) > 1]
    notes = ()
    if across:
        tested = sum(parts[i] == "test" for indices in across for i in indices)
        notes += (
            f"{counted(len(across), 'picture')} in several parts, {tested} of the copies in test; left as published",
        )
    if unsure:
        pairs = {"/".join(sorted({classes[samples[i].label] for i in indices})) for indices in unsure}
        notes += (
            f"{counted(len(unsure), 'picture')} under several labels ({listed(sorted(pairs))}); left as published",
        )
    return notes


def _assembled(
    name: str,
    classes: tuple[str, ...],
    samples: list[Sample],
    parts: list[str],
    num_published: int | None,
    read: Callable[[Sample], Iterator[np.ndarray]],
    notes: tuple[str, ...],
) -> Dataset:
    indices = {part: [i for i, other in enumerate(parts) if other == part] for part in ("train", "validation", "test")}
    if not indices["test"] and indices["train"] and indices["validation"]:
        indices["test"], indices["validation"] = indices["validation"], []
        notes += ("no part is named for test; validation is tested instead",)
    if not indices["train"] or not indices["test"]:
        empty = "train" if not indices["train"] else "test"
        raise DataError(f"{name}: {len(samples)} images, but none of them is for {empty}. Expected: {LAYOUT}.")
    if not indices["validation"]:
        labels = [sample.label for sample in samples]
        indices["train"], indices["validation"] = split_off(indices["train"], labels, share=VALIDATION_SHARE, seed=0)
        notes += ("no part is named for validation; a tenth of each class of train is taken",)
    fold = Fold(**{part: tuple(members) for part, members in indices.items()})
    if num_published is not None:
        notes += shortfall(len(samples), num_published, "images")
    return Dataset(
        name=name,
        classes=classes,
        samples=samples,
        folds=[fold],
        read=read,
        notes=notes,
        faces="given",
        crop_size=CROP_SIZE,
    )


def _parts_at(folder: Path) -> tuple[str, ...]:
    if _table_in(folder):
        return ("images",)
    parts = [inside for inside in list_folders(folder) if inside.name.lower() in PARTS]
    return (
        ("images",)
        if any(_class_of(inside.name) is not None for part in parts for inside in list_folders(part))
        else ()
    )


def _table_in(folder: Path) -> Path | None:
    names = [entry.name for entry in entries(folder) if entry.is_file()]
    by_name = {name.lower(): folder / name for name in names}
    return next((by_name[name] for name in TABLES if name in by_name), None)


def _class_of(name: str) -> int | None:
    """The class that a name stands for; the order of folders differs from that of the codes."""
    spelling = name.lower()[:3]
    return SPELLINGS.index(spelling) if spelling in SPELLINGS else None


def _label_of(cell: str) -> int | None:
    """The class of a cell, a code from 0 to 6 or a name."""
    code = whole_number(cell)
    return _class_of(cell) if code is None else code if code in range(len(CLASSES)) else None


def _of_folders(folder: Path) -> tuple[list[Sample], list[str], tuple[str, ...]]:
    """The images of `folder/<part>/<class>`, the part of each, and notes."""
    samples, parts, unknown, empty = [], [], [], []
    for part_folder in list_folders(folder):
        part = PARTS.get(part_folder.name.lower())
        for class_folder in list_folders(part_folder) if part else ():
            label, name = _class_of(class_folder.name), f"{part_folder.name}/{class_folder.name}"
            images = list_images(class_folder)
            if label is None:
                unknown.append(name)
            elif not images:
                empty.append(name)
            else:
                samples += [
                    Sample(clip_id=f"{name}/{image.name}", label=label, subject=None, paths=(image,))
                    for image in images
                ]
                parts += [part] * len(images)
    digests = [hashlib.blake2b(sample.paths[0].read_bytes()).digest() for sample in samples]
    notes = [*_seen_again(digests, samples, parts, CLASSES)]
    if unknown:
        notes.append(f"folders of no known class are left out ({listed(unknown)})")
    if empty:
        notes.append(f"class folders without images ({listed(empty)})")
    return samples, parts, tuple(notes)
