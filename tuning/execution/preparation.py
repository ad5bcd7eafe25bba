"""From a data root, or none, to prepared faces."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import inspect
from collections.abc import Callable, Generator, Mapping
from pathlib import Path
from typing import Any, Protocol

from search_spaces.core.study import Study
from trainables.core import files, lookup
from trainables.core.clustered import read_clustered
from trainables.core.faces.ways import NEWEST, Cropping
from trainables.core.prepared.cache import prepare
from trainables.core.prepared.stored import Prepared, write_dropped
from trainables.data.core.clusters import ClusterBy
from trainables.data.core.dataset import DataError, Dataset
from trainables.data.core.passed_over import links_nowhere, not_here
from trainables.data.core.votes import without_votes
from tuning.execution.cropping_on_nodes import crop_on_nodes

CLUSTER_BY = "cluster_by"  # in the facts of a ledger: what clips that name nobody are clustered by


class ClipListener(Protocol):
    """Whoever shows how far the preparation is."""

    def files_read(self, done: int, total: int) -> None:
        """`done` of `total` bytes of files were read that are not known yet."""
        ...

    def clip_prepared(self, done: int, total: int) -> None:
        """`done` of `total` clips were read and their faces looked for."""
        ...

    def noted(self, message: str) -> None:
        """Something that a person should know."""
        ...

    def prepared(self, prepared: Prepared) -> None:
        """The data is ready."""
        ...


def prepare_dataset(
    dataset: str,
    root: Path,
    home: Path,
    listener: ClipListener,
    *,
    keep_spelling: bool = False,
    cluster_by: str = "",
    crop_size_of: Callable[[Dataset], int | None] = lambda loaded: None,
    cropping: Cropping = NEWEST,
    votes: bool = True,
    verify: bool = False,
) -> Prepared:
    """Find, crop and cache the faces of the data set at `root`: `load_dataset`, then `prepare_loaded`.

    `crop_size_of` the data as it was read is the side in px of the stored crops, `cropping` how a face is followed; without
    `votes` those of annotators are left aside.
    """
    loaded = load_dataset(dataset, root, keep_spelling=keep_spelling, cluster_by=cluster_by)
    loaded = loaded if votes else without_votes(loaded)
    return prepare_loaded(
        loaded, root, home, listener, crop_size=crop_size_of(loaded), cropping=cropping, verify=verify
    )


def load_dataset(dataset: str, root: Path, *, keep_spelling: bool = False, cluster_by: str = "") -> Dataset:
    """The data set at `root`, and in its notes what was not read of it.

    `keep_spelling` keeps several spellings of a name apart, where the reader would take them for one. `cluster_by` says which
    clips that name nobody belong together (`ClusterBy`).
    """
    with _naming_links(root):
        loaded = read_dataset(dataset, root, keep_spelling=keep_spelling, cluster_by=cluster_by)
        notes = (*loaded.notes, *(f"not read: {note}" for note in not_here(loaded)))
    return dataclasses.replace(loaded, notes=tuple(dict.fromkeys(notes)))


def prepare_loaded(
    dataset: Dataset,
    root: Path,
    home: Path,
    listener: ClipListener,
    *,
    crop_size: int | None = None,
    cropping: Cropping = NEWEST,
    verify: bool = False,
) -> Prepared:
    """Find, crop and cache the faces of `dataset`, which was found at `root`; a second call finds the first one's work.

    `crop_size` is the side in px of the stored crops (default: what the data set has), `cropping` how a face is followed.
    `verify` reads every byte again, of the data and of what is prepared. Where there is a cluster to join, all of it crops.
    """
    with _naming_links(root):
        prepared = prepare(
            dataset,
            home,
            crop_size=crop_size,
            cropping=cropping,
            on_progress=listener.clip_prepared,
            on_hashed=listener.files_read,
            tell=listener.noted,
            crop=functools.partial(crop_on_nodes, tell=listener.noted),
            verify=verify,
        )
    tell(prepared, listener)
    return prepared


def read_dataset(dataset: str, root: Path, *, keep_spelling: bool = False, cluster_by: str = "") -> Dataset:
    """The data set at `root` as its reader finds it; the rest is that of `load_dataset`."""
    options: dict[str, Any] = {"keep_spelling": True} if keep_spelling and takes_spelling(dataset) else {}
    return read_clustered(dataset, root, cluster_by, **options) if cluster_by else _reader(dataset)(root, **options)


@contextlib.contextmanager
def _naming_links(root: Path) -> Generator[None]:
    """What is not found under `root` may be a link that leads nowhere: the error then says so."""
    try:
        yield
    except (DataError, FileNotFoundError) as error:
        if "nowhere" not in str(error) and (nowhere := links_nowhere(root)):
            raise DataError(f"{error}{nowhere}") from error
        raise


def require_spelling(dataset: str) -> None:
    """Raises `ValueError` for a data set whose reader takes every name as it is, so that there is nothing to keep apart."""
    if not takes_spelling(dataset):
        raise ValueError(
            f"{dataset}: its names are taken as they are, so that --keep-spelling changes nothing; it is for data of your "
            "own: clip_folder, clips_csv."
        )


def takes_spelling(dataset: str) -> bool:
    """Whether the reader of a data set takes several spellings of a name for one, unless it is told to keep them."""
    return "keep_spelling" in inspect.signature(_reader(dataset)).parameters


def _reader(dataset: str) -> Callable[..., Dataset]:
    return lookup.load("trainables.data", dataset, "data set").load


def tell(prepared: Prepared, listener: ClipListener) -> None:
    """Tell that the data is ready; the clips that were dropped are listed in a file beside it."""
    if prepared.dropped:
        write_dropped(prepared.folder, prepared.dropped)
    listener.prepared(prepared)


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


def kept_clusters(facts: Mapping[str, Any], asked: str, *, new_data: bool = False) -> str:
    """What the clips of a study that name nobody are clustered by: as it was begun, else as is `asked`; `""` for nothing.

    Raises `ValueError` for what nothing can be clustered by, and where another way is asked of a study that was begun, and not
    as a new version of its data.
    """
    told = ClusterBy.of(asked).told if asked else ""
    before = facts.get(CLUSTER_BY, "")
    moved = told and before and told == ClusterBy.of(before).told  # the weights may lie elsewhere
    if "dataset_fingerprint" not in facts or (asked and new_data) or moved:
        return asked
    if asked:
        was = f"--cluster-by {before}" if before else "each clip that names nobody counted for itself"
        raise ValueError(
            f"This study was begun with {was}: --cluster-by {asked} would change its folds. Go on without it, go on with it as "
            "a new version of the data (--new-data), or begin another study."
        )
    return before


def draw(study: Study, home: Path) -> Path:
    """The drawn copy of a study's data set, made where it is not there yet.

    Raises `DataError` for a study whose faces are not drawn, saying what to give instead.
    """
    root = drawn_root(study, home)
    if root is None:
        smoke = ", or see that all of it works on drawn faces in the same layout with --smoke" if study.drawing else ""
        raise DataError(
            f"Study {study.name} needs the data set {study.dataset}: give its folder with --data-root DIR{smoke}."
        )
    lookup.load("drawing.layouts", study.dataset, "drawn layout").write(root, **study.drawing)
    return root


def drawn_root(study: Study, home: Path) -> Path | None:
    """Where the drawn copy of a study's data set lies; of a real data set it is drawn in a smoke run alone, else `None`."""
    drawn = study.drawing and (study.dataset == "drawn_faces" or study.is_smoke)
    return home / files.DRAWN / study.name if drawn else None
