"""Looking for a layout on a disk stays within bounds, whatever folder was given."""

import pytest

from tests.support import trees
from trainables.core import lookup
from trainables.data import ck_plus, oulu_casia
from trainables.data.core.dataset import DataError
from trainables.data.core.finding import list_folders
from trainables.data.core.layout import MAX_BRANCHES, MAX_DEPTH, find_parts, levels_below, listed, outermost


def test_folders_come_level_by_level_in_natural_order_and_hidden_ones_not_at_all(tmp_path):
    for name in ("b 10", "b 2/inner", ".hidden", "__MACOSX"):
        (tmp_path / name).mkdir(parents=True)
    levels = [[folder.name for folder in level] for level in levels_below(tmp_path)]
    assert levels[1:3] == [["b 2", "b 10"], ["inner"]]


def test_the_search_ends_at_a_depth_and_leaves_crowded_folders_out(tmp_path):
    deep = tmp_path.joinpath(*"abcdefg")
    deep.mkdir(parents=True)
    crowded = tmp_path / "crowded"
    for number in range(MAX_BRANCHES + 1):
        (crowded / str(number)).mkdir(parents=True)
    seen = [folder for level in levels_below(tmp_path) for folder in level]
    assert crowded in seen
    assert crowded / "7" not in seen
    assert max(len(folder.relative_to(tmp_path).parts) for folder in seen) == MAX_DEPTH


def test_the_nearest_copy_is_taken(tmp_path):
    for place in ("deep/er/target", "near/target"):
        (tmp_path / place).mkdir(parents=True)
    found = find_parts(tmp_path, lambda folder: ("x",) if folder.name == "target" else (), ("x",), "a target")
    assert found["x"] == [tmp_path / "near" / "target"]


def test_a_folder_inside_the_layout_is_known_by_its_name_alone(tmp_path):
    (tmp_path / "data" / "VL" / "P001").mkdir(parents=True)
    assert outermost(tmp_path / "data" / "VL" / "P001", r"VL|P\d+") == tmp_path / "data"
    assert outermost(tmp_path / "data", r"VL|P\d+") == tmp_path / "data"


def test_long_lists_are_cut():
    assert listed(["a", "b"]) == "a, b"
    assert listed(list("abcde")) == "a, b, c and 2 more"


def test_a_closed_folder_beside_the_layout_is_passed_over(tmp_path, closed):
    (tmp_path / "private").mkdir()
    (tmp_path / "z" / "target").mkdir(parents=True)
    closed(tmp_path / "private")
    found = find_parts(tmp_path, lambda at: ("x",) if at.name == "target" and not list_folders(at) else (), ("x",), "t")
    assert found["x"] == [tmp_path / "z" / "target"]
    ck_plus.load(closed(trees.ck_plus(tmp_path / "ck") / "private").parent)
    oulu_casia.load(closed(trees.oulu_casia(tmp_path / "oulu") / "VL" / "private").parents[1])


@pytest.mark.parametrize("name", sorted(trees.BUILDERS))
def test_a_closed_root_is_named_with_the_reason(tmp_path, closed, name):
    root = closed(trees.BUILDERS[name](tmp_path / "root"))
    with pytest.raises(DataError, match=r"root: this folder cannot be read \(Permission denied\)"):
        lookup.load("trainables.data", name, "data set").load(root)


@pytest.mark.parametrize(
    ("name", "inside"),
    [
        ("ck_plus", "cohn-kanade-images/S012"),
        ("ck_plus", "Emotion/S012/001"),
        ("oulu_casia", "VL/Strong/P003"),
        ("baum1s", "BAUM1s_MP4 - All/s003"),
        ("rml", "s3"),
    ],
)
def test_a_closed_folder_inside_the_layout_is_named_rather_than_left_out(tmp_path, closed, name, inside):
    closed(trees.BUILDERS[name](tmp_path / "root") / inside)
    with pytest.raises(DataError, match=rf"root/{inside}: this folder cannot be read \(Permission denied\)"):
        lookup.load("trainables.data", name, "data set").load(tmp_path / "root")
