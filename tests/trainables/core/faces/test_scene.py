"""Who shows in a clip, in which frames, and who is followed."""

import numpy as np
import pytest

from drawing.scenes import between, draw_people, draw_scene, stays
from trainables.core.faces.clip import NoFace
from trainables.core.faces.mtcnn import Detector
from trainables.core.faces.scene import Scene


def scene_of(*courses, num_frames: int = 30) -> Scene:
    return Scene.of(list(draw_people(courses, num_frames=num_frames).frames), Detector())


def test_of_two_who_show_as_much_the_larger_is_followed_whoever_is_first():
    for courses in ((stays(0.25, 0.6), stays(0.7, 0.9)), (stays(0.25, 0.9), stays(0.7, 0.6))):
        scene = scene_of(*courses)
        assert scene.people[0].size > scene.people[1].size
        assert [scene.share(0), scene.share(1)] == [1.0, 1.0]


def test_a_tenth_less_is_as_much_and_half_is_not():
    large = stays(0.25, 0.95)
    assert scene_of(between(large, 0.06, 1.0), stays(0.75, 0.6)).people[0].size > 100
    assert scene_of(between(large, 0.5, 1.0), stays(0.75, 0.6)).people[0].size < 100


def test_who_passes_in_less_than_a_tenth_of_the_frames_does_not_count():
    assert len(scene_of(stays(0.25, 0.8), between(stays(0.75, 0.8), 0.5, 0.55)).people) == 1


def test_frames_are_turned_in_their_list():
    frames = list(draw_scene("lies", num_frames=6).frames)
    scene = Scene.of(frames, Detector())
    assert scene.quarter_turns == 3
    assert scene.frames is frames
    assert frames[0].shape[1] > frames[0].shape[0]


def test_where_nobody_shows_there_is_no_scene():
    with pytest.raises(NoFace, match="no face in any of 3 frames looked at"):
        Scene.of([np.zeros((60, 60, 3), np.uint8)] * 3, Detector())
