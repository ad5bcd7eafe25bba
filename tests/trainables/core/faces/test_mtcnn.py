"""The detector: whole, and its last network alone, where a face is expected."""

import numpy as np
import pytest

from drawing.scenes import draw_people, draw_scene, stays
from trainables.core.faces import mtcnn
from trainables.core.faces.mtcnn import QUICK, Detector, one_thread


@pytest.fixture(scope="module")
def frames():
    return list(draw_people([stays(0.5)], num_frames=5).frames)


@pytest.fixture(scope="module")
def found(frames):
    return [faces[0] for faces in Detector().detect(frames, QUICK)]


@pytest.mark.parametrize("off", [(0, 0), (0.3, 0), (-0.2, 0.2), (0, -0.3)])
def test_a_face_is_confirmed_where_it_is_nearly_expected(frames, found, off):
    boxes = [face.box + np.tile(off, 2) * face.side for face in found]
    for one, confirmed in zip(found, Detector().confirm(frames, boxes), strict=True):
        assert confirmed is not None
        assert np.linalg.norm(confirmed.centre - one.centre) < 0.12 * one.side
        assert abs(confirmed.roll_deg - one.roll_deg) < 10


def test_nothing_is_confirmed_where_no_face_is(frames, found):
    boxes = [face.box + np.array([1.2, 0, 1.2, 0]) * face.side for face in found]
    assert Detector().confirm(frames, boxes) == [None] * 5
    assert Detector().confirm([], []) == []


def test_many_are_confirmed_in_slices_and_the_answer_is_the_same(frames, found, monkeypatch):
    boxes = [face.box for face in found]
    whole = Detector().confirm(frames, boxes)
    monkeypatch.setattr(mtcnn, "SQUARES", 2)
    for one, other in zip(whole, Detector().confirm(frames, boxes), strict=True):
        assert one.box == pytest.approx(other.box, abs=1e-3)


def test_landmarks_tell_by_how_much_a_head_is_inclined():
    lying = draw_scene("lies", num_frames=1).frames
    (upright,) = Detector().detect([np.ascontiguousarray(np.rot90(lying[0], 3))], QUICK)
    assert upright[0].roll_deg == pytest.approx(0, abs=6)


def test_one_thread_works_and_all_are_given_back():
    import torch

    before = torch.get_num_threads()
    with one_thread():
        assert torch.get_num_threads() == 1
    assert torch.get_num_threads() == before
