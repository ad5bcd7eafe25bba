"""Frames on their way to crops: bounded in number and size, cut out, turned."""

import numpy as np
import pytest

from trainables.core.faces.crops import MAX_FRAMES, bounded, cut_out, square_crops


def test_a_long_clip_is_thinned_evenly():
    clip = bounded(np.full((2, 2, 3), index % 256, np.uint8) for index in range(3 * MAX_FRAMES))
    frames = clip.frames
    assert MAX_FRAMES / 2 < len(frames) <= MAX_FRAMES
    assert clip.every == 4
    assert [int(frame[0, 0, 0]) for frame in frames[:4]] == [0, 4, 8, 12]


def test_large_frames_are_shrunk_in_proportion():
    clip = bounded([np.zeros((1000, 2000, 3), np.uint8)])
    assert clip.frames[0].shape == (640, 1280, 3)
    assert clip.scale == 2000 / 1280


def test_frames_of_another_shape_keep_their_proportions():
    wide = np.zeros((40, 80, 3), np.uint8)
    wide[10:30, 30:50] = 255  # a square
    frames = bounded([np.zeros((60, 60, 3), np.uint8), wide, np.zeros((120, 120, 3), np.uint8)]).frames
    assert [frame.shape for frame in frames] == [(60, 60, 3)] * 3
    rows, columns = np.nonzero(frames[1][..., 0] > 127)
    assert np.ptp(rows) == np.ptp(columns) == pytest.approx(14, abs=1)


def striped(height: int = 60, width: int = 80) -> np.ndarray:
    """Each px tells its column and its row."""
    columns, rows = np.meshgrid(np.arange(width), np.arange(height))
    return np.stack([columns, rows, np.zeros_like(rows)], axis=-1).astype(np.uint8)


def test_each_frame_is_cropped_at_its_own_place_and_size():
    crops = square_crops([striped()] * 2, np.array([[20.0, 30.0], [50.0, 20.0]]), np.array([20.0, 10.0]), 20)
    assert np.array_equal(crops[0], striped()[20:40, 10:30])
    assert crops[1, 0, 0, :2].tolist() == pytest.approx([45, 15], abs=1)
    assert crops[1, -1, -1, :2].tolist() == pytest.approx([54, 24], abs=1)


def test_what_lies_outside_repeats_the_edge_and_far_outside_too():
    near, far = square_crops([striped()] * 2, np.array([[0.0, 0.0], [500.0, 500.0]]), np.array([20.0, 20.0]), 20)
    assert np.array_equal(near[10:, 10:], striped()[:10, :10])
    assert (near[0, 0].tolist(), far[5, 5].tolist()) == ([0, 0, 0], [79, 59, 0])


@pytest.mark.parametrize("roll", [90.0, -90.0, 180.0, 30.0])
def test_what_lies_is_cut_out_upright(roll):
    """An arrow of white px on black that points where the head is up, turned clockwise by `roll`."""
    frame = np.zeros((101, 101, 3), np.uint8)
    up = np.array([np.sin(np.radians(roll)), -np.cos(np.radians(roll))])
    for step in range(30):
        x, y = np.round(50 + step * up).astype(int)
        frame[y - 1 : y + 2, x - 1 : x + 2] = 255
    (crop,) = cut_out([frame], np.array([[50.5, 50.5]]), np.array([80.0]), 80, roll)
    rows, columns = np.nonzero(crop[..., 0] > 127)
    assert np.ptp(columns) <= 5
    assert (rows.min(), rows.max()) == (pytest.approx(10, abs=3), pytest.approx(41, abs=3))
