"""`prepare`: with `--preview` a contact sheet, of data that was found again too; refused before anything is cropped."""

import json
import shutil

import cv2
import numpy as np
import pytest

from tests.support.command import call
from tests.support.stub_faces import StubFinder
from tests.support.trees import write_image
from trainables.core.prepared import cache
from tuning.prepare import prepare
from tuning.text.pictures.lettering import Lettering

PINK = (253, 234, 234)
PEOPLE = ("Zoë", "张伟", "Ben")


@pytest.fixture
def clips(tmp_path, monkeypatch):
    """Three people in two classes, and one clip more of each class that shows no face or has no frame."""
    monkeypatch.setenv("FERTUNE_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(cache, "finder_for", lambda faces, cropping: StubFinder())
    root = tmp_path / "clips"
    for name in ("happy", "sad"):
        for shade, person in enumerate(PEOPLE, start=1):
            for frame in range(3):
                write_image(root / name / f"{person}_1" / f"{frame}.png", np.full((40, 40, 3), 50 * shade, np.uint8))
    write_image(root / "happy" / "Ben_black" / "1.png", np.zeros((20, 40, 3), np.uint8))
    (root / "sad" / "Ben_empty").mkdir()
    return root


def test_a_sheet_shows_kept_and_dropped_clips_under_their_names(clips, tmp_path, monkeypatch):
    written, write = [], Lettering.write
    monkeypatch.setattr(
        Lettering,
        "write",
        lambda self, picture, text, *place: (written.append(text), write(self, picture, text, *place)),
    )
    sheet = tmp_path / "sheet.png"
    prepared = prepare("clip_folder", clips, preview=sheet)
    assert len(prepared.dropped) == 2
    assert {*prepared.clip_ids, "happy/Ben_black", "sad/Ben_empty", "happy  ·  Zoë", "sad  ·  张伟"} <= {*written}
    assert "dropped: no face in any frame" in written
    assert "6 clips kept, 2 dropped; all are shown." in written
    picture = cv2.cvtColor(cv2.imread(str(sheet)), cv2.COLOR_BGR2RGB)
    assert (picture == 0).all(-1).sum() == 56 * 112  # the frame of the black clip, whole
    assert (picture == PINK).all(-1).any()


def test_data_that_was_prepared_before_gets_the_same_sheet(clips, tmp_path, monkeypatch):
    prepare("clip_folder", clips, preview=tmp_path / "first.png")
    monkeypatch.setattr(StubFinder, "crop_clip", lambda *given: pytest.fail("nothing is cropped again"))
    prepare("clip_folder", clips, preview=str(tmp_path / "again.png"))
    assert (tmp_path / "first.png").read_bytes() == (tmp_path / "again.png").read_bytes()


def test_the_command_tells_where_the_sheet_is(clips, tmp_path):
    asked = ["prepare", "clip_folder", "--data-root", clips, "--preview", tmp_path / "sheet.webp"]
    assert call(*asked).stdout.splitlines()[-1] == f"Contact sheet: {tmp_path / 'sheet.webp'}"
    assert (tmp_path / "sheet.webp").stat().st_size > 1000
    assert json.loads(call(*asked, "--json").stdout)["preview"] == str(tmp_path / "sheet.webp")
    without = call(*asked[:-2], "--json").stdout
    assert json.loads(without)["preview"] is None
    assert "Contact sheet" not in call(*asked[:-2]).stdout


@pytest.mark.parametrize(
    ("preview", "message"),
    [
        ("sheet.gif", "sheet.gif ends in .gif; a contact sheet (--preview) is written to .png, .jpg, .jpeg, .webp."),
        ("missing/sheet.png", "missing to write the contact sheet to: make it, or choose another."),
    ],
)
def test_a_sheet_that_cannot_be_written_is_refused_before_anything_is_cropped(clips, tmp_path, preview, message):
    done = call("prepare", "clip_folder", "--data-root", clips, "--preview", tmp_path / preview)
    assert done.exit_code == 2
    assert done.stderr.count("\n") == 1
    assert message in done.stderr
    assert not (tmp_path / "home").exists()


def test_clusters_are_shown_in_the_place_of_people_and_told_as_data(clips, tmp_path, monkeypatch):
    for folder in ("happy", "sad"):
        for path in [path for path in (clips / folder).iterdir() if path.name.startswith("Ben_")]:
            shutil.rmtree(path)
        for place in range(6):
            write_image(clips / folder / f"film{place}" / "1.png", np.full((40, 40, 3), 20 * place + 9, np.uint8))
    written, write = [], Lettering.write
    monkeypatch.setattr(
        Lettering,
        "write",
        lambda self, picture, text, *place: (written.append(text), write(self, picture, text, *place)),
    )
    asked = ["prepare", "clip_folder", "--data-root", clips, "--cluster-by", r"pattern:(film\d)"]
    told = call(*asked, "--preview", tmp_path / "sheet.png")
    assert r"kept 16 of 16 clips, 8 clusters by pattern:(film\d), 2 classes" in told.stderr + told.stdout
    assert {"happy  ·  Zoë", "happy  ·  cluster film0"} <= {*written}
    data = json.loads(call(*asked, "--json").stdout)
    assert data["clusters"] == {f"cluster film{place}": 2 for place in range(6)}
    assert data["people"] == {"Zoë": 2, "张伟": 2}
    assert data["cluster_by"] == r"pattern:(film\d)"
