"""What is told about a clip: in words, as data, and of many clips by count and name."""

import dataclasses

import numpy as np
import pytest

from trainables.core.prepared.faces import CroppedClip
from trainables.core.prepared.told import Told, cropped, notes
from trainables.data.core.video import Reading

PLAIN = Told(reading=Reading(16, 16, seconds=0.64), num_frames=16, num_faces=1, face_share=1.0, roll_deg=-3.04)


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
        "roll_deg": -3.0,
        "remarks": [],
    }
    assert notes(["a.mp4"], [PLAIN]) == []


@pytest.mark.parametrize(
    ("change", "remark", "note"),
    [
        ({"num_faces": 3}, "more than one face (3)", "with more than one face (a.mp4)"),
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


def test_what_was_not_measured_is_said_to_be_unknown():
    clip = CroppedClip(np.zeros((3, 8, 8, 3), np.uint8), 3, 1, 1.0)
    told = Told.of(clip).to_json()
    assert (told["length_s"], told["roll_deg"], told["frames_read"], told["frames_used"]) == (None, None, 3, 3)


def test_what_came_of_reading_stands_with_the_crops():
    def frames():
        yield np.zeros((8, 8, 3), np.uint8)
        return Reading(1, 2)

    def crop_clip(given, size):
        return CroppedClip(np.stack(list(given)), 1, 1, 1.0)

    assert cropped(crop_clip, frames(), 8).reading == Reading(1, 2)
    assert cropped(crop_clip, iter([np.zeros((8, 8, 3), np.uint8)]), 8).reading == Reading()
