"""A person who withdraws, in prepared data: which clips are of him, and the data without them.

The person is given by name, compared as the readers of a user's own data compare names; a clip that names nobody by its id.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import os
import re
import shutil
import uuid
from collections.abc import Collection, Generator
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock, Timeout

from trainables.core import files
from trainables.core.prepared.frame_file import frame_file, map_frames, nothing_half_written
from trainables.core.prepared.stored import (
    OF_ALL,
    PER_CLIP,
    PER_DROPPED,
    Dropped,
    lock_path,
    open_prepared,
    write_dropped,
)
from trainables.data.core.dataset import DataError
from trainables.data.core.spelling import same

FORGOTTEN = "(a forgotten clip)"  # what stands in a text for the id of a clip that is gone


@dataclasses.dataclass(frozen=True, kw_only=True)
class Person:
    """Whom a home is to forget: `name`, in any spelling, or with `keep_spelling` in this one alone."""

    name: str
    keep_spelling: bool = False

    def is_named(self, name: str) -> bool:
        """Whether `name` is a spelling of his."""
        return name == self.name if self.keep_spelling else same(name) == same(self.name)

    def owns(self, subject: str | None, clip_id: str) -> bool:
        """Whether a clip is of him; one that names nobody goes by its id, to the letter."""
        return self.is_named(subject) if subject else clip_id == self.name

    def stands_in(self, clip_id: str, classes: Collection[str]) -> bool:
        """Whether a part of the path that `clip_id` is begins with his name, and is no class."""
        parts = [part for part in clip_id.split("/") if part not in classes]
        beginnings = [part[: match.start()] for part in parts for match in re.finditer(r"[_\-. ]|$", part)]
        return clip_id == self.name or any(map(self.is_named, beginnings))


@dataclasses.dataclass(frozen=True, kw_only=True)
class Held:
    """What the prepared data in `folder` holds of a person: the clips at `indices` and, in `dropped`, ids of unusable ones.

    `positions` gives, by the fingerprints that the data has and had, where these clips are and were. `clip_ids` are all of
    these ids, `spellings` those that his name has here, `num_clips` counts the clips of everybody.
    """

    folder: Path
    dataset: str
    positions: dict[str, tuple[int, ...]]
    spellings: tuple[str, ...]
    indices: tuple[int, ...]
    clip_ids: tuple[str, ...]
    dropped: tuple[str, ...]
    num_clips: int
    num_frames: int


def read_index(folder: Path) -> dict[str, Any]:
    """`index.json` as it stands. Raises `DataError` where it cannot be read."""
    try:
        index = json.loads((folder / files.INDEX).read_text(encoding="utf-8"))
        if len(index["clip_ids"]) != len(index["subjects"]):
            raise ValueError("it disagrees with itself about the number of clips")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"{folder}: {files.INDEX} cannot be read ({error}). Delete the folder.") from error
    return index


def people_of(index: dict[str, Any]) -> list[str]:
    """Who stands in an index, each once: the subjects, and clips that name nobody."""
    return list(dict.fromkeys(subject or clip for subject, clip in _clips(index)))


def held_in(folder: Path, index: dict[str, Any], person: Person) -> Held | None:
    """What the prepared data in `folder` holds of `person`; `None` for nothing.

    Raises `DataError` where he could not be taken out, as the index holds what this version does not know.
    """
    indices = tuple(i for i, (subject, clip) in enumerate(_clips(index)) if person.owns(subject, clip))
    dropped = [clip["clip_id"] for clip in index["dropped"] if person.stands_in(clip["clip_id"], index["classes"])]
    if not (indices or dropped):
        return None
    _require_known(folder, index)
    kept = [index["clip_ids"][i] for i in indices]
    return Held(
        folder=folder,
        dataset=index["name"],
        positions={index["fingerprint"]: indices, **_picked(index.get("earlier", {}), indices)},
        spellings=tuple(dict.fromkeys(index["subjects"][i] for i in indices if index["subjects"][i])),
        indices=indices,
        clip_ids=(*kept, *dropped),
        dropped=tuple(dropped),
        num_clips=len(index["clip_ids"]),
        num_frames=sum(index["offsets"][i + 1] - index["offsets"][i] for i in indices),
    )


@contextlib.contextmanager
def only_writer(folder: Path) -> Generator[None]:
    """Nobody else writes the prepared data in `folder` meanwhile. Raises `ValueError` where somebody does."""
    lock = FileLock(lock_path(folder))
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise ValueError(f"Another process writes {folder}. Wait until it has ended, or stop it.") from None
    try:
        yield
    finally:
        lock.release()


def take_out(held: Held, person: Person) -> Path | None:
    """Write the prepared data anew without the person, under another fingerprint, and remove it as it was; where it lies now.

    `None` where nothing was left to train on (a class without a clip, no fold), or the frames are damaged: then it is
    removed whole. Whoever dies on the way leaves the index, by which the next call finds the person, until all else is gone.
    The folder is locked by the caller (`only_writer`).
    """
    index = read_index(held.folder)
    rest, frames = without(index, person), _frames(held.folder, index)
    if rest is not None and rest["fingerprint"] == index["fingerprint"]:  # only unusable clips name him
        _write_index(held.folder, rest)
        _write_dropped(held.folder, rest, held.folder)
        return held.folder
    target = None
    if rest is not None:
        target = held.folder.parent / f"{rest['name']}-{rest['fingerprint'][:12]}"
        if frames is not None and not _is_whole(target):
            _write_anew(held, frames, rest, target)
    _remove(held.folder)
    return target if target and target.exists() else None


def without(index: dict[str, Any], person: Person) -> dict[str, Any] | None:
    """The index without the clips of `person`; `None` where what is left is no data set any more."""
    gone = {i for i, (subject, clip) in enumerate(_clips(index)) if person.owns(subject, clip)}
    kept = [i for i in range(len(index["clip_ids"])) if i not in gone]
    named = [person.stands_in(clip["clip_id"], index["classes"]) for clip in index["dropped"]]
    rest = index | {key: [index[key][i] for i in kept] for key in PER_CLIP if key in index}
    for key in PER_DROPPED:
        if key in index:
            rest[key] = [one for one, his in zip(index[key], named, strict=True) if not his]
    if "groups" in index:
        rest["groups"] = _regrouped(rest, person)
    ids = [index["clip_ids"][i] for i in gone]
    ids += [clip["clip_id"] for clip, his in zip(index["dropped"], named, strict=True) if his]
    rest["notes"] = [redacted(note, ids) for note in index.get("notes", ()) if not _spells(note, person)]
    if not gone:
        return rest
    lengths = [index["offsets"][i + 1] - index["offsets"][i] for i in kept]
    rest["offsets"] = [0, *np.cumsum(lengths, dtype=np.int64).tolist()]
    position = {old: new for new, old in enumerate(kept)}
    folds = [
        {part: [position[i] for i in indices if i in position] for part, indices in fold.items()}
        for fold in index["folds"]
    ]
    rest["folds"] = [fold for fold in folds if all(fold.values())]
    if not rest["folds"] or set(rest["labels"]) != set(index["labels"]):
        return None
    rest["earlier"] = {index["fingerprint"]: kept, **_picked(index.get("earlier", {}), kept)}
    facts = json.dumps([index["fingerprint"], "without", rest["clip_ids"]])
    rest["fingerprint"] = hashlib.sha256(facts.encode()).hexdigest()
    return rest


def redacted(text: str, clip_ids: Collection[str]) -> str:
    """`text` without the `clip_ids`, wherever one stands whole, and without the names in brackets after it."""
    for clip_id in sorted(clip_ids, key=len, reverse=True):
        text = re.sub(rf"(?<!\w){re.escape(clip_id)}(?!\w)( \([^)]*\))?", lambda _: FORGOTTEN, text)
    return text


def _clips(index: dict[str, Any]) -> list[tuple[str | None, str]]:
    return list(zip(index["subjects"], index["clip_ids"], strict=True))


def _picked(lists: dict[str, list[int]], indices: Collection[int]) -> dict[str, Any]:
    return {key: tuple(values[i] for i in indices) for key, values in lists.items()}


def _regrouped(rest: dict[str, Any], person: Person) -> list[str]:
    """The groups, where those that were called by the person are called by the first who is left in them."""
    first: dict[str, str] = {}
    for group, (subject, clip) in zip(rest["groups"], _clips(rest), strict=True):
        first.setdefault(group, subject or clip)
    return [first[group] if person.is_named(group) else group for group in rest["groups"]]


def _require_known(folder: Path, index: dict[str, Any]) -> None:
    known = (*PER_CLIP, *PER_DROPPED, *OF_ALL)
    strange = [key for key, value in index.items() if key not in known and isinstance(value, list | dict)]
    for keys in (PER_CLIP, PER_DROPPED):
        strange += [key for key in keys if key in index and len(index[key]) != len(index[keys[0]])]
    if strange:
        raise DataError(
            f"{folder}: {files.INDEX} holds {', '.join(strange)}, which nobody can be taken out of here. Use the fertune that "
            "wrote it, or delete the folder: `prepare` makes it anew."
        )


def _spells(note: str, person: Person) -> bool:
    return any(map(person.is_named, re.findall(r"['\"]([^'\"]+)['\"]", note)))


def _frames(folder: Path, index: dict[str, Any]) -> np.ndarray | None:
    """The frames, mapped; `None` where they are damaged."""
    size = int(index["settings"]["crop_size"])
    with contextlib.suppress(OSError, ValueError):
        return map_frames(folder / files.FRAMES, (index["offsets"][-1], size, size, 3))
    return None


def _is_whole(folder: Path) -> bool:
    with contextlib.suppress(DataError):
        open_prepared(folder)
        return True
    return False


def _write_anew(held: Held, frames: np.ndarray, rest: dict[str, Any], target: Path) -> None:
    """All but the clips of the person, whole or not at all. Raises `DataError` where the disk is full."""
    size, offsets = frames.shape[1], read_index(held.folder)["offsets"]
    temporary = target.parent / f".{target.name}.{uuid.uuid4().hex[:8]}.tmp"
    with nothing_half_written(temporary, lambda: rest["offsets"][-1] * size**2 * 3):
        temporary.mkdir()
        with frame_file(temporary / files.FRAMES, size) as writer:
            for i in (i for i in range(held.num_clips) if i not in held.indices):
                writer.add(frames[offsets[i] : offsets[i + 1]])
        _write_index(temporary, rest)
        _write_dropped(temporary, rest, held.folder)
        shutil.rmtree(target, ignore_errors=True)
        os.replace(temporary, target)


def _write_index(folder: Path, index: dict[str, Any]) -> None:
    _replace(folder / files.INDEX, json.dumps(index).encode())


def _write_dropped(folder: Path, index: dict[str, Any], before: Path) -> None:
    """The list of dropped clips into `folder`, where there was one in the folder `before`."""
    if (before / files.DROPPED).exists():
        write_dropped(folder, [Dropped(**clip) for clip in index["dropped"]])


def _replace(path: Path, content: bytes) -> None:
    temporary = path.with_suffix(f".{os.getpid()}.tmp")
    with temporary.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


def _remove(folder: Path) -> None:
    """The index last."""
    for path in folder.iterdir():
        if path.name != files.INDEX:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    shutil.rmtree(folder)
