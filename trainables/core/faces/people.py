"""People over the frames of a clip: faces are linked by where they are and, where that is ambiguous, by how they look."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from scipy.optimize import linear_sum_assignment

from trainables.core.faces.appearance import OTHER, SAME, unit
from trainables.core.faces.mtcnn import Face

# How far a head may be from where it is expected, in widths of it.
REACH = 0.5  # from one frame to the next
REACH_PER_FRAME = 0.25  # for each more
MOST_REACH = 3.0
MOST_GROWTH = 1.0  # doublings of its size
# A face that differs as much as two people do costs as much as one at the end of the reach.
LOOK_COUNTS = 5.0
ALIKE = 0.8  # correlation of two looks from which they are of one person if the place fits
STRANGERS = 0.4  # below which they are of two, however well it fits
NEAR = 2.0  # widths of the head, between where somebody was going and where somebody is, that fit
ON_THE_WAY = 0.3  # likewise, that fit well
RECENT = 4  # sightings that tell where somebody is going
BEHIND = 40  # frames at most for which somebody is behind somebody else, and is known again by the way


@dataclass(frozen=True, eq=False)
class Sighting:
    """A face in one frame, and how it looks (`appearance.py`)."""

    face: Face
    look: np.ndarray


Sightings = Mapping[int, Sequence[Sighting]]  # by frame; of the frames that were looked at, those without a face too


class Person:
    """Somebody who shows in a clip, or a part of that: `seen`, one sighting a frame at most, in time order."""

    def __init__(self, seen: Mapping[int, Sighting]) -> None:
        self.seen = dict(sorted(seen.items()))
        self._looks = np.sum([one.look for one in self.seen.values()], axis=0)

    def add(self, frame: int, sighting: Sighting) -> None:
        """The person was seen in `frame`, later than ever before."""
        self.seen[frame] = sighting
        self._looks = self._looks + sighting.look

    @property
    def frames(self) -> list[int]:
        """Where the person was seen, in order."""
        return list(self.seen)

    @property
    def last(self) -> int:
        return next(reversed(self.seen))

    @property
    def look(self) -> np.ndarray:
        """The look that all sightings share."""
        return unit(self._looks)

    @property
    def weight(self) -> float:
        """Area times probability, over all sightings."""
        return sum(one.face.weight for one in self.seen.values())

    @property
    def size(self) -> float:
        """The median of its longer side in px."""
        return float(np.median([one.face.side for one in self.seen.values()]))

    @property
    def probability(self) -> float:
        return float(np.mean([one.face.probability for one in self.seen.values()]))

    def may_be_in(self, frame: int, shot: range) -> bool:
        """Whether the person was seen in the frame before or after, or in the `shot` before it and after it."""
        there = [index for index in self.frames if index in shot]
        return bool(there) and there[0] - 1 <= frame <= there[-1] + 1

    def expected(self, frame: int, shot: range) -> np.ndarray:
        """The box in `frame`: between the sightings before and after it in its `shot`, else as at the nearest of them."""
        there = [index for index in self.frames if index in shot]
        boxes = np.array([self.seen[index].face.box for index in there])
        return np.array([np.interp(frame, there, edge) for edge in boxes.T])


def shot_of(frame: int, firsts: Sequence[int], num_frames: int) -> range:
    """The frames of the shot that `frame` is of; `firsts` are the first ones of all shots."""
    place = bisect_right(firsts, frame)
    return range(firsts[place - 1], firsts[place] if place < len(firsts) else num_frames)


def tracks(looked: Sightings, firsts: Sequence[int], num_frames: int) -> list[Person]:
    """The faces of all frames, each linked to that of an earlier frame of the same shot which it continues."""
    people: list[Person] = []
    for frame in sorted(looked):
        shot = shot_of(frame, firsts, num_frames)
        there = [person for person in people if person.last in shot]
        new = list(looked[frame])
        for person, sighting in _linked(there, new, frame):
            person.add(frame, sighting)
            new.remove(sighting)
        people += [Person({frame: sighting}) for sighting in new]
    return people


def people_of(looked: Sightings, firsts: Sequence[int], num_frames: int) -> list[Person]:
    """Everybody who shows: tracks that the same person left, before and behind something or in several shots, are joined."""
    people = tracks(looked, firsts, num_frames)
    scores = {pair: _link_score(*pair, firsts, num_frames) for pair in combinations(people, 2)}
    while scores and max(scores.values()) > 0:
        both = max(scores, key=lambda pair: scores[pair])
        joined = Person(both[0].seen | both[1].seen)
        people = [person for person in people if person not in both]
        scores = {pair: score for pair, score in scores.items() if pair[0] not in both and pair[1] not in both}
        scores |= {(person, joined): _link_score(person, joined, firsts, num_frames) for person in people}
        people.append(joined)
    return people


def _link_score(one: Person, other: Person, firsts: Sequence[int], num_frames: int) -> float:
    """How surely two tracks are of one person, above 0 if they are taken for one.

    They are if they look the same; if they look alike, and it is not far from the one to the other; or if the one goes on
    exactly where the other was going, and they do not look like strangers: who passes behind somebody shows in part there.
    """
    if one.seen.keys() & other.seen.keys():
        return 0.0
    alike = float(one.look @ other.look)
    if alike >= SAME:
        return 1 + alike
    error, gap = _prediction_error(one, other, firsts, num_frames)
    exactly = error <= ON_THE_WAY and gap <= BEHIND
    if (alike >= ALIKE and error <= NEAR) or (alike >= STRANGERS and exactly):
        return max(alike - error / NEAR, 0.01)
    return 0.0


def _prediction_error(one: Person, other: Person, firsts: Sequence[int], num_frames: int) -> tuple[float, int]:
    """How far the one is from where the other was going, in widths of it, and over how many frames; infinite over a cut."""
    longer, shorter = sorted((one, other), key=lambda person: -len(person.seen))
    gap, frame = min((min(abs(frame - there) for there in longer.frames), frame) for frame in shorter.frames)
    shot = shot_of(frame, firsts, num_frames)
    there = [index for index in longer.frames if index in shot]
    near = [index for index in shorter.frames if index in shot and abs(index - frame) < RECENT]
    if not there or not near:
        return float("inf"), gap
    off = []
    for index in near:
        face = shorter.seen[index].face
        if abs(np.log2(face.side / longer.size)) > MOST_GROWTH:
            return float("inf"), gap
        off.append(float(np.linalg.norm(face.centre - _extrapolated(longer, there, index))) / face.side)
    return float(np.median(off)), gap


def _extrapolated(person: Person, there: Sequence[int], frame: int) -> np.ndarray:
    """Where `person`, seen in the frames `there` of a shot, is in `frame` of it: between two sightings, or on the way on."""
    if there[0] <= frame <= there[-1]:
        places = np.array([person.seen[index].face.centre for index in there])
        return np.array([np.interp(frame, there, column) for column in places.T])
    recent = there[:RECENT] if frame < there[0] else there[::-1][:RECENT]
    end, start = recent[0], recent[-1]
    at, before = person.seen[end].face.centre, person.seen[start].face.centre
    return at + (at - before) * ((frame - end) / (end - start) if end != start else 0.0)


def _linked(people: Sequence[Person], new: Sequence[Sighting], frame: int) -> list[tuple[Person, Sighting]]:
    """Who of `people` is seen in `frame`, as which of the sightings."""
    if not people or not new:
        return []
    distances = np.array([[_distance(person, sighting.face, frame) for sighting in new] for person in people])
    alike = np.array([person.look for person in people]) @ np.array([sighting.look for sighting in new]).T
    possible = (distances <= 1) & (alike >= OTHER)
    ambiguous = (possible.sum(0) > 1)[None, :] | (possible.sum(1) > 1)[:, None]
    costs = distances + np.where(ambiguous, LOOK_COUNTS * (1 - alike), 0.0)
    rows, columns = linear_sum_assignment(np.where(possible, costs, 1e3))
    return [(people[row], new[column]) for row, column in zip(rows, columns, strict=True) if possible[row, column]]


def _distance(person: Person, face: Face, frame: int) -> float:
    """How far `face` is from where `person` may be in `frame`, as a share of the reach; infinite if it is of another size."""
    frames = person.frames
    last = person.seen[frames[-1]].face
    gap = frame - frames[-1]
    if abs(np.log2(face.side / last.side)) > MOST_GROWTH:
        return float("inf")
    places = [last.centre]
    if len(frames) > 1:
        before = person.seen[frames[-2]].face
        places.append(last.centre + (last.centre - before.centre) * gap / (frames[-1] - frames[-2]))
    reach = min(REACH + REACH_PER_FRAME * (gap - 1), MOST_REACH) * (face.side + last.side) / 2
    return min(float(np.linalg.norm(face.centre - place)) for place in places) / reach
