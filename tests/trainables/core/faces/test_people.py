"""People over the frames: linked by place, and by look where that is ambiguous."""

import numpy as np
import pytest

from trainables.core.faces.mtcnn import Face
from trainables.core.faces.people import Person, Sighting, people_of, shot_of, tracks

ANNA, BEN = np.array([1.0, 0.0, 0.0]), np.array([0.0, 1.0, 0.0])


def at(x: float, look: np.ndarray = ANNA, *, y: float = 100, side: float = 40, probability: float = 0.99) -> Sighting:
    box = np.array([x - side / 2, y - side / 2, x + side / 2, y + side / 2])
    return Sighting(Face(box, probability, np.zeros((5, 2))), look)


def places(person: Person) -> list[float]:
    return [float(person.seen[frame].face.centre[0]) for frame in person.frames]


def test_a_head_that_walks_is_one_person():
    (person,) = tracks({frame: [at(100 + 18 * frame)] for frame in range(8)}, [0], 8)
    assert person.frames == list(range(8))


def test_one_that_walks_on_behind_something_is_the_same():
    seen = {frame: [] if frame in (3, 4) else [at(100 + 15 * frame)] for frame in range(8)}
    (person,) = people_of(seen, [0], 8)
    assert person.frames == [0, 1, 2, 5, 6, 7]


def test_two_who_change_places_stay_two():
    anna, ben = [100, 120, 140, 160, 180], [180, 160, 140, 120, 100]
    seen = {frame: [at(ben[frame], BEN, y=104), at(anna[frame])] for frame in range(5)}
    people = people_of(seen, [0], 5)
    assert sorted(map(places, people)) == [anna, ben]


def test_two_who_look_alike_are_told_apart_by_where_they_walk():
    seen = {frame: [at(100 + 10 * frame), at(300 - 10 * frame)] for frame in range(6)}
    assert sorted(map(places, people_of(seen, [0], 6))) == [
        [100 + 10 * f for f in range(6)],
        [300 - 10 * f for f in range(6)],
    ]


def test_a_face_of_another_size_or_another_look_in_the_same_place_is_somebody_else():
    for other in (at(100, side=200), at(100, BEN)):
        assert len(tracks({0: [at(100)], 1: [other]}, [0], 2)) == 2


def test_over_a_cut_place_says_nothing_and_look_all():
    assert len(people_of({0: [at(100)], 1: [at(100, BEN)]}, [0, 1], 2)) == 2
    (same,) = people_of({0: [at(100)], 1: [at(400)]}, [0, 1], 2)
    assert same.frames == [0, 1]


def test_two_in_one_frame_are_never_one():
    assert len(people_of({0: [at(100), at(300)], 1: [at(100), at(300)]}, [0], 2)) == 2


def test_where_somebody_is_between_two_sightings_lies_between_them():
    person = Person({2: at(100), 6: at(200)})
    shot = range(10)
    assert person.expected(4, shot)[[0, 2]].tolist() == [130, 170]
    assert person.expected(9, shot)[[0, 2]].tolist() == [180, 220]
    assert [frame for frame in shot if person.may_be_in(frame, shot)] == [1, 2, 3, 4, 5, 6, 7]
    assert not person.may_be_in(12, range(10, 20))


def test_the_shot_of_a_frame():
    assert [shot_of(frame, [0, 4], 9) for frame in (0, 3, 4, 8)] == [range(4), range(4), range(4, 9), range(4, 9)]


def test_what_a_person_weighs_and_how_large_it_is():
    person = Person({0: at(100, side=40, probability=0.8), 1: at(100, side=60, probability=1.0)})
    assert (person.size, person.probability) == (50, pytest.approx(0.9))
    assert person.weight == pytest.approx(0.8 * 1600 + 3600)
