"""CK+48: the three peak frames of each labelled sequence of CK+, cut to 48 x 48 px and sorted into class folders.

981 images of 327 sequences. Names such as `S010_004_00000017.png` tell subject and sequence: the three frames of a
sequence are one clip here, and folds are cut by subject as in CK+. Folds in the order of the files, which are common,
put frames of one sequence on both sides.
"""

from __future__ import annotations

import re
from pathlib import Path

from trainables.data.ck_plus import CLASSES, NUM_FOLDS
from trainables.data.core.dataset import DataError, Dataset, Sample
from trainables.data.core.finding import list_folders, list_images, natural
from trainables.data.core.frames import read_frames
from trainables.data.core.layout import find_parts, first_of, listed, shortfall
from trainables.data.core.protocols import tested_in_turn

LAYOUT = "CK+48/<class>/S010_004_00000017.png, three peak frames of each sequence"
FOLDERS = {**{name: label for label, name in enumerate(CLASSES)}, "happiness": CLASSES.index("happy")}
NUM_IMAGES = 981
FRAMES_PER_SEQUENCE = 3
CROP_SIZE = 60  # px: the 48 px of an image, and the margin


def load(root: Path) -> Dataset:
    """The sequences of CK+48 under `root`, three frames each.

    Raises `DataError` for a layout other than this one, and for fewer than three subjects.
    """
    root = Path(root)
    places = find_parts(root, _parts_at, ("images",), LAYOUT, inner="|".join(FOLDERS))["images"]
    folder, several = first_of(places, "class folders")
    clips, nameless, unknown = _clips(folder)
    twice = natural({name for name, label in clips if sum((name, other) in clips for other in range(len(CLASSES))) > 1})
    samples = [
        Sample(clip_id=name, label=label, subject=name.split("_")[0], paths=tuple(paths))
        for (name, label), paths in clips.items()
        if name not in twice
    ]
    if not samples:
        raise DataError(f"{folder}: no image is named after its sequence. Expected: {LAYOUT}.")
    folds, fold_notes = tested_in_turn([str(sample.subject) for sample in samples], NUM_FOLDS)
    short = [sample.clip_id for sample in samples if len(sample.paths) != FRAMES_PER_SEQUENCE]
    notes = [*several, *shortfall(sum(map(len, clips.values())), NUM_IMAGES, "images"), *fold_notes]
    if nameless:
        notes.append(f"{len(nameless)} images are not named after a sequence and are left out ({listed(nameless)})")
    if unknown:
        notes.append(f"folders that are no class of CK+48 are left out ({listed(unknown)})")
    if twice:
        notes.append(f"{len(twice)} sequences lie in two classes and are left out ({listed(twice)})")
    if short:
        notes.append(f"{len(short)} sequences have not {FRAMES_PER_SEQUENCE} frames ({listed(short)})")
    return Dataset(
        name="ck_plus_48",
        classes=CLASSES,
        samples=samples,
        folds=folds,
        read=read_frames,
        notes=tuple(notes),
        faces="given",
        crop_size=CROP_SIZE,
    )


def _parts_at(folder: Path) -> tuple[str, ...]:
    classes = [inside for inside in list_folders(folder) if inside.name.lower() in FOLDERS]
    images = [image for inside in classes for image in list_images(inside)[:1]]
    return ("images",) if any(_sequence_of(image) for image in images) else ()


def _sequence_of(image: Path) -> str | None:
    """`S010_004` of `S010_004_00000017.png`."""
    match = re.fullmatch(r"(S\d+_\d+)_\d+", image.stem, re.IGNORECASE)
    return match[1].upper() if match else None


def _clips(folder: Path) -> tuple[dict[tuple[str, int], list[Path]], list[str], list[str]]:
    """The frames by sequence and class, in time order; images without a sequence's name; folders that are no class."""
    clips: dict[tuple[str, int], list[Path]] = {}
    nameless, unknown = [], []
    for inside in list_folders(folder):
        label = FOLDERS.get(inside.name.lower())
        if label is None:
            unknown.append(inside.name)
            continue
        for image in list_images(inside):
            name = _sequence_of(image)
            if name is None:
                nameless.append(f"{inside.name}/{image.name}")
            else:
                clips.setdefault((name, label), []).append(image)
    return clips, nameless, unknown
