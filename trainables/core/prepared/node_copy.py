"""Prepared data on the disk of the machine that trains on it: copied once from the home that many machines share.

Copies lie in `<folder>/fertune-data-<user id>/`, which is the user's alone. Each is a folder with what `open_prepared` reads,
named by the content, whole or not there; sizes and features that are derived from it lie in it, not in the home. Who uses one
holds a lock on it, so that nobody removes it. Copies of data that are gone from their home go; and where there is no
room for another, the ones that were used least recently.
"""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
import hashlib
import os
import shutil
import stat
import tempfile
import uuid
from pathlib import Path
from typing import BinaryIO

from filelock import FileLock, Timeout

from trainables.core import files

VARIABLE = "FERTUNE_LOCAL_DATA"
ON_NODE = "auto"  # the folder is what the variable says on the machine that trains, else the one for temporary files
OFF = "none"
PATIENCE_S = 3600.0  # for another process of this machine that copies the same
SHARE = 0.5  # of what is free, and of what copies take already, that they may take
_SOURCE, _USED = "source", ".used"
_COPIED = (files.INDEX, files.FRAMES)
_held: dict[Path, BinaryIO] = {}  # by what this process uses, until it ends


@dataclasses.dataclass(frozen=True)
class Near:
    """Where to open prepared data; `note` says why that is not the disk of this machine, where it was to be."""

    folder: Path
    note: str = ""


def near(folder: Path, local_data: str) -> Near:
    """The prepared data of `folder` as a trial is to open it, by the `local_data` of its `TrialSpec`."""
    if local_data == ON_NODE:
        local_data = os.environ.get(VARIABLE) or tempfile.gettempdir()
    return local_copy(folder, Path(local_data).expanduser()) if local_data not in ("", OFF) else Near(folder)


def local_copy(folder: Path, under: Path) -> Near:
    """The copy under `under` of the prepared data in `folder`, made where there is none yet.

    On the disk on which `folder` lies itself none is made. Where one cannot be made, `folder` is read, and a note says why.
    """
    try:
        key = _key(folder)
    except OSError:
        return Near(folder)  # whoever opens it says what is wrong
    try:
        place = _own(under)
        if _is_same_disk(place, folder):
            return Near(folder)
        copy = place / f"{folder.name}.{key}"
        with FileLock(_lock(copy), timeout=PATIENCE_S):
            if not _is_whole(copy, folder):
                _remove_stale(place)
                _copy(folder, copy, key)
            _hold(copy)
    except (OSError, Timeout) as error:
        reason = getattr(error, "strerror", None) or error
        return Near(
            folder, f"The data is read from {folder}, not copied to the disk of this machine ({under}: {reason})."
        )
    return Near(copy)


def _is_same_disk(place: Path, folder: Path) -> bool:
    return place.stat().st_dev == folder.stat().st_dev


def _own(under: Path) -> Path:
    """The folder of copies, made where it is missing. Raises `OSError` where another user could have put things there."""
    place = under / f"fertune-data-{os.getuid()}"
    place.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = place.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o022:
        raise PermissionError(f"{place.name} is not a folder that this user alone writes")
    return place


def _key(folder: Path) -> str:
    """What tells the data from others of the same name: the index knows every clip."""
    return hashlib.sha256((folder / files.INDEX).read_bytes()).hexdigest()[:16]


def _lock(copy: Path) -> Path:
    return copy.with_name(f".{copy.name}.lock")


def _is_whole(copy: Path, folder: Path) -> bool:
    with contextlib.suppress(OSError):
        return all((copy / name).stat().st_size == (folder / name).stat().st_size for name in _COPIED)
    return False


def _copy(folder: Path, copy: Path, key: str) -> None:
    """Make `copy`, whose lock is held. Raises `OSError` where it cannot be, and leaves nothing then."""
    for left in copy.parent.glob(f".{copy.name}.*.tmp"):  # of one that was killed
        shutil.rmtree(left, ignore_errors=True)
    shutil.rmtree(copy, ignore_errors=True)  # damaged
    _make_room(copy.parent, sum((folder / name).stat().st_size for name in _COPIED))
    temporary = copy.with_name(f".{copy.name}.{uuid.uuid4().hex[:8]}.tmp")
    temporary.mkdir(mode=0o700)
    try:
        for name in _COPIED:
            _copy_file(folder / name, temporary / name)
        (temporary / _SOURCE).write_text(f"{key}\n{folder}", encoding="utf-8", errors="surrogateescape")
        (temporary / _USED).touch()
        if _key(temporary) != key or not _is_whole(temporary, folder):
            raise OSError("it changed while it was copied")
        temporary.rename(copy)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise


def _copy_file(source: Path, target: Path) -> None:
    """A copy that is on the disk when this returns; of the source nothing stays in memory."""
    with source.open("rb") as read, target.open("wb") as written:
        shutil.copyfileobj(read, written, 16 << 20)
        written.flush()
        os.fsync(written.fileno())
        if hasattr(os, "posix_fadvise"):
            os.posix_fadvise(read.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def _hold(copy: Path) -> None:
    """Use `copy` until this process ends: nobody removes it meanwhile. Its lock is held."""
    os.utime(copy / _USED)
    held = _held.get(copy)
    if held is None or os.fstat(held.fileno()).st_ino != (copy / _USED).stat().st_ino:  # it may have been made anew
        _held[copy] = (copy / _USED).open("rb")
        fcntl.flock(_held[copy], fcntl.LOCK_SH | fcntl.LOCK_NB)


def _copies(place: Path) -> list[Path]:
    """Those under `place`, the one used least recently first."""
    found = [path.parent for path in place.glob(f"*/{_USED}")]
    return sorted(found, key=lambda copy: (copy / _USED).stat().st_mtime)


def _remove_stale(place: Path) -> None:
    """Remove the copies whose data are no longer in their home: others took their place, or somebody withdrew."""
    for copy in _copies(place):
        with contextlib.suppress(OSError, ValueError):
            key, _, source = (copy / _SOURCE).read_text(encoding="utf-8", errors="surrogateescape").partition("\n")
            if not (Path(source) / files.INDEX).exists() or _key(Path(source)) != key:
                _remove(copy)


def _make_room(place: Path, num_bytes: int) -> None:
    """Remove copies until `num_bytes` more fit. Raises `OSError` where they do not."""
    copies = _copies(place)
    taken = {copy: sum(path.stat().st_size for path in copy.iterdir()) for copy in copies}
    allowed = SHARE * (shutil.disk_usage(place).free + sum(taken.values()))
    while sum(taken.values()) + num_bytes > allowed:
        if not copies:
            raise OSError(f"no room for {num_bytes / 1e9:.1f} GB, copies may take {allowed / 1e9:.1f} GB in all")
        if _remove(copies[0]):
            del taken[copies[0]]
        copies.pop(0)


def _remove(copy: Path) -> bool:
    """Remove `copy` unless somebody uses it; whether it is gone."""
    with contextlib.suppress(OSError, Timeout), FileLock(_lock(copy), timeout=0), (copy / _USED).open("rb") as used:
        fcntl.flock(used, fcntl.LOCK_EX | fcntl.LOCK_NB)
        gone = copy.with_name(f".{copy.name}.{uuid.uuid4().hex[:8]}.tmp")
        copy.rename(gone)
        shutil.rmtree(gone, ignore_errors=True)
        return True
    return False
