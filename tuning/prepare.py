"""`prepare`: finding, cropping and caching the faces of a data set."""

from __future__ import annotations

from pathlib import Path

from trainables.core.prepared.stored import Prepared
from tuning.execution.preparation import ClipListener, prepare_dataset


def prepare(dataset: str, data_root: Path, home: Path, listener: ClipListener) -> Prepared:
    """The prepared faces of the data set at `data_root`, with what was dropped and why; found again where they lie."""
    return prepare_dataset(dataset, data_root, home, listener)
