"""The folds that a study was begun with are those that it goes on with, or it does not go on."""

import dataclasses

import pytest
from ray import tune

from tests.support.ablation_driver import study_of
from tests.support.builders import prepare_random
from trainables.core.prepared.splits import HOLDOUT_SHARE
from trainables.data.core.dataset import DataError
from tuning.execution.preparation import cut


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    return prepare_random(tmp_path_factory.mktemp("data"), num_subjects=10)


def search_of(**changes):
    return study_of(design=None, parameters={"lr": tune.loguniform(1e-4, 1e-2)}, **changes)


def test_a_search_locks_a_fifth_of_the_subjects_away_and_an_ablation_nobody(prepared, tmp_path):
    searched, compared = (
        cut(study, prepared, tmp_path / f"{study.design is None}") for study in (search_of(), study_of())
    )
    locked = {prepared.subject_ids[index] for index in searched.holdout}
    assert len(locked) == round(HOLDOUT_SHARE * 10)
    assert compared.holdout == ()
    assert list(compared.folds) == prepared.folds


def test_what_was_cut_is_found_again(prepared, tmp_path):
    first = cut(search_of(), prepared, tmp_path / "splits.json")
    assert cut(search_of(seed=9), prepared, tmp_path / "splits.json") == first
    assert cut(search_of(seed=9), prepared, tmp_path / "others.json") != first


def test_folds_of_other_data_are_refused(prepared, tmp_path):
    cut(search_of(), prepared, tmp_path / "splits.json")
    others = dataclasses.replace(prepared, fingerprint="0" * 64)
    with pytest.raises(
        DataError, match=f"begun on other data .fingerprint {prepared.fingerprint[:12]}, now 000000000000"
    ):
        cut(search_of(), others, tmp_path / "splits.json")


@pytest.mark.parametrize(
    ("now", "message"),
    [
        (study_of(), "the published folds and a locked holdout, and is to have the published folds and no holdout now"),
        (search_of(folds="random_leaky"), "is to have folds dealt at random by clip and a locked holdout now"),
    ],
)
def test_a_study_that_asks_for_other_folds_by_now_is_refused(prepared, tmp_path, now, message):
    cut(search_of(), prepared, tmp_path / "splits.json")
    with pytest.raises(ValueError, match=message):
        cut(now, prepared, tmp_path / "splits.json")
