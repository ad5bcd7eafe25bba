"""Reading clips as RGB uint8 frames: videos, folders of frames and single images."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from trainables.data.core.dataset import DataError, Sample
from trainables.data.core.finding import list_images
from trainables.data.core.kinds import is_video


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


def quiet_opencv() -> None:
    """Keeps OpenCV and its FFmpeg off stderr: what is wrong with a video is told by an error, once and by name.

    FFmpeg asks for the level once, when a process first reads or writes a video: this is to be called before.
    `OPENCV_FFMPEG_LOGLEVEL` and `OPENCV_LOG_LEVEL` in the environment have the last word.
    """
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")  # AV_LOG_QUIET
    if "OPENCV_LOG_LEVEL" not in os.environ:
        cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)


def _opened(path: Path) -> cv2.VideoCapture:
    quiet_opencv()
    # FFmpeg by name: the automatic choice reads a `%` or a number in a path as a pattern for a sequence of images.
    return cv2.VideoCapture(str(path), cv2.CAP_FFMPEG, [cv2.CAP_PROP_N_THREADS, 1])


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
