"""Writing drawn frames as images and videos."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

import cv2
import numpy as np

FRAMES_PER_SECOND = 25
CODECS = {".mp4": "mp4v", ".avi": "MJPG"}  # both come with OpenCV's own wheel


class NoEncoder(OSError):
    """This build of OpenCV cannot write such a video."""


def save_image(path: Path, picture: np.ndarray) -> None:
    """Writes a grey `(H, W)`, RGB `(H, W, 3)` or RGBA `(H, W, 4)` picture in the format of the name's ending.

    The folder is made where it is missing. Raises `OSError` where the file cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    order = {2: None, 3: cv2.COLOR_RGB2BGR, 4: cv2.COLOR_RGBA2BGRA}[picture.shape[-1] if picture.ndim == 3 else 2]
    if not cv2.imwrite(str(path), picture if order is None else cv2.cvtColor(picture, order)):
        raise OSError(f"{path} could not be written.")


def save_palette_image(path: Path, picture: np.ndarray) -> None:
    """Writes an RGB picture `(H, W, 3)` with a palette of 256 colours, which OpenCV cannot."""
    from PIL import Image  # comes with torchvision; here, because only this one function needs it

    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(picture).quantize(256).save(path)


def save_video(path: Path, frames: Iterable[np.ndarray]) -> None:
    """Writes RGB `frames` `(T, H, W, 3)` of even sides as MPEG-4 (.mp4) or motion JPEG (.avi).

    The folder is made where it is missing. Raises `NoEncoder` where OpenCV has none; then there is no file.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    pictures = [cv2.cvtColor(frame, cv2.COLOR_RGB2BGR) for frame in frames]
    height, width = pictures[0].shape[:2]
    codec = CODECS[path.suffix.lower()]
    _quiet_opencv()
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*codec), FRAMES_PER_SECOND, (width, height))
    if not writer.isOpened():
        path.unlink(missing_ok=True)
        raise NoEncoder(f"{path} could not be written: this OpenCV has no encoder for {codec}.")
    for picture in pictures:
        writer.write(picture)
    writer.release()


def _quiet_opencv() -> None:
    """Keeps OpenCV and its FFmpeg off stderr: `NoEncoder` says what is wrong.

    FFmpeg asks for the level once, when a process first writes a video: this is to be called before.
    `OPENCV_FFMPEG_LOGLEVEL` and `OPENCV_LOG_LEVEL` in the environment have the last word.
    """
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")  # AV_LOG_QUIET
    if "OPENCV_LOG_LEVEL" not in os.environ:
        cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
