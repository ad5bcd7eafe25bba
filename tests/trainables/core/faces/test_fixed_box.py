"""One box for a whole clip, as versions up to 0.2 cropped it."""

import cv2
import numpy as np
import pytest

from trainables.core.faces import fixed_box
from trainables.core.faces.clip import NoFace
from trainables.core.faces.fixed_box import FixedBox, _tracks
from trainables.core.faces.mtcnn import QUICK, Detector, Face
from trainables.data.core.dataset import DataError
from trainables.data.core.image import read_image
from trainables.data.core.video import read_video


@pytest.fixture(scope="module")
def finder():
    return FixedBox()


@pytest.fixture(scope="module")
def clip(faces):
    return list(read_video(faces / "smiles" / "onset" / "P001_onset.mp4"))


def test_a_clip_is_cropped_to_the_face_in_all_its_frames(finder, clip):
    cropped = finder.crop_clip(iter(clip), 160)
    assert (cropped.frames.shape, cropped.frames.dtype) == ((16, 160, 160, 3), np.uint8)
    assert (cropped.num_frames_with_face, cropped.num_faces) == (8, 1)
    assert cropped.score > 0.99
    # The face fills four fifths of the crop, in its middle: the crop is a quarter larger than the face.
    ((face,),) = Detector().detect([cropped.frames[8]], QUICK)
    assert face.centre == pytest.approx([80, 80], abs=8)
    assert face.side == pytest.approx(160 / 1.25, abs=12)


def test_one_box_holds_for_the_whole_clip(finder, clip):
    still = finder.crop_clip([clip[0], *clip[1:7], clip[0]], 96).frames
    assert np.array_equal(still[0], still[7])


@pytest.mark.parametrize("name", ["astronaut.png", "lisa1.jpg", "lisa3.jpg"])
def test_a_single_image_is_a_clip_of_one_frame(finder, faces, name):
    cropped = finder.crop_clip([read_image(faces / "stills" / name)], 96)
    assert (len(cropped.frames), cropped.num_faces) == (1, 1)


@pytest.mark.parametrize("name", ["chelsea.png", "coffee.png"])
def test_a_cat_and_a_cup_are_no_faces(finder, faces, name):
    with pytest.raises(NoFace, match="no face in any of 1 frame"):
        finder.crop_clip([read_image(faces / "stills" / name)], 96)


def test_a_clip_that_mostly_shows_something_else_is_refused_with_the_share_of_the_face(finder, clip, faces):
    cup = cv2.resize(read_image(faces / "stills" / "coffee.png"), clip[0].shape[1::-1])
    with pytest.raises(NoFace, match=r"the face shows in 4 of 16 frames looked at \(25 %\); at least 50 % are needed"):
        finder.crop_clip([cup] * 12 + clip[:4], 96)


def test_a_face_that_the_quick_look_misses_is_found_by_looking_closer_and_at_more_frames(finder, clip):
    small = [np.full((480, 640, 3), 128, np.uint8) for _ in range(12)]
    for canvas, frame in zip(small, clip, strict=False):
        canvas[200:260, 300:360] = cv2.resize(frame, (60, 60), interpolation=cv2.INTER_AREA)
    assert not any(Detector().detect(small, QUICK))
    assert finder.crop_clip(small, 96).face_share == 1
    hidden = [*clip[:12]]
    for place in (0, 3, 5, 6, 8):  # five of the eight that are looked at first
        hidden[place] = np.zeros_like(clip[0])
    assert finder.crop_clip(hidden, 96).face_share == pytest.approx(7 / 12)


def test_of_two_people_the_one_who_stays_is_followed(finder, clip, faces):
    small = cv2.resize(clip[0], (240, 240))
    frames = [np.full((480, 720, 3), 128, np.uint8) for _ in range(8)]
    for frame in frames:
        frame[240:, 480:] = small
    alone = finder.crop_clip(frames, 96)
    for frame in frames[:2]:
        frame[:, :480] = clip[0]
    np.testing.assert_array_equal(finder.crop_clip(frames, 96).frames[4], alone.frames[4])


@pytest.mark.parametrize(("quarters", "roll"), [(0, 0), (1, -90), (2, 180), (3, 90)])
def test_how_a_face_lies_is_told(finder, clip, quarters, roll):
    turned = finder.crop_clip([np.ascontiguousarray(np.rot90(frame, quarters)) for frame in clip[::4]], 96)
    assert (turned.roll_deg - roll + 180) % 360 - 180 == pytest.approx(0, abs=12)
    assert turned.face_share >= 0.5


def test_a_lying_face_that_the_detector_hardly_sees_is_found_by_turning_the_frames(finder, faces):
    frames = list(read_video(faces / "smiles" / "neutral" / "P121_neutral.mp4"))[4:9:4]
    cropped = finder.crop_clip([np.ascontiguousarray(np.rot90(frame, 3)) for frame in frames], 96)
    upright = finder.crop_clip(frames, 96)
    assert cropped.roll_deg == pytest.approx(90, abs=12)
    assert np.abs(np.rot90(cropped.frames, axes=(1, 2)).astype(int) - upright.frames).mean() < 12


def test_a_face_at_the_edge_gets_a_replicated_border(finder, clip):
    cut = [frame[150:, 100:] for frame in clip[:2]]  # the forehead and an ear are gone
    frames = finder.crop_clip(cut, 160).frames
    assert np.array_equal(frames[0, 0], frames[0, 3])  # rows above the frame repeat its first one
    assert frames[0, 0].std() > 0


@pytest.mark.parametrize("side", [16, 48])
def test_small_and_tightly_cut_faces_are_found(finder, clip, side):
    tight = cv2.resize(clip[0][120:350, 140:340], (side, side), interpolation=cv2.INTER_AREA)
    assert finder.crop_clip([tight], 96).frames.shape == (1, 96, 96, 3)


def test_frames_of_unequal_size_are_one_clip(finder, clip):
    mixed = [clip[0], cv2.resize(clip[1], (240, 240)), clip[2]]
    frames = finder.crop_clip(mixed, 96).frames.astype(int)
    assert np.abs(frames[1] - frames[0]).mean() < 12


def test_a_thin_strip_and_a_single_pixel_have_no_face_and_do_no_harm(finder):
    for shape in ((4, 400, 3), (1, 1, 3)):
        with pytest.raises(NoFace):
            finder.crop_clip([np.zeros(shape, np.uint8)], 96)


def test_an_image_too_small_to_search_is_told_with_the_least_size(finder):
    with pytest.raises(NoFace, match="frames of 40 x 8 px; at least 12 x 12 px are needed to find a face"):
        finder.crop_clip([np.zeros((8, 40, 3), np.uint8)] * 3, 96)


def test_no_frames_are_an_error(finder):
    with pytest.raises(DataError, match="no frames"):
        finder.crop_clip([], 96)


def test_of_two_subjects_the_same_one_is_taken_throughout(finder, clip, faces):
    other = next(read_video(faces / "smiles" / "smile" / "P010_smile.mp4"))
    small = cv2.resize(other, (360, 360))
    canvas = np.full((480, 900, 3), 200, np.uint8)
    canvas[60:420, 520:880] = small
    frames = []
    for frame in clip[:4]:
        both = canvas.copy()
        both[:, :480] = frame
        frames.append(both)
    cropped = finder.crop_clip(frames, 96)
    alone = finder.crop_clip(clip[:4], 96)
    assert (cropped.num_faces, alone.num_faces) == (2, 1)
    assert np.abs(cropped.frames.astype(int) - alone.frames).mean() < 12


def test_a_subject_seen_in_most_frames_beats_one_larger_spurious_box():
    subject = Face(np.array([10.0, 10, 60, 60]), 0.99, np.zeros((5, 2)))
    spurious = Face(np.array([100.0, 0, 180, 80]), 0.9, np.zeros((5, 2)))
    tracks = _tracks({0: [subject, spurious], 4: [subject], 9: [subject]})
    assert sorted(len(track) for track in tracks) == [1, 3]


def test_everybody_who_shows_is_cropped_with_the_place_of_each(finder, clip):
    canvas = np.full((480, 900, 3), 200, np.uint8)
    canvas[60:420, 520:880] = cv2.resize(clip[0], (360, 360))
    canvas[:, :480] = clip[0]
    first, second = finder.crop_everyone([canvas] * 2, 96)
    np.testing.assert_array_equal(first.frames, finder.crop_shown([canvas] * 2, 96).frames)
    assert first.box.right < 480 < second.box.left
    assert (first.other_shares, second.other_shares) == ((1.0,), (1.0,))


def test_what_decides_the_crops_is_what_it_was(finder):
    """Data and models of version 0.2 hold to these numbers: nothing that others change may change them."""
    assert finder.settings == {
        "detector": "mtcnn",
        "margin": 0.125,
        "looked_at": 8,
        "max_frames": 256,
        "max_side": 1280,
        "looks": [[320, 0.0, 32], [480, 0.25, 20]],
    }
    assert (fixed_box.MIN_FACE_SHARE, fixed_box.SURE, fixed_box.MIN_SHARED, fixed_box.MOST_LOOKED_AT) == (
        0.5,
        0.999,
        0.3,
        32,
    )


def test_the_box_is_the_median_of_those_found_and_a_quarter_larger(finder, monkeypatch):
    """By boxes that are given, so that the same pixels come out on every machine."""
    boxes = [np.array([10.0 + shift, 20, 50 + shift, 60 + 2 * shift]) for shift in range(5)]
    found = [[Face(box, 0.9995, np.array([[20.0, 30], [40, 30], [30, 40], [22, 50], [38, 50]]))] for box in boxes]
    monkeypatch.setattr(fixed_box.Detector, "detect", lambda self, frames, look: found)
    frames = [np.random.default_rng(n).integers(0, 256, (80, 90, 3), np.uint8) for n in range(5)]
    clip = finder.crop_clip(frames, 55)
    # The median: centre 32, 42, side 44; a quarter more is 55 px, from 4 or 5 and 14 or 15 on.
    assert np.array_equal(clip.frames, [frame[14:69, 4:59] for frame in frames])
    assert (clip.box.frame, clip.box.left, clip.box.right) == (0, 10.0, 50.0)
