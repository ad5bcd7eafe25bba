"""What is said of each file of prepared faces, a part of `kept_files.py`."""

from __future__ import annotations

from trainables.core import files
from trainables.core.kept import Kept

_PREPARED = f"{files.PREPARED}/<folder>/"

KEPT_PREPARED = (
    Kept(
        files.PREPARED_LOCK,
        f"{files.PREPARED}/",
        "the lock of whoever prepares that folder",
        ("trainables/core/prepared/stored.py",),
        ("trainables/core/prepared/stored.py",),
        True,
        "nothing",
    ),
    Kept(
        files.DRAFT,
        f"{files.PREPARED}/",
        "a preparation that was interrupted: the faces that were found and, in a journal, what came of each clip",
        ("trainables/core/prepared/cache.py",),
        ("trainables/core/prepared/cache.py", "trainables/core/prepared/earlier.py", "tuning/records/left_over.py"),
        True,
        "the time to find these faces again",
        is_folder=True,
    ),
    Kept(
        files.HASHES,
        f"{files.PREPARED}/",
        "the hash of each file of the data, as long as its size and times are the same (SQLite)",
        ("trainables/core/prepared/cache.py",),
        ("trainables/core/prepared/cache.py",),
        True,
        "the time to read the data once",
    ),
    Kept(
        files.INDEX,
        _PREPARED,
        "the clips of a data set: labels, subjects, folds, what was dropped and why",
        ("trainables/core/prepared/cache.py", "trainables/core/prepared/withdrawn.py"),
        (
            *("trainables/core/prepared/stored.py", "trainables/core/prepared/earlier.py"),
            *("trainables/core/prepared/withdrawn.py", "trainables/core/prepared/node_copy.py"),
            "tuning/execution/storage/probe.py",
        ),
        True,
        "the time to find the faces again, for which the data set must still be there. Delete the whole folder",
    ),
    Kept(
        files.DROPPED,
        _PREPARED,
        "the clips that were dropped, each with the reason; where none was, there is no such file",
        ("trainables/core/prepared/stored.py", "trainables/core/prepared/withdrawn.py"),
        ("trainables/core/prepared/withdrawn.py",),
        True,
        "nothing: the next command that prepares this data writes it again",
    ),
    Kept(
        files.FRAMES,
        _PREPARED,
        "the faces, uint8 `(num_frames, H, W, 3)`",
        ("trainables/core/prepared/draft.py", "trainables/core/prepared/withdrawn.py"),
        (
            *("trainables/core/prepared/stored.py", "trainables/core/prepared/earlier.py"),
            *("trainables/core/prepared/withdrawn.py", "trainables/core/prepared/clustering.py"),
            *("trainables/core/prepared/node_copy.py", "tuning/execution/storage/probe.py"),
        ),
        True,
        "as with `index.json`",
    ),
    Kept(
        files.FRAMES_AT,
        _PREPARED,
        "the same faces at another size",
        ("trainables/core/prepared/stored.py",),
        ("trainables/core/prepared/stored.py",),
        True,
        "seconds: they are resized again",
    ),
    Kept(
        files.FEATURES,
        _PREPARED,
        "the features of a frozen trunk, of all clips under all fixed views of them, which trials share; `prune` frees them",
        ("trainables/core/training/features.py",),
        ("trainables/core/training/features.py", "tuning/prune.py"),
        True,
        "the time of one pass through the trunk: they are computed again",
    ),
)
