"""Finding the face of a clip with MTCNN and cropping it: one smoothed box for the whole clip.

MTCNN: Zhang et al., IEEE Signal Processing Letters 2016, as packaged by facenet-pytorch. Its boxes jitter by some 5 %
of the face from frame to frame, which a network would read as motion; hence one box per clip.
"""

from __future__ import annotations

import contextlib
from collections.abc import Generator, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np

from trainables.data.core.dataset import DataError
from trainables.data.core.video import Reading

MARGIN = 0.125  # of the face's side, on each side; the network is shown the middle, the rest is for rotation and shift
MIN_SIDE = 12  # px, which the first network of MTCNN looks at; a smaller image has nothing that it was trained on
NUM_LOOKED_AT = 8  # frames, evenly spaced
MAX_FRAMES = 256  # a longer clip is thinned out evenly, so that memory and cache stay bounded
MAX_SIDE = 1280  # px; larger frames are shrunk as they are read
MIN_SHARED = 0.3  # intersection over union from which two boxes of neighbouring frames are one face


class NoFace(DataError):
    """No face was found in any frame of a clip."""


@dataclass(frozen=True)
class CroppedClip:
    """The face of one clip.

    `frames` is RGB uint8 `(T, size, size, 3)`; `score` the mean probability over the `num_frames_with_face` frames, of those
    looked at, where the chosen face was found; `num_faces` how many faces show at least half as often as that one.
    `reading` is what came of reading it.
    """

    frames: np.ndarray
    num_frames_with_face: int
    num_faces: int
    score: float
    reading: Reading = field(default_factory=Reading)


@dataclass(frozen=True)
class _Look:
    """How frames are shown to the detector: scaled to `side` px, with a border, down to faces of `min_face` px."""

    side: int
    border: float
    min_face: int


# The quick look finds faces from a tenth of the frame on, and costs less than half of the close look, which is for
# clips where it finds none: smaller faces, and faces cut off by the frame.
QUICK = _Look(side=320, border=0.0, min_face=32)
CLOSE = _Look(side=480, border=0.25, min_face=20)


@dataclass
class FaceFinder:
    """Finds and crops the face of a clip. The detector is built at the first use, and once per process."""

    device: str = "cpu"
    _detectors: dict[int, Any] = field(default_factory=dict, init=False, repr=False, compare=False)

    @property
    def settings(self) -> dict[str, Any]:
        """What decides the crops, for the fingerprint of a cache."""
        return {
            "detector": "mtcnn",
            "margin": MARGIN,
            "looked_at": NUM_LOOKED_AT,
            "max_frames": MAX_FRAMES,
            "max_side": MAX_SIDE,
            "looks": [[look.side, look.border, look.min_face] for look in (QUICK, CLOSE)],
        }

    def crop_clip(self, frames: Iterable[np.ndarray], size: int) -> CroppedClip:
        """The face in `frames` (RGB uint8 `(H, W, 3)`, in time order) as square crops of `size` px.

        Looks at 8 evenly spaced frames, and at all of them, closer, if none shows a face. Frames of another size than
        the first are fitted into it. Of several faces, the one with the largest area x probability summed over the
        frames is taken throughout. Raises `NoFace` where there is none or the frames are smaller than 12 px, and
        `DataError` where there is no frame.
        """
        kept = bounded(frames)
        if not kept:
            raise DataError("The clip has no frames.")
        height, width = kept[0].shape[:2]
        if min(height, width) < MIN_SIDE:
            raise NoFace(
                f"frames of {width} x {height} px; at least {MIN_SIDE} x {MIN_SIDE} px are needed to find a face"
            )
        first = np.unique(np.round(np.linspace(0, len(kept) - 1, NUM_LOOKED_AT)).astype(int)).tolist()
        rest = [index for index in range(len(kept)) if index not in first]
        with _one_thread():
            for look, indices in ((QUICK, first), (CLOSE, first), (CLOSE, rest)):
                found = self._detect([kept[index] for index in indices], look)
                tracks = _tracks(found)
                if tracks:
                    break
            else:
                raise NoFace(f"no face in any of {len(kept)} frames")
            best = max(tracks, key=_weight)
            boxes = np.array([box[:4] for box in best])
            crops = _crop(kept, boxes, size)
        return CroppedClip(
            frames=crops,
            num_frames_with_face=len(best),
            num_faces=sum(2 * len(track) >= len(best) for track in tracks),
            score=float(np.mean([box[4] for box in best])),
        )

    def _detect(self, frames: list[np.ndarray], look: _Look) -> list[np.ndarray]:
        """For each frame the faces `(N, 5)`: x1, y1, x2, y2 in px of the frame, and probability."""
        faces: list[np.ndarray] = []
        for start in range(0, len(frames), NUM_LOOKED_AT):  # bounds the memory of the pyramid
            faces.extend(self._detect_batch(frames[start : start + NUM_LOOKED_AT], look))
        return faces

    def _detect_batch(self, frames: list[np.ndarray], look: _Look) -> list[np.ndarray]:
        height, width = frames[0].shape[:2]
        scale = look.side / max(height, width)
        # A strip thinner than the smallest face would leave the detector without a single scale.
        shape = (max(round(width * scale), look.min_face), max(round(height * scale), look.min_face))
        border = round(look.border * look.side)
        shown = np.stack([_with_border(resized(frame, shape), border) for frame in frames])
        try:
            boxes, probabilities = self._detector(look).detect(shown)
        except (RuntimeError, IndexError):
            # facenet-pytorch fails on a candidate that lies outside the image; frame by frame, the others count.
            if len(frames) == 1:
                return [np.zeros((0, 5))]
            return [faces for frame in frames for faces in self._detect_batch([frame], look)]
        per_px = np.array([width / shape[0], height / shape[1]] * 2)
        faces = []
        for found, probability in zip(boxes, probabilities, strict=True):
            if found is None:
                faces.append(np.zeros((0, 5)))
                continue
            corners = (np.asarray(found, float).reshape(-1, 4) - border) * per_px
            faces.append(np.hstack([corners, np.asarray(probability, float).reshape(-1, 1)]))
        return faces

    def _detector(self, look: _Look) -> Any:
        if look.min_face not in self._detectors:
            # Imported here: it takes seconds, which opening a prepared data set does not owe.
            import torch
            from facenet_pytorch import MTCNN

            detector = MTCNN(min_face_size=look.min_face, keep_all=True, device=self.device)
            # Same boxes, a third less time: the pooling of torch is vectorised in this layout only.
            self._detectors[look.min_face] = detector.to(memory_format=torch.channels_last)
        return self._detectors[look.min_face]

    def __getstate__(self) -> dict[str, Any]:
        return {"device": self.device, "_detectors": {}}  # a worker process builds its own


def bounded(frames: Iterable[np.ndarray]) -> list[np.ndarray]:
    """The frames at the first one's size, proportions kept; every second one dropped as often as `MAX_FRAMES` is passed."""
    kept: list[np.ndarray] = []
    stride = 1
    for index, frame in enumerate(frames):
        if index % stride:
            continue
        if kept and frame.shape != kept[0].shape:
            frame = _fitted(frame, kept[0].shape[1::-1])
        elif max(frame.shape[:2]) > MAX_SIDE:
            scale = MAX_SIDE / max(frame.shape[:2])
            frame = resized(frame, (max(round(frame.shape[1] * scale), 1), max(round(frame.shape[0] * scale), 1)))
        kept.append(frame)
        if len(kept) > MAX_FRAMES:
            kept = kept[::2]
            stride *= 2
    return kept


def _tracks(found: Sequence[np.ndarray]) -> list[list[np.ndarray]]:
    """The faces `(5,)` of all frames, grouped by overlap with the latest box of a group: one list per person."""
    tracks: list[list[np.ndarray]] = []
    for faces in found:
        taken: set[int] = set()
        for face in sorted(faces, key=lambda face: -_weight([face])):
            overlaps = [0.0 if t in taken else _shared(track[-1], face) for t, track in enumerate(tracks)]
            nearest = int(np.argmax(overlaps)) if overlaps else -1
            if overlaps and overlaps[nearest] >= MIN_SHARED:
                tracks[nearest].append(face)
                taken.add(nearest)
            else:
                tracks.append([face])
                taken.add(len(tracks) - 1)
    return tracks


def _weight(track: Sequence[np.ndarray]) -> float:
    return sum(float((x2 - x1) * (y2 - y1) * probability) for x1, y1, x2, y2, probability in track)


def _shared(a: np.ndarray, b: np.ndarray) -> float:
    """Intersection over union of two boxes."""
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    both = max(width, 0.0) * max(height, 0.0)
    return both / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - both)


def _crop(frames: list[np.ndarray], boxes: np.ndarray, size: int) -> np.ndarray:
    """The square around the median of `boxes` `(N, 4)` with its margin, `(T, size, size, 3)`; edges are replicated."""
    centre = np.median((boxes[:, :2] + boxes[:, 2:]) / 2, axis=0)
    side = float(np.median((boxes[:, 2:] - boxes[:, :2]).max(axis=1))) * (1 + 2 * MARGIN)
    side_px = max(round(side), 1)
    x, y = (round(float(c) - side / 2) for c in centre)
    crops = np.empty((len(frames), size, size, 3), np.uint8)
    for crop, frame in zip(crops, frames, strict=True):
        height, width = frame.shape[:2]
        left, top, right, bottom = max(x, 0), max(y, 0), min(x + side_px, width), min(y + side_px, height)
        part = frame[top:bottom, left:right]
        borders = (top - y, y + side_px - bottom, left - x, x + side_px - right)
        if any(borders):
            part = cv2.copyMakeBorder(part, *borders, cv2.BORDER_REPLICATE)
        crop[:] = resized(part, (size, size))
    return crops


def resized(image: np.ndarray, shape: Sequence[int]) -> np.ndarray:
    """The image at `shape` (width, height)."""
    if (image.shape[1], image.shape[0]) == tuple(shape):
        return image
    shrinking = shape[0] * shape[1] < image.shape[0] * image.shape[1]
    return cv2.resize(image, tuple(shape), interpolation=cv2.INTER_AREA if shrinking else cv2.INTER_LINEAR)


def _fitted(image: np.ndarray, shape: Sequence[int]) -> np.ndarray:
    """The image in the middle of one of `shape` (width, height), as large as it can be; its edges are replicated."""
    scale = min(shape[0] / image.shape[1], shape[1] / image.shape[0])
    width, height = (max(round(side * scale), 1) for side in image.shape[1::-1])
    left, top = (shape[0] - width) // 2, (shape[1] - height) // 2
    borders = top, shape[1] - height - top, left, shape[0] - width - left
    fitted = resized(image, (width, height))
    return cv2.copyMakeBorder(fitted, *borders, cv2.BORDER_REPLICATE) if any(borders) else fitted


def _with_border(image: np.ndarray, border: int) -> np.ndarray:
    return cv2.copyMakeBorder(image, border, border, border, border, cv2.BORDER_REPLICATE) if border else image


@contextlib.contextmanager
def _one_thread() -> Generator[None]:
    # On such small inputs more threads gain nothing, and processes beside each other would fight for the cores.
    import torch  # here for the reason given in `_detector`

    num_torch, num_cv2 = torch.get_num_threads(), cv2.getNumThreads()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        torch.set_num_threads(num_torch)
        cv2.setNumThreads(num_cv2)
