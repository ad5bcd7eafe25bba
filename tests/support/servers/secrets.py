"""Where a secret is: in files, in the checkout, on command lines."""

import subprocess
from collections.abc import Iterable
from pathlib import Path

from tests.conftest import ROOT


def where_it_is(secret: str, places: Iterable[Path]) -> set[Path]:
    """The files in `places`, files or folders, and the command lines of this machine, that hold `secret`."""
    sought = secret.encode()
    files = [path for place in places for path in (place.rglob("*") if place.is_dir() else [place])]
    return {path for path in [*files, *Path("/proc").glob("[0-9]*/cmdline")] if sought in _bytes(path)}


def of_the_checkout() -> list[Path]:
    """Every file that is committed, or could be by mistake."""
    listed = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    done = subprocess.run(listed, cwd=ROOT, capture_output=True, text=True, check=True, timeout=60)
    return [path for name in done.stdout.splitlines() if (path := ROOT / name).is_file()]


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes() if path.is_file() else b""
    except OSError:  # a process that has ended
        return b""
