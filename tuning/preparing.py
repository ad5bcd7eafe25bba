"""From a data root, or none, to prepared faces."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from search_spaces.core.study import Study
from trainables.core import lookup
from trainables.core.cache import Prepared, prepare
from trainables.core.dataset import DataError


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


def draw(study: Study, home: Path) -> Path:
    """The drawn copy of a study's data set, made where it is not there yet."""
    if not study.drawing:
        raise DataError(f"Study {study.name} needs the data set {study.dataset}: give its folder with --data-root DIR.")
    root = home / "drawn" / study.name
    lookup.load("drawing.layouts", study.dataset, "drawn layout").write(root, **study.drawing)
    return root
