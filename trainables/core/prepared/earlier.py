"""Crops that were made before: clips of other prepared data, or of a preparation in work, that need not be read again."""

from __future__ import annotations

import contextlib
import json
import shutil
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock, Timeout

from trainables.core import files
from trainables.core.prepared.cropping import KILLED
from trainables.core.prepared.draft import journaled
from trainables.core.prepared.frame_file import hash_of, map_written
from trainables.core.prepared.stored import lock_path


@dataclass(frozen=True)
class Earlier:
    """One clip: what came of it, as a draft has it, and its frames; `None` where it was dropped."""

    row: dict[str, Any]
    frames: np.ndarray | None

    @property
    def is_whole(self) -> bool:
        """Whether the frames are what was written."""
        return self.frames is None or hash_of(self.frames) == self.row["hash"]


def crops_before(parent: Path, keys: Collection[str], size: int, *, but: Path) -> dict[str, Earlier]:
    """By key, those of the clips of `keys` whose crops of `size` px lie under `parent` already, but for what is in `but`."""
    found: dict[str, Earlier] = {}
    wanted = set(keys)
    for folder in sorted(parent.glob("*/")):
        if folder != but:
            # a damaged one is not used
            with contextlib.suppress(OSError, ValueError, KeyError, TypeError, AttributeError):
                found |= _clips(folder, wanted - found.keys(), size)
    return found


def remove_drafts(parent: Path, keys: Collection[str], size: int) -> None:
    """Remove the drafts under `parent` that nobody writes and all of whose clips are of `keys`: they were taken over."""
    known = set(keys)
    for draft in parent.glob(files.DRAFT.format(folder="*")):
        folder = parent / draft.name.removeprefix(".").removesuffix(".part")
        with contextlib.suppress(Timeout, OSError), FileLock(lock_path(folder), timeout=0):
            done = {row["key"] for row in journaled(draft, size)}
            if done and done <= known:
                shutil.rmtree(draft, ignore_errors=True)


def _clips(folder: Path, wanted: set[str], size: int) -> dict[str, Earlier]:
    rows = list(_indexed(folder) if (folder / files.INDEX).exists() else journaled(folder, size))
    if wanted.isdisjoint(row["key"] for row in rows):
        return {}
    frames = map_written(folder / files.FRAMES, size, sum(row.get("frames", 0) for row in rows))
    found, start = {}, 0
    for row in rows:
        end = start + row.get("frames", 0)
        if row["key"] in wanted and row.get("dropped") != KILLED:  # another time there may be memory
            found[row["key"]] = Earlier(row, frames[start:end] if end > start else None)
        start = end
    return found


def _indexed(folder: Path) -> Iterator[dict[str, Any]]:
    """The rows of a draft, as the index that was made of them has them."""
    index = json.loads((folder / files.INDEX).read_text(encoding="utf-8"))
    offsets = index["offsets"]
    for i, key in enumerate(index["keys"]):
        yield {
            "key": key,
            "frames": offsets[i + 1] - offsets[i],
            "score": index["scores"][i],
            "faces_found": index["faces_found"][i],
            "told": index["told"][i],
            "hash": index["hashes"][i],
        }
    for key, clip in zip(index["dropped_keys"], index["dropped"], strict=True):
        yield {"key": key, "dropped": clip["reason"]}
