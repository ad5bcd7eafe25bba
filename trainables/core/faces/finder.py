"""Finding the people in a clip and cropping one along the path of the head, upright."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from trainables.core.faces import path
from trainables.core.faces.clip import Box, CroppedClip, NoFace
from trainables.core.faces.crops import MARGIN, MAX_FRAMES, MAX_SIDE, Bounded, bounded, cut_out
from trainables.core.faces.looking import FIRST, MORE
from trainables.core.faces.mtcnn import CLOSE, QUICK, Detector, one_thread
from trainables.core.faces.people import Person
from trainables.core.faces.scene import Scene
from trainables.core.faces.turning import turned_back
from trainables.core.faces.ways import KEY
from trainables.data.core.dataset import DataError

MIN_SIDE = 12  # px, which the first network of MTCNN looks at; a smaller image has nothing that it was trained on
MOST_HIDDEN = 12  # frames between two sightings in one shot for which a head is taken to be there all the same
MIN_FACE_SHARE = 0.5  # of the frames; where the face shows in fewer, the clip is not one of it


@dataclass(frozen=True)
class FaceFinder:
    """Finds the people in a clip, and crops one along the path of the head."""

    device: str = "cpu"

    @property
    def settings(self) -> dict[str, Any]:
        """What decides the crops, for the fingerprint of a cache."""
        return {
            "detector": "mtcnn",
            "version": 1,  # one more for any change in this room that is not told below
            KEY: "path",
            "margin": MARGIN,
            "looked_at": [FIRST, MORE],
            "max_frames": MAX_FRAMES,
            "max_side": MAX_SIDE,
            "looks": [[look.side, look.border, look.min_face] for look in (QUICK, CLOSE)],
            "tolerances": [path.POSITION, path.GROWTH],
        }

    def crop_clip(self, frames: Iterable[np.ndarray], size: int) -> CroppedClip:
        """The face in `frames` (RGB uint8 `(H, W, 3)`, in time order) as square crops of `size` px.

        Of several people the one who shows in most frames is taken, of those who show as much the largest. Frames in which
        that person is not in view are left out, but for short gaps. Frames of another size than the first are fitted into
        it. Raises `NoFace` where nobody shows, where the face shows in less than half of the frames, and where the frames are
        smaller than 12 px; and `DataError` where there is no frame.
        """
        with one_thread():
            clip, scene = self._scene(frames)
            if scene.share(0) < MIN_FACE_SHARE:
                raise NoFace(
                    f"the face shows in {len(scene.in_view[0])} of {len(scene.frames)} frames ({100 * scene.share(0):.0f} %); "
                    f"at least {100 * MIN_FACE_SHARE:.0f} % are needed"
                )
            return _cropped(clip, scene, 0, size)

    def crop_shown(self, frames: Iterable[np.ndarray], size: int) -> CroppedClip:
        """As `crop_clip`, however few of the frames show the face."""
        with one_thread():
            return _cropped(*self._scene(frames), 0, size)

    def crop_everyone(self, frames: Iterable[np.ndarray], size: int) -> list[CroppedClip]:
        """The crops of everybody who shows in a tenth of `frames`, the one first whom `crop_shown` takes."""
        with one_thread():
            clip, scene = self._scene(frames)
            return [_cropped(clip, scene, person, size) for person in range(len(scene.people))]

    def _scene(self, frames: Iterable[np.ndarray]) -> tuple[Bounded, Scene]:
        clip = bounded(frames)
        require_searchable(clip.frames)
        return clip, Scene.of(clip.frames, Detector(self.device))


def require_searchable(frames: Sequence[np.ndarray]) -> None:
    """Raises `DataError` where there is no frame, and `NoFace` for frames that are too small for the detector."""
    if not frames:
        raise DataError("The clip has no frames.")
    height, width = frames[0].shape[:2]
    if min(height, width) < MIN_SIDE:
        raise NoFace(f"frames of {width} x {height} px; at least {MIN_SIDE} x {MIN_SIDE} px are needed to find a face")


def _cropped(clip: Bounded, scene: Scene, number: int, size: int) -> CroppedClip:
    """Person `number` of the scene as crops of `size` px."""
    person = scene.people[number]
    runs = list(_runs(scene, scene.in_view[number], MOST_HIDDEN // clip.every))
    roll = float(np.median([one.face.roll_deg for one in person.seen.values()]))
    crops = [_crops(scene, person, run, size, roll if scene.quarter_turns else 0.0) for run in runs]
    return CroppedClip(
        frames=np.concatenate(crops),
        num_frames_with_face=len(scene.in_view[number]),
        score=person.probability,
        face_share=scene.share(number),
        other_shares=tuple(scene.share(other) for other in range(len(scene.people)) if other != number),
        roll_deg=(roll + 90 * scene.quarter_turns + 180) % 360 - 180,
        turned=scene.quarter_turns > 0,
        num_shots=len(scene.firsts),
        box=_first_box(clip, scene, person),
    )


def _crops(scene: Scene, person: Person, run: Sequence[int], size: int, roll_deg: float) -> np.ndarray:
    """The crops `(T, size, size, 3)` of the frames of a `run`, which follow one another."""
    shot = scene.shot_of(run[0])
    boxes = np.array([person.expected(frame, shot) for frame in run])
    centres, sides = path.smooth((boxes[:, :2] + boxes[:, 2:]) / 2, (boxes[:, 2:] - boxes[:, :2]).max(axis=1))
    return cut_out([scene.frames[frame] for frame in run], centres, sides * (1 + 2 * MARGIN), size, roll_deg)


def _first_box(clip: Bounded, scene: Scene, person: Person) -> Box:
    """Where the person is seen first, in the frames as they were read."""
    frame = person.frames[0]
    height, width = scene.frames[0].shape[:2][:: -1 if scene.quarter_turns % 2 else 1]
    box = turned_back(person.seen[frame].face, scene.quarter_turns, height, width).box
    return Box.as_read(frame, box, every=clip.every, scale=clip.scale)


def _runs(scene: Scene, in_view: Sequence[int], most_hidden: int) -> Iterator[list[int]]:
    """The frames to crop, in runs of frames that follow one another in a shot: gaps of up to `most_hidden` are filled."""
    run = [in_view[0]]
    for before, after in pairwise(in_view):
        if after in scene.shot_of(before) and after - before <= most_hidden + 1:
            run.extend(range(before + 1, after + 1))
        else:
            yield run
            run = [after]
    yield run
