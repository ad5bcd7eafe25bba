"""`prepare`: finding, cropping and caching the faces of a data set."""

from __future__ import annotations

from pathlib import Path

from trainables.core.prepared.stored import Prepared
from tuning.execution.preparation import ClipListener, prepare_dataset
from tuning.records.home import home_of
from tuning.text.progress import heard


def prepare(
    dataset: str, data_root: str | Path, *, home: str | Path | None = None, progress: bool | ClipListener = False
) -> Prepared:
    """The prepared faces of the data set at `data_root`, with what was dropped and why; found again where they lie.

    `dataset` is a file of `trainables/data/`. Raises `ValueError` where the folder is not laid out as its owners do.
    """
    return prepare_dataset(dataset, Path(data_root).expanduser(), home_of(home), heard(progress))
