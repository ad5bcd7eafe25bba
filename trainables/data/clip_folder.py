"""Your own clips: `<class>/<subject>_<anything>.mp4`, or a folder of frames of that name.

The folder's name is the class; what stands before the first `_` of a clip's name is the subject, the person it shows.
Folds are cut by subject: five, or fewer where there are fewer than five subjects.
"""

from __future__ import annotations

from pathlib import Path

from trainables.data.core.dataset import DataError, Dataset, Sample
from trainables.data.core.folds import subject_folds
from trainables.data.core.frames import Unreadable, list_folders, list_images, list_videos, read_frames
from trainables.data.core.layout import require_folder

LAYOUT = "<class>/<subject>_<anything>.mp4, or a folder of frames of that name"


def load(root: Path) -> Dataset:
    """The clips under `root`, with folds by subject.

    A folder of frames that is empty or cannot be read counts as a clip, so that preparation can name and drop it.
    Raises `DataError` for a layout other than this one, fewer than two classes or three subjects.
    """
    return load_layout(Path(root), "clip_folder")


def load_layout(root: Path, name: str) -> Dataset:
    """The data set `name` read from `root` in this layout. Raises `DataError` as `load` does."""
    classes, samples = find(root)
    subjects = [sample.subject for sample in samples]
    num_subjects = len(set(subjects))
    if num_subjects < 3:
        raise DataError(
            f"{root}: {num_subjects} subjects ({', '.join(sorted(set(map(str, subjects))))}); at least 3 are needed, "
            "one each to train, validate and test."
        )
    labels = [sample.label for sample in samples]
    try:
        folds = subject_folds(subjects, labels, min(5, num_subjects), seed=0, classes=classes)
    except DataError as error:
        raise DataError(f"{root}: {error}") from error
    return Dataset(name=name, classes=classes, samples=samples, folds=folds, read=read_frames, cut_by_subject=True)


def find(root: Path) -> tuple[tuple[str, ...], list[Sample]]:
    """The classes, sorted, and the clips of the layout. Raises `DataError` saying what is wrong and where."""
    require_folder(root, LAYOUT)
    folders = sorted(list_folders(root), key=lambda folder: folder.name)
    if not folders:
        raise DataError(f"{root}: no class folders in here. Expected: {LAYOUT}.")
    if len(folders) == 1:
        raise DataError(f"{root}: only one class ({folders[0].name}); at least two are needed. Expected: {LAYOUT}.")
    samples = [sample for label, folder in enumerate(folders) for sample in _clips(folder, label)]
    return tuple(folder.name for folder in folders), samples


def _clips(folder: Path, label: int) -> list[Sample]:
    clips: list[tuple[Path, tuple[Path, ...], str]] = [(path, (path,), path.stem) for path in list_videos(folder)]
    clips += [(path, _frames(path), path.name) for path in list_folders(folder)]
    if not any(paths for _, paths, _ in clips):
        hint = " It holds images; put the frames of each clip into a folder." if list_images(folder) else ""
        raise DataError(f"{folder}: this class folder has no clips.{hint} Expected: {LAYOUT}.")
    samples = []
    for path, paths, stem in clips:
        subject, mark, _ = stem.partition("_")
        if not mark or not subject.strip():
            raise DataError(f"{path}: the name does not tell the subject. Expected: {LAYOUT}, such as P01_happy.mp4.")
        samples.append(Sample(clip_id=f"{folder.name}/{path.name}", label=label, subject=subject, paths=paths))
    return samples


def _frames(clip: Path) -> tuple[Path, ...]:
    """The images of a clip; the folder itself where it cannot be listed, which is then said when the clip is read."""
    try:
        return tuple(list_images(clip))
    except Unreadable:
        return (clip,)
