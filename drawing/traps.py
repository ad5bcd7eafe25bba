"""What copies of real data sets are littered with, and what is broken in them."""

from __future__ import annotations

from pathlib import Path

APPLE_DOUBLE = bytes.fromhex("0005160700020000") + b"Mac OS X".ljust(155, b"\0")


def add_twin(path: Path) -> None:
    """The `._` twin that macOS leaves beside a file: the same ending, but only attributes in it."""
    path.with_name(f"._{path.name}").write_bytes(APPLE_DOUBLE)


def add_ds_store(folder: Path) -> None:
    """The `.DS_Store` that macOS leaves in a folder someone looked at."""
    (folder / ".DS_Store").write_bytes(b"\0\0\0\1Bud1".ljust(512, b"\0"))


def add_thumbs_db(folder: Path) -> None:
    """The `Thumbs.db` that Windows leaves in a folder of pictures."""
    (folder / "Thumbs.db").write_bytes(bytes.fromhex("d0cf11e0a1b11ae1").ljust(512, b"\0"))


def cut_short(path: Path) -> None:
    """Keeps the first six tenths of a file, as a download that broke off does."""
    data = path.read_bytes()
    path.write_bytes(data[: int(0.6 * len(data))])
