"""The verdict of `benchmarks.chaos`: what is planted by hand is found, and in a study in order nothing."""

import dataclasses

import pytest

from benchmarks.core.chaos import judging, told
from benchmarks.core.chaos.judging import PARENT, Run, left_files, num_deleted, read_runs
from benchmarks.core.chaos.study import POINTS, chaos_study, configuration, measured
from tests.support.mlflow_store import new_store
from trainables.core import files
from tuning.execution.search.optuna_searcher import OptunaSearcher
from tuning.execution.seeds import search_seed
from tuning.records.ledger import Ledger
from tuning.records.mlflow_client import make_client
from tuning.records.projection.events import CURVES
from tuning.records.tracking import Tracker
from tuning.records.trial import Trial

NUM_TRIALS = 3
STUDY = chaos_study("round-000", num_trials=NUM_TRIALS)


def trial_of(number):
    return Trial(
        trial_id=f"search-{number:04d}",
        phase="search",
        parameters=POINTS[number],
        seed=search_seed(STUDY.seed, number),
        folds=STUDY.search_folds,
    )


def metrics_of(number):
    return {"accuracy": 0.5 + number / 10, "uar": 0.4 + number / 10, "param_count": 5e5, "train_time_s": 3.0}


def row(number, epoch):
    return {"epoch": epoch} | dict.fromkeys(CURVES, number + epoch / 10)


def write(ledger, *, lost=(), ends=NUM_TRIALS):
    """A study whose trials finished, but for those that are `lost`."""
    ledger.open_study(settings=dict(STUDY.settings))
    for number in range(ends):
        trial = trial_of(number)
        ledger.start(trial)
        for epoch in (1, 2):
            ledger.epoch(trial.trial_id, row(number, epoch))
        if number in lost:
            ledger.end(trial.trial_id, "FAILED", error="FileNotFoundError: index.json")
        else:
            ledger.end(trial.trial_id, "FINISHED", metrics_of(number))


def table(ledger):
    """What Optuna is told of the study."""
    begun = ledger.of_phase("search")
    return told.table_of(OptunaSearcher(STUDY, num_samples=len(begun), begun=begun))


def judge(study, ledger, runs, reference, left=()):
    """The verdict where the driver that ended the study told Optuna what a resumed search would."""
    return judging.judge(study, ledger, runs, reference, left, of_driver=table(ledger))


def runs_of(ledger):
    """What MLflow has of a study in order."""
    runs = [Run(run_id=PARENT, trial_id=PARENT, status="FINISHED", metrics={}, curves={})]
    for trial in ledger.trials.values():
        curves = {key: [(int(one["epoch"]), one[key]) for one in trial.curve] for key in CURVES}
        told = {"trial_id": trial.trial_id, "status": trial.state, "metrics": trial.metrics, "curves": curves}
        runs.append(Run(run_id=trial.trial_id, **told))
    return runs


@pytest.fixture
def ledger(tmp_path):
    with Ledger.write(tmp_path / STUDY.name) as ledger:
        yield ledger


@pytest.fixture
def reference(tmp_path):
    with Ledger.write(tmp_path / "undisturbed") as ledger:
        write(ledger)
    return {configuration(trial): measured(trial) for trial in ledger.of_phase("search")}


@pytest.mark.slow
def test_a_study_in_order_has_nothing_wrong_by_what_mlflow_holds(ledger, reference, tmp_path):
    uri = new_store(tmp_path)
    with Tracker(ledger, uri, tmp_path):
        write(ledger)
    client = make_client(uri)
    runs = read_runs(client, ledger)
    assert judge(STUDY, ledger, runs, reference).all == []
    again = client.create_run(client.get_run(runs[0].run_id).info.experiment_id)
    client.delete_run(again.info.run_id)
    assert (len(read_runs(client, ledger)), num_deleted(client, ledger)) == (len(runs), 1)


def test_a_trial_that_failed_is_lost(ledger, reference):
    write(ledger, lost=[1])
    verdict = judge(STUDY, ledger, runs_of(ledger), reference)
    assert verdict.lost_trials == ["search-0001 ended FAILED: FileNotFoundError: index.json"]


def test_a_trial_that_is_not_there_is_lost(ledger, reference):
    write(ledger, ends=2)
    assert len(judge(STUDY, ledger, runs_of(ledger), reference).lost_trials) == 1


def test_a_trial_with_another_curve_is_lost(ledger, reference):
    write(ledger)
    ledger.trials["search-0002"].curve[0]["val_loss"] += 1e-9
    verdict = judge(STUDY, ledger, runs_of(ledger), reference)
    assert verdict.lost_trials == ["search-0002: curve differ from the undisturbed run's"]


def test_a_configuration_that_was_tried_twice_is_told(ledger, reference):
    write(ledger)
    again = dataclasses.replace(trial_of(0), trial_id="search-0003")
    ledger.start(again)
    ledger.end(again.trial_id, "FINISHED", metrics_of(0))
    assert "a configuration was tried by two trials" in judge(STUDY, ledger, runs_of(ledger), reference).lost_trials


def test_a_second_run_of_a_trial_and_of_the_study_is_a_duplicate(ledger, reference):
    write(ledger)
    runs = runs_of(ledger)
    for one in (0, 2):
        runs.append(dataclasses.replace(runs[one], run_id="again"))
    assert judge(STUDY, ledger, runs, reference).duplicate_runs == ["study has 2 runs", "search-0001 has 2 runs"]


@pytest.mark.parametrize(
    ("place", "changes", "words"),
    [
        (0, {"status": "RUNNING"}, "MLflow's parent run is RUNNING, and all trials have finished"),
        (1, {"status": "RUNNING"}, "search-0000 is FINISHED, in MLflow RUNNING"),
        (1, {"metrics": {"accuracy": 0.5, "uar": 0.1}}, "search-0000: uar is 0.4, in MLflow 0.1"),
        (1, {"curves": {}}, "search-0000: the curve of train_loss has 2 points, in MLflow 0"),
        (1, {"trial_id": "search-0009"}, "MLflow has no run of search-0000"),
    ],
)
def test_what_mlflow_tells_otherwise_is_a_disagreement(ledger, reference, place, changes, words):
    write(ledger)
    runs = runs_of(ledger)
    runs[place] = dataclasses.replace(runs[place], **changes)
    assert words in judge(STUDY, ledger, runs, reference).disagreements


def test_another_value_of_a_step_is_a_disagreement_and_the_same_value_again_is_none(ledger, reference):
    """A trial that goes on from its checkpoint repeats epochs."""
    write(ledger)
    ledger.start(trial_of(0))
    ledger.epoch("search-0000", row(0, 2))
    ledger.end("search-0000", "FINISHED", metrics_of(0))
    runs = runs_of(ledger)
    assert judge(STUDY, ledger, runs, reference).all == []
    runs[1].curves["val_uar"][1] = (2, 0.7)
    words = "search-0000: the curve of val_uar has 2 points, in MLflow 2, or others"
    assert judge(STUDY, ledger, runs, reference).disagreements == [words]


def test_a_row_that_was_logged_twice_is_a_disagreement(ledger, reference):
    write(ledger)
    runs = runs_of(ledger)
    runs[1].curves["val_uar"].append(runs[1].curves["val_uar"][0])
    words = "search-0000: the curve of val_uar has 2 points, in MLflow 3"
    assert judge(STUDY, ledger, runs, reference).disagreements == [words]


def test_what_the_driver_told_its_own_optuna_is_compared_with_the_ledger(ledger, reference):
    write(ledger)
    (first, values), *others = table(ledger)[0]
    for of_driver, words in (
        (None, "the driver told nothing of its Optuna"),
        ((others, 0), "the driver's Optuna has 2 complete trials, the ledger 3, or other values"),
        (
            ([(first, [0.1, *values[1:]]), *others], 0),
            "the driver's Optuna has 3 complete trials, the ledger 3, or other values",
        ),
        (([(first, values), *others], 1), "the driver's Optuna still waits for 1 trials"),
    ):
        verdict = judging.judge(STUDY, ledger, runs_of(ledger), reference, of_driver=of_driver)
        assert verdict.disagreements == [words]


def test_what_optuna_would_not_be_told_is_a_disagreement(ledger, reference):
    write(ledger)
    ledger.trials["search-0001"].parameters["lr"] = 0.5  # outside the space
    verdict = judge(STUDY, ledger, runs_of(ledger), reference)
    assert "Optuna has 2 complete trials, the ledger 3, or other values" in verdict.disagreements


def test_what_is_left_is_an_orphan(ledger, reference):
    write(ledger)
    folder = ledger.trial_folder("search-0001")
    folder.mkdir(parents=True)
    for name in (files.CHECKPOINT, "last.12.tmp", files.PREDICTIONS):
        (folder / name).touch()
    verdict = judge(STUDY, ledger, runs_of(ledger), reference, ["process 17 ray::Slot"])
    assert verdict.orphans == ["process 17 ray::Slot", *left_files(ledger.folder)]
    assert [words.rpartition("/")[2] for words in left_files(ledger.folder)] == ["last.12.tmp", files.CHECKPOINT]
