"""Who shows in a clip, in which frames, and which of them is followed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from trainables.core.faces.clip import NoFace
from trainables.core.faces.looking import Looking
from trainables.core.faces.mtcnn import Detector
from trainables.core.faces.people import Person, people_of, shot_of
from trainables.core.faces.shots import first_frames
from trainables.core.faces.turning import quarter_turns, turned

AS_PRESENT = 0.9  # of the share of whoever shows most: of those who show as much, the largest is followed
PASSING = 0.1  # share of the frames in which somebody has to show to count
NOT_SURE = 0.9  # the detector's mean probability, below which what it saw beside the one who is followed does not count


@dataclass(frozen=True)
class Scene:
    """The frames of a clip, turned anticlockwise by `quarter_turns`, `firsts`, those that begin its shots, and its people.

    The first of `people` is followed: who shows in most frames, of those who show as much the largest. `in_view[i]` are
    the frames in which person i shows.
    """

    frames: Sequence[np.ndarray]
    quarter_turns: int
    firsts: list[int]
    people: list[Person]
    in_view: list[list[int]]

    @classmethod
    def of(cls, frames: Sequence[np.ndarray], detector: Detector) -> Scene:
        """The scene that `frames`, RGB uint8 `(H, W, 3)` of one size, show. Raises `NoFace` where nobody does."""
        firsts = first_frames(frames)
        looking = Looking(detector, frames, firsts)
        turns = quarter_turns(detector, looking, looking.at_first())
        if turns:
            looking = Looking(detector, turned(frames, turns), firsts)
            looking.at_first()
        looking.closer()
        people = people_of(looking.seen, firsts, len(frames))
        if not people:
            raise NoFace(f"no face in any of {len(looking.seen)} frames looked at")
        looked = sorted(looking.seen)
        in_view = {id(person): _in_view(person, looked, firsts, len(frames)) for person in people}
        most = max(map(len, in_view.values()))
        followed = max(
            (person for person in people if len(in_view[id(person)]) >= AS_PRESENT * most),
            key=lambda person: person.size,
        )
        others = [
            person
            for person in people
            if person is not followed
            and len(in_view[id(person)]) >= PASSING * len(frames)
            and person.probability >= NOT_SURE
        ]
        people = [followed, *sorted(others, key=lambda person: -len(in_view[id(person)]))]
        return cls(looking.frames, turns, firsts, people, [in_view[id(person)] for person in people])

    def share(self, person: int) -> float:
        """The share of the frames that show a person."""
        return len(self.in_view[person]) / len(self.frames)

    def shot_of(self, frame: int) -> range:
        """The frames of the shot that `frame` is of."""
        return shot_of(frame, self.firsts, len(self.frames))


def _in_view(person: Person, looked: Sequence[int], firsts: Sequence[int], num_frames: int) -> list[int]:
    """The frames that show `person`: those of the sightings, and those between two that follow one another in a shot."""
    frames = set(person.seen)
    for before, after in pairwise(looked):
        if before in person.seen and after in person.seen and after in shot_of(before, firsts, num_frames):
            frames.update(range(before, after))
    return sorted(frames)
