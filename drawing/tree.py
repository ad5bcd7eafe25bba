"""A drawn tree on disk: it appears whole or not at all, carries a marker, and nothing else is ever drawn over."""

from __future__ import annotations

import json
import shutil
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from drawing.sequence import DIFFICULTIES
from trainables.data.core.dataset import DRAWN_MARKER as MARKER

GENERATOR = "fertune drawing"
ABANDONED_AFTER_S = 3600.0


def write_tree(root: Path, layout: str, draw: Callable[[Path], None], *, difficulty: str, **settings: Any) -> None:
    """Makes the folder `root` with what `draw(folder)` puts into it and, beside that, a marker.

    The marker, `DRAWN.json`, says by whom it was drawn, in which layout, with which settings: equal markers, equal
    trees, so a `root` whose marker is equal is left as it is. The folder appears at once when all of it is drawn, so an
    interrupted drawing is simply drawn again, and two processes may draw the same folder at once.
    Raises `ValueError` for an unknown difficulty and for a `root` that holds another drawing or anything else.
    """
    check_difficulty(difficulty)
    marker = {
        "generator": GENERATOR,
        "layout": layout,
        "difficulty": difficulty,
        "settings": {name: _plain(value) for name, value in vars(DIFFICULTIES[difficulty]).items()},
        **{name: _plain(value) for name, value in settings.items()},
    }
    if _stands(root, marker):
        return
    root.parent.mkdir(parents=True, exist_ok=True)
    _remove_abandoned(root)
    draft = root.parent / f".{root.name}.drawing-{uuid.uuid4().hex[:8]}"
    draft.mkdir()
    try:
        draw(draft)
        (draft / MARKER).write_text(json.dumps(marker, indent=2) + "\n")
        try:
            draft.rename(root)
        except OSError:  # someone else was first
            if not _stands(root, marker):
                raise
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def check_difficulty(difficulty: str) -> None:
    """Raises `ValueError` for a difficulty that there is not."""
    check_choice("difficulty", difficulty, tuple(DIFFICULTIES))


def check_choice(kind: str, given: str, allowed: tuple[str, ...]) -> None:
    """Raises `ValueError` naming what there is where `given` is none of `allowed`."""
    if given not in allowed:
        raise ValueError(f"There is no {kind} {given!r}; there are: {', '.join(allowed)}.")


def check_at_least(**numbers: tuple[int, int]) -> None:
    """Raises `ValueError` for the first setting, given as `name=(value, least)`, that is too small."""
    for name, (value, least) in numbers.items():
        if value < least:
            raise ValueError(f"{name} is {value}; at least {least} is needed.")


def _stands(root: Path, marker: dict[str, Any]) -> bool:
    """Whether `root` already holds the drawing of `marker`. Raises `ValueError` if it holds something else."""
    if not root.exists():
        return False
    if not root.is_dir():
        raise ValueError(f"{root} is a file; a drawing needs a folder.")
    path = root / MARKER
    if path.is_file():
        try:
            found = json.loads(path.read_text())
        except ValueError:
            found = None
        if found == marker:
            return True
        if isinstance(found, dict) and found.get("generator") == GENERATOR:
            other = [
                f"{key} {found.get(key)!r}, not {marker[key]!r}" for key in marker if found.get(key) != marker[key]
            ]
            raise ValueError(f"{root} holds another drawing ({'; '.join(other)}). Choose another folder or delete it.")
    if any(root.iterdir()):
        raise ValueError(f"{root} is not empty and was not drawn here. Choose an empty or a new folder.")
    return False


def _remove_abandoned(root: Path) -> None:
    """Deletes drafts of `root` whose process was killed long ago; a drawing takes seconds to minutes."""
    for draft in root.parent.glob(f".{root.name}.drawing-*"):
        with suppress(OSError):  # its owner finished meanwhile
            if time.time() - max(folder.stat().st_mtime for folder in _folders(draft)) > ABANDONED_AFTER_S:
                shutil.rmtree(draft, ignore_errors=True)


def _folders(folder: Path) -> Iterator[Path]:
    """The folder and all below it: a folder's time is that of the latest file made in it."""
    yield folder
    for entry in folder.iterdir():
        if entry.is_dir():
            yield from _folders(entry)


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value  # as JSON gives it back
