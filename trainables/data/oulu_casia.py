"""Oulu-CASIA: 480 sequences in visible light under strong illumination, of 80 people, six expressions each.

Zhao et al., "Facial expression recognition from near-infrared videos", Image and Vision Computing 2011. The collection
holds near-infrared (`NI`) and visible light (`VL`), each `Dark`, `Strong` and `Weak`; published figures are of
VL/Strong (`VL_Acropped/Strong` in the owners' preprocessed copy) in ten folds by subject. Which people share a fold is
not published; ours: every tenth of the sorted subjects.
"""

from __future__ import annotations

import re
from pathlib import Path

from trainables.data.core.dataset import DataError, Dataset, Sample
from trainables.data.core.finding import list_folders, list_images
from trainables.data.core.frames import read_frames
from trainables.data.core.layout import find_parts, first_of, listed, shortfall
from trainables.data.core.protocols import tested_in_turn

LAYOUT = "VL/Strong/P001/Anger/000.jpeg, in visible light (VL) under strong illumination"
CLASSES = ("anger", "disgust", "fear", "happiness", "sadness", "surprise")
READ = ("VL/Strong", "Strong", "")  # what the folders' names may say of the light, best first
NUM_CLIPS, NUM_FOLDS = 480, 10


def load(root: Path) -> Dataset:
    """The sequences of VL/Strong under `root`, be it the collection, a folder in it, or a copy of VL/Strong alone.

    Raises `DataError` for a layout other than this one, for other light only, and for fewer than three subjects.
    """
    root = Path(root)
    found = find_parts(root, _parts_at, ("read", "other"), LAYOUT, inner=r"P\d+|" + "|".join(CLASSES))
    if not found["read"]:
        others = listed([_light(place) for place in found["other"]], most=6)
        raise DataError(f"{root}: only {others} in here. Expected: {LAYOUT}.")
    places = sorted(found["read"], key=lambda place: READ.index(_light(place)))
    folder, several = first_of(places, "sequences in visible light under strong illumination")
    notes = list(several)
    if _light(folder) != "VL/Strong":
        notes.append(f"the names above {folder} do not say VL/Strong; it is taken for that")
    samples, empty, unknown = _samples(folder)
    if not samples:
        raise DataError(f"{folder}: no sequence in here has frames. Expected: {LAYOUT}.")
    folds, fold_notes = tested_in_turn([str(sample.subject) for sample in samples], NUM_FOLDS)
    notes += [*shortfall(len(samples), NUM_CLIPS, "sequences"), *fold_notes]
    if empty:
        notes.append(f"{len(empty)} sequences without frames ({listed(empty)})")
    if unknown:
        notes.append(f"{len(unknown)} folders of no known expression are left out ({listed(unknown)})")
    return Dataset(
        name="oulu_casia", classes=CLASSES, samples=samples, folds=folds, read=read_frames, notes=tuple(notes)
    )


def _parts_at(folder: Path) -> tuple[str, ...]:
    subjects = [subject for subject in list_folders(folder) if _is_subject(subject)]
    named = any(inside.name.lower() in CLASSES for subject in subjects for inside in list_folders(subject))
    if not named:
        return ()
    return ("read",) if _light(folder) in READ else ("other",)


def _is_subject(folder: Path) -> bool:
    return re.fullmatch(r"P\d+", folder.name, re.IGNORECASE) is not None


def _light(folder: Path) -> str:
    """Camera and illumination as the two folders' names tell them, `VL/Strong` or `Strong`; `""` where they do not."""
    place = folder.absolute()
    illumination = place.name.capitalize()
    if illumination not in ("Dark", "Strong", "Weak"):
        return ""
    camera = re.match(r"(NI|VL)(?![a-z])", place.parent.name, re.IGNORECASE)  # and NI_Acropped, VL_Acropped
    return f"{camera[1].upper()}/{illumination}" if camera else illumination


def _samples(folder: Path) -> tuple[list[Sample], list[str], list[str]]:
    """The sequences with frames, the names of those without, and of folders that are no expression."""
    samples, empty, unknown = [], [], []
    for outside in filter(_is_subject, list_folders(folder)):
        for inside in list_folders(outside):
            subject, expression = outside.name.upper(), inside.name.lower()
            name = f"{subject}/{inside.name.capitalize()}"
            if expression not in CLASSES:
                unknown.append(f"{subject}/{inside.name}")
            elif frames := tuple(list_images(inside)):
                samples.append(Sample(clip_id=name, label=CLASSES.index(expression), subject=subject, paths=frames))
            else:
                empty.append(name)
    return samples, empty, unknown
