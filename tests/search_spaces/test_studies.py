"""The study files of the published systems: what they quote, vary and cost; how their data is drawn, cut and named."""

import dataclasses
import json

import pytest

from search_spaces.core.study import load_study
from tests.support.builders import prepare_random
from trainables.core.prepared.splits import load_splits, make_splits
from trainables.data.core.dataset import DataError
from trainables.res_rbg import PRESETS
from tuning.evidence.champion import registered_name
from tuning.evidence.contest import Refused
from tuning.execution.preparation import draw
from tuning.execution.study_data import cut
from tuning.promote import promote_winner

ROWS = ("baseline", "random_masking", "bi_gru", "rbg", "eca", "full")


# What they vary


def test_the_published_systems_have_their_studies():
    expected = {
        "res_rbg_ck_plus": ("res_rbg", "ck_plus"),
        "res_rbg_oulu_casia": ("res_rbg", "oulu_casia"),
        "tdrag_dfew": ("tdrag", "dfew"),
        "deep_residual_attention_baum1s": ("deep_residual_attention", "baum1s"),
        "deep_residual_attention_rml": ("deep_residual_attention", "rml"),
        "static_cnn_fer2013": ("static_cnn", "fer2013"),
        "res_rbg_depth": ("res_rbg", "ck_plus"),
        "res_rbg_width": ("res_rbg", "ck_plus"),
        "res_rbg_components": ("res_rbg", "ck_plus"),
        "tdrag_components": ("tdrag", "dfew"),
    }
    for name, (trainable, dataset) in expected.items():
        study = load_study(name)
        assert (study.trainable, study.dataset, study.registered_model) == (trainable, dataset, dataset), name


@pytest.mark.parametrize("name", ["res_rbg_ck_plus", "res_rbg_oulu_casia"])
def test_res_rbg_is_searched_over_what_its_authors_vary(name):
    study = load_study(name)
    assert set(study.parameters) == {"rbg_depth", "gru_hidden", "attention", "masking_rate"}
    first = {**study.settings, **study.first_points[0]}
    assert {key: first[key] for key in PRESETS["paper_64m"] if key in first}.items() <= PRESETS["paper_64m"].items()


@pytest.mark.parametrize("name", ["res_rbg_components", "res_rbg_components_drawn", "res_rbg_components_smiles"])
def test_the_rows_of_the_ablation_are_those_of_the_trainable_whatever_the_data(name):
    study = load_study(name)
    assert tuple(study.design.variants) == ROWS
    differing = {key for row in ROWS for key in PRESETS[row] if PRESETS[row][key] != PRESETS["full"][key]}
    for row, changes in study.design.variants.items():
        assert {key: PRESETS[row][key] for key in differing}.items() <= dict(changes).items()


def test_at_full_size_each_row_is_its_preset():
    study = load_study("res_rbg_components")
    for row, changes in study.design.variants.items():
        config = {**study.settings, **changes}
        assert PRESETS[row].items() <= {"temporal": "gru", **config}.items(), row


def test_what_is_quoted_is_what_the_papers_print():
    rows = load_study("res_rbg_components").published
    assert [rows[row]["accuracy"] for row in ROWS] == [0.9690, 0.9728, 0.9736, 0.9739, 0.9777, 0.9810]
    rows = load_study("res_rbg_components_oulu_casia").published
    assert [rows[row]["accuracy"] for row in ROWS] == [0.8632, 0.8661, 0.8687, 0.8691, 0.8776, 0.8864]
    assert load_study("res_rbg_ck_plus").published["PPDN"] == {"accuracy": 0.9930}
    assert load_study("static_cnn_fer2013").published["resnet50"] == {"accuracy": 0.6946}


# Data: drawn or given


def test_a_study_of_real_data_is_drawn_in_a_smoke_run_alone(tmp_path, monkeypatch):
    drawn = []
    for layout in ("ck_plus", "drawn_faces"):
        monkeypatch.setattr(f"drawing.layouts.{layout}.write", lambda root, **settings: drawn.append(settings))
    study = load_study("res_rbg_ck_plus")
    with pytest.raises(DataError, match=r"--data-root DIR, or .* with --smoke"):
        draw(study, tmp_path)
    assert not drawn
    assert draw(study.smoked(), tmp_path) == tmp_path / "drawn" / "res_rbg_ck_plus-smoke"
    assert draw(load_study("demo"), tmp_path) == tmp_path / "drawn" / "demo"
    assert [settings["num_subjects"] for settings in drawn] == [8, 50]
    undrawn = dataclasses.replace(load_study("smiles"), drawing={}).smoked()
    with pytest.raises(DataError, match=r"clip_folder: give its folder with --data-root DIR\.$"):
        draw(undrawn, tmp_path)


# Folds


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    return prepare_random(tmp_path_factory.mktemp("studies"), num_subjects=15, num_folds=5)


def study_of(name="x", **changes):
    return dataclasses.replace(load_study("smiles"), name=name, **changes)


def test_a_search_locks_subjects_away_and_an_ablation_has_the_whole_protocol(prepared, tmp_path):
    searched = cut(study_of(), prepared, tmp_path / "search.json")
    assert searched.holdout
    compared = cut(load_study("res_rbg_components_smiles"), prepared, tmp_path / "ablation.json")
    assert compared.holdout == ()
    assert compared.folds == tuple(prepared.folds)
    for number, fold in enumerate(prepared.folds):
        assert compared.view("ablation", number) == fold


def test_a_study_that_asks_for_another_cut_than_it_began_with_is_refused(prepared, tmp_path):
    path = tmp_path / "splits.json"
    cut(study_of(), prepared, path)
    assert cut(study_of(), prepared, path) == load_splits(path)
    with pytest.raises(ValueError, match=r"begun with the published folds and a locked holdout, .* dealt at random"):
        cut(study_of(folds="random_leaky"), prepared, path)
    with pytest.raises(ValueError, match="and no holdout now"):
        cut(load_study("res_rbg_components_smiles"), prepared, path)


def test_folds_that_share_a_subject_stop_a_study_when_cut_and_when_loaded(prepared, tmp_path):
    fold = prepared.folds[0]
    leaking = dataclasses.replace(fold, test=(*fold.test, fold.train[0]), train=fold.train[1:])
    subject = prepared.subjects[fold.train[0]]
    with pytest.raises(DataError, match=rf"Subject '{subject}' is in the train part and in the test part of fold 0"):
        make_splits(dataclasses.replace(prepared, folds=[leaking]), salt="test", holdout_share=0.0)
    path = tmp_path / "splits.json"
    good = cut(study_of(), prepared, path)
    stored = json.loads(path.read_text())
    stored["folds"][1]["train"].append(stored["holdout"][0])
    path.write_text(json.dumps(stored))
    with pytest.raises(DataError, match="is in the holdout and in the train part of fold 1"):
        cut(study_of(), prepared, path)
    assert not good.leaky


def test_a_random_cut_by_clip_is_asked_for_by_name_and_marked(prepared, tmp_path):
    splits = cut(study_of(folds="random_leaky"), prepared, tmp_path / "splits.json")
    assert splits.leaky
    assert load_splits(tmp_path / "splits.json").leaky
    assert len(splits.folds) == len(prepared.folds)
    fold = splits.folds[0]
    subjects = [{prepared.subjects[index] for index in part} for part in (fold.train, fold.test)]
    assert subjects[0] & subjects[1], "it does leak, that is what the name says"
    parts = [*fold.train, *fold.validation, *fold.test, *splits.holdout]
    assert sorted(parts) == list(range(len(prepared)))


# What may be promoted


class FakeRunner:
    def __init__(self, study, splits):
        self.study, self.splits = study, splits


def test_nothing_leaky_and_no_ablation_is_promoted(prepared, tmp_path):
    leaky = study_of(folds="random_leaky")
    with pytest.raises(Refused, match=r"`random_leaky`.*nothing of it is promoted"):
        promote_winner(FakeRunner(leaky, cut(leaky, prepared, tmp_path / "leaky.json")))
    ablation = load_study("res_rbg_components_smiles")
    with pytest.raises(Refused, match="is an ablation"):
        promote_winner(FakeRunner(ablation, cut(ablation, prepared, tmp_path / "ablation.json")))


def test_a_model_of_imitated_data_does_not_get_the_name_of_the_data(prepared):
    drawn = dataclasses.replace(prepared, drawn=True)
    assert registered_name(load_study("res_rbg_ck_plus"), prepared) == "ck_plus"
    assert registered_name(load_study("res_rbg_ck_plus"), drawn) == "ck_plus-drawn"
    assert registered_name(load_study("demo"), drawn) == "demo"
