"""Finding and cropping faces, on real ones."""

import cv2
import numpy as np
import pytest

from trainables.core.prepared.faces import MAX_FRAMES, QUICK, FaceFinder, NoFace, _tracks, bounded
from trainables.data.core.dataset import DataError
from trainables.data.core.image import read_image
from trainables.data.core.video import read_video


@pytest.fixture(scope="module")
def finder():
    return FaceFinder()


@pytest.fixture(scope="module")
def clip(faces):
    return list(read_video(faces / "smiles" / "onset" / "P001_onset.mp4"))


def test_a_clip_is_cropped_to_the_face_in_all_its_frames(finder, clip):
    cropped = finder.crop_clip(iter(clip), 160)
    assert (cropped.frames.shape, cropped.frames.dtype) == ((16, 160, 160, 3), np.uint8)
    assert (cropped.num_frames_with_face, cropped.num_faces) == (8, 1)
    assert cropped.score > 0.99
    # The face fills four fifths of the crop, in its middle: the crop is a quarter larger than the face.
    (face,) = finder._detect([cropped.frames[8]], QUICK)[0][:, :4]
    assert (face[:2] + face[2:]) / 2 == pytest.approx([80, 80], abs=8)
    assert (face[2:] - face[:2]).max() == pytest.approx(160 / 1.25, abs=12)


def test_one_box_holds_for_the_whole_clip(finder, clip):
    still = finder.crop_clip([clip[0], *clip[1:7], clip[0]], 96).frames
    assert np.array_equal(still[0], still[7])


@pytest.mark.parametrize("name", ["astronaut.png", "lisa1.jpg", "lisa3.jpg"])
def test_a_single_image_is_a_clip_of_one_frame(finder, faces, name):
    cropped = finder.crop_clip([read_image(faces / "stills" / name)], 96)
    assert (len(cropped.frames), cropped.num_faces) == (1, 1)


@pytest.mark.parametrize("name", ["chelsea.png", "coffee.png"])
def test_a_cat_and_a_cup_are_no_faces(finder, faces, name):
    with pytest.raises(NoFace, match="no face in any of 1 frames"):
        finder.crop_clip([read_image(faces / "stills" / name)], 96)


def test_a_face_that_only_few_frames_show_is_found_by_looking_at_all(finder, clip):
    frames = [np.zeros_like(clip[0])] * 10
    frames[2] = clip[0]  # not among the eight evenly spaced
    cropped = finder.crop_clip(frames, 96)
    assert (cropped.num_frames_with_face, len(cropped.frames)) == (1, 10)


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
    subject = np.array([10.0, 10, 60, 60, 0.99])
    spurious = np.array([100.0, 0, 180, 80, 0.9])
    tracks = _tracks([np.stack([subject, spurious]), subject[None] + 1e-3, subject[None] + 2e-3])
    assert sorted(len(track) for track in tracks) == [1, 3]


def test_a_long_clip_is_thinned_evenly():
    frames = bounded(np.full((2, 2, 3), index % 256, np.uint8) for index in range(3 * MAX_FRAMES))
    assert MAX_FRAMES / 2 < len(frames) <= MAX_FRAMES
    assert [int(frame[0, 0, 0]) for frame in frames[:4]] == [0, 4, 8, 12]


def test_large_frames_are_shrunk_in_proportion():
    assert bounded([np.zeros((1000, 2000, 3), np.uint8)])[0].shape == (640, 1280, 3)


def test_frames_of_another_shape_keep_their_proportions():
    wide = np.zeros((40, 80, 3), np.uint8)
    wide[10:30, 30:50] = 255  # a square
    frames = bounded([np.zeros((60, 60, 3), np.uint8), wide, np.zeros((120, 120, 3), np.uint8)])
    assert [frame.shape for frame in frames] == [(60, 60, 3)] * 3
    rows, columns = np.nonzero(frames[1][..., 0] > 127)
    assert np.ptp(rows) == np.ptp(columns) == pytest.approx(14, abs=1)
