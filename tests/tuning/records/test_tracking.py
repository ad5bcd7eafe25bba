"""MLflow as a projection of the ledger: one run per trial, whatever happens on the way."""

import json
from pathlib import Path

import mlflow
import pytest

from tests.support.builders import make_trial
from tests.support.tracked_study import FACTS, METRICS, begin, follow, row, runs_of
from tuning.records.ledger import Ledger
from tuning.records.projection.events import CURVES
from tuning.records.tracking import Tracker


@pytest.fixture(scope="module")
def tracked(home, uri, client):
    """The runs of a study that was tracked while it was written."""
    folder = home / "tracked"
    tracker = follow(folder, uri, home, begin)
    assert (tracker.unwritten, tracker.error) == (0, "")
    return runs_of(client, folder)


def test_an_ablation_says_variant_and_test_split_and_a_leaky_cut_marks_everything(folder, uri, home, client):
    def write(ledger):
        ledger.open_study(**FACTS, design={"reference": "base"}, leaky=True)
        for number, variant in enumerate(("base", "full")):
            name = f"ablation-{number:04d}"
            ledger.start(make_trial(0, trial_id=name, phase="ablation", variant=variant))
            ledger.end(name, "FINISHED", METRICS)
        ledger.note("compared", variants=["base", "full"])

    follow(folder, uri, home, write)
    runs = runs_of(client, folder)
    assert runs["study"].info.status == "FINISHED", "it is through"
    for name, variant in (("ablation-0000", "base"), ("ablation-0001", "full")):
        tags = runs[name].data.tags
        said = [tags[f"fertune.{key}"] for key in ("phase", "variant", "split", "selection")]
        assert said == ["ablation", variant, "test", "published"]
    assert {run.data.tags["fertune.leaky"] for run in runs.values()} == {"true"}


def test_a_study_is_one_parent_with_one_child_per_trial(tracked):
    assert set(tracked) == {"study", "search-0000", "search-0001", "search-0002", "confirm-0000"}
    parent = tracked.pop("study")
    assert parent.info.run_name == "tracked"
    assert "mlflow.parentRunId" not in parent.data.tags
    assert parent.info.status == "FINISHED"
    assert {run.data.tags["mlflow.parentRunId"] for run in tracked.values()} == {parent.info.run_id}
    tracked["study"] = parent


def test_the_parent_has_the_baselines_under_the_names_of_a_trial(tracked):
    assert tracked["study"].data.metrics == {"accuracy/majority": 0.25, "uar/majority": 0.25}


def test_a_run_says_which_devices_it_was_measured_on(tracked):
    tags = tracked["search-0000"].data.tags
    assert tags["fertune.device"] == "AMD EPYC, NVIDIA H200"
    assert tags["fertune.workers"] == "node1, node2 3"
    assert "fertune.device" not in tracked["search-0001"].data.tags


def test_tags_say_what_a_run_is(tracked):
    for trial_id, run in tracked.items():
        tags = run.data.tags
        assert tags["fertune.study"] == "tracked"
        assert tags["fertune.trial_id"] == trial_id
        for key, value in FACTS.items():
            assert tags[f"fertune.{key}"] == str(value)
    search, confirm = tracked["search-0000"].data.tags, tracked["confirm-0000"].data.tags
    assert (search["fertune.phase"], search["fertune.split"]) == ("search", "validation")
    assert (confirm["fertune.phase"], confirm["fertune.split"]) == ("confirm", "holdout")
    assert (confirm["fertune.of"], confirm["fertune.variant"]) == ("search-0000", "order_blind")
    stopped = {trial_id: run.data.tags.get("fertune.stopped_early") for trial_id, run in tracked.items()}
    assert [trial_id for trial_id, value in stopped.items() if value == "true"] == ["search-0002"]
    pareto = {trial_id: run.data.tags.get("fertune.pareto") for trial_id, run in tracked.items()}
    assert pareto == {
        "study": None,
        "confirm-0000": None,
        "search-0000": "true",
        "search-0001": "false",
        "search-0002": "false",
    }


def test_states_are_those_of_the_trials(tracked):
    states = {trial_id: run.info.status for trial_id, run in tracked.items()}
    assert (states["search-0000"], states["search-0001"], states["search-0002"]) == ("FINISHED", "FAILED", "KILLED")
    assert tracked["search-0001"].data.tags["fertune.error"] == "NonFiniteLoss: the loss became nan"
    assert "fertune.error" not in tracked["search-0000"].data.tags
    for run in tracked.values():
        assert run.info.end_time >= run.info.start_time


@pytest.mark.parametrize(
    ("states", "status"),
    [
        (["FINISHED", "FAILED", "KILLED"], "FINISHED"),
        (["FAILED", "FAILED"], "FAILED"),
        (["FINISHED", "INTERRUPTED"], "KILLED"),
        (["FINISHED", "RUNNING"], "KILLED"),
        ([], "FAILED"),
    ],
)
def test_the_parent_run_ends_as_its_trials_did(home, uri, client, states, status):
    folder = home / f"ends {'-'.join(states)}"

    def write(ledger):
        ledger.open_study(**FACTS)
        for number, state in enumerate(states):
            ledger.start(make_trial(number))
            if state != "RUNNING":
                ledger.end(f"search-{number:04d}", state)

    tracker = follow(folder, uri, home, write)
    assert (tracker.unwritten, tracker.error) == (0, "")
    assert runs_of(client, folder)["study"].info.status == status
    tracker = follow(folder, uri, home, lambda ledger: ledger.start(make_trial(9)))  # somebody goes on, and stops again
    assert runs_of(client, folder)["study"].info.status == "KILLED"


@pytest.mark.slow
def test_the_parent_run_is_open_while_its_driver_is(home, uri, client, folder):
    follow(folder, uri, home, begin)
    with Ledger.write(folder) as ledger, Tracker(ledger, uri, home) as tracker:
        ledger.start(make_trial(3))
        tracker.run_id("search-0003")
        assert runs_of(client, folder)["study"].info.status == "RUNNING"
        ledger.end("search-0003", "FINISHED", METRICS)
    parent = runs_of(client, folder)["study"].info
    assert parent.status == "FINISHED"
    assert parent.start_time <= runs_of(client, folder)["search-0000"].info.start_time
    assert parent.end_time >= runs_of(client, folder)["search-0003"].info.end_time


def test_parameters_without_effect_are_not_logged(home, uri, client):
    effects = {"only_if": {"shortcut": {"rbg_depth": [1, 2]}}, "defaults": {"rbg_depth": 2}}

    def write(ledger):
        ledger.open_study(**FACTS, settings={"shortcut": "linear", "epochs": 2}, effects=effects)
        for depth in (0, 1):
            ledger.start(make_trial(depth, parameters={"rbg_depth": depth}))

    folder = home / "without effect"
    follow(folder, uri, home, write)
    found = runs_of(client, folder)
    assert found["search-0000"].data.params == {"rbg_depth": "0", "epochs": "2"}
    assert found["search-0001"].data.params == {"rbg_depth": "1", "epochs": "2", "shortcut": "linear"}


def test_parameters_curves_and_results_are_there(tracked, client):
    run = tracked["search-0001"]
    assert run.data.params == {"rbg_depth": "1", "lr": "0.001"}
    for key in CURVES:
        history = client.get_metric_history(run.info.run_id, key)
        assert [(point.step, point.value) for point in history] == [(epoch, row(epoch)[key]) for epoch in (1, 2)]
    found = tracked["search-0000"].data.metrics
    assert {key: found[key] for key in METRICS} == METRICS
    assert "train_accuracy" not in found


def test_predictions_are_an_artifact_beside_the_store(tracked, client, home):
    run = tracked["search-0000"]
    assert [file.path for file in client.list_artifacts(run.info.run_id)] == ["predictions.parquet"]
    assert run.info.artifact_uri.startswith((home / "artifacts").as_uri())
    copy = mlflow.artifacts.download_artifacts(f"{run.info.artifact_uri}/predictions.parquet")
    assert Path(copy).read_bytes() == b"rows"
    assert client.list_artifacts(tracked["search-0001"].info.run_id) == []


def test_the_run_of_a_trial_is_known_once_it_is_written(home, uri, client, folder):
    with Ledger.write(folder) as ledger, Tracker(ledger, uri, home) as tracker:
        begin(ledger)
        assert tracker.run_id("confirm-0000") == runs_of(client, folder)["confirm-0000"].info.run_id


def test_an_interrupted_trial_is_killed_and_not_stopped_early(home, uri, client, folder):
    def write(ledger):
        ledger.start(make_trial(0))
        ledger.end("search-0000", "INTERRUPTED")

    follow(folder, uri, home, write)
    run = runs_of(client, folder)["search-0000"]
    assert run.info.status == "KILLED"
    assert run.data.tags["fertune.stopped_early"] == "false"


def test_a_confirmed_trial_has_its_curves_by_strength_and_its_files(home, uri, client, folder):
    left = folder / "trials" / "confirm-0000"
    left.mkdir(parents=True)
    curve = {"strengths": [0, 10, 50], "accuracies": [0.75, 0.5, 0.25]}
    stored = {"split": "holdout", "accuracy_under_occlusion": curve, "accuracy_under_rotation": curve}
    (left / "robustness.json").write_text(json.dumps(stored))
    (left / "confusion.json").write_text("{}")

    def write(ledger):
        ledger.start(make_trial(0, trial_id="confirm-0000", phase="confirm", of="search-0000"))
        ledger.end("confirm-0000", "FINISHED", METRICS | {"recall/happy": 1.0, "recall/a (b)+": 0.5})

    tracker = follow(folder, uri, home, write)
    assert (tracker.unwritten, tracker.error) == (0, "")
    run = runs_of(client, folder)["confirm-0000"]
    for metric in ("accuracy_under_occlusion", "accuracy_under_rotation"):
        points = client.get_metric_history(run.info.run_id, metric)
        assert {point.step: point.value for point in points} == {0: 0.75, 10: 0.5, 50: 0.25}
    assert run.data.metrics["recall/happy"] == 1.0
    assert run.data.metrics["recall/a _28_b_29__2b_"] == 0.5  # signs that MLflow refuses
    assert {file.path for file in client.list_artifacts(run.info.run_id)} == {"robustness.json", "confusion.json"}
