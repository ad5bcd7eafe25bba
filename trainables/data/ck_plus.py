"""CK+: 593 sequences from neutral to apex, 327 of them labelled, of 123 people (118 with a label).

Lucey et al., "The Extended Cohn-Kanade Dataset (CK+)", CVPR Workshops 2010. Frames and labels lie in two trees; a label
file is named after the last frame of its sequence and holds one number. Folds are those of the sources that report ten:
fold k tests every tenth of the sorted subjects, from the k-th on (the tenth fold tests nobody who shows fear).
"""

from __future__ import annotations

import re
from pathlib import Path

from trainables.data.core.dataset import DataError, Dataset, Sample
from trainables.data.core.finding import entries, list_folders, list_images
from trainables.data.core.frames import read_frames
from trainables.data.core.kinds import is_image
from trainables.data.core.layout import find_parts, first_of, listed, require_both, shortfall
from trainables.data.core.protocols import tested_in_turn
from trainables.data.core.spreadsheets import whole_number

LAYOUT = (
    "cohn-kanade-images/S005/001/S005_001_00000001.png and so on, "
    "and Emotion/S005/001/S005_001_00000011_emotion.txt, named after the last frame"
)
CLASSES = ("anger", "contempt", "disgust", "fear", "happy", "sadness", "surprise")  # the codes 1 to 7
INNER = r"(extended-)?cohn-kanade-images.*|emotion.*"
NUM_SEQUENCES, NUM_LABELLED, NUM_FOLDS = 593, 327, 10


def load(root: Path) -> Dataset:
    """The labelled sequences of CK+ under `root`; the others are counted in the notes.

    Raises `DataError` for a layout other than this one, and for fewer than three subjects.
    """
    root = Path(root)
    found = find_parts(root, _parts_at, ("frames", "labels"), LAYOUT, inner=INNER)
    require_both(root, found, LAYOUT)
    frames_root, several_frames = first_of(found["frames"], "frames")
    labels_root, several_labels = first_of(found["labels"], "labels")
    sequences = {name: tuple(list_images(folder)) for name, folder in _sequences(frames_root).items()}
    sequences = {name: frames for name, frames in sequences.items() if frames}
    labels, label_notes = _read_labels(labels_root)
    labelled = [name for name in labels if name in sequences]
    if not labelled:
        raise DataError(
            f"{root}: {len(sequences)} sequences and {len(labels)} labels, but no sequence has a label. Expected: {LAYOUT}."
        )
    samples = [
        Sample(clip_id=name, label=labels[name][0], subject=name.split("/")[0], paths=sequences[name])
        for name in labelled
    ]
    folds, fold_notes = tested_in_turn([name.split("/")[0] for name in labelled], NUM_FOLDS)
    notes = (
        *several_frames,
        *several_labels,
        *shortfall(len(sequences), NUM_SEQUENCES, "sequences"),
        *shortfall(len(labelled), NUM_LABELLED, "labelled sequences"),
        *_disagreements(sequences, labels),
        *label_notes,
        *fold_notes,
    )
    return Dataset(name="ck_plus", classes=CLASSES, samples=samples, folds=folds, read=read_frames, notes=notes)


def _parts_at(folder: Path) -> tuple[str, ...]:
    """Whether the tree of frames or that of labels begins here. FACS codes and landmarks lie in trees of the same shape."""
    for sequence in _sequences(folder).values():
        for entry in entries(sequence):
            if is_image(entry.name):
                return ("frames",)
            if entry.name.lower().endswith("_emotion.txt"):
                return ("labels",)
            if re.search(r"_(facs|landmarks)\.txt$", entry.name, re.IGNORECASE):
                return ()
    return ()


def _sequences(folder: Path) -> dict[str, Path]:
    """The folders of sequences such as `S005/001` below `folder`, by that name, in natural order."""
    subjects = [subject for subject in list_folders(folder) if re.fullmatch(r"S\d+", subject.name, re.IGNORECASE)]
    return {
        f"{subject.name.upper()}/{sequence.name}": sequence
        for subject in subjects
        for sequence in list_folders(subject)
        if sequence.name.isdigit()
    }


def _read_labels(folder: Path) -> tuple[dict[str, tuple[int, int]], tuple[str, ...]]:
    """For each labelled sequence its class and the number of the frame that the label is named after; and notes."""
    labels, unusable = {}, []
    for name, sequence in _sequences(folder).items():
        for path in sorted(sequence / entry.name for entry in entries(sequence)):
            match = re.fullmatch(r"S\d+_\d+_(\d+)_emotion\.txt", path.name, re.IGNORECASE)
            if match is None:
                continue
            code = whole_number(path.read_text(errors="replace"))
            if code is None or not 1 <= code <= len(CLASSES):
                unusable.append(name)
            else:
                labels[name] = (code - 1, int(match[1]))
    allowed = f"a number from 1 to {len(CLASSES)} is needed"
    notes = (f"{len(unusable)} label files hold no class ({listed(unusable)}); {allowed}",) if unusable else ()
    return labels, notes


def _disagreements(sequences: dict[str, tuple[Path, ...]], labels: dict[str, tuple[int, int]]) -> tuple[str, ...]:
    """What frames and labels say of each other."""
    without_label = [name for name in sequences if name not in labels]
    without_frames = [name for name in labels if name not in sequences]
    elsewhere = [
        name
        for name, (_, number) in labels.items()
        if name in sequences and not re.search(rf"_0*{number}$", sequences[name][-1].stem)
    ]
    notes = []
    if without_label:
        notes.append(f"{len(without_label)} sequences without a label are left out ({listed(without_label)})")
    if without_frames:
        notes.append(f"{len(without_frames)} label files without frames ({listed(without_frames)})")
    if elsewhere:
        notes.append(f"{len(elsewhere)} sequences do not end with the frame that is labelled ({listed(elsewhere)})")
    return tuple(notes)
