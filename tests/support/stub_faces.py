"""Six small clips, a finder that takes the whole frame for the face, and what they are prepared to."""

import dataclasses
import time
from collections.abc import Iterable
from pathlib import Path

import cv2
import numpy as np

from tests.support.trees import write_image
from trainables.core.faces.clip import CroppedClip, NoFace
from trainables.core.prepared.cache import prepare
from trainables.data.core.dataset import Dataset, Fold, Sample
from trainables.data.core.finding import list_folders, list_images
from trainables.data.core.frames import read_frames

NUM_CLIPS = 6


@dataclasses.dataclass
class StubFinder:
    """Takes the whole frame for the face; black frames have none. Notes its calls in `log` and waits for `gate`."""

    log: Path | None = None
    gate: Path | None = None
    settings = {"detector": "stub"}  # noqa: RUF012 (no field: what a finder's crops depend on)

    def crop_clip(self, frames: Iterable[np.ndarray], size: int) -> CroppedClip:
        if self.log is not None:
            with self.log.open("a") as log:
                log.write("clip\n")
        while self.gate is not None and not self.gate.exists():
            time.sleep(0.01)
        crops = np.stack([cv2.resize(frame, (size, size)) for frame in frames])
        if crops.max() == 0:
            raise NoFace("no face in any frame")
        return CroppedClip(crops, len(crops), 0.9)

    def crop_shown(self, frames: Iterable[np.ndarray], size: int) -> CroppedClip:
        return self.crop_clip(frames, size)

    def crop_everyone(self, frames: Iterable[np.ndarray], size: int) -> list[CroppedClip]:
        return [self.crop_clip(frames, size)]


def write_clips(root: Path) -> Path:
    """Six clips of 2 to 7 noisy frames, a person each."""
    rng = np.random.default_rng(0)
    for clip in range(NUM_CLIPS):
        for frame in range(clip + 2):
            write_image(root / f"clip {clip}" / f"{frame}.png", rng.integers(1, 256, (40, 40, 3), np.uint8))
    return root


def dataset_of(root: Path) -> Dataset:
    samples = [
        Sample(clip_id=folder.name, label=i % 2, subject=f"P{i}", paths=tuple(list_images(folder)))
        for i, folder in enumerate(list_folders(root))
    ]
    folds = [Fold(train=(0, 1, 2, 3), validation=(4,), test=(5,))]
    return Dataset(name="stub", classes=("a", "b"), samples=samples, folds=folds, read=read_frames)


def prepare_stub(root: Path, storage: Path, **finder: Path):
    return prepare(dataset_of(root), storage, crop_size=32, finder=StubFinder(**finder))
