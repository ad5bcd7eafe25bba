"""What a trial's values vary by is read from its predictions; where these are gone it is that of so many clips."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

from tests.support.builders import make_trial
from tests.support.sample_study import write_predictions
from trainables.core import files
from trainables.core.training.metrics import METRICS
from tuning.records.front import noise as module
from tuning.records.front.noise import noises_of, seed_variances
from tuning.records.ledger import Ledger
from tuning.statistics.front_probability import of_clips
from tuning.statistics.intervals import SEED_SD, seed_sd


def begun(ledger, *abilities, phase="search", **changes):
    """Finished trials whose predictions are right with these probabilities, 16 people with 4 clips each."""
    trials = []
    for number, ability in enumerate(abilities):
        trial = make_trial(number, trial_id=f"{phase}-{number:04d}", phase=phase, **changes)
        ledger.start(trial)
        accuracy = write_predictions(ledger.folder, trial, ability, num_subjects=16, split="validation")
        time = {"train_time_s": 20.0 + number, "train_time_spread": 1.0 + number}
        ledger.end(trial.trial_id, "FINISHED", {"accuracy": accuracy, "uar": accuracy, "param_count": 1e6, **time})
        trials.append(ledger.trials[trial.trial_id])
    return trials


def test_accuracy_varies_by_people_and_seed_time_by_its_spread_and_counts_not_at_all(tmp_path):
    with Ledger.write(tmp_path) as ledger:
        trials = begun(ledger, 0.8, 0.6)
        accuracy, uar, time, count = noises_of(ledger, trials, ["accuracy", "uar", "train_time_s", "param_count"], 64)
    assert accuracy.by_people.shape == (2, 16)
    table = pd.read_parquet(ledger.trial_folder("search-0000") / files.PREDICTIONS)
    right = np.stack(table["logits"].to_list()).argmax(axis=1) == table["label"]
    by_person = right.groupby(table["subject"]).mean()
    assert (accuracy.by_people[0] ** 2).sum() == pytest.approx(by_person.var(ddof=1) / 16)
    assert (accuracy.own >= SEED_SD).all()
    assert uar.by_people == pytest.approx(accuracy.by_people), "as many clips of each class"
    assert time.own.tolist() == pytest.approx([1.0, 2.0])
    assert time.by_people is None
    assert count is None


def test_a_time_of_before_it_had_a_spread_is_exact(tmp_path):
    with Ledger.write(tmp_path) as ledger:
        (trial,) = begun(ledger, 0.8)
    del trial.metrics["train_time_spread"]
    assert noises_of(ledger, [trial], ["train_time_s"], 64) == [None]


@pytest.mark.parametrize("damaged", [None, b"rows"])
def test_where_predictions_are_gone_or_damaged_a_rate_varies_as_on_independent_clips(tmp_path, damaged):
    with Ledger.write(tmp_path) as ledger:
        trials = begun(ledger, 0.8, 0.6)
    path = ledger.trial_folder("search-0001") / files.PREDICTIONS
    path.unlink()
    if damaged:
        path.write_bytes(damaged)
    (found,) = noises_of(ledger, trials, ["accuracy"], 64)
    assert not found.by_people[1].any()
    expected = np.hypot(SEED_SD, of_clips([trials[1].metrics["accuracy"]], 64)[0])
    assert found.own[1] == pytest.approx(expected)
    assert found.by_people[0].any()


def test_people_who_are_all_alike_vary_as_independent_clips_do(tmp_path):
    with Ledger.write(tmp_path) as ledger:
        (trial,) = begun(ledger, 1.0)
        (found,) = noises_of(ledger, [trial], ["accuracy"], 64)
    assert not found.by_people.any()
    assert found.own[0] == pytest.approx(np.hypot(SEED_SD, of_clips([1.0], 64)[0]))


def test_many_people_are_drawn_in_groups(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "MOST_GROUPS", 8)
    with Ledger.write(tmp_path) as ledger:
        trials = begun(ledger, 0.8)
        assert noises_of(ledger, trials, ["accuracy"], 64)[0].by_people.shape == (1, 8)


def test_any_metric_that_follows_from_predictions_has_its_noise(tmp_path, monkeypatch):
    metric = dataclasses.replace(METRICS["f1_macro"], name="sureness", measure=lambda found: float(found.labels.mean()))
    monkeypatch.setitem(METRICS, "sureness", metric)
    with Ledger.write(tmp_path) as ledger:
        (trial,) = begun(ledger, 0.8)
        trial.metrics["sureness"] = 1.5
        (found,) = noises_of(ledger, [trial], ["sureness"], 64)
    assert not found.by_people.any(), "every person has the same labels"
    assert found.own[0] == SEED_SD


def test_seeds_of_one_configuration_say_how_much_seeds_differ_and_the_holdout_does_not(tmp_path):
    same = {"parameters": {"lr": 0.1}, "folds": (0,)}
    with Ledger.write(tmp_path) as ledger:
        begun(ledger, 0.9, 0.4, phase="confirm", of="search-0000", **same)
        assert seed_variances(ledger) == [], "scored on the holdout"
        trials = begun(ledger, 0.9, 0.4, **same)
        ((variance, df),) = seed_variances(ledger)
        assert df == 1
        assert 0.2**2 < variance < 0.5**2
        (found,) = noises_of(ledger, trials, ["accuracy"], 64)
        assert (found.own >= seed_sd([(variance, df)]) - 1e-9).all()
        assert seed_sd([(variance, df)]) > SEED_SD
