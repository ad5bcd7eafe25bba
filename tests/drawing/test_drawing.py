"""Drawn faces: what moves in them, what stays, and how they come to lie on disk."""

import json
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest

from benchmarks import drawn_difficulty
from drawing.__main__ import main
from drawing.action_units import ACTION_UNITS, EXPRESSIONS, SIX_EXPRESSIONS, by_number, pattern
from drawing.face import Light, draw_face
from drawing.identity import HAIR_STYLES, sample_identity
from drawing.layouts.drawn_faces import write
from drawing.sequence import DIFFICULTIES, draw_clip, sample_subject
from drawing.shape import Pose
from drawing.tree import MARKER
from trainables.data.core.video import read_video

REST = by_number(np.zeros(len(ACTION_UNITS)))


@pytest.fixture(scope="module")
def subject():
    return sample_identity(np.random.default_rng(0))


def draw_small(root, **settings):
    write(root, **{"num_subjects": 2, "num_frames": 3, "size": 64, "classes": ("happiness", "anger"), **settings})


def rows_that_move(subject, unit):
    """The mean row, in half head heights from the eyes, of what action unit `unit` changes."""
    size = 160
    change = draw_face(subject, REST | {unit: 1.0}, size=size).astype(int) - draw_face(subject, REST, size=size)
    weight = np.abs(change).sum(axis=(1, 2))
    assert weight.sum() > 2000, f"action unit {unit} does not show"
    return float((weight * (np.arange(size) / size - 0.5)).sum() / weight.sum() / 0.29)


@pytest.mark.parametrize("unit", ACTION_UNITS)
def test_every_action_unit_moves_its_own_part_of_the_face(subject, unit):
    row = rows_that_move(subject, unit)
    if unit in (1, 2, 4):
        assert row < -0.1
    elif unit in (5, 6, 7):
        assert -0.15 < row < 0.2
    else:
        assert row > 0.1


def test_expressions_have_the_action_units_of_the_table():
    assert set(EXPRESSIONS) == {"anger", "contempt", "disgust", "fear", "happiness", "sadness", "surprise"}
    assert EXPRESSIONS["fear"] == (1, 2, 4, 5, 20, 25)
    assert set(SIX_EXPRESSIONS) == set(EXPRESSIONS) - {"contempt"}
    assert by_number(pattern("disgust")) == {unit: float(unit in (9, 15)) for unit in ACTION_UNITS}


def test_contempt_is_on_one_side(subject):
    change = np.abs(draw_face(subject, REST | {14: 1.0}).astype(int) - draw_face(subject, REST)).sum(axis=(0, 2))
    assert change[80:].sum() > 5 * change[:80].sum()


def test_a_head_turns_rolls_and_blinks(subject):
    upright = draw_face(subject, REST)
    for changed in (
        draw_face(subject, REST, pose=Pose(yaw=0.1)),
        draw_face(subject, REST, pose=Pose(roll=0.1)),
        draw_face(subject, REST, pose=Pose(shift_x=0.05)),
        draw_face(subject, REST, blink=1.0),
        draw_face(subject, REST, light=Light(brightness=0.8)),
    ):
        assert changed.shape == upright.shape == (160, 160, 3)
        assert changed.dtype == np.uint8
        assert np.abs(changed.astype(int) - upright).max() > 20


def test_subjects_differ_and_every_hair_style_occurs():
    subjects = [sample_identity(np.random.default_rng(seed)) for seed in range(40)]
    assert {who.hair_style for who in subjects} == set(HAIR_STYLES)
    assert len({who.skin for who in subjects}) == len(subjects)
    assert np.std([who.mouth_width for who in subjects]) > 0.03


@pytest.mark.parametrize("difficulty", DIFFICULTIES)
def test_a_clip_goes_from_rest_to_an_apex_with_the_units_of_its_class(difficulty):
    settings = DIFFICULTIES[difficulty]
    subject = sample_subject(np.random.default_rng(5), settings)
    clip = draw_clip(np.random.default_rng(6), subject, "surprise", settings, num_frames=8, size=48)
    assert clip.frames.shape == (8, 48, 48, 3)
    np.testing.assert_array_equal(clip.action_units[0], subject.rest)
    change = clip.action_units[-1] - clip.action_units[0]
    belongs = pattern("surprise") > 0
    assert change[belongs].mean() > np.abs(change[~belongs]).mean() + 0.1
    assert (np.diff(clip.action_units[:, belongs].mean(axis=1)) >= -1e-9).all()


def test_rest_grows_and_apex_shrinks_with_difficulty():
    easy, medium, hard = (
        np.mean([sample_subject(np.random.default_rng(n), DIFFICULTIES[name]).rest.sum() for n in range(30)])
        for name in ("easy", "medium", "hard")
    )
    assert easy < medium < hard


def test_equal_seeds_draw_equal_frames():
    settings = DIFFICULTIES["medium"]
    subject = sample_subject(np.random.default_rng(1), settings)
    first, second, other = (
        draw_clip(np.random.default_rng(seed), subject, "fear", settings, num_frames=3).frames for seed in (2, 2, 3)
    )
    np.testing.assert_array_equal(first, second)
    assert (first != other).any()


@pytest.mark.slow
def test_only_the_change_is_informative_on_hard():
    accuracy = drawn_difficulty.measure("hard", num_subjects=18, seed=3)
    assert accuracy["action_unit_change"] > accuracy["apex_action_units"] + 0.2
    assert accuracy["apex_pixels"] < 0.55


def test_the_layout_has_class_folders_subjects_and_a_marker(tmp_path):
    progress = []
    draw_small(tmp_path / "world", clips_per_class=2, on_progress=lambda done, total: progress.append((done, total)))
    videos = sorted(str(path.relative_to(tmp_path / "world")) for path in (tmp_path / "world").rglob("*.mp4"))
    assert videos == [
        f"{name}/D00{n}_0{take}.mp4" for name in ("anger", "happiness") for n in (1, 2) for take in (0, 1)
    ]
    assert progress == [(n, 8) for n in range(1, 9)]
    marker = json.loads((tmp_path / "world" / MARKER).read_text())
    assert marker["generator"] == "fertune drawing"
    assert (marker["difficulty"], marker["num_subjects"], marker["seed"]) == ("medium", 2, 0)
    frames = read_video(tmp_path / "world" / videos[0])
    assert [frame.shape for frame in frames] == [(64, 64, 3)] * 3
    assert list(tmp_path.iterdir()) == [tmp_path / "world"]


def test_a_video_shows_the_frames_that_were_drawn_in_their_colours(tmp_path):
    draw_small(tmp_path / "world", size=96)
    settings = DIFFICULTIES["medium"]
    subject = sample_subject(np.random.default_rng([0, 0]), settings)
    rng = np.random.default_rng([0, 0, list(EXPRESSIONS).index("happiness"), 0])
    drawn = draw_clip(rng, subject, "happiness", settings, num_frames=3, size=96).frames
    seen = np.stack(list(read_video(tmp_path / "world" / "happiness" / "D001_00.mp4")))
    assert np.abs(drawn.astype(int) - seen).mean() < 6


def test_without_an_encoder_frames_are_written_as_png(tmp_path, monkeypatch):
    class NoEncoder:
        fourcc = staticmethod(cv2.VideoWriter.fourcc)

        def __init__(self, *_):
            pass

        def isOpened(self):
            return False

    monkeypatch.setattr(cv2, "VideoWriter", NoEncoder)
    draw_small(tmp_path / "world")
    assert sorted(path.name for path in (tmp_path / "world" / "anger" / "D001_00").iterdir()) == [
        "000.png",
        "001.png",
        "002.png",
    ]


def test_a_folder_of_someone_else_is_refused_and_kept(tmp_path):
    (tmp_path / "mine.txt").write_text("keep")
    with pytest.raises(ValueError, match="was not drawn here"):
        draw_small(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


@pytest.mark.slow
def test_an_interrupted_drawing_leaves_nothing_and_is_drawn_again(tmp_path):
    def interrupt(done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        draw_small(tmp_path / "world", on_progress=interrupt)
    assert list(tmp_path.iterdir()) == []
    draw_small(tmp_path / "world")
    assert (tmp_path / "world" / MARKER).is_file()


@pytest.mark.slow
def test_two_at_once_draw_one_whole_world(tmp_path):
    with ThreadPoolExecutor(3) as pool:
        for answer in [pool.submit(draw_small, tmp_path / "world") for _ in range(3)]:
            answer.result()
    assert list(tmp_path.iterdir()) == [tmp_path / "world"]
    assert len(list((tmp_path / "world").rglob("*.mp4"))) == 4


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"classes": ("joy",)}, "given: joy"),
        ({"classes": ("fear", "fear")}, "each once"),
        ({"num_frames": 1}, "num_frames is 1"),
        ({"size": 65}, "size is 65"),
    ],
)
def test_wrong_settings_are_named(tmp_path, settings, message):
    with pytest.raises(ValueError, match=message):
        draw_small(tmp_path / "world", **settings)
    assert not (tmp_path / "world").exists()


def test_the_command_draws_refuses_and_explains(tmp_path, capsys):
    out, small = str(tmp_path / "world"), ("--difficulty", "easy", "--frames", "3", "--size", "64")
    assert main(["--layout", "drawn_faces", "--out", out, "--subjects", "1", *small]) == 0
    assert len(list((tmp_path / "world").rglob("*.mp4"))) == 6
    assert main(["--out", out, "--subjects", "2", *small]) == 2
    assert "holds another drawing" in capsys.readouterr().err
    assert main(["--layout", "drawn_face", "--out", out]) == 2
    assert "Did you mean 'drawn_faces'?" in capsys.readouterr().err


@pytest.mark.slow
def test_the_sheet_is_one_small_picture(tmp_path):
    assert main(["--sheet", str(tmp_path / "sheet.png")]) == 0
    picture = cv2.imread(str(tmp_path / "sheet.png"))
    assert picture.shape[0] > 600
    assert (tmp_path / "sheet.png").stat().st_size < 400_000


@pytest.mark.slow
def test_the_detector_finds_drawn_faces():
    from facenet_pytorch import MTCNN

    frames = []
    for number, (difficulty, expression) in enumerate(
        zip(("easy", "medium", "hard") * 2, SIX_EXPRESSIONS, strict=True)
    ):
        settings = DIFFICULTIES[difficulty]
        subject = sample_subject(np.random.default_rng(100 + number), settings)
        clip = draw_clip(np.random.default_rng(number), subject, expression, settings, num_frames=2)
        frames.append(clip.frames[-1])
    boxes, _ = MTCNN(min_face_size=48, device="cpu").detect(frames)
    assert all(box is not None for box in boxes)
