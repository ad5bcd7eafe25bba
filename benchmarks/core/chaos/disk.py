"""A disk that can be full: a file system of some megabytes in memory for the home of the studies.

Where nothing may be mounted, a full disk is stood in for: the processes of the study may write no file any more
(RLIMIT_FSIZE) as long as it lasts, which they are told as EFBIG.
"""

from __future__ import annotations

import contextlib
import os
import resource
import shutil
import subprocess
from collections.abc import Generator, Iterable
from pathlib import Path

from cluster.local.processes import Process

MEGABYTES = 192
STAND_IN = "RLIMIT_FSIZE of the study's processes, as nothing may be mounted here"
_FILLER = "filler"


class Disk:
    """Mounted at `home`; use it as a context."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.is_real = False

    def __enter__(self) -> Disk:
        self.home.mkdir(parents=True, exist_ok=True)
        self._unmount()  # what an interrupted run left
        options = ["-t", "tmpfs", "-o", f"size={MEGABYTES}m", "tmpfs", str(self.home)]
        self.is_real = bool(shutil.which("mount")) and _quietly("mount", *options)
        return self

    def __exit__(self, *_: object) -> None:
        self._unmount()

    @contextlib.contextmanager
    def full(self, writers: Iterable[Process]) -> Generator[None]:
        """Nothing more can be written in the block, by `writers` at least."""
        if not self.is_real:
            with _no_files(writers):
                yield
            return
        path = self.home / _FILLER
        with path.open("wb", buffering=0) as file:
            try:
                for size in (2**20, 2**12, 1):
                    with contextlib.suppress(OSError):
                        while file.write(bytes(size)) == size:
                            pass
                yield
            finally:
                path.unlink()

    def _unmount(self) -> None:
        while os.path.ismount(self.home) and _quietly("umount", "--lazy", str(self.home)):
            pass


@contextlib.contextmanager
def _no_files(writers: Iterable[Process]) -> Generator[None]:
    before: dict[int, tuple[int, int]] = {}
    for one in writers:
        with contextlib.suppress(OSError):
            before[one.pid] = resource.prlimit(one.pid, resource.RLIMIT_FSIZE)
            resource.prlimit(one.pid, resource.RLIMIT_FSIZE, (0, before[one.pid][1]))
    try:
        yield
    finally:
        for pid, limits in before.items():
            with contextlib.suppress(OSError):
                resource.prlimit(pid, resource.RLIMIT_FSIZE, limits)


def _quietly(*command: str) -> bool:
    return subprocess.run(command, capture_output=True, timeout=20, check=False).returncode == 0
