"""One .npy file of square frames: written as a stream whose length is known only at the end, then mapped."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
from collections.abc import Callable, Generator
from pathlib import Path
from typing import BinaryIO

import numpy as np

from trainables.data.core.dataset import DataError


class FrameWriter:
    """Appends frames uint8 `(N, size, size, 3)` to a new file, which `map_frames` reads once the writer is closed.

    A stream, because a map of a file on a full disk kills the process instead of raising.
    """

    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file = file
        self._size = size
        self._num_frames = 0
        self._header_end = self._write_header()

    def add(self, frames: np.ndarray) -> None:
        assert frames.shape[1:] == (self._size, self._size, 3), frames.shape
        self._file.write(np.ascontiguousarray(frames, dtype=np.uint8).data)
        self._num_frames += len(frames)

    def close(self) -> None:
        self._file.seek(0)
        end = self._write_header()
        assert end == self._header_end  # the format leaves room for the first axis to grow
        self._file.flush()
        os.fsync(self._file.fileno())

    def _write_header(self) -> int:
        shape = (self._num_frames, self._size, self._size, 3)
        np.lib.format.write_array_header_1_0(self._file, {"descr": "|u1", "fortran_order": False, "shape": shape})
        return self._file.tell()


@contextlib.contextmanager
def new_frame_file(path: Path, size: int) -> Generator[FrameWriter]:
    """A writer of frames of `size` px to `path`; the file is complete, and on the disk, when the block ends."""
    with path.open("wb") as file:
        writer = FrameWriter(file, size)
        yield writer
        writer.close()


@contextlib.contextmanager
def nothing_half_written(temporary: Path, bytes_needed: Callable[[], int]) -> Generator[None]:
    """Removes `temporary`, a file or a folder, if the block fails.

    Raises `DataError` naming the folder, the bytes needed and the bytes free where the disk, or a quota, is full.
    """
    try:
        yield
    except BaseException as error:
        if temporary.is_dir():
            shutil.rmtree(temporary, ignore_errors=True)
        else:
            temporary.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            free = shutil.disk_usage(temporary.parent).free
            raise DataError(
                f"{temporary.parent}: no room for the prepared frames ({error.strerror}): about {bytes_needed():,} "
                f"bytes are needed, {free:,} are free. Nothing half-written was left behind."
            ) from error
        raise


def map_frames(path: Path, shape: tuple[int, ...]) -> np.ndarray:
    """The frames of `path`, mapped.

    Raises `OSError` where there is no such file and `ValueError` where it is cut short or of another shape.
    """
    frames = np.load(path, mmap_mode="r", allow_pickle=False)
    if frames.shape != shape or frames.dtype != np.uint8:
        raise ValueError(f"{path.name} holds {frames.shape} of {frames.dtype}, not {shape} of uint8")
    return frames
