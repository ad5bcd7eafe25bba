"""What a machine sees of a study's files: the driver asks, and what is here runs there."""

from __future__ import annotations

import dataclasses
import hashlib
import time
from pathlib import Path

from trainables.core import files
from tuning.records.home import git_commit, version

PATIENCE_S = 5.0  # for what another machine wrote: file systems of a network remember for seconds what was not there


@dataclasses.dataclass(frozen=True, kw_only=True)
class Asked:
    """What is looked for: a file of that `token` in the study's `folder`, and the `prepared` data of that `content`."""

    folder: str
    token: str
    prepared: str
    content: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class Answer:
    """What a machine says: whether it sees what the driver wrote, could write beside it (else why not), and has the data.

    `code` is the version of its fertune and, where it is known, the commit.
    """

    sees: bool
    trouble: str
    has_data: bool
    code: str


def look(asked: Asked, name: str) -> Answer:
    """The answer of this machine, which writes under `name`."""
    folder, trouble = Path(asked.folder), ""
    sees = appears(folder / files.PROBE.format(token=asked.token, name=""), asked.token)
    if sees:
        try:
            write(folder, asked.token, name)
        except OSError as error:
            trouble = str(error.strerror or error)
    has_data = content_of(Path(asked.prepared)) == asked.content
    return Answer(sees=sees, trouble=trouble, has_data=has_data, code=code_here())


def write(folder: Path, token: str, name: str) -> None:
    """Leave the file by which others know that they see what `name` writes."""
    (folder / files.PROBE.format(token=token, name=name)).write_text(token, encoding="utf-8")


def appears(path: Path, token: str, patience_s: float = PATIENCE_S) -> bool:
    """Whether `path` is a file of that `token`, or becomes one in time."""
    deadline = time.monotonic() + patience_s
    while True:
        try:
            if path.read_text(encoding="utf-8") == token:
                return True
        except (OSError, ValueError):
            pass
        if time.monotonic() > deadline:
            return False
        time.sleep(0.2)


def content_of(prepared: Path) -> str:
    """What tells the prepared data in a folder from others: a hash of its index, and the bytes of its frames; `""` of none."""
    try:
        index = hashlib.sha256((prepared / files.INDEX).read_bytes()).hexdigest()
        return f"{index} {(prepared / files.FRAMES).stat().st_size}"
    except OSError:
        return ""


def code_here() -> str:
    """Which fertune this is."""
    return " ".join(filter(None, (version(), (git_commit() or "")[:12])))
