"""Cropping a clip to one box for all of its frames, as versions up to 0.2 did.

What was prepared so goes on so, and a model that was trained on such crops is shown such crops: the numbers here do not change.
New data follow the head (`finder.py`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from trainables.core.faces.clip import Box, CroppedClip, NoFace
from trainables.core.faces.crops import MARGIN, MAX_FRAMES, MAX_SIDE, Bounded, bounded, square_crops
from trainables.core.faces.finder import MIN_FACE_SHARE, require_searchable
from trainables.core.faces.looking import evenly, overlap
from trainables.core.faces.mtcnn import CLOSE, QUICK, Detector, Face, one_thread
from trainables.core.faces.turning import NUM_TURNED, SURE, surest_roll, turned_back
from trainables.core.wording import counted

NUM_LOOKED_AT = 8  # frames, evenly spaced
MOST_LOOKED_AT = 32  # where these show too few faces
MIN_SHARED = 0.3  # intersection over union from which two boxes of neighbouring frames are one face


@dataclass(frozen=True)
class FixedBox:
    """Finds the face of a clip and crops all frames to its place."""

    device: str = "cpu"

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

        Looks at 8 evenly spaced frames; where fewer than half of them show one face, closer, and at 32. Of several faces that
        show in half of the frames looked at, the one with the largest area x probability summed over them is taken
        throughout. A face that lies is cropped as it lies. Raises as `FaceFinder.crop_clip` does.
        """
        kept = bounded(frames)
        require_searchable(kept.frames)
        with one_thread():
            detector = Detector(self.device)
            return _cropped(detector, kept, _find(detector, kept.frames), size)

    def crop_shown(self, frames: Iterable[np.ndarray], size: int) -> CroppedClip:
        """As `crop_clip`: one box is no place for a face that shows in few of the frames."""
        return self.crop_clip(frames, size)

    def crop_everyone(self, frames: Iterable[np.ndarray], size: int) -> list[CroppedClip]:
        """The crops of everybody who shows in half as many frames as the one first whom `crop_shown` takes."""
        kept = bounded(frames)
        require_searchable(kept.frames)
        with one_thread():
            detector = Detector(self.device)
            found = _find(detector, kept.frames)
            return [_cropped(detector, kept, found.of(face), size) for face in (found.face, *found.others)]


@dataclass(frozen=True)
class _Found:
    """The face that is followed, by the frames that it was seen in, those of others, and how many frames were looked at."""

    face: dict[int, Face]
    others: list[dict[int, Face]]
    num_looked_at: int

    def of(self, one: dict[int, Face]) -> _Found:
        """The same with another face that is followed."""
        return _Found(one, [face for face in (self.face, *self.others) if face is not one], self.num_looked_at)


def _cropped(detector: Detector, clip: Bounded, found: _Found, size: int) -> CroppedClip:
    faces = list(found.face.values())
    boxes = np.array([face.box for face in faces])
    centre = np.median((boxes[:, :2] + boxes[:, 2:]) / 2, axis=0)
    side = float(np.median((boxes[:, 2:] - boxes[:, :2]).max(axis=1))) * (1 + 2 * MARGIN)
    num_frames = len(clip.frames)
    crops = square_crops(clip.frames, np.tile(centre, (num_frames, 1)), np.full(num_frames, side), size)
    score = float(np.mean([face.probability for face in faces]))
    if score < SURE:
        roll = surest_roll(detector, crops[evenly(num_frames, NUM_TURNED)])
    else:
        roll = float(np.median([face.roll_deg for face in faces]))
    first = min(found.face)
    return CroppedClip(
        frames=crops,
        num_frames_with_face=len(faces),
        score=score,
        face_share=len(faces) / found.num_looked_at,
        other_shares=tuple(len(other) / found.num_looked_at for other in found.others),
        roll_deg=None if roll is None else (roll + 180) % 360 - 180,
        box=Box.as_read(first, found.face[first].box, every=clip.every, scale=clip.scale),
    )


def _find(detector: Detector, frames: list[np.ndarray]) -> _Found:
    """The face to follow. Of one that lies on its side the detector must be sure."""
    first = evenly(len(frames), NUM_LOOKED_AT)
    more = [index for index in evenly(len(frames), MOST_LOOKED_AT) if index not in first]
    seen: dict[int, list[Face]] = {}
    for look, indices in ((QUICK, first), (CLOSE, first), (CLOSE, more)):
        for index, faces in zip(indices, detector.detect([frames[i] for i in indices], look), strict=True):
            if faces or index not in seen:
                seen[index] = faces
        tracks = _tracks(seen)
        if found := _lasting(tracks, len(seen)):
            return found
    for quarters in (1, 2, 3):
        turned = detector.detect([np.ascontiguousarray(np.rot90(frames[i], quarters)) for i in first], QUICK)
        sure = [[face for face in faces if face.probability >= SURE] for faces in turned]
        back = [[turned_back(face, quarters, *frames[0].shape[:2]) for face in faces] for faces in sure]
        if found := _lasting(_tracks(dict(zip(first, back, strict=True))), len(first)):
            return found
    if not tracks:
        raise NoFace(f"no face in any of {counted(len(seen), 'frame')} looked at")
    most = max(map(len, tracks))
    raise NoFace(
        f"the face shows in {most} of {len(seen)} frames looked at ({100 * most / len(seen):.0f} %); at least "
        f"{100 * MIN_FACE_SHARE:.0f} % are needed"
    )


def _lasting(tracks: list[dict[int, Face]], num_looked_at: int) -> _Found | None:
    """The face that weighs most among those that show in enough of the frames looked at; `None` where none does."""
    enough = [track for track in tracks if len(track) >= MIN_FACE_SHARE * num_looked_at]
    if not enough:
        return None
    face = max(enough, key=lambda track: sum(one.weight for one in track.values()))
    others = [track for track in tracks if track is not face and 2 * len(track) >= len(face)]
    return _Found(face, others, num_looked_at)


def _tracks(found: Mapping[int, Sequence[Face]]) -> list[dict[int, Face]]:
    """The faces of all frames, by frame, grouped by overlap with the latest box of a group: one group a person."""
    tracks: list[dict[int, Face]] = []
    for frame in sorted(found):
        for face in sorted(found[frame], key=lambda face: -face.weight):
            overlaps = [0.0 if frame in track else overlap(track[max(track)].box, face.box) for track in tracks]
            nearest = int(np.argmax(overlaps)) if overlaps else -1
            if overlaps and overlaps[nearest] >= MIN_SHARED:
                tracks[nearest][frame] = face
            else:
                tracks.append({frame: face})
    return tracks
