"""Two trials of one phase are the same work where they train the same."""

import dataclasses

import pytest
from ray import tune

from search_spaces.core.study import Study
from tests.support.builders import make_trial
from tuning.records.ledger import Ledger
from tuning.records.trial import configuration_of, identity

STUDY = Study(
    trainable="res_rbg",
    dataset="drawn_faces",
    registered_model="demo",
    parameters={"rbg_depth": tune.choice([0, 1])},
    settings={"epochs": 3},
)
GIVEN = make_trial(1, trial_id="", phase="confirm", of="search-0001", parameters={"lr": 0.1, "rbg_depth": 0})


def test_the_same_work_has_the_same_identity_before_and_after_the_disk(tmp_path):
    with Ledger.write(tmp_path) as ledger:
        ledger.start(dataclasses.replace(GIVEN, trial_id="confirm-0000"))
    stored = Ledger.read(tmp_path).trials["confirm-0000"]
    assert identity(STUDY, stored) == identity(STUDY, GIVEN)
    assert hash(identity(STUDY, stored)) == hash(identity(STUDY, GIVEN))


@pytest.mark.parametrize(
    "written",
    [
        {"rbg_depth": 0, "lr": 0.1},
        {"lr": 0.1, "rbg_depth": 0, "shortcut": "linear"},
        {"lr": 0.1, "rbg_depth": 0, "epochs": 3, "recurrent": "bi_gru"},
    ],
)
def test_how_a_configuration_is_written_down_plays_no_part(written):
    assert identity(STUDY, dataclasses.replace(GIVEN, parameters=written)) == identity(STUDY, GIVEN)


@pytest.mark.parametrize(
    "change",
    [
        {"seed": 9},
        {"of": "search-0002"},
        {"variant": "blind"},
        {"folds": (1,)},
        {"num_epochs": 2},
        {"parameters": {"lr": 0.1, "rbg_depth": 1}},
        {"parameters": {"lr": 0.1}},
    ],
)
def test_other_work_has_another_identity(change):
    assert identity(STUDY, dataclasses.replace(GIVEN, **change)) != identity(STUDY, GIVEN)


def test_a_champion_from_elsewhere_is_told_by_its_own_trainable():
    whole = {"temporal": "mean", "gru_hidden": 8}
    one = dataclasses.replace(GIVEN, trainable="tdrag", parameters=whole)
    assert configuration_of(STUDY, one) == configuration_of(
        STUDY, dataclasses.replace(one, parameters={"temporal": "mean"})
    )
    assert configuration_of(STUDY, one) != configuration_of(STUDY, dataclasses.replace(one, trainable="res_rbg"))


def test_what_can_no_longer_be_trained_is_told_by_its_parameters():
    gone = dataclasses.replace(GIVEN, parameters={"removed": 1})
    assert identity(STUDY, gone) == identity(STUDY, dataclasses.replace(gone))
    assert identity(STUDY, gone) != identity(STUDY, dataclasses.replace(gone, parameters={"removed": 2}))


@pytest.mark.parametrize(("epochs", "told"), [([], 0), ([1, 2, 3], 3), ([3, 4], 0), ([1, 2, 5], 2)])
def test_the_epochs_of_its_curve_are_told_up_to_the_first_gap(epochs, told):
    trial = make_trial(0, curve=[{"epoch": epoch} for epoch in epochs])
    assert trial.epochs_told == told
