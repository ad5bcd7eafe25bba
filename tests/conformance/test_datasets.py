"""What every data set promises, whichever it is: each file in trainables/data/ is tested here by being there.

It is tested on a tree of its files: that of a builder in tests/support/trees.py, of its own `EXAMPLE`, or of the layout of
its name in drawing/layouts/. What it must have stands in the docstring of `trainables/data/`.
"""

import json
from pathlib import Path

import numpy as np
import pytest

from tests.support.trees import BUILDERS, image, write_example
from trainables.core import lookup
from trainables.data.core.dataset import DataError, Dataset, require_disjoint

NAMES = lookup.names("trainables.data")


def reader(name: str):
    return lookup.load("trainables.data", name, "data set")


def tree_of(name: str) -> str:
    """What a data set is tested on."""
    if name in BUILDERS:
        return "builder"
    return "example" if hasattr(reader(name), "EXAMPLE") else "layout"


@pytest.fixture(scope="module", params=[pytest.param(name, id=f"{name}-{tree_of(name)}") for name in NAMES])
def loaded(request, tmp_path_factory) -> tuple[Path, Dataset]:
    """A tree of each data set, and what its reader makes of it."""
    name = request.param
    root = tmp_path_factory.mktemp(name) / "my copy [1]"
    if tree_of(name) == "builder":
        BUILDERS[name](root)
    elif tree_of(name) == "example":
        write_example(root, reader(name).EXAMPLE)
    elif name in lookup.names("drawing.layouts"):
        lookup.load("drawing.layouts", name, "layout").write(root)
    else:
        pytest.fail(f"{name} has neither an `EXAMPLE` of its files nor a layout in drawing/layouts/ to test it on")
    return root, reader(name).load(root)


def test_it_tells_its_name_and_its_classes_in_lower_case(loaded):
    _, dataset = loaded
    assert dataset.name in NAMES
    assert len(dataset.classes) == len(set(dataset.classes)) >= 2
    assert all(name == name.strip().lower() for name in dataset.classes)
    assert all(isinstance(note, str) for note in dataset.notes)
    assert len(reader(dataset.name).__doc__.split("\n")[0]) > 10, "it says what layout it reads"


def test_clips_have_distinct_ids_known_classes_and_files_below_the_root(loaded):
    root, dataset = loaded
    assert len({sample.clip_id for sample in dataset.samples}) == len(dataset.samples) > 0
    assert {sample.label for sample in dataset.samples} <= set(range(len(dataset.classes)))
    for sample in dataset.samples:
        assert sample.paths
        assert all(path.is_file() and path.is_relative_to(root) for path in sample.paths)
        assert not any(path.name.startswith(".") for path in sample.paths)


def test_folds_are_whole_and_disjoint_by_subject(loaded):
    _, dataset = loaded
    subjects = [sample.subject or sample.clip_id for sample in dataset.samples]
    assert dataset.folds
    for fold in dataset.folds:
        for part in (fold.train, fold.validation, fold.test):
            assert part
            assert set(part) <= set(range(len(subjects)))
        require_disjoint(fold, subjects, number=0)
    tested = [index for fold in dataset.folds for index in fold.test]
    assert len(tested) == len(set(tested))


def test_every_clip_reads_as_rgb_frames(loaded):
    _, dataset = loaded
    for sample in dataset.samples[:: max(len(dataset.samples) // 10, 1)]:
        frames = list(dataset.read(sample))
        assert frames
        for frame in frames:
            assert (frame.dtype, frame.ndim, frame.shape[2]) == (np.uint8, 3, 3)


def test_loading_twice_gives_the_same(loaded):
    root, dataset = loaded
    again = reader(dataset.name).load(root)
    assert (again.samples, again.folds, again.notes) == (dataset.samples, dataset.folds, dataset.notes)


def test_it_is_known_whether_the_faces_are_drawn(loaded):
    root, dataset = loaded
    assert dataset.drawn == (root / "DRAWN.json").exists()


@pytest.mark.parametrize("name", sorted(set(NAMES) & set(BUILDERS) - {"clip_folder", "drawn_faces"}))
def test_the_root_may_lie_above_the_data_and_a_marker_is_found_from_there(name, tmp_path):
    place = BUILDERS[name](tmp_path / "downloads" / "new folder (2)")
    (tmp_path / "downloads" / "empty").mkdir()
    dataset = reader(name).load(place)
    assert not dataset.drawn
    (place / "DRAWN.json").write_text(json.dumps({}))
    for root in (place, tmp_path / "downloads", tmp_path):
        found = reader(name).load(root)
        assert [sample.clip_id for sample in found.samples] == [sample.clip_id for sample in dataset.samples]
        assert found.folds == dataset.folds
        assert found.drawn


@pytest.mark.parametrize("name", NAMES)
def test_what_is_no_copy_of_it_is_told_with_what_is_expected(name, tmp_path):
    """A missing root, an empty one, a file, and a folder of something else."""
    (tmp_path / "empty").mkdir()
    (tmp_path / "file.csv").write_text("x")
    image(tmp_path / "other" / "holiday" / "beach.JPG")
    (tmp_path / "other" / "notes.txt").write_text("x")
    for root, problem in (("missing", "no such folder"), ("empty", ""), ("file.csv", "is a file"), ("other", "")):
        with pytest.raises(DataError, match=rf"(?s){root}.*{problem}.*(Expected|needed|missing)"):
            reader(name).load(tmp_path / root)
