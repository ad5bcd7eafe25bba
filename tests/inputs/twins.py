"""Clips that cannot be used, and clips that are the same: what is told of them, and on which side of a split they lie."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from tests.inputs.case import Case, Check, refusal
from tests.inputs.laid_out import RIGHT, clips, draw
from tests.support.stub_faces import StubFinder
from trainables.core.prepared.cache import prepare
from trainables.core.prepared.splits import make_splits
from trainables.core.prepared.stored import Prepared
from trainables.data import clip_folder
from trainables.data.core.dataset import Dataset

PARTS = ("train", "validation", "test")
MORE = {name: [f"Q{number}_{name}" for number in range(10)] for name in ("happy", "sad")}
SEVEN = {name: [f"P{number}_{name}" for number in range(7)] for name in ("happy", "sad")}


def damaged(*clip_ids: str) -> Callable[[Path], None]:
    """Makes clips that cannot be read."""

    def write(root: Path) -> None:
        for clip_id in clip_ids:
            (draw(root, clip_id) / "1.png").write_bytes(b"")

    return write


def copied(source: str, target: str) -> Callable[[Path], None]:
    """Makes a clip the same as another."""

    def write(root: Path) -> None:
        shutil.rmtree(root / target, ignore_errors=True)
        shutil.copytree(root / source, root / target)

    return write


def prepared(root: Path, home: str = "home") -> Prepared:
    """What is prepared of the clips."""
    return _prepared(clip_folder.load(root), root.parent / home)


def folds_are_whole(*dropped: str) -> Check:
    """Checks that these clips are dropped, and that each part of each fold has clips all the same."""

    def check(root: Path) -> str:
        found = prepared(root)
        assert [clip.clip_id for clip in found.dropped] == list(dropped)
        assert all(getattr(fold, part) for fold in found.folds for part in PARTS)
        return "; ".join(f"{clip.clip_id}: {clip.reason}" for clip in found.dropped)

    return check


def too_few_are_left(root: Path) -> str:
    """Checks that the refusal names the dropped clips, and where all are listed."""
    said = refusal(prepared, root)
    (listed,) = (root.parent / "home" / "prepared").glob(".*/dropped.csv")
    assert str(listed) in said
    return said


def one_side(*people: str) -> Check:
    """Checks that these people are never on two sides of a split, and are told."""

    def check(root: Path) -> str:
        found = prepared(root)
        splits = make_splits(found, salt="task")
        for fold in splits.folds:
            sides = [*(getattr(fold, part) for part in PARTS), splits.holdout]
            assert sum(any(found.subjects[index] in people for index in side) for side in sides) <= 1
        return "; ".join(found.notes)

    return check


def is_told(root: Path) -> str:
    """What is told of the clips."""
    return "; ".join(prepared(root).notes)


def everybody_keeps_his_side(root: Path) -> None:
    """Checks that ten people who join move nobody."""
    before = prepared(root)
    held = {before.subjects[index] for index in make_splits(before, salt="task").holdout}
    clips(MORE)(root)
    after = prepared(root)
    now = {after.subjects[index] for index in make_splits(after, salt="task").holdout}
    assert now & set(before.subjects) <= held
    assert len(set(after.subjects)) == len(set(before.subjects)) + len(MORE["happy"])


def only_that_clip_is_read(root: Path) -> None:
    """Checks that a byte in the middle of one file makes other data, of which one clip is read."""
    before = prepared(root)
    path = root / "sad" / "P1_sad" / "1.png"
    content = path.read_bytes()
    path.write_bytes(content + b"more")
    log = root.parent / "log"
    after = _prepared(clip_folder.load(root), root.parent / "home", StubFinder(log=log))
    assert after.fingerprint != before.fingerprint
    assert log.read_text() == "clip\n"


def _prepared(dataset: Dataset, home: Path, finder: StubFinder | None = None) -> Prepared:
    return prepare(dataset, home, crop_size=32, finder=finder or StubFinder(), num_processes=1)


CASES = [
    Case(
        "a clip that cannot be read, of the only person whom a fold would test",
        "that clip is dropped and named, and the folds are cut of the others",
        clips(SEVEN, damaged("sad/P3_sad")),
        folds_are_whole("sad/P3_sad"),
    ),
    Case(
        "so many clips that cannot be read that two people are left",
        "refused, and the dropped clips are named and listed in a file: “at least 3 people are needed, one each to train, "
        "validate and test. Dropped: happy/P1_happy: ”",
        clips(RIGHT, damaged("happy/P1_happy", "sad/P1_sad")),
        too_few_are_left,
    ),
    Case(
        "the same clip, byte for byte, of two people",
        "told, and the two count as one person, on one side of every split: “1 time the same clip under several people, byte "
        "for byte (happy/P1_happy (P1, happy) = happy/P2_happy (P2, happy))”",
        clips(SEVEN, copied("happy/P1_happy", "happy/P2_happy")),
        one_side("P1", "P2"),
    ),
    Case(
        "the same clip, byte for byte, of two classes",
        "told: “1 time the same clip under several classes”",
        clips(SEVEN, copied("happy/P1_happy", "sad/P1_sad")),
        is_told,
    ),
    Case(
        "the same clip twice under one person and class",
        "told: “1 time the same clip twice, byte for byte”",
        clips(SEVEN, copied("happy/P1_happy", "happy/P1_again")),
        is_told,
    ),
    Case(
        "ten people more, once the first were prepared",
        "everybody who was there keeps the side of the holdout that he had",
        clips(SEVEN),
        everybody_keeps_his_side,
    ),
    Case(
        "a file that changed since it was prepared",
        "it is other data, of which that clip alone is read again",
        clips(SEVEN),
        only_that_clip_is_read,
    ),
]
