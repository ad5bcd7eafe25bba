"""`prepare`: finding, cropping and caching the faces of a data set."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from trainables.core.prepared.stored import Prepared, margin_size
from tuning.execution.face_sizes import require_face_size
from tuning.execution.preparation import ClipListener, prepare_dataset, require_spelling
from tuning.records.home import home_of
from tuning.text.progress import heard


def prepare(
    dataset: str,
    data_root: str | Path,
    *,
    keep_spelling: bool = False,
    face_size: int | None = None,
    verify: bool = False,
    home: str | Path | None = None,
    progress: bool | ClipListener = False,
) -> Prepared:
    """The prepared faces of the data set at `data_root`, with what was dropped and why; found again where they lie.

    `dataset` is a file of `trainables/data/`. In data of one's own, several spellings of a name (`Anna`, `anna`) are one
    person or class, unless `keep_spelling` keeps them apart. `face_size` is the largest `image_size` in px that networks can
    read of it, 16 to 512 (default: 128, or what the data set has); crops are stored with a margin, at 1.25 times that. Work
    that was interrupted goes on, and of data that grew what is new is read. `verify` reads every byte again and trusts
    nothing that was remembered of it.
    Raises `ValueError` where the folder is not laid out as its owners do, for another `face_size`, and where there are no
    spellings to keep.
    """
    if keep_spelling:
        require_spelling(dataset)
    if face_size is not None:
        require_face_size(face_size)
    root, crop_size = Path(data_root).expanduser(), None if face_size is None else margin_size(face_size)
    options: dict[str, Any] = {
        "keep_spelling": keep_spelling,
        "verify": verify,
        "crop_size_of": lambda loaded: crop_size,
    }
    return prepare_dataset(dataset, root, home_of(home), heard(progress), **options)
