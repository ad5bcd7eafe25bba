"""How a face looks."""

import numpy as np
import pytest

from drawing.scenes import draw_people, stays, walks
from trainables.core.faces.appearance import OTHER, SAME, appearance, unit
from trainables.core.faces.mtcnn import QUICK, Detector, Face
from trainables.data.core.video import read_video


def look_of(frame: np.ndarray) -> np.ndarray:
    ((face, *_),) = Detector().detect([frame], QUICK)
    return appearance(frame, face)


def test_a_look_is_of_length_1_and_says_nothing_of_place_size_light_or_turn():
    frames = draw_people([walks(0.3, 0.7)], num_frames=2).frames
    first, last = look_of(frames[0]), look_of(frames[1] // 2 + 20)
    assert (first.shape, np.linalg.norm(first), first.mean()) == ((256,), pytest.approx(1), pytest.approx(0, abs=1e-9))
    assert first @ last > 0.5  # the drawn face smiles by now
    large = draw_people([stays(0.5, 1.0)], num_frames=1).frames[0]
    small = draw_people([stays(0.5, 0.6)], num_frames=1).frames[0]
    assert look_of(large) @ look_of(small) > SAME


def test_a_flat_face_has_no_look():
    face = Face(np.array([10.0, 10, 40, 40]), 0.9, np.array([[18, 20], [32, 20], [25, 27], [20, 34], [30, 34]], float))
    assert not appearance(np.full((60, 60, 3), 90, np.uint8), face).any()
    assert not unit(np.zeros(4)).any()


def test_real_people_look_like_themselves_over_a_clip_and_mostly_unlike_others(faces):
    clips = [list(read_video(path)) for path in sorted((faces / "smiles" / "onset").glob("P0[0-2]?_*.mp4"))[::2]]
    first, last = ([look_of(clip[place]) for clip in clips] for place in (0, -1))
    same = [one @ other for one, other in zip(first, last, strict=True)]
    others = [first[a] @ last[b] for a in range(len(clips)) for b in range(len(clips)) if a != b]
    assert np.mean([one > other for one in same for other in others]) > 0.95
    assert np.mean([other >= SAME for other in others]) < 0.1
    assert np.mean([one >= OTHER for one in same]) > 0.9
