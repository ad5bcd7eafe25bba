"""How a face lies: upright, on its side, upside down, or between.

The detector was trained on upright faces. Of those that lie it sees little, it is less sure of them, and it takes them for
upright; so it is shown the frames, or the crops, in all four quarter turns, and is right about the one that it is surest of.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from trainables.core.faces.appearance import appearance
from trainables.core.faces.clip import LYING
from trainables.core.faces.crops import MARGIN, square_crops
from trainables.core.faces.looking import FIRST, MIN_SHARE, Looking, evenly
from trainables.core.faces.mtcnn import FILLING, QUICK, Detector, Face
from trainables.core.faces.people import Person, Sighting, tracks

SURE = 0.999  # the detector's probability, on average: of no face that lies it is as sure
CERTAIN = 0.99  # likewise: of nothing but a face that stands upright
NUM_TURNED = 4  # crops, evenly spaced


def quarter_turns(detector: Detector, looking: Looking, person: Person | None) -> int:
    """How many quarter turns anticlockwise bring the frames nearest to upright for the `person` who shows in them.

    Where nobody does, or somebody of whom the detector is in doubt, those for whoever shows once they are turned; else 0.
    """
    if person is None or person.probability < CERTAIN:
        probabilities = [_shown(detector, looking, turns) for turns in (1, 2, 3)]
        if max(probabilities) >= CERTAIN:
            return 1 + probabilities.index(max(probabilities))
        if person is None:
            return 0
    if person.probability >= SURE:
        roll = float(np.median([one.face.roll_deg for one in person.seen.values()]))
    else:
        roll = surest_roll(detector, _crops_of(looking, person)) or 0.0
    return round(roll / 90) % 4 if abs((roll + 180) % 360 - 180) > LYING else 0


def turned(frames: Iterable[np.ndarray], turns: int) -> list[np.ndarray]:
    """The frames, turned anticlockwise by quarters."""
    return [np.ascontiguousarray(np.rot90(frame, turns)) for frame in frames] if turns else list(frames)


def turned_back(face: Face, turns: int, height: int, width: int) -> Face:
    """A face of a frame that was turned anticlockwise by `turns` quarters, as it lies in the frame of `height` x `width` px."""
    (x1, y1, x2, y2), points = face.box, face.points
    for side in ((width, height, width) if turns % 2 else (height, width))[:turns]:
        x1, y1, x2, y2 = side - y2, x1, side - y1, x2
        points = np.column_stack([side - points[:, 1], points[:, 0]])
    return Face(np.array([x1, y1, x2, y2]), face.probability, points)


def _shown(detector: Detector, looking: Looking, turns: int) -> float:
    """The detector's probability of whoever shows in half of a few frames once they are turned; 0 where nobody does."""
    indices = evenly(len(looking.frames), FIRST)
    frames = turned([looking.frames[index] for index in indices], turns)
    seen = {
        index: [Sighting(face, appearance(frame, face)) for face in faces]
        for index, frame, faces in zip(indices, frames, detector.detect(frames, QUICK), strict=True)
    }
    people = tracks(seen, looking.firsts, len(looking.frames))
    return max((one.probability for one in people if len(one.seen) >= MIN_SHARE * len(indices)), default=0.0)


def _crops_of(looking: Looking, person: Person) -> np.ndarray:
    """A few crops of `person`, as they lie."""
    chosen = [person.frames[place] for place in evenly(len(person.frames), NUM_TURNED)]
    faces = [person.seen[frame].face for frame in chosen]
    centres = np.array([face.centre for face in faces])
    sides = np.array([face.side for face in faces]) * (1 + 2 * MARGIN)
    return square_crops([looking.frames[frame] for frame in chosen], centres, sides, FILLING.side)


def surest_roll(detector: Detector, crops: np.ndarray) -> float | None:
    """By how many degrees the face in `crops` `(T, S, S, 3)` is turned clockwise, from -90 to 360: as it shows in the quarter
    turn that the detector is surest of; `None` where it is not found in them again.
    """
    seen = detector.detect([crop for turns in range(4) for crop in turned(crops, turns)], FILLING)
    surest, roll = 0.0, None
    for turns in range(4):
        here = seen[turns * len(crops) : (turns + 1) * len(crops)]
        faces = [max(faces, key=lambda face: face.weight) for faces in here if faces]
        log_odds = sum(np.log(face.probability / max(1 - face.probability, 1e-7)) for face in faces)
        if log_odds > surest:
            surest, roll = log_odds, 90 * turns + float(np.median([face.roll_deg for face in faces]))
    return roll
