"""`prepare`: finding, cropping and caching the faces of a data set."""

from __future__ import annotations

from pathlib import Path

from trainables.core.prepared.stored import Prepared
from tuning.execution.preparation import ClipListener, prepare_dataset, require_spelling
from tuning.records.home import home_of
from tuning.text.progress import heard


def prepare(
    dataset: str,
    data_root: str | Path,
    *,
    keep_spelling: bool = False,
    verify: bool = False,
    home: str | Path | None = None,
    progress: bool | ClipListener = False,
) -> Prepared:
    """The prepared faces of the data set at `data_root`, with what was dropped and why; found again where they lie.

    `dataset` is a file of `trainables/data/`. In data of one's own, several spellings of a name (`Anna`, `anna`) are one
    person or class, unless `keep_spelling` keeps them apart. Work that was interrupted goes on, and of data that grew what is
    new is read. `verify` reads every byte again and trusts nothing that was remembered of it.
    Raises `ValueError` where the folder is not laid out as its owners do, and where there are no spellings to keep.
    """
    if keep_spelling:
        require_spelling(dataset)
    root = Path(data_root).expanduser()
    options = {"keep_spelling": keep_spelling, "verify": verify}
    return prepare_dataset(dataset, root, home_of(home), heard(progress), **options)
