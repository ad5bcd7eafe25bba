"""How a face lies."""

import numpy as np
import pytest

from drawing.scenes import draw_scene
from trainables.core.faces.looking import Looking
from trainables.core.faces.mtcnn import QUICK, Detector, Face
from trainables.core.faces.turning import quarter_turns, turned, turned_back


@pytest.mark.parametrize("turns", [0, 1, 2, 3])
def test_a_face_of_a_turned_frame_is_told_where_it_lies_in_the_frame_itself(turns):
    frame = np.zeros((60, 100, 3), np.uint8)
    frame[10:20, 70:90] = 255
    rows, columns = np.nonzero(turned([frame], turns)[0][..., 0])
    corners = np.array([columns.min(), rows.min(), columns.max() + 1, rows.max() + 1], float)
    points = np.array([[columns.min(), rows.min()]] * 5, float)
    back = turned_back(Face(corners, 0.9, points), turns, 60, 100)
    assert back.box.tolist() == [70, 10, 90, 20]
    assert back.points[0].tolist() in ([70, 10], [70, 19], [89, 19], [89, 10], [70, 20], [90, 20], [90, 10])


@pytest.mark.parametrize("turns", [0, 1, 2, 3])
@pytest.mark.parametrize("seed", [0, 1, 4])
def test_frames_are_turned_until_their_face_stands(turns, seed):
    upright = list(draw_scene("stands", seed=seed, num_frames=8).frames)
    looking = Looking(Detector(), turned(upright, 4 - turns if turns else 0), [0])
    assert quarter_turns(Detector(), looking, looking.at_first()) == turns


def test_frames_that_show_nobody_are_not_turned():
    rng = np.random.default_rng(0)
    looking = Looking(Detector(), [rng.integers(0, 256, (120, 160, 3), np.uint8)] * 4, [0])
    assert looking.at_first() is None
    assert quarter_turns(Detector(), looking, None) == 0


def test_the_detector_alone_takes_a_face_that_lies_for_another_one():
    """What turning is for: where this ends, it can go."""
    frames = list(draw_scene("lies", seed=0, num_frames=4).frames)
    upright = Detector().detect(turned(frames, 3), QUICK)
    assert all(found and found[0].probability > 0.99 for found in upright)
    assert not any(face.probability > 0.99 for found in Detector().detect(frames, QUICK) for face in found)
