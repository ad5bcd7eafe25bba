"""Faces drawn by this project, for those who have no data yet; scores on them say nothing about real faces.

The layout is that of `clip_folder`, with the file `DRAWN.json` beside the class folders, so that drawn faces never pass
for real ones.
"""

from __future__ import annotations

from pathlib import Path

from trainables.data.clip_folder import LAYOUT, load_layout
from trainables.data.core.dataset import DRAWN_MARKER, DataError, Dataset
from trainables.data.core.finding import entries
from trainables.data.core.layout import require_folder


def load(root: Path) -> Dataset:
    """The drawn clips under `root`, with folds by subject.

    Raises `DataError` for a folder without the marker, and as `clip_folder` does.
    """
    root = Path(root)
    require_folder(root, LAYOUT)
    if DRAWN_MARKER not in {entry.name for entry in entries(root)}:
        raise DataError(
            f"{root}: these are not drawn faces ({DRAWN_MARKER} is missing); for your own clips use clip_folder."
        )
    return load_layout(root, "drawn_faces")
