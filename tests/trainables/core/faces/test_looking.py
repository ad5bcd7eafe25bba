"""Where a clip is looked at: a few frames first, and closer where somebody moves, comes or goes."""

import numpy as np
import pytest

from drawing.scenes import between, draw_people, stays, walks
from trainables.core.faces.looking import FIRST, MOST_DETECTED, Looking, evenly, overlap
from trainables.core.faces.mtcnn import Detector


class Counting(Detector):
    """Counts the frames that the whole detector sees, and the faces that are asked for."""

    def __init__(self):
        super().__init__()
        self.seen, self.asked = 0, 0

    def detect(self, frames, look):
        self.seen += len(frames)
        return super().detect(frames, look)

    def confirm(self, frames, boxes):
        self.asked += len(boxes)
        return super().confirm(frames, boxes)


def look_at(scene, firsts=(0,)) -> tuple[Looking, Counting]:
    detector = Counting()
    looking = Looking(detector, list(scene.frames), list(firsts))
    looking.at_first()
    looking.closer()
    return looking, detector


def test_the_whole_detector_sees_eight_frames_of_a_head_that_stays_or_walks():
    for course in (stays(0.5), walks(0.2, 0.8, 0.6)):
        looking, detector = look_at(draw_people([course], num_frames=60))
        assert detector.seen == FIRST
        assert len(looking.seen) > FIRST
        assert detector.asked >= len(looking.seen) - FIRST
        assert all(looking.seen.values())


def test_a_head_that_moves_is_looked_at_in_more_frames():
    asked = [look_at(draw_people([course], num_frames=60))[1].asked for course in (stays(0.5), walks(0.1, 0.9, 0.4))]
    assert asked[1] > 1.5 * asked[0]


def test_where_somebody_comes_and_goes_is_known_to_the_frame():
    scene = draw_people([between(stays(0.5), 0.3, 0.7)], num_frames=50)
    looking, _ = look_at(scene)
    there = ~np.isnan(scene.faces[0, :, 0])
    begin, end = int(np.argmax(there)), 49 - int(np.argmax(there[::-1]))
    assert {begin - 1, begin, end, end + 1} <= looking.seen.keys()
    assert not looking.seen[begin - 1]
    assert not looking.seen[end + 1]
    assert looking.seen[begin]
    assert looking.seen[end]


def test_every_shot_is_looked_at_at_both_ends():
    scene = draw_people([stays(0.5)], num_frames=24)
    firsts = list(range(0, 24, 2))
    detector = Counting()
    Looking(detector, list(scene.frames), firsts).at_first()
    assert detector.seen == 24 <= MOST_DETECTED


def test_frames_are_chosen_evenly_both_ends_among_them():
    assert evenly(100, 5) == [0, 25, 50, 74, 99]
    assert evenly(3, 8) == [0, 1, 2]
    assert evenly(1, 8) == [0]


@pytest.mark.parametrize(("other", "share"), [((0, 0, 10, 10), 1.0), ((5, 0, 15, 10), 1 / 3), ((20, 20, 30, 30), 0.0)])
def test_the_overlap_of_two_boxes(other, share):
    assert overlap(np.array([0.0, 0, 10, 10]), np.array(other, float)) == pytest.approx(share)
