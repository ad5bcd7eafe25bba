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

from trainables.core.prepared.pixels import (
    MARGIN,
    MAX_FRAMES,
    MAX_SIDE,
    bounded,
    resized,
    square_crops,
    with_border,
)
from trainables.data.core.dataset import DataError
from trainables.data.core.video import Reading

MIN_SIDE = 12  # px, which the first network of MTCNN looks at; a smaller image has nothing that it was trained on
NUM_LOOKED_AT = 8  # frames, evenly spaced
MOST_LOOKED_AT = 32  # where these show too few faces
MIN_FACE_SHARE = 0.5  # of the frames looked at; where the face shows in fewer, most crops would show something else
MIN_SHARED = 0.3  # intersection over union from which two boxes of neighbouring frames are one face


class NoFace(DataError):
    """No face was found in a clip, or one in few of its frames."""


@dataclass(frozen=True)
class CroppedClip:
    """The face of one clip.

    `frames` is RGB uint8 `(T, size, size, 3)`; `score` the mean probability over the `num_frames_with_face` frames, of those
    looked at, where the chosen face was found; `num_faces` how many faces show at least half as often as that one;
    `face_share` the share of the frames looked at that show it. `roll_deg` is by how much it is turned clockwise from
    upright, from -180, where that was measured. `reading` is what came of reading it.
    """

    frames: np.ndarray
    num_frames_with_face: int
    num_faces: int
    score: float
    face_share: float = 1.0
    roll_deg: float | None = None
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
TURNED = _Look(side=96, border=0.2, min_face=32)  # for crops, which a face fills
NUM_TURNED = 4  # crops, evenly spaced
SURE = 0.999  # the detector's probability, below which the face may lie on its side: of no upright one is it less sure


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

        Looks at 8 evenly spaced frames; where fewer than half of them show one face, closer, and at 32. Frames of another
        size than the first are fitted into it. Of several faces that show in half of the frames looked at, the one with
        the largest area x probability summed over them is taken throughout. Raises `NoFace` where there is none, or the
        frames are smaller than 12 px, and `DataError` where there is no frame.
        """
        kept = bounded(frames)
        if not kept:
            raise DataError("The clip has no frames.")
        height, width = kept[0].shape[:2]
        if min(height, width) < MIN_SIDE:
            raise NoFace(
                f"frames of {width} x {height} px; at least {MIN_SIDE} x {MIN_SIDE} px are needed to find a face"
            )
        with _one_thread():
            found = self._find(kept)
            crops = square_crops(kept, np.array([face[:4] for face in found.face]), size)
            score = float(np.mean([face[4] for face in found.face]))
            roll = float(np.median([face[5] for face in found.face])) if score >= SURE else self._roll(crops)
        return CroppedClip(
            frames=crops,
            num_frames_with_face=len(found.face),
            num_faces=1 + sum(2 * len(other) >= len(found.face) for other in found.others),
            score=score,
            face_share=len(found.face) / found.num_looked_at,
            roll_deg=None if roll is None else (roll + 180) % 360 - 180,
        )

    def _find(self, frames: list[np.ndarray]) -> _Found:
        """The face to follow.

        Of one that lies on its side the detector sees little, unless the frames are turned; then it must be sure of it.
        """
        first = _evenly(len(frames), NUM_LOOKED_AT)
        more = [index for index in _evenly(len(frames), MOST_LOOKED_AT) if index not in first]
        seen: dict[int, np.ndarray] = {}
        for look, indices in ((QUICK, first), (CLOSE, first), (CLOSE, more)):
            for index, faces in zip(indices, self._detect([frames[i] for i in indices], look), strict=True):
                if len(faces) or index not in seen:
                    seen[index] = faces
            tracks = _tracks([seen[index] for index in sorted(seen)])
            if found := _lasting(tracks, len(seen)):
                return found
        for quarters in (1, 2, 3):
            turned = self._detect([np.ascontiguousarray(np.rot90(frames[i], quarters)) for i in first], QUICK)
            faces = [_turned_back(one[one[:, 4] >= SURE], quarters, *frames[0].shape[:2]) for one in turned]
            if found := _lasting(_tracks(faces), len(first)):
                return found
        if not tracks:
            raise NoFace(f"no face in any of {len(seen)} frames looked at")
        most = max(map(len, tracks))
        raise NoFace(
            f"the face shows in {most} of {len(seen)} frames looked at ({100 * most / len(seen):.0f} %); at least "
            f"{100 * MIN_FACE_SHARE:.0f} % are needed"
        )

    def _roll(self, crops: np.ndarray) -> float | None:
        """By how many degrees the face in `crops` is turned clockwise; `None` where it is not found in them again.

        The detector was trained on upright faces: of those that lie it is less sure, and it takes them for upright. So it
        is shown the crops in all four quarter turns, and is right about the one that it is surest of.
        """
        shown = crops[_evenly(len(crops), NUM_TURNED)]
        turned = [np.ascontiguousarray(np.rot90(crop, quarters)) for quarters in range(4) for crop in shown]
        seen = self._detect(turned, TURNED)
        surest, roll = 0.0, None
        for quarters in range(4):
            here = seen[quarters * len(shown) : (quarters + 1) * len(shown)]
            faces = [max(faces, key=lambda face: _weight([face])) for faces in here if len(faces)]
            log_odds = sum(np.log(face[4] / max(1 - face[4], 1e-7)) for face in faces)
            if log_odds > surest:
                surest, roll = log_odds, 90 * quarters + float(np.median([face[5] for face in faces]))
        return roll

    def _detect(self, frames: list[np.ndarray], look: _Look) -> list[np.ndarray]:
        """For each frame the faces `(N, 6)`: x1, y1, x2, y2 in px of the frame, probability, and roll in degrees.

        The roll is that of the line through the eyes, clockwise; the detector tells none beyond 90 degrees.
        """
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
        shown = np.stack([with_border(resized(frame, shape), border) for frame in frames])
        try:
            boxes, probabilities, landmarks = self._detector(look).detect(shown, landmarks=True)
        except (RuntimeError, IndexError):
            # facenet-pytorch fails on a candidate that lies outside the image; frame by frame, the others count.
            if len(frames) == 1:
                return [np.zeros((0, 6))]
            return [faces for frame in frames for faces in self._detect_batch([frame], look)]
        per_px = np.array([width / shape[0], height / shape[1]] * 2)
        faces = []
        for found, probability, points in zip(boxes, probabilities, landmarks, strict=True):
            if found is None:
                faces.append(np.zeros((0, 6)))
                continue
            corners = (np.asarray(found, float).reshape(-1, 4) - border) * per_px
            eyes = np.asarray(points, float).reshape(-1, 5, 2)[:, :2] * per_px[:2]
            across, down = (eyes[:, 1] - eyes[:, 0]).T
            roll = np.degrees(np.arctan2(down, across))
            faces.append(np.column_stack([corners, np.asarray(probability, float).ravel(), roll]))
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


@dataclass(frozen=True)
class _Found:
    """The boxes of the face that is followed, those of each other face, and how many frames were looked at."""

    face: list[np.ndarray]
    others: list[list[np.ndarray]]
    num_looked_at: int


def _lasting(tracks: list[list[np.ndarray]], num_looked_at: int) -> _Found | None:
    """The face that weighs most among those that show in enough of the frames looked at; `None` where none does."""
    enough = [track for track in tracks if len(track) >= MIN_FACE_SHARE * num_looked_at]
    if not enough:
        return None
    face = max(enough, key=_weight)
    return _Found(face, [track for track in tracks if track is not face], num_looked_at)


def _turned_back(faces: np.ndarray, quarters: int, height: int, width: int) -> np.ndarray:
    """The faces `(N, 6)` of a frame that was turned anticlockwise by `quarters`, as they lie in it, `height` x `width` px."""
    x1, y1, x2, y2, probability, roll = faces.T
    for side in ((width, height, width) if quarters % 2 else (height, width))[:quarters]:
        x1, y1, x2, y2 = side - y2, x1, side - y1, x2
    return np.column_stack([x1, y1, x2, y2, probability, roll + 90 * quarters])


def _evenly(num_frames: int, most: int) -> list[int]:
    return np.unique(np.round(np.linspace(0, num_frames - 1, most)).astype(int)).tolist()


def _tracks(found: Sequence[np.ndarray]) -> list[list[np.ndarray]]:
    """The faces of all frames, grouped by overlap with the latest box of a group: one list per person."""
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
    return sum(float((x2 - x1) * (y2 - y1) * probability) for x1, y1, x2, y2, probability, *_ in track)


def _shared(a: np.ndarray, b: np.ndarray) -> float:
    """Intersection over union of two boxes."""
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    both = max(width, 0.0) * max(height, 0.0)
    return both / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - both)


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
