"""Reading clips as RGB uint8 frames: videos, folders of frames and single images."""

from __future__ import annotations

import os
from collections.abc import Generator
from pathlib import Path

import numpy as np

from trainables.data.core.dataset import DataError, Sample
from trainables.data.core.finding import list_images
from trainables.data.core.image import is_animated, read_animated, read_images
from trainables.data.core.kinds import is_for_ffmpeg, is_video
from trainables.data.core.video import Reading, even_repeats, length_of, read_video


def read_frames(sample: Sample) -> Generator[np.ndarray, None, Reading]:
    """The frames of a clip in time order, RGB uint8 `(H, W, 3)`; the default `Dataset.read`. Returns what came of it.

    Each path of the sample is a video, an image or a folder of images; an animated image is a clip.
    Raises `DataError` naming the file for one that cannot be read, and naming the clip for one without any file.
    """
    paths = tuple(file for path in sample.paths for file in _files(path))
    if not paths:
        raise DataError(f"{sample.clip_id}: the clip has no frames (its folder holds no image).")
    if not any(is_for_ffmpeg(path) for path in paths):
        return (yield from _read_images(paths))
    reading = Reading()
    for path in paths:
        reading += yield from read_video(path) if is_for_ffmpeg(path) else _read_images((path,))
    return reading


def _files(path: Path) -> list[Path]:
    if is_video(path) or not os.path.isdir(path):
        return [path]
    return list_images(path)  # a folder that could not be listed when the clip was found: now it says so


def _read_images(paths: tuple[Path, ...]) -> Generator[np.ndarray, None, Reading]:
    if len(paths) > 1 or not is_animated(paths[0]):
        yield from read_images(paths)
        return Reading(len(paths), len(paths))
    pictures, times = read_animated(paths[0])
    repeats = even_repeats(times)
    for time, picture in zip(times or range(len(pictures)), pictures, strict=True):
        for _ in range(repeats.get(time, 1)):
            yield picture
    return Reading(len(pictures), len(pictures), uneven=bool(repeats), seconds=length_of(times) / 1000)
