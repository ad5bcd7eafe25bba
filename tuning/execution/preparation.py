"""From a data root, or none, to prepared faces, and to the folds that a study has of them."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from search_spaces.core.study import Study
from trainables.core import files, lookup
from trainables.core.prepared.cache import prepare
from trainables.core.prepared.splits import HOLDOUT_SHARE, Splits, load_splits, make_splits
from trainables.core.prepared.stored import Prepared, open_prepared, prepared_folders
from trainables.data.core.dataset import DataError


class ClipListener(Protocol):
    """Whoever shows how far the preparation is."""

    def clip_prepared(self, done: int, total: int) -> None:
        """`done` of `total` clips were read and their faces looked for."""
        ...

    def prepared(self, prepared: Prepared) -> None:
        """The data is ready."""
        ...


def prepare_dataset(dataset: str, root: Path, home: Path, listener: ClipListener) -> Prepared:
    """Find, crop and cache the faces of the data set at `root`; a second call finds the first one's work."""
    loaded = lookup.load("trainables.data", dataset, "data set").load(root)
    prepared = prepare(loaded, home, on_progress=listener.clip_prepared)
    listener.prepared(prepared)
    return prepared


def prepared_before(facts: Mapping[str, Any], home: Path) -> Prepared | None:
    """The faces that a study was begun on, by what its ledger knows of it; `None` where they are gone from `home`."""
    for folder in prepared_folders(home, facts["dataset_fingerprint"]):
        with contextlib.suppress(DataError):
            return open_prepared(folder)
    return None


def draw(study: Study, home: Path) -> Path:
    """The drawn copy of a study's data set, made where it is not there yet.

    A study of drawn faces is always drawn, a study of a real data set in a smoke run alone.
    Raises `DataError` saying what to give instead.
    """
    if not study.drawing:
        raise DataError(f"Study {study.name} needs the data set {study.dataset}: give its folder with --data-root DIR.")
    if study.dataset != "drawn_faces" and not study.is_smoke:
        raise DataError(
            f"Study {study.name} needs the data set {study.dataset}: give its folder with --data-root DIR, or see that all "
            "of it works on drawn faces in the same layout with --smoke."
        )
    root = home / files.DRAWN / study.name
    lookup.load("drawing.layouts", study.dataset, "drawn layout").write(root, **study.drawing)
    return root


def cut(study: Study, prepared: Prepared, path: Path) -> Splits:
    """The study's folds and holdout: those at `path`, else cut from `prepared` and saved there.

    Raises `DataError` where they were cut for other data or share a subject, and `ValueError` where the study asks for
    others by now: results on them would not be comparable.
    """
    whole, leaky = study.design is not None, study.folds == "random_leaky"
    if not path.exists():
        share = 0.0 if whole else HOLDOUT_SHARE
        make_splits(prepared, seed=study.seed, holdout_share=share, leaky=leaky).save(path)
    splits = load_splits(path)
    if splits.fingerprint != prepared.fingerprint:
        raise DataError(
            f"Study {study.name} was begun on other data (fingerprint {splits.fingerprint[:12]}, now "
            f"{prepared.fingerprint[:12]}). Give it the data it began with, or another $FERTUNE_HOME."
        )
    splits.require_disjoint(prepared.subject_ids)
    if (not splits.holdout, splits.leaky) != (whole, leaky):
        was, now = _describe_cut(not splits.holdout, splits.leaky), _describe_cut(whole, leaky)
        raise ValueError(
            f"Study {study.name} was begun with {was}, and is to have {now} now. Its trials would not be comparable; "
            "save the study under another name."
        )
    return splits


def _describe_cut(whole: bool, leaky: bool) -> str:
    folds = "folds dealt at random by clip" if leaky else "the published folds"
    return f"{folds} and {'no holdout' if whole else 'a locked holdout'}"
