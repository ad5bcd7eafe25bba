"""FER2013: 35,887 grey face crops of 48 x 48 px from the web, in seven classes, with a published split.

Goodfellow et al., "Challenges in Representation Learning", ICONIP 2013. `fer2013.csv` holds all images with their part:
`Training`, `PublicTest` (validation here) and `PrivateTest`. The copy as folders merges the last two into `test`; there
validation is a tenth of each class of `train` (ours; by clip, as nobody names subjects).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from trainables.data.core.dataset import DataError, Dataset, Fold, Sample
from trainables.data.core.finding import entries, list_folders, list_images
from trainables.data.core.frames import read_frames
from trainables.data.core.layout import find_parts, first_of, listed, shortfall
from trainables.data.core.pixel_table import PixelTable, read_pixel_table
from trainables.data.core.protocols import split_off
from trainables.data.core.spreadsheets import whole_number

LAYOUT = "fer2013.csv with the columns emotion,pixels,Usage, or train/<class>/*.png and test/<class>/*.png"
CLASSES = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")  # the codes 0 to 6
TABLES = ("fer2013.csv", "icml_face_data.csv")  # the second is the same table with its columns in another order
PARTS = {"training": "train", "publictest": "validation", "privatetest": "test"}
PART_FOLDERS = {**PARTS, "train": "train", "validation": "validation", "val": "validation", "test": "test"}
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
        codes = [whole_number(text) for text in table.values["emotion"]]
        labels = [code if code in range(len(CLASSES)) else None for code in codes]
        if lacking := [str(row) for row, label in enumerate(labels) if label is None]:
            notes += (f"{len(lacking)} rows have no class and are left out (rows {listed(lacking)})",)
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
    found = find_parts(root, _parts_at, ("images",), LAYOUT, inner="|".join((*PART_FOLDERS, *CLASSES)))["images"]
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
) -> Dataset:
    """The data set of the rows of a table that have a label and a known part."""
    samples, parts, lacking = [], [], []
    for row, (label, usage) in enumerate(zip(labels, table.values["usage"], strict=True)):
        part = PARTS.get(usage.lower())
        if part is None:
            lacking.append(str(row))
        elif label is not None:
            samples.append(Sample(clip_id=f"fer{row:07d}", label=label, subject=None, paths=(table.path,)))
            parts.append(part)
    if lacking:
        notes += (f"{len(lacking)} rows name no part and are left out (rows {listed(lacking)})",)
    return _assembled(name, classes, samples, parts, num_published, TableReader(table), notes)


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
    parts = [inside for inside in list_folders(folder) if inside.name.lower() in PART_FOLDERS]
    return ("images",) if any(_class_of(inside) is not None for part in parts for inside in list_folders(part)) else ()


def _table_in(folder: Path) -> Path | None:
    names = [entry.name for entry in entries(folder)]
    by_name = {name.lower(): folder / name for name in names}
    return next((by_name[name] for name in TABLES if name in by_name), None)


def _class_of(folder: Path) -> int | None:
    """The class that a folder's name stands for; the order of folders differs from that of the codes."""
    spelling = folder.name.lower()[:3]
    return SPELLINGS.index(spelling) if spelling in SPELLINGS else None


def _of_folders(folder: Path) -> tuple[list[Sample], list[str], tuple[str, ...]]:
    """The images of `folder/<part>/<class>`, the part of each, and notes."""
    samples, parts, unknown, empty = [], [], [], []
    for part_folder in list_folders(folder):
        part = PART_FOLDERS.get(part_folder.name.lower())
        for class_folder in list_folders(part_folder) if part else ():
            label, name = _class_of(class_folder), f"{part_folder.name}/{class_folder.name}"
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
    notes = []
    if unknown:
        notes.append(f"folders of no known class are left out ({listed(unknown)})")
    if empty:
        notes.append(f"class folders without images ({listed(empty)})")
    return samples, parts, tuple(notes)
