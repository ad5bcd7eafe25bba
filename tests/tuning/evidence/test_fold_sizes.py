"""The folds that a plan reckons with, before their data are prepared."""

import pytest

from drawing.layouts import drawn_faces
from tests.support.ablation_driver import study_of
from tests.support.trees import image
from tuning.evidence.fold_sizes import fold_sizes


@pytest.mark.slow
def test_the_folds_of_drawn_faces_are_foreseen(tmp_path):
    study = study_of(drawing={"num_subjects": 10, "classes": ("happiness", "surprise"), "num_frames": 2, "size": 32})
    foreseen = fold_sizes(study, tmp_path)
    drawn_faces.write(tmp_path / "drawn" / study.name, **study.drawing)
    read = fold_sizes(study, tmp_path)
    assert [(one.num_train, one.num_test, len(one.subjects)) for one in foreseen] == [(12, 4, 2)] * 5
    assert [(one.num_train, one.num_test, len(one.subjects)) for one in read] == [(12, 4, 2)] * 5
    assert len(frozenset().union(*[one.subjects for one in read])) == 10


def test_leaky_folds_test_a_subject_in_several(tmp_path):
    drawing = {"num_subjects": 6, "classes": ("happiness", "surprise"), "num_frames": 2, "size": 32}
    study = study_of(folds="random_leaky", drawing=drawing)
    drawn_faces.write(tmp_path / "drawn" / study.name, **study.drawing)
    read = fold_sizes(study, tmp_path)
    assert sum(one.num_test for one in read) == 12
    assert sum(len(one.subjects) for one in read) > 6


def test_folds_by_clusters_are_counted_as_they_will_be_cut(tmp_path):
    for n in range(24):
        image(tmp_path / "clips" / ("happy", "sad")[n % 2] / f"film{n // 4}-{n}" / "1.png", value=n)
    study = study_of(dataset="clip_folder")
    read = fold_sizes(study, tmp_path, tmp_path / "clips", r"pattern:(film\d)")
    assert len(read) == 5
    assert frozenset().union(*(one.subjects for one in read)) == {f"cluster film{n}" for n in range(6)}
    (tmp_path / "net.safetensors").write_bytes(b"")
    unknown = fold_sizes(study, tmp_path, tmp_path / "clips", f"faces:{tmp_path / 'net.safetensors'}")
    assert [one.subjects for one in unknown] == [None] * 5, "faces are not seen yet"
    assert sum(one.num_test for one in unknown) == 24
