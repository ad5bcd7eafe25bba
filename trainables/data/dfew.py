"""DFEW: 11,697 clips from films with one label each, no subjects named, five published folds of train and test.

Jiang et al., "DFEW: A Large-Scale Database for Recognizing Dynamic Facial Expressions in the Wild", ACM Multimedia 2020.
The clips are handed out in four forms, of which the one with most labelled clips is read; of equals the first of `FORMS`,
which names the owners' face crops before the whole frames, and all frames before 16. Validation is a tenth of a fold's
train clips, by class (not published; by clip, as no subject is known). Where the owners' workbook is there, the votes of the
ten annotators are read from it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from trainables.core.wording import counted
from trainables.data.core.dataset import DataError, Dataset, Fold, Sample
from trainables.data.core.finding import entries, list_folders, list_images, list_videos
from trainables.data.core.frames import read_frames
from trainables.data.core.layout import find_parts, first_of, listed, require_both, shortfall
from trainables.data.core.protocols import split_off
from trainables.data.core.spreadsheets import read_rows, shown, whole_number

TABLE = "annotation.xlsx"
LAYOUT = (
    "Clip/clip_224x224/00001/00001_00001.jpg (or Clip/clip_224x224_avi/00001.avi, Clip/clip_224x224_16f/00001/1.jpg, "
    "Clip/original/1.mp4) and 'EmoLabel_DataSplit/train(single-labeled)/set_1.csv' with test(single-labeled) beside it, "
    "or Annotation/annotation.xlsx"
)
CLASSES = ("happy", "sad", "neutral", "angry", "surprise", "disgust", "fear")  # the codes 1 to 7
# How the names of the classes begin, however they end: happiness, anger.
SPELLINGS = ("hap", "sad", "neu", "ang", "sur", "dis", "fea")
NAME_HEADERS = ("video_name", "video", "name", "clip", "clip_name", "file", "filename", "path", "order")
LABEL_HEADERS = ("label", "annotation", "emotion", "class")
FORMS = ("clip_224x224", "clip_224x224_avi", "clip_224x224_16f", "original")
INNER = "|".join(("clip", *FORMS, "emolabel_datasplit", "annotation"))
NUM_CLIPS, NUM_FOLDS, VALIDATION_SHARE = 11_697, 5, 0.1


def load(root: Path) -> Dataset:
    """The single-labelled clips of DFEW under `root`, in the published folds.

    Raises `DataError` for a layout other than this one, and where no clip has a label.
    """
    root = Path(root)
    found = find_parts(root, _parts_at, ("clips", "labels"), LAYOUT, inner=INNER)
    require_both(root, found, LAYOUT)
    with_sets = [place for place in found["labels"] if _has_sets(place)]
    if with_sets:
        folder, notes = first_of(with_sets, "the published folds")
        sets, labels, more = _read_sets(folder)
        notes += more
    else:
        sets, labels = [], _read_table(found["labels"][0] / TABLE)
        notes = (f"the published folds were not found; {NUM_FOLDS} are cut by clip instead",)
    clips = {place: _clips(place) for place in found["clips"]}
    ranked = sorted(clips, key=lambda place: (-len(labels.keys() & clips[place]), FORMS.index(place.name.lower())))
    form = ranked[0]
    numbers = [number for number in sorted(labels) if number in clips[form]]
    if not numbers:
        raise DataError(f"{root}: none of {len(labels)} labels is of a clip in {form}. Expected: {LAYOUT}.")
    votes, more = _read_votes(found["labels"])
    notes += more
    samples = [
        Sample(
            clip_id=f"{number:05d}",
            label=labels[number],
            subject=None,
            paths=_paths(clips[form][number]),
            votes=votes.get(number, ()),
        )
        for number in numbers
    ]
    missing = [f"{number:05d}" for number in sorted(labels) if number not in clips[form]]
    notes += shortfall(len(samples), NUM_CLIPS, "single-labelled clips")
    if len(clips) > 1:
        notes += (f"{form.name} is read, {listed([place.name for place in ranked[1:]])} left aside",)
    if missing:
        notes += (f"{counted(len(missing), 'labelled clip')} not in {form.name} ({listed(missing)})",)
    classes_of = [sample.label for sample in samples]
    folds, fold_notes = _folds(numbers, classes_of, sets or _own_sets(numbers, classes_of))
    return Dataset(
        name="dfew",
        classes=CLASSES,
        samples=samples,
        folds=folds,
        read=read_frames,
        notes=(*notes, *fold_notes),
        faces="find" if form.name.lower() == "original" else "given",
    )


def _parts_at(folder: Path) -> tuple[str, ...]:
    if folder.name.lower() in FORMS:
        return ("clips",) if _clips(folder) else ()
    return ("labels",) if _has_sets(folder) or (folder / TABLE).is_file() else ()


def _has_sets(folder: Path) -> bool:
    return any(_set_files(folder, part) for part in ("train", "test"))


def _clips(form: Path) -> dict[int, Path]:
    """The clips of a form, a video or a folder of frames, by number. One look at the folder, none at its frames."""
    places = list_videos(form) if form.name.lower() in ("original", "clip_224x224_avi") else list_folders(form)
    return {int(place.stem): place for place in places if place.stem.isdigit()}


def _paths(clip: Path) -> tuple[Path, ...]:
    return (clip,) if clip.suffix else tuple(list_images(clip))


def _set_files(folder: Path, part: str) -> dict[int, Path]:
    """The files `set_<k>.csv` of `train(single-labeled)` or `test(single-labeled)`, by k."""
    files = {}
    for inside in list_folders(folder):
        # beside them may lie train(multi-labeled) and its test, whose labels are others
        if re.match(rf"{part}\b(?!.*multi)", inside.name, re.IGNORECASE):
            for entry in entries(inside):
                if match := re.fullmatch(r"set_(\d+)\.csv", entry.name, re.IGNORECASE):
                    files[int(match[1])] = inside / entry.name
    return dict(sorted(files.items()))


def _read_sets(folder: Path) -> tuple[list[tuple[set[int], set[int]]], dict[int, int], tuple[str, ...]]:
    """The published folds, the clips of train and of test each, the class of every clip, and notes.

    Raises `DataError` for a set without its other half, with a clip on both sides, with contradicting labels, and for
    labels that may count from 0 or from 1.
    """
    train_files, test_files = (_set_files(folder, part) for part in ("train", "test"))
    sets, labels, dropped = [], {}, []
    for k in sorted({*train_files, *test_files}):
        if k not in train_files or k not in test_files:
            part = "train" if k in test_files else "test"
            raise DataError(f"{folder}: set_{k}.csv is missing in {part}(single-labeled). Expected: {LAYOUT}.")
        halves = [_read_set(path, dropped) for path in (train_files[k], test_files[k])]
        if both := halves[0].keys() & halves[1].keys():
            raise DataError(
                f"{folder}: set_{k} has clips both in train and in test ({listed(sorted(map(str, both)))})."
            )
        for half in halves:
            if wrong := [number for number, label in half.items() if labels.setdefault(number, label) != label]:
                raise DataError(f"{folder}: the sets disagree about the label of clip {listed(list(map(str, wrong)))}.")
        sets.append((set(halves[0]), set(halves[1])))
    first, notes = _first_code(folder, set(labels.values()))
    if dropped:
        notes += (
            f"{counted(len(dropped), 'row')} of the sets without a clip or a class, left out ({listed(dropped)})",
        )
    return sets, {number: code - first for number, code in labels.items() if code >= first}, notes


def _first_code(folder: Path, codes: set[int]) -> tuple[int, tuple[str, ...]]:
    """The code of the first class, 1 as the owners have it or 0 as public repositories rewrite it, and notes."""
    if 0 not in codes:
        return 1, ()
    if codes == set(range(len(CLASSES))):
        return 0, (f"the labels count from 0 (the owners' from 1): 0 is {CLASSES[0]}, 6 is {CLASSES[6]}",)
    if len(CLASSES) in codes:
        return 1, ("clips of label 0, which is no class, are left out",)
    raise DataError(
        f"{folder}: the labels are {listed([str(code) for code in sorted(codes)], most=8)}, which may count from 0 or "
        f"from 1. Expected: 1 to 7 ({', '.join(CLASSES)}), or all of 0 to 6."
    )


def _read_set(path: Path, dropped: list[str]) -> dict[int, int]:
    """The code of each clip in a file with the columns `video_name` and `label`; rows without either go to `dropped`.

    Without a header the first column is the name. Raises `DataError` where most rows name no clip or no class.
    """
    rows = [row for row in read_rows(path) if any(row)]
    header = [cell.lower() for cell in rows[0]] if rows else []
    names, labels = ([i for i, cell in enumerate(header) if cell in known] for known in (NAME_HEADERS, LABEL_HEADERS))
    headed = len(names) == 1 and len(labels) == 1
    at_name, at_label = (names[0], labels[0]) if headed else (0, 1)
    codes, lacking = {}, []
    for row in rows[1:] if headed else rows:
        known = len(row) > max(at_name, at_label) and (headed or len(row) == 2)
        number, code = (_number_of(row[at_name]), _code_of(row[at_label])) if known else (None, None)
        if number is None or code is None:
            lacking.append(f"{path.parent.name}/{path.name}: {','.join(row)[:40]}")
        else:
            codes[number] = code
    if len(lacking) > len(codes):
        raise DataError(
            f"{path}: {len(lacking)} of {len(rows)} rows name no clip or no class; the first rows are "
            f"{shown([','.join(row) for row in rows])}. Expected: the columns video_name,label, such as 1,3."
        )
    dropped += lacking
    return codes


def _number_of(cell: str) -> int | None:
    """The number of a clip, be it written 7, 7.0, 00007, 00007.mp4 or clip_224x224/00007."""
    match = re.fullmatch(r"(?:.*[/\\])?(\d+)(\.[a-z]\w*|\.0)?", cell, re.IGNORECASE)
    return int(match[1]) if match else None


def _code_of(cell: str) -> int | None:
    """A code from 0 to 7, as a number or as the name of a class; `None` for anything else."""
    spelling = cell.lower()[:3]
    code = SPELLINGS.index(spelling) + 1 if spelling in SPELLINGS else whole_number(cell)
    return code if code in range(len(CLASSES) + 1) else None


def _read_table(path: Path) -> dict[int, int]:
    """The class of each single-labelled clip: seven columns of votes, the clip's name, the label (0 where there is none)."""
    rows = read_rows(path)
    header = [cell.lower() for cell in rows[0]] if rows else []
    name_column = next((i for i, cell in enumerate(header) if "name" in cell or "order" in cell), 7)
    label_column = next((i for i, cell in enumerate(header) if cell in ("annotation", "label")), 8)
    labels = {}
    for row in rows:
        if len(row) > max(name_column, label_column):
            number, label = _number_of(row[name_column]), _class_of(row[label_column])
            if number is not None and label is not None:
                labels[number] = label
    return labels


def _read_votes(places: Sequence[Path]) -> tuple[dict[int, tuple[float, ...]], tuple[str, ...]]:
    """The votes for `CLASSES` of each clip, by the first of `places` with the workbook: its first seven columns; and notes."""
    path = next((place / TABLE for place in places if (place / TABLE).is_file()), None)
    try:
        rows = read_rows(path) if path else []
    except DataError as error:  # nothing but the votes is needed of it
        return {}, (f"the votes are not read: {error}",)
    header = [cell.lower() for cell in rows[0]] if rows else []
    name_column = next((i for i, cell in enumerate(header) if "name" in cell or "order" in cell), 7)
    votes = {}
    for row in rows:
        counts = [whole_number(cell) for cell in row[: len(CLASSES)]]
        number = _number_of(row[name_column]) if len(row) > name_column else None
        if number is not None and len(counts) == len(CLASSES):
            given = tuple(float(count) for count in counts if count is not None and count >= 0)
            if len(given) == len(CLASSES) and sum(given):
                votes[number] = given
    return votes, ()


def _class_of(cell: str) -> int | None:
    """The class of a code from 1 to 7; `None` for 0, which stands for no single label, and for header cells."""
    code = whole_number(cell)
    return code - 1 if code is not None and 1 <= code <= len(CLASSES) else None


def _folds(
    numbers: Sequence[int], labels: Sequence[int], sets: list[tuple[set[int], set[int]]]
) -> tuple[list[Fold], tuple[str, ...]]:
    """Folds of the `sets`, the numbers of train and of test clips each, on the clips that are there; and notes."""
    place = {number: index for index, number in enumerate(numbers)}
    folds = []
    for k, both in enumerate(sets):
        rest, test = ([place[number] for number in sorted(half & place.keys())] for half in both)
        train, validation = split_off(rest, labels, share=VALIDATION_SHARE, seed=k)
        if train and validation and test:
            folds.append(Fold(train=tuple(train), validation=tuple(validation), test=tuple(test)))
    if not folds:
        raise DataError(
            f"{len(numbers)} clips with labels fill no published fold with clips to train, validate and test."
        )
    few = f"{len(folds)} of {NUM_FOLDS} folds have clips to train, validate and test"
    return folds, (few,) if len(folds) < NUM_FOLDS else ()


def _own_sets(numbers: Sequence[int], labels: Sequence[int]) -> list[tuple[set[int], set[int]]]:
    """Five sets by clip, each clip tested once, as the published ones are."""
    left, sets = list(range(len(numbers))), []
    for k in range(NUM_FOLDS):
        left, test = split_off(left, labels, share=1 / (NUM_FOLDS - k), seed=k) if k < NUM_FOLDS - 1 else ([], left)
        tested = {numbers[index] for index in test}
        sets.append((set(numbers) - tested, tested))
    return sets
