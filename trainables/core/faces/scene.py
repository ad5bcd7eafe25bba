"""Who shows in a clip, in which frames, and which of them is followed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from trainables.core.faces.clip import NoFace
from trainables.core.faces.looking import Looking
from trainables.core.faces.mtcnn import Detector
from trainables.core.faces.people import Person, people_of, shot_of
from trainables.core.faces.shots import first_frames
from trainables.core.faces.turning import quarter_turns, turned
from trainables.core.wording import counted

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
    def of(cls, frames: list[np.ndarray], detector: Detector) -> Scene:
        """The scene that `frames`, RGB uint8 `(H, W, 3)` of one size, show; they are turned in their list.

        Raises `NoFace` where nobody shows.
        """
        firsts = first_frames(frames)
        looking = Looking(detector, frames, firsts)
        turns = quarter_turns(detector, looking, looking.at_first())
        if turns:
            for index, frame in enumerate(frames):  # one by one: they may be large
                (frames[index],) = turned([frame], turns)
            looking = Looking(detector, frames, firsts)
            looking.at_first()
        looking.closer()
        people = people_of(looking.seen, firsts, len(frames))
        if not people:
            raise NoFace(f"no face in any of {counted(len(looking.seen), 'frame')} looked at")
        heaviest = max(person.weight for person in people)
        looked = {person: looking.looked_for(person, heaviest) for person in people}
        in_view = {person: _in_view(person, looked[person], firsts, len(frames)) for person in people}
        people = _in_order(in_view, len(frames))
        return cls(frames, turns, firsts, people, [in_view[person] for person in people])

    def share(self, person: int) -> float:
        """The share of the frames that show a person."""
        return len(self.in_view[person]) / len(self.frames)

    def shot_of(self, frame: int) -> range:
        """The frames of the shot that `frame` is of."""
        return shot_of(frame, self.firsts, len(self.frames))


def _in_order(in_view: Mapping[Person, Sequence[int]], num_frames: int) -> list[Person]:
    """The one who is followed, and behind whoever else counts, who shows in most frames first."""
    most = max(map(len, in_view.values()))
    present = [person for person, frames in in_view.items() if len(frames) >= AS_PRESENT * most]
    followed = max(present, key=lambda person: person.size)
    others = [
        person
        for person, frames in in_view.items()
        if person is not followed and len(frames) >= PASSING * num_frames and person.probability >= NOT_SURE
    ]
    return [followed, *sorted(others, key=lambda person: -len(in_view[person]))]


def _in_view(person: Person, looked: Sequence[int], firsts: Sequence[int], num_frames: int) -> list[int]:
    """The frames that show `person`: those of the sightings, and those between two that follow one another in a shot."""
    frames = set(person.seen)
    for before, after in pairwise(looked):
        if before in person.seen and after in person.seen and after in shot_of(before, firsts, num_frames):
            frames.update(range(before, after))
    return sorted(frames)
