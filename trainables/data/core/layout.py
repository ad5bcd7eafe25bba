"""Finding a published layout on a user's disk, wherever the given folder begins in it, and saying what was not found."""

from __future__ import annotations

import re
import stat
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path

from trainables.data.core.dataset import DataError
from trainables.data.core.finding import Unreadable, entries, list_folders

MAX_DEPTH = 4  # levels below the given folder
MAX_BRANCHES = 300  # a folder with more folders in it holds clips or people, not parts of a layout
MAX_FOLDERS = 3000  # looked into at most: a whole disk given by mistake is an error in seconds


def find_parts(
    root: Path,
    parts_at: Callable[[Path], Collection[str]],
    needed: Sequence[str],
    expected: str,
    *,
    inner: str = "(?!)",
) -> dict[str, list[Path]]:
    """The folders that make up a layout: for each part `needed`, where it was found, nearest first, in natural order.

    `parts_at(folder)` names the parts that begin at a folder. Looks at `root` and four levels below. Where that is not
    enough and the name of `root` is that of a folder inside the layout (the pattern `inner`), `root` is taken for that
    folder, and the search begins above it. A part that is found nowhere has an empty list.
    Folders that cannot be read are passed over while every part is found elsewhere.
    Raises `DataError` where `root` is no folder, cannot be read, or no part is found, with the layout that was
    `expected`; and where a part is missing and a folder inside what looks like the layout cannot be read, naming it.
    """
    require_folder(root, expected)
    found, closed = _parts_below(root, parts_at, needed)
    top = outermost(root, inner)
    if not all(found.values()) and top != root:
        found, closed = _parts_below(top, parts_at, needed)
    if closed and not all(found.values()):
        raise closed[0]
    if not any(found.values()):
        raise DataError(f"{root}: nothing of this data set was found in here. Expected: {expected}.")
    return found


def require_both(root: Path, found: dict[str, list[Path]], expected: str) -> None:
    """Raises `DataError` where one of the two parts that were `found` is missing, naming where the other lies."""
    for part, other in (tuple(found), tuple(reversed(found))):
        if not found[part]:
            raise DataError(f"{root}: {found[other][0]} holds {other}, but no {part} were found. Expected: {expected}.")


def outermost(root: Path, inner: str) -> Path:
    """The first folder from `root` upwards whose name does not match `inner`; `root` itself where its name does not."""
    top = root
    while re.fullmatch(inner, top.absolute().name, re.IGNORECASE):
        top = top.absolute().parent
    return top


def require_folder(root: Path, expected: str) -> None:
    """Raises `DataError` saying what is `expected` where `root` is missing or a file, and where it cannot be read."""
    try:
        mode = root.stat().st_mode
    except (FileNotFoundError, NotADirectoryError) as error:
        raise DataError(f"{root}: there is no such folder. Expected: {expected}.") from error
    except OSError as error:  # a folder above it is closed
        raise Unreadable(root, error) from error
    if stat.S_ISDIR(mode):
        entries(root)
    else:
        raise DataError(f"{root}: this is a file; the folder that holds the data set is needed. Expected: {expected}.")


def levels_below(root: Path) -> Iterator[list[Path]]:
    """`root`, the folders in it, the folders in these and so on: a list for each level, in natural order."""
    level, num_folders = [root], 0
    for _ in range(MAX_DEPTH + 1):
        yield level
        below: list[Path] = []
        for folder in level:
            num_folders += 1
            if num_folders > MAX_FOLDERS:
                return
            try:
                inside = list_folders(folder)
            except Unreadable:  # not ours to read, so not the data set either
                continue
            if len(inside) <= MAX_BRANCHES:
                below += inside
        level = below


def listed(names: Collection[str], most: int = 3) -> str:
    """The first names and how many more there are, for a sentence."""
    first = ", ".join(list(names)[:most])
    return first if len(names) <= most else f"{first} and {len(names) - most} more"


def shortfall(num_found: int, num_published: int, what: str) -> tuple[str, ...]:
    """The note that a copy is not the complete one, such as "286 of 327 labelled sequences"; none where it is."""
    return () if num_found == num_published else (f"{num_found} of {num_published} {what}",)


def first_of(places: Sequence[Path], what: str) -> tuple[Path, tuple[str, ...]]:
    """The first of several places where a part was found, and the note that names the others."""
    if len(places) == 1:
        return places[0], ()
    others = listed([str(place) for place in places[1:]])
    return places[0], (f"{len(places)} folders hold {what}; {places[0]} is read, {others} left aside",)


def _parts_below(
    root: Path, parts_at: Callable[[Path], Collection[str]], needed: Sequence[str]
) -> tuple[dict[str, list[Path]], list[Unreadable]]:
    """The folders of each part, and which folders inside a folder that was asked about could not be read."""
    closed: list[Unreadable] = []
    found: dict[str, list[Path]] = {part: [] for part in needed}
    for level in levels_below(root):
        for folder in level:
            try:
                parts = parts_at(folder)
            except Unreadable as error:
                if error.folder != folder:  # else it is not ours to read, so not the data set either
                    closed.append(error)
                continue
            for part in parts:
                found[part].append(folder)
        if all(found.values()):  # what lies deeper is another copy
            break
    return found, closed
