"""Drawn people who move through a wide picture."""

import json

import numpy as np
import pytest

from drawing.__main__ import main
from drawing.scenes import SCENES, draw_scene
from trainables.data import clip_folder
from trainables.data.core.video import read_video


@pytest.mark.parametrize("name", SCENES)
def test_a_scene_has_its_frames_and_tells_where_its_faces_are(name):
    scene = draw_scene(name, num_frames=6, height=120)
    height, width = (214, 120) if name == "lies" else (120, 214)
    assert (scene.frames.shape, scene.frames.dtype) == ((6, height, width, 3), np.uint8)
    there = scene.faces[~np.isnan(scene.faces[..., 0])]
    assert len(there)
    assert ((there[:, :2] > 0) & (there[:, :2] < [width, height])).all()
    skin = [scene.frames[t, int(y), int(x)] for p in scene.faces for t, (x, y, _) in enumerate(p) if x == x]
    assert all(int(red) > int(blue) for red, _, blue in skin)


def test_the_head_that_walks_goes_four_of_its_widths():
    (face,) = draw_scene("walks").faces
    assert (face[-1, 0] - face[0, 0]) / face[0, 2] >= 4


def test_the_same_seed_is_the_same_scene_and_another_has_others():
    first, again, other = (draw_scene("two people", seed=seed, num_frames=2, height=96).frames for seed in (0, 0, 1))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_all_scenes_are_written_as_clips_of_drawn_people(tmp_path):
    assert main(["--scenes", str(tmp_path / "d"), "--frames", "4", "--size", "96"]) == 0
    dataset = clip_folder.load(tmp_path / "d")
    assert dataset.drawn
    assert len(dataset.samples) == len({sample.subject for sample in dataset.samples}) == len(SCENES)
    assert len(list(read_video(dataset.samples[0].paths[0]))) == 4
    assert json.loads((tmp_path / "d" / "DRAWN.json").read_text())["layout"] == "scenes"


def test_another_folder_is_not_drawn_over(tmp_path, capsys):
    (tmp_path / "mine.txt").write_text("words")
    assert main(["--scenes", str(tmp_path)]) == 2
    assert "was not drawn here" in capsys.readouterr().err
