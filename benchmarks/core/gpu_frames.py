"""Frames for `benchmarks.gpu`: packed from prepared data into one small file, or drawn here; stored as training reads them."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np

from trainables.core.files import FRAMES, INDEX
from trainables.core.prepared.batches import frame_positions
from trainables.core.prepared.frame_file import frame_file
from trainables.core.prepared.stored import Prepared, open_prepared

PACKED_SIZE = 60  # px: what a network of 48 px is given, with its margin
PACKED_FRAMES = 16  # of each clip, at most
PACKED_BYTES = 40 * 2**20  # at most, as it has to travel to the machine with the GPU
NUM_CLASSES = 4  # of drawn clips


def pack(folder: Path, file: Path, *, seed: int = 0, most_bytes: int = PACKED_BYTES) -> int:
    """Write clips of the prepared data in `folder`, as many as fit, to `file`; returns their number.

    The clips are a random sample. They are the frames of people: `file` belongs where no commit takes it.
    Raises `DataError` where there is no prepared data, and `ValueError` where it is smaller than `PACKED_SIZE`.
    """
    prepared = open_prepared(folder)
    if prepared.crop_size < PACKED_SIZE:
        raise ValueError(f"The frames in {folder} have {prepared.crop_size} px; at least {PACKED_SIZE} are needed.")
    frames = prepared.at_size(PACKED_SIZE)
    taken, clips, room = [], [], most_bytes - 2**16  # of which labels and headers need some
    for clip in np.random.default_rng(seed).permutation(len(prepared)).tolist():
        start, stop = prepared.offsets[clip : clip + 2].tolist()
        positions = start + frame_positions(stop - start, PACKED_FRAMES)
        room -= len(positions) * PACKED_SIZE**2 * 3
        if room < 0:
            break
        taken.append(frames[positions])
        clips.append(clip)
    offsets = np.cumsum([0, *map(len, taken)])
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("wb") as opened:  # by name, np.savez would add a suffix
        np.savez(opened, frames=np.concatenate(taken), offsets=offsets, labels=prepared.labels[clips])
    return len(clips)


def stored_frames(folder: str, packed: str, size: int, num_clips: int, num_frames: int, seed: int) -> Prepared:
    """`num_clips` clips of `num_frames` frames of `size` px, prepared under `folder` on first use, then mapped.

    Out of the file `packed` its clips are enlarged to `size` and repeated to the number; without one, noise around a
    colour that goes with the class, which a network learns within a few steps.
    """
    place = Path(folder) / f"frames-{size}-{num_clips}x{num_frames}"
    if not (place / INDEX).exists():
        place.mkdir(parents=True, exist_ok=True)
        clips, labels = _packed(packed, num_clips) if packed else _drawn(size, num_clips, num_frames, seed)
        with frame_file(place / FRAMES, size) as writer:
            for clip in clips:
                positions = np.round(np.linspace(0, len(clip) - 1, num_frames)).astype(int)
                writer.add(np.stack([_resized(clip[position], size) for position in positions]))
        _write_index(place, labels, size, num_frames)
    return open_prepared(place)


def _packed(path: str, num_clips: int) -> tuple[list[np.ndarray], list[int]]:
    with np.load(path, allow_pickle=False) as stored:
        frames, offsets, labels = stored["frames"], stored["offsets"], stored["labels"]
    chosen = [number % len(labels) for number in range(num_clips)]
    return [frames[offsets[clip] : offsets[clip + 1]] for clip in chosen], [int(labels[clip]) for clip in chosen]


def _drawn(size: int, num_clips: int, num_frames: int, seed: int) -> tuple[list[np.ndarray], list[int]]:
    rng = np.random.default_rng(seed)
    colours = np.array([(90, 40, 40), (40, 90, 40), (40, 40, 90), (70, 70, 70)], np.uint8)
    labels = [clip % NUM_CLASSES for clip in range(num_clips)]
    noise = [rng.integers(0, 150, (num_frames, size, size, 3), np.uint8) for _ in labels]
    return [clip + colours[label] for clip, label in zip(noise, labels, strict=True)], labels


def _resized(frame: np.ndarray, size: int) -> np.ndarray:
    return frame if len(frame) == size else cv2.resize(frame, (size, size), interpolation=cv2.INTER_LINEAR)


def _write_index(place: Path, labels: list[int], size: int, num_frames: int) -> None:
    count = len(labels)
    index = {
        "name": "gpu",
        "fingerprint": "0" * 64,
        "classes": [str(label) for label in range(max(labels) + 1)],
        "clip_ids": [str(clip) for clip in range(count)],
        "subjects": [None] * count,
        "labels": labels,
        "offsets": [clip * num_frames for clip in range(count + 1)],
        "settings": {"crop_size": size},
        "folds": [],
        "dropped": [],
        "scores": [1.0] * count,
        "faces_found": [num_frames] * count,
    }
    (place / INDEX).write_text(json.dumps(index))
