"""One .npy file of square frames: written as a stream whose length is known only at the end, then mapped."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import shutil
from collections.abc import Callable, Generator
from pathlib import Path
from typing import BinaryIO

import numpy as np

from trainables.data.core.dataset import DataError


class FrameWriter:
    """Appends frames uint8 `(N, size, size, 3)` to a file, which `map_frames` reads once the writer is closed.

    The file is new, or has `num_frames` frames that are kept. A stream, because a map of a file on a full disk kills the
    process instead of raising.
    """

    def __init__(self, file: BinaryIO, size: int, num_frames: int = 0) -> None:
        self._file = file
        self._size = size
        self._num_frames = num_frames
        self._header_end = self._write_header()
        self._file.seek(self._header_end + num_frames * size**2 * 3)
        self._file.truncate()

    def add(self, frames: np.ndarray) -> None:
        assert frames.shape[1:] == (self._size, self._size, 3), frames.shape
        self._file.write(np.ascontiguousarray(frames, dtype=np.uint8).data)
        self._num_frames += len(frames)

    def sync(self) -> None:
        """All that was added is on the disk when this returns."""
        self._file.flush()
        os.fsync(self._file.fileno())

    def close(self) -> None:
        self._file.seek(0)
        end = self._write_header()
        assert end == self._header_end  # the format leaves room for the first axis to grow
        self.sync()

    def _write_header(self) -> int:
        shape = (self._num_frames, self._size, self._size, 3)
        np.lib.format.write_array_header_1_0(self._file, {"descr": "|u1", "fortran_order": False, "shape": shape})
        return self._file.tell()


@contextlib.contextmanager
def frame_file(path: Path, size: int, num_frames: int = 0) -> Generator[FrameWriter]:
    """A writer of frames of `size` px to `path`, new or behind `num_frames` that are there.

    The file is complete, and on the disk, when the block ends.
    """
    with path.open("r+b" if num_frames else "wb") as file:
        writer = FrameWriter(file, size, num_frames)
        yield writer
        writer.close()


@contextlib.contextmanager
def nothing_half_written(temporary: Path, bytes_needed: Callable[[], int]) -> Generator[None]:
    """Removes `temporary`, a file or a folder, if the block fails. Raises `DataError` as `telling_of_room` does."""
    with telling_of_room(temporary.parent, bytes_needed, "Nothing half-written was left behind."):
        try:
            yield
        except BaseException:
            if temporary.is_dir():
                shutil.rmtree(temporary, ignore_errors=True)
            else:
                temporary.unlink(missing_ok=True)
            raise


@contextlib.contextmanager
def telling_of_room(folder: Path, bytes_needed: Callable[[], int], kept: str) -> Generator[None]:
    """Raises `DataError` naming the folder, the bytes needed and free, and what is `kept`, where disk or quota is full."""
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise
        free = shutil.disk_usage(folder).free
        raise DataError(
            f"{folder}: no room for the prepared frames ({error.strerror}): about {bytes_needed():,} bytes are needed, "
            f"{free:,} are free. {kept}"
        ) from error


def map_frames(path: Path, shape: tuple[int, ...]) -> np.ndarray:
    """The frames of `path`, mapped.

    Raises `OSError` where there is no such file and `ValueError` where it is cut short or of another shape.
    """
    frames = np.load(path, mmap_mode="r", allow_pickle=False)
    if frames.shape != shape or frames.dtype != np.uint8:
        raise ValueError(f"{path.name} holds {frames.shape} of {frames.dtype}, not {shape} of uint8")
    return frames


def map_written(path: Path, size: int, num_frames: int) -> np.ndarray:
    """The first `num_frames` frames of `size` px in `path`, mapped, whatever its header says: it may be in work."""
    with path.open("rb") as file:
        np.lib.format.read_magic(file)
        np.lib.format.read_array_header_1_0(file)
        start = file.tell()
    return np.memmap(path, np.uint8, "r", start, (num_frames, size, size, 3))


def hash_of(frames: np.ndarray) -> str:
    """What tells frames from others: 32 hexadecimal digits."""
    return hashlib.blake2b(np.ascontiguousarray(frames).data, digest_size=16).hexdigest()
