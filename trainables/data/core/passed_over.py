"""What lies among the clips and is not read: counted by kind, so that nothing vanishes without a word."""

from __future__ import annotations

import itertools
import os
from collections.abc import Collection, Iterator
from pathlib import Path

from trainables.core.wording import counted
from trainables.data.core.dataset import Dataset
from trainables.data.core.kinds import is_hidden, is_image, is_of_a_nas, is_paper, is_unfinished, is_video

Kind = tuple[str, str]  # one of it, several of it
WHY_NOWHERE = "git-annex, or a disk that is not mounted"
LINK = ("link that leads nowhere", "links that lead nowhere")
UNFINISHED = ("unfinished download", "unfinished downloads")
THUMBNAIL = ("thumbnail of a file server", "thumbnails of a file server")
LOOSE = ("loose picture", "loose pictures")
FRAMES = ("folder of frames of a video that is read", "folders of frames of videos that are read")
UNUSED = ("video that is not used", "videos that are not used")
NO_ENDING = ("file without an ending", "files without an ending")
MOST_NAMED = 3
MAX_FOLDERS = 3000  # that are looked into for links: a whole disk given by mistake is an answer in seconds


def passed_over(root: Path, taken: Collection[Path]) -> tuple[str, ...]:
    """What lies under `root` besides the files `taken`, as a note for each kind, such as "2 unfinished downloads (a.part, b)".

    What operating systems leave is not told, nor texts and tables, nor what cannot be listed.
    """
    known = {os.path.abspath(path) for path in taken}
    return _by_kind(os.path.abspath(root), known, None)


def not_here(dataset: Dataset) -> tuple[str, ...]:
    """Links that lead nowhere and unfinished downloads among the clips of any data set, as notes; none of a table's."""
    paths = {os.path.abspath(path) for sample in dataset.samples for path in sample.paths}
    if not paths or not all(is_video(path) or is_image(path) for path in paths):
        return ()
    return _by_kind(os.path.commonpath({os.path.dirname(path) for path in paths}), paths, {LINK, UNFINISHED})


def links_nowhere(root: Path) -> str:
    """The end of an error's sentence where links under `root` lead nowhere; `""` where none does."""
    top = os.path.abspath(root)
    found = [
        os.path.join(folder, name)
        for folder, _, names in itertools.islice(os.walk(top), MAX_FOLDERS)
        for name in names
        if not is_hidden(name) and os.path.islink(path := os.path.join(folder, name)) and not os.path.exists(path)
    ]
    return f" It holds {_told(LINK, sorted(found), top)}: {WHY_NOWHERE}." if found else ""


def _by_kind(top: str, known: Collection[str], told: Collection[Kind] | None) -> tuple[str, ...]:
    kinds: dict[Kind, list[str]] = {}
    for path, kind in _others(top, known, set()):
        if told is None or kind in told:
            kinds.setdefault(kind, []).append(path)
    return tuple(_told(kind, sorted(kinds[kind]), top) for kind in sorted(kinds))


def _others(
    folder: str, known: Collection[str], seen: set[str], *, of_a_nas: bool = False, of_a_video: bool = False
) -> Iterator[tuple[str, Kind]]:
    place = os.path.realpath(folder)
    if place in seen:
        return
    seen.add(place)
    try:
        with os.scandir(folder) as found:
            entries = sorted(found, key=lambda entry: (entry.is_symlink(), entry.name))
    except OSError:
        return
    of_videos = {os.path.splitext(entry.path)[0] for entry in entries if entry.path in known and is_video(entry.name)}
    frames = False
    for entry in entries:
        if entry.path in known:
            continue
        if _is_folder(entry):
            if not is_hidden(entry.name) or is_of_a_nas(entry.name):
                inside = of_a_nas or is_of_a_nas(entry.name)
                yield from _others(entry.path, known, seen, of_a_nas=inside, of_a_video=entry.path in of_videos)
        elif kind := THUMBNAIL if of_a_nas else _kind(entry):
            frames = frames or (of_a_video and kind == LOOSE)
            if not (of_a_video and kind == LOOSE):
                yield entry.path, kind
    if frames:
        yield folder, FRAMES


def _kind(entry: os.DirEntry[str]) -> Kind | None:
    if is_unfinished(entry.name):  # an .icloud file is hidden besides
        return UNFINISHED
    if is_hidden(entry.name) or is_paper(entry.name):
        return None
    if entry.is_symlink() and not os.path.exists(entry.path):
        return LINK
    if is_video(entry.name):
        return UNUSED
    if is_image(entry.name):
        return LOOSE
    suffix = os.path.splitext(entry.name)[1].lower()
    return (f"{suffix} file", f"{suffix} files") if suffix else NO_ENDING


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link to itself, or to a place that is closed
        return False


def _told(kind: Kind, paths: list[str], root: str) -> str:
    names = [os.path.relpath(path, root) for path in paths]
    first = ", ".join(names[:MOST_NAMED])
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    return f"{counted(len(names), *kind)} ({first}{more})"
