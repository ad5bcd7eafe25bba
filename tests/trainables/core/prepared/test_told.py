"""What is told about a clip: in words, as data, and of many clips by count and name."""

import dataclasses

import numpy as np
import pytest

from trainables.core.faces.clip import CroppedClip
from trainables.core.prepared.told import Told, cropped, notes
from trainables.data.core.video import Reading

PLAIN = Told(
    reading=Reading(16, 16, seconds=0.64),
    num_frames=16,
    face_share=1.0,
    other_shares=(),
    roll_deg=-3.04,
    turned=False,
    num_shots=1,
    box={"frame": 0, "left": 10, "top": 20, "right": 50, "bottom": 60},
)


def test_of_a_clip_like_most_there_is_data_and_no_remark():
    assert PLAIN.to_json() == {
        "frames_read": 16,
        "frames_expected": 16,
        "damaged_packets": 0,
        "uneven_times": False,
        "length_s": 0.64,
        "frames_used": 16,
        "faces": 1,
        "face_share": 1.0,
        "other_shares": [],
        "roll_deg": -3.0,
        "turned_upright": False,
        "shots": 1,
        "box": {"frame": 0, "left": 10, "top": 20, "right": 50, "bottom": 60},
        "remarks": [],
    }
    assert notes(["a.mp4"], [PLAIN]) == []


@pytest.mark.parametrize(
    ("change", "remark", "note"),
    [
        (
            {"face_share": 0.98, "other_shares": (0.45, 0.2)},
            "more than one face (3 in 98 / 45 / 20 % of the frames)",
            "with more than one face (a.mp4: 3 in 98 / 45 / 20 % of the frames)",
        ),
        ({"num_shots": 2}, "several shots (2)", "with several shots (a.mp4: 2)"),
        (
            {"reading": Reading(11, 16, 2)},
            "frames missing (11 of 16 frames, 2 damaged packets)",
            "with frames missing (a.mp4: 11 of 16 frames, 2 damaged packets)",
        ),
        (
            {"reading": Reading(16, 16, uneven=True)},
            "a variable frame rate",
            "with a variable frame rate (a.mp4)",
        ),
        (
            {"reading": Reading(5000, 5000, seconds=200)},
            "more than 256 frames (5,000, 200 s)",
            "with more than 256 frames (a.mp4: 5,000, 200 s)",
        ),
        (
            {"face_share": 0.625},
            "a face that shows in part of the frames (62 %)",
            "with a face that shows in part of the frames (a.mp4: 62 %)",
        ),
        ({"roll_deg": -90.2}, "a face that lies on its side (90°)", "with a face that lies on its side (a.mp4: 90°)"),
        ({"roll_deg": -180.0}, "a face that is upside down (180°)", "with a face that is upside down (a.mp4: 180°)"),
    ],
)
def test_what_a_person_should_know_is_said_of_one_clip_and_counted_of_many(change, remark, note):
    told = dataclasses.replace(PLAIN, **change)
    assert told.remarks() == told.to_json()["remarks"] == [remark]
    (sentence,) = notes(["plain.mp4", "a.mp4"], [PLAIN, told])
    assert sentence.startswith(f"1 clip {note}; ")


def test_the_first_clips_of_many_are_named():
    lying = dataclasses.replace(PLAIN, roll_deg=90.0)
    (note,) = notes(list("abcde"), [lying] * 5)
    assert note.startswith("5 clips with a face that lies on its side (a: 90°, b: 90°, c: 90° and 2 more);")


@pytest.mark.parametrize(
    ("change", "followed", "in_one_place"),
    [
        ({"other_shares": (0.5,)}, "kept is the first: who shows in most frames", "the one that is largest and surest"),
        ({"face_share": 0.6}, "the others are left out", "all frames are cropped to its place"),
        ({"roll_deg": 90.0}, "it is turned upright", "it is cropped as it lies"),
        ({"roll_deg": 180.0}, "it is turned upright", "it is cropped as it is"),
    ],
)
def test_what_is_done_then_follows_how_the_face_is_cropped(change, followed, in_one_place):
    told = dataclasses.replace(PLAIN, **change)
    for one, done in ((told, followed), (dataclasses.replace(told, num_shots=None), in_one_place)):
        (note,) = notes(["a.mp4"], [one])
        assert note.partition("; ")[2].startswith(done)


def test_what_is_written_is_read_and_so_is_what_earlier_versions_wrote():
    told = dataclasses.replace(PLAIN, other_shares=(0.25,), roll_deg=-90.0, turned=True, num_shots=2)
    assert Told.from_json(told.to_json()) == told
    keys = ("other_shares", "turned_upright", "shots", "box")
    earlier = Told.from_json({key: value for key, value in told.to_json().items() if key not in keys})
    assert (earlier.other_shares, earlier.num_shots, earlier.turned) == ((None,), None, False)
    assert earlier.remarks()[0] == "more than one face (2)"


def test_what_was_not_measured_is_said_to_be_unknown():
    clip = CroppedClip(np.zeros((3, 8, 8, 3), np.uint8), 3, 1.0)
    told = Told.of(clip).to_json()
    assert (told["length_s"], told["roll_deg"], told["frames_read"], told["frames_used"]) == (None, None, 3, 3)


def test_what_came_of_reading_stands_with_the_crops():
    def frames():
        yield np.zeros((8, 8, 3), np.uint8)
        return Reading(1, 2)

    def crop_clip(given, size):
        return CroppedClip(np.stack(list(given)), 1, 1.0)

    assert cropped(crop_clip, frames(), 8).reading == Reading(1, 2)
    assert cropped(crop_clip, iter([np.zeros((8, 8, 3), np.uint8)]), 8).reading == Reading()
