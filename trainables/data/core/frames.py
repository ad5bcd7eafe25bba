"""Reading clips as RGB uint8 frames: videos, folders of frames and single images, and finding them on disk."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import cv2
import numpy as np
from natsort import natsort_keygen

from trainables.data.core.dataset import DataError, Sample

VIDEO_SUFFIXES = frozenset({".mp4", ".avi", ".mov", ".mkv", ".webm", ".m4v", ".mpg", ".mpeg", ".wmv", ".flv"})
IMAGE_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp", ".pgm", ".ppm"})


class Unreadable(DataError):
    """A folder whose content cannot be listed, for want of permission as a rule."""

    def __init__(self, folder: Path, error: OSError) -> None:
        super().__init__(folder, error)
        self.folder = folder

    def __str__(self) -> str:
        folder, error = self.args
        return f"{folder}: this folder cannot be read ({error.strerror}); permission to list and to open it is needed."


def read_frames(sample: Sample) -> Iterator[np.ndarray]:
    """The frames of a clip in time order, RGB uint8 `(H, W, 3)`; the default `Dataset.read`.

    Each path of the sample is a video, an image or a folder of images. A video that stops early yields what could be
    decoded.
    Raises `DataError` naming the file for one that cannot be read, and naming the clip for one without any file.
    """
    if not sample.paths:
        raise DataError(f"{sample.clip_id}: the clip has no frames (its folder holds no image).")
    for path in sample.paths:
        if is_video(path):
            yield from read_video(path)
        elif os.path.isdir(path):  # one that could not be listed when the clip was found: now it says so
            yield from map(read_image, list_images(path))
        else:
            yield read_image(path)


def read_video(path: Path) -> Iterator[np.ndarray]:
    """The frames of a video, RGB uint8 `(H, W, 3)`.

    Raises `DataError` where the file is missing, empty, not a video, or holds no frame that can be decoded.
    """
    _require_content(path)
    capture = _opened(path)
    try:
        if not capture.isOpened():
            raise DataError(f"{path}: not a readable video (truncated, or not a video at all).")
        num_frames = 0
        while True:
            found, bgr = capture.read()
            if not found:
                break
            num_frames += 1
            yield cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB)
        if num_frames == 0:
            raise DataError(f"{path}: the video opens, but no frame of it can be decoded.")
    finally:
        capture.release()


def num_frames_announced(path: Path) -> int:
    """How many frames a video is said to hold by its container, where some formats give an estimate; 0 for no word."""
    capture = _opened(path)
    try:
        return max(int(capture.get(cv2.CAP_PROP_FRAME_COUNT)), 0)
    finally:
        capture.release()


def read_image(path: Path) -> np.ndarray:
    """An image as RGB uint8 `(H, W, 3)`, be it grey, palette, 16-bit or with an alpha channel (which is dropped).

    Raises `DataError` where the file is missing, empty, truncated or not an image.
    """
    _require_content(path)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror}).") from error
    if _is_truncated(data):
        raise DataError(f"{path}: the image is truncated.")
    try:
        bgr = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    except cv2.error as error:
        raise DataError(f"{path}: not a readable image ({error.err}).") from error
    if bgr is None:
        raise DataError(f"{path}: not a readable image.")
    return cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB)


def samples_of(path: Path) -> list[Sample]:
    """The clips that a path stands for: a video, an image, a folder of frames, or every clip under a folder.

    The label is 0, the subject `None` and the clip id the path as given.
    Raises `DataError` for a path that is missing, of another kind, or a folder without any clip.
    """
    if path.is_dir():
        clips = find_clips(path)
        if not clips:
            raise DataError(
                f"{path}: no clip in this folder. A clip is a video ({_listed(VIDEO_SUFFIXES)}) or a folder of images."
            )
        return clips
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

    A folder that links lead to twice, or back to, is looked into once. Raises `DataError` for one that cannot be read.
    """
    return _clips_below(folder, set())


def _clips_below(folder: Path, seen: set[str]) -> list[Sample]:
    place = os.path.realpath(folder)
    if place in seen:
        return []
    seen.add(place)
    clips = []
    images = list_images(folder)
    if images:
        clips.append(_unlabelled(folder, tuple(images)))
    for entry in _visible(folder):
        if _holds(entry.is_dir):
            clips.extend(_clips_below(folder / entry.name, seen))
        elif is_video(entry.name):
            clips.append(_unlabelled(folder / entry.name, (folder / entry.name,)))
    return clips


def entries(folder: Path) -> list[os.DirEntry[str]]:
    """What lies directly in `folder`, in no order, without hidden files and their like.

    Raises `DataError` naming the folder where it cannot be read, as all that list folders here do.
    """
    # `._x` twins and `.DS_Store` of macOS start with a dot; Windows leaves Thumbs.db and macOS archives __MACOSX.
    junk = {"thumbs.db", "desktop.ini", "__macosx"}
    try:
        with os.scandir(folder) as found:  # which tells files from folders without asking the disk about each
            return [e for e in found if not e.name.startswith(".") and e.name.lower() not in junk]
    except OSError as error:
        raise Unreadable(folder, error) from error


def list_images(folder: Path) -> list[Path]:
    """The images directly in `folder`, naturally sorted (2 before 10), without hidden files and their like."""
    return [folder / entry.name for entry in _visible(folder) if is_image(entry.name) and _holds(entry.is_file)]


def list_videos(folder: Path) -> list[Path]:
    """The videos directly in `folder`, naturally sorted, without hidden files and their like."""
    return [folder / entry.name for entry in _visible(folder) if is_video(entry.name) and _holds(entry.is_file)]


def list_folders(folder: Path) -> list[Path]:
    """The folders directly in `folder`, naturally sorted, without hidden ones."""
    return [folder / entry.name for entry in _visible(folder) if _holds(entry.is_dir)]


def quiet_opencv() -> None:
    """Keeps OpenCV and its FFmpeg off stderr: what is wrong with a video is told by an error, once and by name.

    FFmpeg asks for the level once, when a process first reads or writes a video: this is to be called before.
    `OPENCV_FFMPEG_LOGLEVEL` and `OPENCV_LOG_LEVEL` in the environment have the last word.
    """
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")  # AV_LOG_QUIET
    if "OPENCV_LOG_LEVEL" not in os.environ:
        cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)


def is_video(path: str | Path) -> bool:
    """Whether the name ends as a video's does, in upper or lower case."""
    return os.path.splitext(path)[1].lower() in VIDEO_SUFFIXES


def is_image(path: str | Path) -> bool:
    """Whether the name ends as an image's does, in upper or lower case."""
    return os.path.splitext(path)[1].lower() in IMAGE_SUFFIXES


def natural(names: Iterable[str]) -> list[str]:
    """The names in natural order, 2 before 10."""
    names = sorted(names)
    # Names that differ in digits alone, place by place, are in natural order now; asking is ten times as fast.
    shapes = "/".join(names).translate(_ANY_DIGIT).split("/")
    return names if len(set(shapes)) < 2 else sorted(names, key=_natural_key)


_ANY_DIGIT = str.maketrans("123456789", "000000000")
_natural_key = natsort_keygen()


def _visible(folder: Path) -> list[os.DirEntry[str]]:
    found = {entry.name: entry for entry in entries(folder)}
    return [found[name] for name in natural(found)]


def _holds(question: Callable[[], bool]) -> bool:
    try:
        return question()
    except OSError:  # a link to itself, or to a place that is closed
        return False


def _opened(path: Path) -> cv2.VideoCapture:
    quiet_opencv()
    # FFmpeg by name: the automatic choice reads a `%` or a number in a path as a pattern for a sequence of images.
    return cv2.VideoCapture(str(path), cv2.CAP_FFMPEG, [cv2.CAP_PROP_N_THREADS, 1])


def _unlabelled(path: Path, paths: tuple[Path, ...]) -> Sample:
    return Sample(clip_id=str(path), label=0, subject=None, paths=paths)


def _require_content(path: Path) -> None:
    try:
        size = path.stat().st_size
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror}).") from error
    if size == 0:
        raise DataError(f"{path}: the file is empty (0 bytes).")


def _is_truncated(data: bytes) -> bool:
    # OpenCV decodes half a JPEG or PNG without complaint and fills the rest with grey, so the end marks are looked for.
    if data.startswith(b"\xff\xd8\xff"):
        # The end of image must follow the last start of scan: an EXIF thumbnail has an end mark of its own before it.
        return data.rfind(b"\xff\xd9") < data.rfind(b"\xff\xda")
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return b"IEND" not in data[-4096:]
    return False


def _listed(suffixes: frozenset[str]) -> str:
    return ", ".join(sorted(suffixes))
