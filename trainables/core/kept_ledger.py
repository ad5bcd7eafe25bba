"""What is said of a study's ledger and of the files beside it, a part of `kept_files.py`."""

from __future__ import annotations

from trainables.core import files
from trainables.core.kept import Kept

_STUDY = "<study>/"

KEPT_LEDGER = (
    Kept(
        files.LEDGER,
        _STUDY,
        "every event of the study, one a line; only ever appended to; `forget` takes the names of clips out of its words",
        ("tuning/records/writing/ledger_file.py", "tuning/evidence/withdrawal.py"),
        (
            *("tuning/records/ledger.py", "tuning/records/writing/told.py"),
            "tuning/records/home.py",
            "tuning/stop.py",
            "tuning/prune.py",
            "tuning/records/moved_home.py",
            "tuning/records/owner.py",
            "tuning/evidence/withdrawal.py",
        ),
        False,
        "the study",
    ),
    Kept(
        files.LOCK,
        _STUDY,
        "the lock of the one process that writes the ledger; one that is deleted meanwhile is made again",
        ("tuning/records/writing/ledger_file.py",),
        (*("tuning/prune.py", "tuning/records/left_over.py", "tuning/records/owner.py"),),
        True,
        "nothing",
    ),
    Kept(
        files.DAMAGED_LEDGER,
        _STUDY,
        "what stood in the place of a ledger that others changed while its study ran, set aside as it was written anew",
        ("tuning/records/writing/ledger_file.py",),
        ("tuning/records/left_over.py",),
        True,
        "nothing",
    ),
    Kept(
        files.OWNER,
        _STUDY,
        "which process writes the ledger, or wrote it last",
        ("tuning/records/owner.py",),
        ("tuning/records/owner.py", "tuning/stop.py"),
        True,
        "nothing",
    ),
    Kept(
        files.TRACKED,
        _STUDY,
        "how many events of the ledger MLflow has, at which address, and whether a run of them is open there",
        ("tuning/records/projection/mark.py",),
        ("tuning/records/projection/mark.py",),
        True,
        "seconds: the next command on the study writes all events to MLflow again, which changes nothing there",
    ),
    Kept(
        files.TRACKED_LOCK,
        _STUDY,
        "the lock of whoever writes the study to MLflow: its driver, or after the death of one a command that looks",
        ("tuning/records/projection/projection.py",),
        ("tuning/records/projection/projection.py", "tuning/records/projection/catching_up.py"),
        True,
        "nothing",
    ),
)
