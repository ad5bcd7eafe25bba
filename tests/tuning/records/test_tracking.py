"""MLflow as a projection of the ledger: one run per trial, whatever happens on the way."""

import json
import math
import threading
from pathlib import Path

import mlflow
import pytest

from tests.support.builders import make_trial
from tuning.records.ledger import Ledger
from tuning.records.mlflow_client import default_uri, make_client
from tuning.records.tracking import CURVES, Tracker

NOBODY = "http://127.0.0.1:9"
FACTS = {"dataset_fingerprint": "f1n9e4", "git_commit": "c0ffee", "concurrency": 2}
WORKERS = [{"host": "node1", "device": "AMD EPYC", "gpus": ""}, {"host": "node2", "device": "NVIDIA H200", "gpus": "3"}]
METRICS = {"accuracy": 0.75, "train_time_s": 12.5, "param_count": 1e6}


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def uri(home):
    """One store for the module: making one takes MLflow seconds."""
    return default_uri(home)


@pytest.fixture(scope="module")
def client(uri):
    return make_client(uri)


@pytest.fixture
def folder(home, request):
    """A study of its own, and so an experiment of its own, for each test."""
    return home / request.node.name


def begin(ledger):
    """Three search trials: one finished, one failed, one stopped early; a front, a confirmation."""
    ledger.open_study(**FACTS)
    for number in range(3):
        ledger.start(make_trial(number))
        for epoch in (1, 2):
            ledger.epoch(f"search-{number:04d}", row(epoch))
    predictions = ledger.folder / "trials" / "search-0000" / "predictions.parquet"
    predictions.parent.mkdir(parents=True, exist_ok=True)
    predictions.write_bytes(b"rows")
    ledger.end("search-0000", "FINISHED", METRICS, workers=WORKERS)
    ledger.end("search-0001", "FAILED", error="NonFiniteLoss: the loss became nan")
    ledger.end("search-0002", "KILLED")
    ledger.select(["search-0000"], "search-0000")
    ledger.start(make_trial(0, trial_id="confirm-0000", phase="confirm", of="search-0000", variant="order_blind"))
    ledger.end("confirm-0000", "FINISHED", METRICS)


def row(epoch):
    return {"epoch": epoch, **{key: epoch + position / 10 for position, key in enumerate(CURVES)}, "train_accuracy": 1}


def follow(folder, uri, home, write=lambda ledger: None, **settings):
    """What `write` writes to the ledger is tracked; returns the closed tracker."""
    with Ledger.write(folder) as ledger, Tracker(ledger, uri, home, **settings) as tracker:
        write(ledger)
    return tracker


def runs_of(client, folder):
    """Every run of the study's experiment by its trial, each trial exactly once."""
    experiment = client.get_experiment_by_name(f"fertune/{folder.name}")
    found = client.search_runs([experiment.experiment_id])
    runs = {run.data.tags["fertune.trial_id"]: run for run in found}
    assert len(runs) == len(found)
    return runs


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


@pytest.mark.parametrize("lost", ["nothing", "the mark", "half the mark", "another ledger's mark"])
def test_a_resumed_study_goes_on_in_the_same_runs(home, uri, client, lost):
    folder = home / f"resumed after losing {lost}"
    follow(folder, uri, home, begin)
    before = runs_of(client, folder)
    mark = folder / "tracked.json"
    stored = json.loads(mark.read_text())
    if lost == "the mark":
        mark.unlink()
    elif lost == "half the mark":
        mark.write_text(mark.read_text()[:9])
    elif lost == "another ledger's mark":
        mark.write_text(json.dumps({**stored, "ledger": "other", "position": 3}))

    def go_on(ledger):
        ledger.start(ledger.trials["search-0001"])
        ledger.epoch("search-0001", row(2))
        ledger.epoch("search-0001", row(3))
        ledger.end("search-0001", "FINISHED", METRICS)
        ledger.start(make_trial(3))
        ledger.end("search-0003", "FINISHED", {"accuracy": math.nan})
        ledger.select(["search-0001"], "search-0001")

    assert follow(folder, uri, home, go_on).unwritten == 0
    after = runs_of(client, folder)
    assert set(after) == {*before, "search-0003"}
    assert {name: run.info.run_id for name, run in after.items() if name in before} == {
        name: run.info.run_id for name, run in before.items()
    }
    again = after["search-0001"]
    assert again.info.status == "FINISHED"
    assert "fertune.error" not in again.data.tags
    assert [name for name, run in after.items() if run.data.tags.get("fertune.pareto") == "true"] == ["search-0001"]
    steps = [point.step for point in client.get_metric_history(again.info.run_id, "val_loss")]
    assert sorted(set(steps)) == [1, 2, 3]
    once = client.get_metric_history(after["search-0002"].info.run_id, "val_loss")
    assert [point.step for point in once] == [1, 2]  # written again, and no point twice
    assert after["search-0000"].info.status == "FINISHED"


def test_nothing_new_writes_nothing(home, uri, client, folder):
    follow(folder, uri, home, begin)
    before = {name: run.info.end_time for name, run in runs_of(client, folder).items()}
    tracker = follow(folder, uri, home)
    assert (tracker.unwritten, tracker.error) == (0, "")
    assert {name: run.info.end_time for name, run in runs_of(client, folder).items()} == before


def test_a_run_that_the_store_lost_is_written_again(home, uri, client, folder):
    follow(folder, uri, home, begin)
    client.delete_run(runs_of(client, folder)["search-0000"].info.run_id)
    tracker = follow(folder, uri, home, lambda ledger: ledger.note("promoted", name="x", version=1))
    assert (tracker.unwritten, tracker.error) == (0, "")
    found = runs_of(client, folder)["search-0000"]
    assert found.data.metrics["accuracy"] == METRICS["accuracy"]
    assert found.data.tags["fertune.pareto"] == "true"


def test_a_study_begun_anew_under_its_name_does_not_write_into_the_old_runs(home, uri, client, folder):
    follow(folder, uri, home, begin)
    old = {run_id: run.info.run_id for run_id, run in runs_of(client, folder).items()}
    (folder / "ledger.jsonl").unlink()

    def anew(ledger):
        ledger.open_study(**FACTS)
        ledger.start(make_trial(0, parameters={"rbg_depth": 3, "lr": 0.5}))  # MLflow allows no change of parameters
        ledger.end("search-0000", "FINISHED", METRICS)

    tracker = follow(folder, uri, home, anew)
    assert (tracker.unwritten, tracker.error) == (0, "")
    experiment = client.get_experiment_by_name(f"fertune/{folder.name}")
    runs = client.search_runs([experiment.experiment_id])
    new = {run.data.tags["fertune.trial_id"]: run for run in runs if run.info.run_id not in old.values()}
    assert set(new) == {"study", "search-0000"}
    assert new["search-0000"].data.params == {"rbg_depth": "3", "lr": "0.5"}
    assert client.get_run(old["search-0000"]).data.params == {"rbg_depth": "0", "lr": "0.001"}


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


def test_mlflow_may_be_away_and_gets_everything_later(home, uri, client, folder):
    tracker = follow(folder, NOBODY, home, begin, patience_s=0.5)
    with Ledger.write(folder) as ledger:
        assert tracker.unwritten == len(ledger.events)
    assert tracker.error == "does not answer"
    tracker = follow(folder, uri, home)
    assert (tracker.unwritten, tracker.error) == (0, "")
    assert set(runs_of(client, folder)) == {"study", "search-0000", "search-0001", "search-0002", "confirm-0000"}


def test_an_error_without_words_stops_nothing(home, uri, client, folder, monkeypatch):
    once = threading.Event()
    real = Tracker._find_runs

    def silent_at_first(self):
        if not once.is_set():
            once.set()
            raise RuntimeError
        real(self)

    monkeypatch.setattr(Tracker, "_find_runs", silent_at_first)
    tracker = follow(folder, uri, home, begin)
    assert once.is_set()
    assert (tracker.unwritten, tracker.error) == (0, "")


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
