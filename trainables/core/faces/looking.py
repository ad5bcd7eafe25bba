"""Where to look for faces in a clip: at a few frames first, and closer where heads move, come or go.

The whole detector is slow, so it sees eight frames of most clips. Between two of them a face is confirmed where it is
expected (`Detector.confirm`), at fewer frames the less it moves; where it is not there, the detector looks again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np

from trainables.core.faces.appearance import appearance
from trainables.core.faces.mtcnn import CLOSE, QUICK, Detector, Face
from trainables.core.faces.people import Person, Sighting, shot_of, tracks

FIRST = 8  # frames, evenly spaced
MORE = 32  # where these show too few faces
MOST_DETECTED = 64  # frames that the detector sees at most, unless there are as many ends of shots
MIN_SHARE = 0.5  # of the frames looked at; where no face shows in as many, they are looked at more closely
SETTLED = 4  # frames at most between two sightings of a head that hardly moves
STILL = 0.1  # of its size, that it moved between them
MATTERS = 0.25  # of the weight of the heaviest track: of lighter ones, where they begin and end is not looked for
SAME_FACE = 0.3  # intersection over union from which two boxes in one frame are of one face


class Looking:
    """The frames of one clip, with `firsts`, those that begin its shots, and what was `seen` so far, by frame."""

    frames: Sequence[np.ndarray]
    firsts: Sequence[int]
    seen: dict[int, list[Sighting]]  # empty where nobody was

    def __init__(self, detector: Detector, frames: Sequence[np.ndarray], firsts: Sequence[int]) -> None:
        self.frames, self.firsts, self.seen = frames, firsts, {}
        self._detector = detector
        self._look = QUICK
        self._detected: set[int] = set()
        self._confirmed: set[int] = set()  # frames in which those who were expected have been looked for

    def at_first(self) -> Person | None:
        """Look at a few frames, and closer if need be: whoever shows in half of them at least, the heaviest of several."""
        first = sorted({*evenly(len(self.frames), FIRST), *self._ends_of_shots()})
        more = [index for index in evenly(len(self.frames), MORE) if index not in first]
        for look, indices in ((QUICK, first), (CLOSE, first), (CLOSE, more)):
            self._look = look
            self._detect([index for index in indices if not self.seen.get(index)])
            lasting = [one for one in self._tracks() if len(one.seen) >= MIN_SHARE * len(self.seen)]
            if lasting:
                return max(lasting, key=lambda person: person.weight)
        return None

    def closer(self) -> None:
        """Look closer wherever somebody moves, comes or goes, until all of that is known to the frame."""
        while wanted := dict(self._wanted()):
            pairs = [(frame, box) for frame, boxes in wanted.items() for box in boxes]
            found = self._detector.confirm([self.frames[frame] for frame, _ in pairs], [box for _, box in pairs])
            missed = set()
            for (frame, _), face in zip(pairs, found, strict=True):
                self.seen.setdefault(frame, [])
                if face is None:
                    missed.add(frame)
                else:
                    self._add(frame, face)
            self._confirmed |= wanted.keys()
            room = MOST_DETECTED - len(self._detected)
            self._detect(sorted(missed - self._detected)[: max(room, 0)])

    def looked_for(self, person: Person, heaviest: float) -> list[int]:
        """The frames in which `person` would have been seen if in view; `heaviest` is the weight of the heaviest."""
        if person.weight >= MATTERS * heaviest:
            return sorted(self.seen)
        return sorted(self._detected | person.seen.keys())  # nobody asked where this one was between

    def _wanted(self) -> Iterator[tuple[int, list[np.ndarray]]]:
        """Frames that are to be looked at, each with the boxes in which somebody is expected there."""
        people = self._tracks()
        heaviest = max((person.weight for person in people), default=0.0)
        people = [person for person in people if person.weight >= MATTERS * heaviest]
        looked = sorted(self.seen)
        for frame in looked:  # somebody was overlooked who was seen just before it or after it, or before and after
            shot = shot_of(frame, self.firsts, len(self.frames))
            hidden = [one for one in people if frame not in one.seen and one.may_be_in(frame, shot)]
            if hidden and frame not in self._confirmed:
                yield frame, [one.expected(frame, shot) for one in hidden]
        for before, after in pairwise(looked):
            shot = shot_of(before, self.firsts, len(self.frames))
            if after - before < 2 or after not in shot:
                continue
            here = [one for one in people if before in one.seen or after in one.seen]
            if here and not all(_is_settled(one, before, after) for one in here):
                middle = (before + after) // 2
                yield middle, [one.expected(middle, shot) for one in here]

    def _tracks(self) -> list[Person]:
        return tracks(self.seen, self.firsts, len(self.frames))

    def _detect(self, indices: Sequence[int]) -> None:
        for index, faces in zip(
            indices, self._detector.detect([self.frames[i] for i in indices], self._look), strict=True
        ):
            self._detected.add(index)
            self.seen.setdefault(index, [])
            for face in faces:
                self._add(index, face)

    def _add(self, frame: int, face: Face) -> None:
        """A face that was seen in `frame`, unless it is one that was."""
        if all(overlap(face.box, other.face.box) < SAME_FACE for other in self.seen[frame]):
            self.seen[frame].append(Sighting(face, appearance(self.frames[frame], face)))

    def _ends_of_shots(self) -> list[int]:
        if len(self.firsts) < 2:
            return []
        shots = [shot_of(first, self.firsts, len(self.frames)) for first in self.firsts]
        return [frame for shot in shots for frame in (shot[0], shot[-1])]


def evenly(num_frames: int, most: int) -> list[int]:
    """The indices of up to `most` of `num_frames` frames, evenly spaced, both ends among them."""
    return np.unique(np.round(np.linspace(0, num_frames - 1, most)).astype(int)).tolist()


def _is_settled(person: Person, before: int, after: int) -> bool:
    """Whether where `person` is between two frames is known well enough: as it was there, or on the way."""
    if before not in person.seen or after not in person.seen or after - before > SETTLED:
        return False
    one, other = person.seen[before].face, person.seen[after].face
    moved = np.linalg.norm(one.centre - other.centre) + abs(one.side - other.side)
    return bool(moved <= STILL * max(one.side, other.side))


def overlap(a: np.ndarray, b: np.ndarray) -> float:
    """Intersection over union of two boxes."""
    both = float(np.prod(np.clip(np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2]), 0, None)))
    return both / float(np.prod(a[2:] - a[:2]) + np.prod(b[2:] - b[:2]) - both)
