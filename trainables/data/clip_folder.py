"""Your own clips: `<class>/<subject>_<anything>.mp4`, or a folder of frames of that name.

The folder's name is the class; what stands before the first `_` of a clip's name is the subject, the person it shows.
Several spellings of a name are one class or one person (`trainables/data/core/spelling.py`).
Folds are cut by subject: five, or fewer where there are fewer than five subjects.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path

from trainables.core.wording import counted
from trainables.data.core.dataset import DRAWN_MARKER, DataError, Dataset, Sample
from trainables.data.core.finding import Unreadable, list_folders, list_images, list_videos
from trainables.data.core.folds import folds_by_people
from trainables.data.core.frames import read_frames
from trainables.data.core.layout import listed, require_folder
from trainables.data.core.mistaken import folder_of, require_no_other_layout, require_no_parts, suspicions
from trainables.data.core.passed_over import passed_over
from trainables.data.core.spelling import merged

LAYOUT = "<class>/<subject>_<anything>.mp4, or a folder of frames of that name"


def load(root: Path, *, keep_spelling: bool = False, nameless: bool = False) -> Dataset:
    """The clips under `root`, with folds by subject.

    A folder of frames that is empty or cannot be read counts as a clip, so that preparation can name and drop it. With
    `keep_spelling` several spellings of a name are several. Where clips may be `nameless`, names need not tell the subject;
    if some do not, there are no folds yet.
    Raises `DataError` for a layout other than this one, fewer than two classes or three subjects.
    """
    return load_layout(Path(root), "clip_folder", keep_spelling=keep_spelling, nameless=nameless)


def load_layout(root: Path, name: str, *, keep_spelling: bool = False, nameless: bool = False) -> Dataset:
    """The data set `name` read from `root` in this layout. Raises `DataError` as `load` does."""
    classes, samples, notes = find(root, keep_spelling=keep_spelling, nameless=nameless)
    try:
        folds = folds_by_people(samples, classes) if all(sample.subject for sample in samples) else []
    except DataError as error:
        raise DataError(f"{root}: {error}") from error
    return Dataset(
        name=name,
        classes=classes,
        samples=samples,
        folds=folds,
        read=read_frames,
        notes=notes,
        cut_by_subject=True,
    )


def find(
    root: Path, *, keep_spelling: bool = False, nameless: bool = False
) -> tuple[tuple[str, ...], list[Sample], tuple[str, ...]]:
    """The classes, sorted, the clips of the layout, and what is to be told of them.

    Where clips may be `nameless`, those without `_` in their name have no subject.
    Raises `DataError` saying what is wrong and where.
    """
    require_folder(root, LAYOUT)
    folders = sorted(list_folders(root), key=lambda folder: folder.name)
    if not folders:
        raise DataError(f"{root}: no class folders in here. Expected: {LAYOUT}.")
    require_no_parts(root, folders, LAYOUT)
    twice: list[Path] = []
    found = {folder.name: _clips(folder, twice, nameless=nameless) for folder in folders}
    paths = [path for clips in found.values() for clip in clips for path in clip.paths]
    frames = [path for folder in twice for path in _frames(folder)]
    beside = passed_over(root, [*paths, *frames, root / DRAWN_MARKER])
    empty = [name for name, clips in found.items() if not any(clip.paths for clip in clips)]
    names = [name for name in found if name not in empty]
    if len(names) < 2:
        raise DataError(_too_few_classes(root, names, empty, beside))
    samples = [clip for name in names for clip in found[name]]
    require_no_other_layout(root, samples, LAYOUT)
    spelt, of_classes = merged(names, keep=keep_spelling)
    classes = tuple(dict.fromkeys(spelt))
    label = {name: classes.index(spelling) for name, spelling in zip(names, spelt, strict=True)}
    subjects, of_people = merged([clip.subject or "" for clip in samples], keep=keep_spelling)
    samples = [
        dataclasses.replace(clip, label=label[folder_of(clip)], subject=subject or None)
        for clip, subject in zip(samples, subjects, strict=True)
    ]
    notes = [f"classes: {note}" for note in of_classes] + [f"people: {note}" for note in of_people]
    if twice:
        named = listed([str(folder.relative_to(root)) for folder in twice])
        notes.append(f"{counted(len(twice), 'video')} beside the frames taken from it: one clip, the video ({named})")
    notes += [f"no class, as no clip lies in it: {listed(empty)}"] * bool(empty)
    notes += [f"not read: {note}" for note in beside]
    return classes, samples, (*notes, *suspicions(samples, classes))


def _clips(folder: Path, twice: list[Path], *, nameless: bool) -> list[Sample]:
    """The clips of a class folder, with the label 0.

    A folder of frames that is called as a video beside it is that video once more, and is added to `twice`.
    """
    videos = list_videos(folder)
    of_videos = {path.stem for path in videos}
    clips: list[tuple[Path, tuple[Path, ...], str]] = [(path, (path,), path.stem) for path in videos]
    for path in list_folders(folder):
        if path.name in of_videos:
            twice.append(path)
        else:
            clips.append((path, _frames(path), path.name))
    if not any(paths for _, paths, _ in clips):
        if list_images(folder):
            raise DataError(
                f"{folder}: this class folder has no clips. It holds images; put the frames of each clip into a folder. "
                f"Expected: {LAYOUT}."
            )
        return []
    samples = []
    for path, paths, stem in clips:
        subject, mark, _ = stem.partition("_")
        named = bool(mark and subject.strip())
        if not named and not nameless:
            raise DataError(
                f"{path}: the name does not tell the subject. Expected: {LAYOUT}, such as P01_happy.mp4. Where people are not "
                "known, --cluster-by says which clips belong together."
            )
        clip_id = f"{folder.name}/{path.name}"
        samples.append(Sample(clip_id=clip_id, label=0, subject=subject if named else None, paths=paths))
    return samples


def _frames(clip: Path) -> tuple[Path, ...]:
    """The images of a clip; the folder itself where it cannot be listed, which is then said when the clip is read."""
    try:
        return tuple(list_images(clip))
    except Unreadable:
        return (clip,)


def _too_few_classes(root: Path, names: list[str], empty: list[str], beside: tuple[str, ...]) -> str:
    found = f"only one class ({names[0]}); at least two are needed" if names else "no class folder has clips"
    without = f"; {listed(empty)}: no clips in here" if empty else ""
    below = [inside for name in empty[:1] for inside in list_folders(root / name)] if len(names + empty) == 1 else []
    deeper = any(list_videos(folder) or list_folders(folder) for folder in below)
    hint = f". Do the classes lie in {root / empty[0]}? Then give that folder" if deeper else ""
    passed = f". Passed over: {'; '.join(beside)}" if beside else ""
    return f"{root}: {found}{without}{hint}{passed}. Expected: {LAYOUT}."
