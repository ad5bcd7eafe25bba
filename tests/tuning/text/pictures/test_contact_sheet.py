"""The contact sheet: a row for each clip, the dropped ones first and red, crops as a network sees them."""

import dataclasses
import re
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.support.builders import prepare_random
from trainables.core.faces.crops import resized
from trainables.core.prepared.stored import Dropped
from trainables.data.core.dataset import Dataset, Sample
from tuning.text.pictures import contact_sheet
from tuning.text.pictures.contact_sheet import SIDE, choose, draw, require_file, write
from tuning.text.pictures.lettering import Lettering

PINK, CREAM, RED = (253, 234, 234), (255, 248, 232), (190, 30, 40)
BORDER = 11  # px of the margin around what a network sees


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    """Twenty clips of 2 to 4 frames of noise."""
    return prepare_random(tmp_path_factory.mktemp("data"), num_subjects=10)


@pytest.fixture
def words(monkeypatch):
    """What is written, in turn, with its colour."""
    written, write_text = [], Lettering.write

    def noted(self, picture, text, left, baseline):
        written.append((text, self.colour))
        write_text(self, picture, text, left, baseline)

    monkeypatch.setattr(Lettering, "write", noted)
    return written


def with_dropped(prepared, num_dropped, reason="no face in any frame"):
    dropped = [Dropped(f"sad/X{number:03d}.mp4", reason) for number in range(num_dropped)]
    return dataclasses.replace(prepared, dropped=dropped)


def with_kept(prepared, num_clips):
    """The first clip so many times, under other names."""
    start, end = prepared.offsets[:2]
    return dataclasses.replace(
        prepared,
        clip_ids=[f"happy/{number:04d}" for number in range(num_clips)],
        subjects=["P"] * num_clips,
        labels=np.zeros(num_clips, np.int64),
        offsets=np.arange(num_clips + 1) * (end - start),
        frames=np.tile(prepared.frames[start:end], (num_clips, 1, 1, 1)),
        told=(),
    )


def dataset_of(prepared, path=Path("/data/clips/sad/X.mp4")):
    samples = [Sample(clip_id=clip.clip_id, label=1, subject="Xaver", paths=(path,)) for clip in prepared.dropped]
    return Dataset(name="random", classes=prepared.classes, samples=samples, folds=[], read=lambda sample: iter(()))


def drawn(prepared, frames=()):
    return draw(prepared, choose(prepared), dataset_of(prepared), frames)


def count(sheet, colour):
    return int((sheet == colour).all(-1).sum())


def place_of(sheet, picture):
    """Where `picture` is in `sheet`, `(x, y)`, pixel for pixel; `None` where it is not."""
    corner = np.ascontiguousarray(picture[:12, :12])
    _, _, (x, y), _ = cv2.minMaxLoc(cv2.matchTemplate(sheet, corner, cv2.TM_SQDIFF))
    return (x, y) if np.array_equal(sheet[y : y + len(picture), x : x + picture.shape[1]], picture) else None


def test_a_kept_clip_shows_what_a_network_sees_and_its_margin_pale(prepared, words):
    sheet = drawn(prepared)
    for frame in prepared.frames[:: len(prepared.frames) // 6]:
        crop = resized(frame, (SIDE, SIDE))
        inner = crop[BORDER:-BORDER, BORDER:-BORDER]
        assert place_of(sheet, crop) is None
        left, top = (place - BORDER for place in place_of(sheet, inner))
        margin = sheet[top : top + BORDER - 1, left : left + SIDE].astype(int)
        assert np.abs(margin - (255 - 0.32 * (255 - crop[: BORDER - 1].astype(int)))).max() <= 1
    texts = [text for text, _ in words]
    assert texts[:2] == ["happy/P00", "happy  ·  P00"]
    assert {*prepared.clip_ids} <= {*texts}
    assert texts[-3:-1] == ["random", "20 clips kept, 0 dropped; all are shown."]


def test_five_crops_of_a_longer_clip_are_evenly_spaced(prepared):
    frames = np.repeat(np.arange(0, 240, 20, dtype=np.uint8), 40 * 40 * 3).reshape(12, 40, 40, 3)
    one = dataclasses.replace(with_kept(prepared, 1), frames=frames, offsets=np.array([0, 12]))
    sheet = drawn(one)
    row = sheet[-24 - 9 - SIDE // 2]  # through the middle of the crops
    shades = [int(shade) for shade, length in runs(row[:, 0]) if length >= SIDE - 2 * BORDER]
    assert [shade for shade in shades if shade != 255] == [0, 60, 120, 160, 220]


def runs(values):
    edges = np.flatnonzero(np.diff(values)) + 1
    return [(part[0], len(part)) for part in np.split(values, edges)]


def test_a_dropped_clip_stands_first_and_is_red_with_its_frames_and_the_reason(prepared, words):
    some = with_dropped(prepared, 1, "/data/clips/sad/X.mp4: the face shows in 1 of 8 frames")
    frames = np.random.default_rng(1).integers(0, 256, (5, 70, SIDE, 3), np.uint8)
    sheet = drawn(some, [frames])
    assert all(place_of(sheet, frame) for frame in frames)
    assert count(sheet, PINK) > 10_000
    assert count(sheet, RED) > 5 * SIDE
    about, reason = words[1], " ".join(text for text, colour in words[2:5] if colour == RED)
    assert words[0] == ("sad/X000.mp4", RED)
    assert about[0] == "sad  ·  Xaver"
    assert reason == "dropped: X.mp4: the face shows in 1 of 8 frames"
    assert words[-2][0] == "20 clips kept, 1 dropped; all are shown."
    assert count(drawn(prepared), PINK) == 0


def test_a_clip_that_cannot_be_read_shows_the_reason_alone_on_all_of_its_row(prepared, words):
    some = with_dropped(with_kept(prepared, 1), 1, "not a readable video " * 6)
    sheet = drawn(some, [np.empty((0, SIDE, SIDE, 3), np.uint8)])
    written = [text for text, colour in words if colour == RED]
    assert len(written) == 3
    assert Lettering(size=14, colour=RED).width(written[1]) > 400
    assert count(sheet, PINK) > 0.85 * (SIDE + 18) * (sheet.shape[1] - 48)


def test_what_is_remarkable_is_told_and_set_off(prepared, words):
    told = [{"remarks": []} for _ in prepared.told]
    told[3] = {"remarks": ["more than one face (2)", "a face that lies on its side (88°)"]}
    assert count(drawn(prepared), CREAM) == 0
    sheet = drawn(dataclasses.replace(prepared, told=tuple(told)))
    assert count(sheet, CREAM) > 10_000
    assert "more than one face (2), a face that lies on" in [text for text, _ in words]


def test_many_clips_are_shown_in_part_and_said_to_be(prepared, words):
    many = with_dropped(with_kept(prepared, 1000), 300)
    choice = choose(many)
    assert (len(choice.kept), len(choice.dropped)) == (120, 120)
    assert (choice.kept[0], choice.kept[-1]) == (0, 999)
    assert {*np.diff(choice.kept)} == {8, 9}
    assert choice.dropped[-1].clip_id == "sad/X299.mp4"
    frames = [np.zeros((5, 84, SIDE, 3), np.uint8)] * 120
    sheet = draw(many, choice, dataset_of(many), frames)
    assert max(sheet.shape) <= 16_000
    assert 1 < sheet.shape[1] / sheet.shape[0] < 2
    assert words[-2][0] == "1,000 clips kept, 300 dropped; shown are 120 of 1,000 kept, 120 of 300 dropped."


@pytest.mark.parametrize(
    ("num_kept", "num_dropped", "shown"),
    [(20, 0, (20, 0)), (240, 0, (240, 0)), (241, 0, (240, 0)), (1000, 7, (233, 7)), (10, 500, (10, 230))],
)
def test_all_dropped_clips_are_shown_up_to_half_of_the_sheet(prepared, num_kept, num_dropped, shown):
    choice = choose(with_dropped(with_kept(prepared, num_kept), num_dropped))
    assert (len(choice.kept), len(choice.dropped)) == shown


def test_pictures_of_one_frame_take_the_room_of_one(prepared):
    one = with_kept(prepared, 1)
    single = dataclasses.replace(one, offsets=np.array([0, 1]), frames=one.frames[:1])
    assert drawn(one).shape[1] - drawn(single).shape[1] == (len(one.frames) - 1) * (SIDE + 6)


def test_drawn_faces_are_said_to_be_drawn(prepared, words):
    drawn(prepared)
    assert not [text for text, _ in words if "drawn" in text]
    drawn(dataclasses.replace(prepared, drawn=True))
    assert "These faces are drawn by a program." in [text for text, _ in words]


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".jpeg", ".webp", ".PNG"])
def test_each_format_is_written_whole_and_nothing_else(prepared, suffix, tmp_path):
    path = tmp_path / f"Bögen 张{suffix}"
    require_file(path)
    write(path, prepared, choose(prepared), dataset_of(prepared), ())
    assert list(tmp_path.iterdir()) == [path]
    found = cv2.cvtColor(cv2.imdecode(np.frombuffer(path.read_bytes(), np.uint8), cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)
    expected = drawn(prepared)
    assert found.shape == expected.shape
    assert np.abs(found.astype(int) - expected).mean() < (0.01 if suffix.lower() == ".png" else 6)


def test_a_sheet_that_cannot_be_finished_leaves_the_one_before(prepared, tmp_path, monkeypatch):
    path = tmp_path / "sheet.png"
    path.write_bytes(b"before")

    def full(self, data):
        self.touch()
        raise OSError(28, "No space left on device", str(self))

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OSError, match="No space left"):
        write(path, prepared, choose(prepared), dataset_of(prepared), ())
    assert list(tmp_path.iterdir()) == [path]
    assert path.read_bytes() == b"before"


@pytest.mark.parametrize("name", ["sheet.gif", "sheet", "sheet.png.txt"])
def test_another_ending_is_refused_with_what_is_allowed(name, tmp_path):
    ends = Path(name).suffix or "nothing"
    with pytest.raises(
        ValueError, match=re.escape(f"{name} ends in {ends}; ") + ".*--preview.*.png, .jpg, .jpeg, .webp"
    ):
        require_file(tmp_path / name)


def test_a_place_where_no_file_can_be_written_is_refused(tmp_path, monkeypatch):
    with pytest.raises(ValueError, match=r"There is no folder .*there to write"):
        require_file(tmp_path / "there" / "sheet.png")
    (tmp_path / "folder.png").mkdir()
    with pytest.raises(ValueError, match=r"folder\.png is a folder; --preview needs a file"):
        require_file(tmp_path / "folder.png")

    def refuse(**given):
        raise PermissionError(13, "Permission denied", given["dir"])

    monkeypatch.setattr(contact_sheet.tempfile, "TemporaryFile", refuse)
    with pytest.raises(ValueError, match=r"cannot be written in .* \(Permission denied\)"):
        require_file(tmp_path / "sheet.png")
