"""Where one shot ends and another begins."""

import cv2
import numpy as np
import pytest

from trainables.core.faces.shots import first_frames


def picture(seed: int) -> np.ndarray:
    coarse = np.random.default_rng(seed).integers(0, 256, (5, 7, 3), np.uint8)
    return cv2.resize(coarse, (140, 100), interpolation=cv2.INTER_CUBIC)


def shot(seed: int, num_frames: int) -> list[np.ndarray]:
    """The same picture, a little noisy and drifting."""
    rng = np.random.default_rng(seed)
    return [
        np.clip(np.roll(picture(seed), step, axis=1) + rng.normal(0, 4, (100, 140, 3)), 0, 255).astype(np.uint8)
        for step in range(num_frames)
    ]


@pytest.mark.parametrize("lengths", [(12,), (6, 9), (1, 8), (8, 1), (5, 5, 7), (2, 2)])
def test_each_cut_is_found_at_its_frame(lengths):
    frames = [frame for seed, length in enumerate(lengths) for frame in shot(seed, length)]
    assert first_frames(frames) == [0, *np.cumsum(lengths)[:-1].tolist()]


def test_another_person_before_the_same_wall_is_another_shot():
    frames = shot(0, 16)
    head = picture(1)[20:80, 40:100]
    for index, frame in enumerate(frames):
        frame[20:80, 40:100] = head if index < 8 else head[::-1, ::-1]
    assert first_frames(frames) == [0, 8]


def test_a_picture_that_is_held_and_then_moves_on_is_no_cut():
    frames = [frame for frame in shot(0, 8) for _ in range(5)]
    assert first_frames(frames) == [0]


def test_a_flash_is_no_cut():
    frames = shot(0, 12)
    frames[5] = np.full_like(frames[0], 250)
    assert first_frames(frames) == [0]


def test_a_pan_that_changes_many_frames_in_turn_is_no_cut():
    wide = np.concatenate([picture(seed) for seed in range(6)], axis=1)
    assert first_frames([wide[:, step * 50 : step * 50 + 140] for step in range(12)]) == [0]


def test_a_light_that_goes_on_is_no_cut():
    frames = [
        np.clip(frame * (0.4 if index < 6 else 1.0), 0, 255).astype(np.uint8) for index, frame in enumerate(shot(0, 12))
    ]
    assert first_frames(frames) == [0]


@pytest.mark.parametrize(("change", "firsts"), [(4, [0]), (120, [0, 5])])
def test_of_flat_pictures_the_colour_decides(change, firsts):
    frames = [np.full((50, 50, 3), 40, np.uint8)] * 5 + [np.full((50, 50, 3), 40 + change, np.uint8)] * 5
    assert first_frames(frames) == firsts


def test_a_single_frame_is_a_shot():
    assert first_frames(shot(0, 1)) == [0]
