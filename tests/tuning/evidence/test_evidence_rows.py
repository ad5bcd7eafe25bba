"""What is counted for the evidence: the middle epoch, the clips that were tested, whoever is next best first."""

import pytest

from dashboards import recommendation
from dashboards.core.data import read_report_data
from dashboards.evidence import panel
from tests.support.builders import make_trial
from tests.support.sample_study import add_confirmation, select, write_sample
from trainables.data.core.dataset import Fold
from tuning.evidence.ablation import run_of
from tuning.evidence.evidence_file import _by_class_and_subject
from tuning.evidence.holdout import Holdout, evidence
from tuning.records.ledger import Ledger
from tuning.records.selection import ranked_front
from tuning.text.evidence_tables import evidence_table
from tuning.text.quantities import by_seed


@pytest.fixture
def ledger(tmp_path):
    """Three confirmations of one configuration."""
    with Ledger.write(write_sample(tmp_path, confirmed=False)) as ledger:
        chosen = select(ledger)[0]
        for seed in range(3):
            add_confirmation(ledger, chosen, seed=seed)
        yield ledger


def test_a_refit_runs_as_long_as_the_confirmation_in_the_middle(ledger):
    for trial, epoch in zip(ledger.of_phase("confirm"), (20.0, 3.0, 4.0), strict=True):
        trial.metrics["best_epoch"] = epoch
    assert evidence(ledger)[0].best_epoch == 4


def test_a_clip_that_several_seeds_judged_is_one_clip(ledger):
    holdout = Holdout(ledger)
    found = holdout.rows()[0]
    table = holdout.predictions(found)
    classes = [f"class {number}" for number in range(table["label"].max() + 1)]
    by_class = _by_class_and_subject(holdout, found, classes)["by_class"]
    assert len(table) == 3 * table["clip_id"].nunique()
    assert {name: one["num_clips"] for name, one in by_class.items()} == dict.fromkeys(classes, 16)
    assert sum(one["recall"] for one in by_class.values()) / len(classes) == pytest.approx(found.accuracy.mean)


def test_the_spread_over_seeds_stands_beside_the_accuracy(ledger):
    (found,) = evidence(ledger)
    each = [ledger.trials[f"confirm-{number:04d}"] for number in range(3)]
    table = Holdout(ledger).predictions(found)
    expected = [table.loc[table["seed"] == trial.seed, "correct"].mean() for trial in each]
    assert found.seeds == tuple(trial.seed for trial in each)
    assert found.by_seed == pytest.approx(expected)
    assert sum(found.by_seed) / 3 == pytest.approx(found.accuracy.mean)
    lowest, highest = min(expected), max(expected)
    assert lowest < highest
    shown = f"{100 * lowest:.1f} to {100 * highest:.1f} %"
    (column,) = (one for one in evidence_table([found]).columns if one.header == "by seed")
    assert list(column.cells) == [shown]
    report = read_report_data(ledger.folder.parent, ledger.folder.name)
    assert f">{shown}<" in str(panel(report).body)
    assert f"by seed {shown}" in panel(report).figures[0].label
    assert f"by seed {shown}" in str(recommendation.panel(report).lead)


def test_of_one_seed_there_is_no_spread(tmp_path):
    with Ledger.write(write_sample(tmp_path, confirmed=False)) as ledger:
        add_confirmation(ledger, select(ledger)[0], seed=0)
        (found,) = evidence(ledger)
    assert (len(found.by_seed), by_seed(found.by_seed)) == (1, "")


def test_a_training_is_sized_by_what_it_trained_on_and_was_tested_on(ledger):
    trial = make_trial(0, phase="ablation", variant="a", folds=(1,), metrics={"accuracy": 0.5})
    run = run_of(ledger, trial, Fold(train=(0, 1, 2, 3), validation=(4,), test=(5, 6)))
    assert (run.num_train, run.num_test, run.fold, run.seed) == (4, 2, 1, 0)


def test_the_front_begins_with_the_recommended_one_and_goes_on_with_the_most_accurate(tmp_path):
    with Ledger.write(tmp_path) as ledger:
        for number, accuracy in enumerate((0.7, 0.9, 0.8, 0.95)):
            ledger.start(make_trial(number))
            ledger.end(f"search-{number:04d}", "FINISHED", {"accuracy": accuracy})
        ledger.select([f"search-{number:04d}" for number in range(3)], "search-0002")
        assert [trial.trial_id for trial in ranked_front(ledger)] == ["search-0002", "search-0001", "search-0000"]


def test_the_front_goes_on_with_the_best_by_the_first_objective(tmp_path):
    with Ledger.write(tmp_path) as ledger:
        ledger.open_study(objectives=[["latency_ms", "min"], ["accuracy", "max"]])
        for number, latency in enumerate((3.0, 1.0, 2.0)):
            ledger.start(make_trial(number))
            ledger.end(f"search-{number:04d}", "FINISHED", {"accuracy": latency / 10, "latency_ms": latency})
        ledger.select([f"search-{number:04d}" for number in range(3)], None)
        assert [trial.trial_id for trial in ranked_front(ledger)] == ["search-0001", "search-0002", "search-0000"]
