"""Finding clips and their frames on disk."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable
from pathlib import Path

from natsort import natsort_keygen

from trainables.data.core.dataset import DataError, Sample
from trainables.data.core.image import is_animated
from trainables.data.core.kinds import (
    IMAGE_SUFFIXES,
    VIDEO_SUFFIXES,
    is_hidden,
    is_image,
    is_video,
    may_be_series,
)
from trainables.data.core.passed_over import WHY_NOWHERE, passed_over


class Unreadable(DataError):
    """A folder whose content cannot be listed, for want of permission as a rule."""

    def __init__(self, folder: Path, error: OSError) -> None:
        super().__init__(folder, error)
        self.folder = folder

    def __str__(self) -> str:
        folder, error = self.args
        return f"{folder}: this folder cannot be read ({error.strerror}); permission to list and to open it is needed."


def samples_of(path: Path) -> list[Sample]:
    """The clips that a path stands for: a video, an image, a folder of frames, or every clip under a folder.

    The label is 0, the subject `None` and the clip id the path as given.
    Raises `DataError` for a path that is missing, of another kind, or a folder without any clip.
    """
    if path.is_dir():
        clips = find_clips(path)
        if not clips:
            beside = "".join(f" Passed over: {note}." for note in passed_over(path, ()))
            raise DataError(
                f"{path}: no clip in this folder. A clip is a video ({_listed(VIDEO_SUFFIXES)}) or a folder of images."
                f"{beside}"
            )
        return clips
    if path.is_symlink() and not path.exists():
        raise DataError(f"{path}: a link that leads nowhere ({WHY_NOWHERE}).")
    if not path.exists():
        raise DataError(f"{path}: there is no such file or folder.")
    if not (is_video(path) or is_image(path)):
        raise DataError(
            f"{path}: neither a video ({_listed(VIDEO_SUFFIXES)}), nor an image ({_listed(IMAGE_SUFFIXES)}), "
            "nor a folder."
        )
    return [_unlabelled(path, (path,))]


def find_clips(folder: Path) -> list[Sample]:
    """Every clip under `folder`, naturally sorted: videos, and folders (itself included) that directly hold images.

    An image that holds several pictures is a video. Other images beside a video are its thumbnails, and a folder that is
    called as a video beside it holds the frames of that video: neither is a clip. A folder that links lead to twice, or
    back to, is looked into once.
    Raises `DataError` for a folder that cannot be read.
    """
    return _clips_below(folder, set())


def _clips_below(folder: Path, seen: set[str], *, frames: bool = True) -> list[Sample]:
    """The clips below; without `frames`, the images directly in `folder` are none."""
    place = os.path.realpath(folder)
    if place in seen:
        return []
    seen.add(place)
    videos = list_videos(folder)
    images = list_images(folder) if frames and not videos else []
    clips = [_unlabelled(folder, tuple(images))] if images else []
    of_videos = {video.stem for video in videos}
    for entry in _visible(folder):
        path = folder / entry.name
        if _holds(entry.is_dir):
            clips.extend(_clips_below(path, seen, frames=entry.name not in of_videos))
        elif path in videos:
            clips.append(_unlabelled(path, (path,)))
    return clips


def entries(folder: Path) -> list[os.DirEntry[str]]:
    """What lies directly in `folder`, in no order, without hidden files and their like.

    Raises `DataError` naming the folder where it cannot be read, as all that list folders here do.
    """
    try:
        with os.scandir(folder) as found:  # which tells files from folders without asking the disk about each
            return [entry for entry in found if not is_hidden(entry.name)]
    except OSError as error:
        raise Unreadable(folder, error) from error


def list_images(folder: Path) -> list[Path]:
    """The images directly in `folder` in time order, without hidden files and their like.

    That is natural order (2 before 10), and the order of the numbers where the names are seconds or have signs.
    """
    images = {entry.name: entry for entry in entries(folder) if is_image(entry.name)}
    return [folder / name for name in _in_time(images) if _holds(images[name].is_file)]


def list_videos(folder: Path) -> list[Path]:
    """The videos directly in `folder`, naturally sorted, without hidden files and their like.

    So are images that hold several pictures.
    """
    files = [folder / entry.name for entry in _visible(folder) if _is_of_videos(entry.name) and _holds(entry.is_file)]
    return [file for file in files if is_video(file) or is_animated(file)]


def list_folders(folder: Path) -> list[Path]:
    """The folders directly in `folder`, naturally sorted, without hidden ones."""
    return [folder / entry.name for entry in _visible(folder) if _holds(entry.is_dir)]


def natural(names: Iterable[str]) -> list[str]:
    """The names in natural order, 2 before 10."""
    names = sorted(names)
    # Names that differ in digits alone, place by place, are in natural order now; asking is ten times as fast.
    shapes = "/".join(names).translate(_ANY_DIGIT).split("/")
    return names if len(set(shapes)) < 2 else sorted(names, key=_natural_key)


def _in_time(names: Iterable[str]) -> list[str]:
    """Names of images in the order of the numbers that they are, where all are (0.04 before 0.2), else natural."""
    names = natural(names)
    stems = [os.path.splitext(name)[0] for name in names]
    if not any("." in stem or stem.startswith(("-", "+")) for stem in stems):
        return names
    found = [match for stem in stems if (match := _NUMBER.fullmatch(stem))]
    signed = all(match["before"] in ("", "+", "-") for match in found)
    words = {(match["before"] * (not signed), match["after"]) for match in found}
    numbers = [float(match["before"] * signed + match["number"]) for match in found]
    # 1.1 and 1.10 are one number: such names count in two places, and are in order already.
    if len(words) > 1 or len(set(numbers)) < len(names):
        return names
    return [name for _, name in sorted(zip(numbers, names, strict=True))]


_NUMBER = re.compile(r"(?P<before>\D*)(?P<number>\d+(\.\d+)?([eE][+-]\d+)?)(?P<after>s?)")
_ANY_DIGIT = str.maketrans("123456789", "000000000")
_natural_key = natsort_keygen()


def _visible(folder: Path) -> list[os.DirEntry[str]]:
    found = {entry.name: entry for entry in entries(folder)}
    return [found[name] for name in natural(found)]


def _is_of_videos(name: str) -> bool:
    return is_video(name) or may_be_series(name)


def _holds(question: Callable[[], bool]) -> bool:
    try:
        return question()
    except OSError:  # a link to itself, or to a place that is closed
        return False


def _unlabelled(path: Path, paths: tuple[Path, ...]) -> Sample:
    return Sample(clip_id=str(path), label=0, subject=None, paths=paths)


def _listed(suffixes: frozenset[str]) -> str:
    return ", ".join(sorted(suffixes))
