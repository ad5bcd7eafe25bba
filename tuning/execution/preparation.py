"""From a data root, or none, to prepared faces, and to the folds that a study has of them."""

from __future__ import annotations

import contextlib
import csv
import dataclasses
import inspect
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

from search_spaces.core.study import Study
from trainables.core import files, lookup
from trainables.core.prepared.cache import prepare
from trainables.core.prepared.splits import HOLDOUT_SHARE, Splits, load_splits, make_splits, salt_of
from trainables.core.prepared.stored import Prepared, open_prepared, prepared_folders
from trainables.data.core.dataset import DataError
from trainables.data.core.passed_over import not_here


class ClipListener(Protocol):
    """Whoever shows how far the preparation is."""

    def clip_prepared(self, done: int, total: int) -> None:
        """`done` of `total` clips were read and their faces looked for."""
        ...

    def prepared(self, prepared: Prepared) -> None:
        """The data is ready."""
        ...


def prepare_dataset(
    dataset: str, root: Path, home: Path, listener: ClipListener, *, keep_spelling: bool = False
) -> Prepared:
    """Find, crop and cache the faces of the data set at `root`; a second call finds the first one's work.

    `keep_spelling` keeps several spellings of a name apart, where the reader would take them for one.
    """
    load = lookup.load("trainables.data", dataset, "data set").load
    options = {"keep_spelling": True} if keep_spelling and _takes_spelling(load) else {}
    loaded = load(root, **options)
    notes = (*loaded.notes, *(f"not read: {note}" for note in not_here(loaded)))
    loaded = dataclasses.replace(loaded, notes=tuple(dict.fromkeys(notes)))
    prepared = prepare(loaded, home, on_progress=listener.clip_prepared)
    tell(prepared, listener)
    return prepared


def require_spelling(dataset: str) -> None:
    """Raises `ValueError` for a data set whose reader takes every name as it is, so that there is nothing to keep apart."""
    if not _takes_spelling(lookup.load("trainables.data", dataset, "data set").load):
        raise ValueError(
            f"{dataset}: its names are taken as they are, so that --keep-spelling changes nothing; it is for data of your "
            "own: clip_folder, clips_csv."
        )


def _takes_spelling(load: Callable[..., Any]) -> bool:
    return "keep_spelling" in inspect.signature(load).parameters


def tell(prepared: Prepared, listener: ClipListener) -> None:
    """Tell that the data is ready; the clips that were dropped are listed in a file beside it."""
    if prepared.dropped:
        path = prepared.folder / files.DROPPED
        temporary = path.with_suffix(f".{os.getpid()}.tmp")
        with temporary.open("w", newline="", encoding="utf-8", errors="backslashreplace") as file:
            rows = csv.writer(file)
            rows.writerow(("clip", "reason"))
            rows.writerows((clip.clip_id, clip.reason) for clip in prepared.dropped)
        temporary.replace(path)
    listener.prepared(prepared)


def prepared_before(facts: Mapping[str, Any], home: Path) -> Prepared | None:
    """The faces that a study was begun on, by what its ledger knows of it; `None` where they are gone from `home`."""
    for folder in prepared_folders(home, facts["dataset_fingerprint"]):
        with contextlib.suppress(DataError):
            return open_prepared(folder)
    return None


def found_again(facts: Mapping[str, Any], root: Path | None, home: Path) -> Prepared | None:
    """The faces that a study was begun on at `root`, where the folder is gone, or an earlier version read it.

    That version read some folders otherwise, such as two spellings of a name as two people: its studies go on with that.
    """
    if root is None or facts.get("data_root") != str(root.absolute()):
        return None
    return prepared_before(facts, home) if "keep_spelling" not in facts or not root.exists() else None


def kept_spelling(dataset: str, facts: Mapping[str, Any], asked: bool) -> bool:
    """Whether a study keeps several spellings of a name apart: as it was begun, else as is `asked`.

    Earlier versions always did. Raises `ValueError` where it is asked of a study that was begun without, or of a data set
    that knows no spellings.
    """
    if asked:
        require_spelling(dataset)
    if "dataset_fingerprint" not in facts:
        return asked
    kept = facts.get("keep_spelling", True)
    if asked and not kept:
        raise ValueError(
            "This study was begun with several spellings of a name taken for one: --keep-spelling would change its people. "
            "Go on without it, or begin another study."
        )
    return kept


def data_of(
    study: Study,
    facts: Mapping[str, Any],
    root: Path | None,
    home: Path,
    listener: ClipListener,
    *,
    keep_spelling: bool = False,
) -> tuple[Prepared, dict[str, bool]]:
    """The faces of a study whose ledger knows `facts`, and what it is to remember of how names were read.

    Without a `root` they are drawn.
    """
    if (found := found_again(facts, root, home)) is not None:
        tell(found, listener)
        return found, {}
    kept = kept_spelling(study.dataset, facts, keep_spelling)
    prepared = prepare_dataset(study.dataset, root or draw(study, home), home, listener, keep_spelling=kept)
    return prepared, {"keep_spelling": kept}


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
        salt = salt_of(prepared.name, study.registered_model)
        make_splits(prepared, salt=salt, holdout_share=share, leaky=leaky).save(path)
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
