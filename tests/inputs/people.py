"""Faces as they show: heads that stay, move, turn, come, go and share a picture."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from drawing.scenes import Scene, draw_scene
from drawing.sequence import DIFFICULTIES, draw_clip, sample_subject
from tests.inputs.case import Case, Check, Family, refusal
from tests.trainables.data.core import videos
from trainables.core.faces.clip import CroppedClip
from trainables.core.faces.finder import FaceFinder
from trainables.core.faces.given import GivenFaces
from trainables.core.faces.mtcnn import QUICK, Detector
from trainables.core.prepared.told import Told, cropped
from trainables.data.core.dataset import Sample
from trainables.data.core.frames import read_frames

MIDDLE = 0.15  # of a crop's face, that the face may be off its middle


def scene(name: str, num_frames: int = 16) -> Callable[[Path], Path]:
    """Writes a scene of drawn people as a video without loss."""
    return clip_of(lambda: draw_scene(name, num_frames=num_frames).frames)


def clip_of(frames: Callable[[], np.ndarray]) -> Callable[[Path], Path]:
    return lambda folder: videos.write(folder / "a.mkv", list(frames()), "ffv1", pix_fmt="bgr0")


def turned(quarters: int) -> Callable[[Path], Path]:
    """Writes somebody who stands, turned anticlockwise."""
    return clip_of(lambda: np.rot90(draw_scene("stands", num_frames=8).frames, quarters, axes=(1, 2)))


def frames_of(path: Path):
    return read_frames(Sample(clip_id=path.name, label=0, subject=None, paths=(path,)))


def prepared(path: Path) -> CroppedClip:
    """The crops of a clip of a data set."""
    return cropped(FaceFinder().crop_clip, frames_of(path), 96)


def dropped(path: Path) -> str:
    """Why a data set does without this clip."""
    return refusal(prepared, path)


def told(clip: CroppedClip) -> str:
    return "; ".join(Told.of(clip).remarks())


def middles(clip: CroppedClip) -> list[np.ndarray]:
    """Where the face is in each crop, as a share of it from the middle; of crops in which none is found, far off."""
    found = Detector().detect(list(clip.frames), QUICK)
    largest = [max(faces, key=lambda face: face.weight, default=None) for faces in found]
    return [np.full(2, 9.0) if face is None else face.centre / 96 - 0.5 for face in largest]


def shows(num_frames: int, num_people: int = 1) -> Check:
    """Checks that so many crops are kept of so many people, with the face in the middle of 95 % of them."""

    def check(path: Path) -> str:
        clip = prepared(path)
        assert (len(clip.frames), clip.num_faces) == (num_frames, num_people)
        assert np.mean([np.abs(middle).max() < MIDDLE for middle in middles(clip)]) >= 0.95
        return told(clip)

    return check


def keeps_all(path: Path) -> None:
    assert len(prepared(path).frames) == 16


def stands_upright(path: Path) -> str:
    clip = prepared(path)
    faces = [face for faces in Detector().detect(list(clip.frames), QUICK) for face in faces]
    assert len(faces) >= len(clip.frames)
    assert abs(np.median([face.roll_deg for face in faces])) < 10
    return told(clip)


def does_not_move(path: Path) -> None:
    clip = prepared(path)
    assert np.ptp(middles(clip), axis=0).max() < 0.05
    wall = clip.frames[:, :8, :8].astype(int)
    assert np.abs(wall - wall[0]).mean() < 6, "what stands still in the clip stands still in the crops"


def keeps_its_size(path: Path) -> None:
    """The head is 2.5 times as large in the end."""
    faces = [
        max(found, key=lambda face: face.weight) for found in Detector().detect(list(prepared(path).frames), QUICK)
    ]
    sides = [face.side for face in faces]
    assert max(sides) / min(sides) < 1.45


def is_answered_for(path: Path) -> str:
    clip = cropped(FaceFinder().crop_shown, frames_of(path), 96)
    assert len(clip.frames) < 0.5 * clip.reading.num_frames
    return told(clip)


def has_a_place_each(path: Path) -> None:
    first, second = FaceFinder().crop_everyone(frames_of(path), 96)
    assert first.box is not None
    assert second.box is not None
    assert first.box.right < second.box.left


def given_is_answered_for(path: Path) -> None:
    assert GivenFaces().crop_shown(frames_of(path), 60).score > 0.3


def given_is_refused(path: Path) -> str:
    assert len(GivenFaces().crop_clip(frames_of(path), 60).frames) == 4, "a data set is taken at its word"
    return refusal(lambda given: GivenFaces().crop_shown(frames_of(given), 60), path)


def nobody() -> np.ndarray:
    return draw_scene("mostly away", num_frames=16).frames[6:]


def of_48_px() -> np.ndarray:
    world = DIFFICULTIES["easy"]
    subject = sample_subject(np.random.default_rng(0), world)
    return draw_clip(np.random.default_rng(0), subject, "anger", world, num_frames=4, size=96).frames[:, 20:68, 24:72]


def hidden_for_a_moment() -> np.ndarray:
    shown: Scene = draw_scene("stands", num_frames=16)
    frames = shown.frames.copy()
    frames[7:10, 70:210, 150:280] = 90
    return frames


FAMILY = Family(
    "Faces as they show",
    "The crop follows one head. `prepare` and `predict` tell the same of a clip; `prepare --preview FILE` shows the crops.",
    [
        Case("a head that stays", "a crop that does not move", scene("stands"), does_not_move),
        Case("a head that walks four of its widths", "in the middle of its crops", scene("walks"), shows(16)),
        Case("the same, over 120 frames", "in the middle of its crops", scene("walks", 120), shows(120)),
        Case("a head that comes nearer", "nearly as large in all crops", scene("approaches"), keeps_its_size),
        Case(
            "somebody who comes late",
            "the frames before are left out; told: “a face that shows in part of the frames (62 %)”",
            scene("comes late"),
            shows(10),
        ),
        Case("a head that is hidden for three frames", "all frames", clip_of(hidden_for_a_moment), keeps_all),
        Case(
            "a face in less than half of the frames",
            "dropped by `prepare`: “the face shows in 5 of 16 frames (31 %); at least 50 % are needed”",
            scene("mostly away"),
            dropped,
        ),
        Case(
            "the same, for `predict`",
            "answered from the frames that show it; told: “a face that shows in part of the frames (31 %)”",
            scene("mostly away"),
            is_answered_for,
        ),
        Case("nobody", "dropped: “no face in any of”", clip_of(nobody), dropped),
        Case(
            "two people",
            "the one who shows most, of those who show as much the largest; told: “more than one face (2 in 100 / 100 %”",
            scene("two people"),
            shows(16, 2),
        ),
        Case(
            "two people, for `predict --every-face`",
            "an answer for each, with its place",
            scene("two people"),
            has_a_place_each,
        ),
        Case(
            "two people who change places",
            "two, and one of them is followed; told: “more than one face (2 in”",
            scene("change places"),
            shows(16, 2),
        ),
        Case(
            "a cut from one person to another",
            "the one who shows most; told: “more than one face (2 in 62 / 38 %” and “several shots (2)”",
            scene("after a cut"),
            shows(10, 2),
        ),
        Case(
            "a face on its left side", "turned upright; told: “a face that lies on its side”", turned(1), stands_upright
        ),
        Case(
            "a face on its right side",
            "turned upright; told: “a face that lies on its side”",
            turned(3),
            stands_upright,
        ),
        Case("a face upside down", "turned upright; told: “a face that is upside down”", turned(2), stands_upright),
        Case(
            "a face crop of 48 px, for a model that was trained on given crops",
            "answered",
            clip_of(of_48_px),
            given_is_answered_for,
        ),
        Case(
            "a picture without a face, for such a model",
            "no answer: “no face in any of 4 frames looked at; the model was trained on crops of faces”",
            clip_of(lambda: nobody()[:4]),
            given_is_refused,
        ),
    ],
)
