"""Whether a search found anything better than its baselines."""

import dataclasses
import shutil

import pandas as pd
import pytest

from tests.support.builders import make_trial
from tests.support.sample_study import write_baselines, write_predictions
from tuning.evidence.baselines import _difference, verdict
from tuning.records.ledger import Ledger
from tuning.statistics.intervals import paired_difference
from tuning.statistics.pairing import judged


@pytest.fixture
def searched(tmp_path):
    """Writes a study whose regression and whose only trial are right as often as is asked; returns its ledger."""

    def write(baseline: float | None, trial: float) -> Ledger:
        with Ledger.write(tmp_path / "smiles") as ledger:
            ledger.open_study(design=None)
            if baseline is not None:
                write_baselines(ledger, baseline)
            one = make_trial(1)
            ledger.start(one)
            accuracy = write_predictions(ledger.folder, one, trial, num_subjects=16, split="validation")
            ledger.end(one.trial_id, "FINISHED", {"accuracy": accuracy})
        return Ledger.read(tmp_path / "smiles")

    return write


def test_a_search_that_a_baseline_beats_says_so(searched):
    found = searched(0.9, 0.4)
    baseline, trial = found.baselines[1].accuracy, found.trials["search-0001"].metrics["accuracy"]
    said = verdict(found)
    assert said.startswith(
        f"A logistic regression (frozen features of expression_net (face_api)) has {100 * baseline:.1f} %; the best of "
        f"1 trial, search-0001, has {100 * trial:.1f} %. No trial is better: the difference is "
        f"{100 * (trial - baseline):+.1f} ("
    )
    assert said.endswith("points, 95 % interval over people and seeds.")


def test_where_it_is_better_by_less_than_chance_it_says_that(searched):
    found = searched(0.7, 0.8)
    assert found.trials["search-0001"].metrics["accuracy"] > found.baselines[1].accuracy
    assert "That it is better may be chance: the difference is +" in verdict(found)


def test_the_difference_counts_the_seed_of_the_trial_and_that_of_the_network(searched):
    found = searched(0.7, 0.8)
    trial, regression = found.trials["search-0001"], found.baselines[1]
    plain = paired_difference(*_answers(found, trial, regression))
    one = _difference(found, trial, regression)
    assert one.low < plain.low < plain.high < one.high
    shutil.copytree(found.trial_folder(regression.folder), found.trial_folder("baseline-plain_network"))
    two = _difference(found, trial, dataclasses.replace(regression, name="plain_network"))
    assert two.low < one.low


def _answers(ledger, trial, baseline):
    ours, theirs = (
        judged(ledger.trial_folder(name) / "predictions.parquet") for name in (trial.trial_id, baseline.folder)
    )
    return ours["correct"], theirs["correct"], ours["subject_id"].tolist()


@pytest.mark.parametrize("baseline", [0.3, None], ids=["clearly better", "no baselines"])
def test_else_nothing_is_said(searched, baseline):
    assert verdict(searched(baseline, 0.95)) == ""


def test_nothing_is_said_of_an_ablation_and_before_a_trial_has_ended(searched, tmp_path):
    with Ledger.write(tmp_path / "smiles") as ledger:
        ledger.open_study(design=None)
        write_baselines(ledger, 0.9)
        assert verdict(ledger) == ""
    found = searched(None, 0.4)
    assert verdict(found)
    found.study["design"] = {"reference": "base"}
    assert verdict(found) == ""


def test_without_predictions_the_figures_alone_are_compared(searched):
    found = searched(0.9, 0.4)
    shutil.rmtree(found.trial_folder("baseline-logistic_regression"))
    assert verdict(found).endswith("Their predictions cannot be compared clip by clip.")
    found = searched(0.3, 0.95)
    shutil.rmtree(found.trial_folder("baseline-logistic_regression"))
    assert verdict(found) == ""


def test_what_both_were_scored_on_is_compared(searched):
    found = searched(0.9, 0.4)
    path = found.trial_folder("baseline-logistic_regression") / "predictions.parquet"
    rows = pd.read_parquet(path)
    rows["fold"] = 1
    rows.to_parquet(path)
    assert verdict(found).endswith("Their predictions cannot be compared clip by clip.")
