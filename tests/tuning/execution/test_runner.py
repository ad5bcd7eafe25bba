"""A whole study on a local Ray: search, a trial that fails, a worker that dies, confirm, promote, predict, resume."""

import errno
import json
import os
import re
import signal
import subprocess
import sys

import mlflow
import pandas as pd
import psutil
import pytest
import ray

from drawing.layouts import drawn_faces
from search_spaces.core.designs import sweep
from tests.conftest import ROOT
from tests.support.long_study import epochs_since, long_study
from tests.support.ray_head import WITH_RAY
from tests.support.servers import doors
from tests.support.tiny_study import NAME, Quiet, tiny_study
from tuning.ablate import ablate_variants
from tuning.confirm import confirm_search
from tuning.evidence.ablation import runs_of
from tuning.evidence.contest import Refused
from tuning.evidence.holdout import evidence
from tuning.execution.devices.placement import Placement
from tuning.execution.runner import Runner
from tuning.promote import promote_winner
from tuning.records import registry
from tuning.records.ledger import Ledger
from tuning.records.mlflow_client import default_uri
from tuning.statistics.intervals import Interval

pytestmark = WITH_RAY
NOT_OURS = (
    "MLFLOW_TRACKING_URI",
    "RAY_ADDRESS",
    "RAY_AUTH_MODE",
    "RAY_AUTH_TOKEN",
    "RAY_AUTH_TOKEN_PATH",
    "FERTUNE_HOME",
)


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module", autouse=True)
def _alone(home):
    """No tracking server and no cluster of the person who runs the tests."""
    saved = {key: os.environ.pop(key, None) for key in NOT_OURS}
    yield
    os.environ.update({key: value for key, value in saved.items() if value is not None})


@pytest.fixture(scope="module")
def said_by_ray():
    """What the head of the study's Ray says to who has no token, and to who has it."""
    return {}


@pytest.fixture(scope="module")
def studied(home, said_by_ray):
    """The ledger after a search whose second trial fails and whose last trial's worker is killed once."""
    listener, killed = Quiet(), []

    def kill_once(trial):
        if not said_by_ray:
            said_by_ray.update(doors.said_at(ray.get_runtime_context().gcs_address))
        if trial.trial_id == "search-0002" and trial.curve[-1]["epoch"] == 2 and not killed:
            ours = psutil.Process().children(recursive=True)
            worker = next(process for process in ours if "ray::RayTrainWorker" in process.cmdline()[0])
            killed.append(worker.pid)
            worker.kill()

    listener.on_epoch = kill_once
    placement = Placement(max_concurrent=1)
    with Runner(tiny_study(), listener, home=home, placement=placement, checkpoint_interval_s=0.0) as runner:
        runner.search(3)
        confirm_search(runner, top=1, seeds=2)
    assert killed
    return Ledger.read(home / NAME)


def test_a_ray_of_its_own_asks_for_a_token(studied, said_by_ray):
    assert "OK" in said_by_ray["its owner"]
    assert said_by_ray["a stranger"] & {"OK", "UNAUTHENTICATED"} == {"UNAUTHENTICATED"}


def test_a_trial_that_raises_is_failed_and_the_study_goes_on(studied):
    states = {trial.trial_id: trial.state for trial in studied.of_phase("search")}
    assert states == {"search-0000": "FINISHED", "search-0001": "FAILED", "search-0002": "FINISHED"}
    assert "NonFiniteLoss" in studied.trials["search-0001"].error
    assert "Traceback" in (studied.folder / "trials" / "search-0001" / "error.txt").read_text()


def test_a_killed_worker_costs_no_trial_and_no_epoch(studied):
    trial = studied.trials["search-0002"]
    assert trial.state == "FINISHED"
    assert [row["epoch"] for row in trial.curve] == [1, 2, 3]
    events = [event for event in studied.events if event["event"] == "epoch" and event["trial_id"] == "search-0002"]
    assert [event["epoch"] for event in events][:2] == [1, 2]
    assert 1 not in [event["epoch"] for event in events][2:], "it went on from its checkpoint, not from the start"


def test_a_search_leaves_no_checkpoint_and_no_draft(studied):
    trials = studied.folder / "trials"
    assert {path.parent.name for path in trials.glob("search-*/model.safetensors")} >= set(studied.selection["front"])
    assert not [path for pattern in ("*/*.pt", "*/*.tmp") for path in trials.glob(pattern)]


def test_the_baselines_are_measured_once_before_the_first_trial(studied):
    order = [event["event"] for event in studied.events if event["event"] in ("baselines", "started", "ended")]
    assert order[:2] == ["baselines", "started"]
    assert order.count("baselines") == 1
    for one in studied.baselines:
        assert (one.error, one.num_people, one.folds) == ("", 3, (0,))
        assert 0 <= one.low <= one.accuracy <= one.high <= 1
        rows = pd.read_parquet(studied.trial_folder(one.folder) / "predictions.parquet")
        seen = pd.read_parquet(studied.trial_folder("search-0000") / "predictions.parquet")
        assert set(rows["clip_id"]) == set(seen["clip_id"]), "on the clips of the trials"


def test_every_trial_is_one_mlflow_run_with_its_state(studied, home):
    client = mlflow.MlflowClient(default_uri(home))
    experiment = client.get_experiment_by_name(f"fertune/{NAME}")
    runs = {run.data.tags["fertune.trial_id"]: run for run in client.search_runs([experiment.experiment_id])}
    assert set(runs) == {"study", *studied.trials}
    failed = runs["search-0001"]
    assert failed.info.status == "FAILED"
    assert "NonFiniteLoss" in failed.data.tags["fertune.error"]
    metrics = runs["search-0000"].data.metrics
    assert {"accuracy", "train_time_s", "param_count", "wall_time_s", "val_loss"} <= set(metrics)
    params = runs["search-0000"].data.params
    assert (params["gru_hidden"], params["lr"]) == ("8", "0.001")  # what was searched
    assert params["backbone"] == "resnet18"  # and what all trials share
    front = {trial_id for trial_id, run in runs.items() if run.data.tags.get("fertune.pareto") == "true"}
    assert front == set(studied.selection["front"])


def test_confirmation_uses_fresh_seeds_on_subjects_the_search_never_saw(studied):
    confirmed = studied.of_phase("confirm")
    assert [trial.variant for trial in confirmed] == ["", "", "order_blind", "order_blind"]
    assert not {trial.seed for trial in confirmed} & {trial.seed for trial in studied.of_phase("search")}
    rows = pd.read_parquet(studied.folder / "trials" / confirmed[0].trial_id / "predictions.parquet")
    seen = pd.read_parquet(studied.folder / "trials" / "search-0000" / "predictions.parquet")
    assert set(rows["split"]) == {"holdout"}
    assert not set(rows["subject"]) & set(seen["subject"])
    chosen, blind = evidence(studied)
    assert (chosen.variant, blind.variant) == ("", "order_blind")
    assert 0 <= chosen.accuracy.low <= chosen.accuracy.mean <= chosen.accuracy.high <= 1


def test_a_lower_bound_under_the_majority_class_is_refused(studied, home):
    """Three people on the holdout can never prove anything."""
    assert not evidence(studied)[0].beats_majority
    with Runner(tiny_study(), Quiet(), home=home) as runner:
        with pytest.raises(Refused, match=r"lower bound of its accuracy on the holdout \(3 people"):
            promote_winner(runner)
        assert not runner.ledger.of_phase("refit")


def test_a_champion_is_refitted_registered_and_predicts(studied, home, tmp_path, monkeypatch):
    found = evidence(studied)[0]
    good = Interval(mean=0.9, low=0.8, high=1.0, confidence=0.95, method="as if more people had been confirmed on")
    monkeypatch.setattr("tuning.evidence.holdout.holdout_accuracy", lambda predictions: good)
    with Runner(tiny_study(), Quiet(), home=home, placement=Placement(max_concurrent=1)) as runner:
        promoted = promote_winner(runner)
        assert (promoted.name, promoted.version) == (NAME, 1)
        refit = runner.ledger.of_phase("refit")[0]
        assert len(refit.curve) == refit.num_epochs == found.best_epoch
    with Runner(tiny_study(), Quiet(), home=home) as runner:
        assert promote_winner(runner).version == 1, "what is champion already is not registered again"
    present = registry.present_champion(default_uri(home), NAME)
    assert present is not None
    assert present[1]["fertune.trial_id"] == found.trial_id
    clip = next((home / "drawn" / NAME).glob("happiness/*"))
    environment = {**os.environ, "FERTUNE_HOME": str(home)}
    command = [sys.executable, str(ROOT / "tune.py"), "predict", "--json", str(clip), str(tmp_path / "missing.mp4")]
    asked = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=tmp_path, timeout=120)
    rows = [json.loads(line) for line in asked.stdout.splitlines()]
    assert asked.returncode == 1
    assert rows[0]["label"] in ("happiness", "surprise")
    assert sum(rows[0]["probabilities"].values()) == pytest.approx(1)
    assert rows[0]["model"] == f"models:/{NAME}@champion"
    assert set(rows[1]) == {"path", "error"}


def test_nothing_finished_is_run_again(studied, home):
    with Runner(tiny_study(), Quiet(), home=home) as runner:
        before = len(runner.ledger.events)
        assert runner.search_size(None, resume=True, extend=None) == 3
        runner.search(3)
        confirm_search(runner, top=1, seeds=2)
        with pytest.raises(ValueError, match="--resume"):
            runner.search_size(None, resume=False, extend=None)
        assert not [event for event in runner.ledger.events[before:] if event["event"] in ("started", "ended")]


@pytest.mark.long
def test_two_workers_train_one_trial_together(home):
    study = tiny_study(name="pair", num_samples=1)
    with Runner(study, Quiet(), home=home, placement=Placement(workers=2)) as runner:
        runner.search(1)
        trial = runner.ledger.trials["search-0000"]
        assert trial.state == "FINISHED", trial.error
        assert len(trial.workers) == 2
        assert len(trial.curve) == 3


def test_an_ablation_trains_its_variants_on_one_fold_and_seed_and_says_so_in_mlflow(studied, home):
    study = tiny_study(
        name="widths",
        parameters={},
        first_points=(),
        controls={},
        design=sweep("gru_hidden", [4, 8]),
        settings={**tiny_study().settings, "epochs": 1},
    )
    data = home / "drawn" / NAME
    with Runner(study, Quiet(), data_root=data, home=home, placement=Placement(max_concurrent=1)) as runner:
        ablate_variants(runner, folds=(1,), seeds=1)
        tested = {runner.prepared.clip_ids[index] for index in runner.splits.folds[1].test}
        assert runner.splits.holdout == ()
    runs = runs_of(Ledger.read(home / "widths"))
    assert [(run.variant, run.fold) for run in runs] == [("gru_hidden=4", 1), ("gru_hidden=8", 1)]
    assert len({run.seed for run in runs}) == 1
    assert all(set(pd.read_parquet(run.predictions)["clip_id"]) == tested for run in runs)
    client = mlflow.MlflowClient(default_uri(home))
    experiment = client.get_experiment_by_name("fertune/widths")
    found = client.search_runs([experiment.experiment_id], "tags.`fertune.phase` = 'ablation'")
    tags = [run.data.tags for run in found]
    assert {said["fertune.variant"] for said in tags} == {"gru_hidden=4", "gru_hidden=8"}
    for key, value in (("split", "test"), ("selection", "published")):
        assert {said[f"fertune.{key}"] for said in tags} == {value}
    assert not any("fertune.pareto" in said or "fertune.leaky" in said for said in tags)


@pytest.mark.parametrize(
    ("number", "send"),
    [(signal.SIGTERM, os.kill), pytest.param(signal.SIGINT, os.killpg, marks=pytest.mark.long)],
    ids=["ray job stop", "ctrl-c"],
)
def test_a_signal_keeps_what_was_done_and_leaves_no_process_and_the_trial_goes_on(studied, home, number, send):
    """A stop tells the driver alone, a terminal its whole group. The second driver goes on with the trial of the first."""
    before = Ledger.read(home / "long")
    done = len(before.trials["search-0000"].curve) if before.trials else 0
    with long_study(home, 3) as (driver, family):
        send(driver.pid, number)
        assert driver.wait(timeout=120) == 130
        log_text = (home / "long.txt").read_text()
        assert re.search(
            r"^Interrupted( \(stopped by \w+\))?\. What was done is kept; .*--resume goes on\.$", log_text, re.MULTILINE
        )
        assert "Traceback" not in log_text
        _, alive = psutil.wait_procs(family, timeout=60)
        assert not alive
    ledger = Ledger.read(home / "long")
    halted = ledger.trials["search-0000"]
    assert (halted.state, halted.metrics) == ("INTERRUPTED", {})
    assert ledger.events[-1]["event"] == "ended", "nothing was selected or promoted"
    assert epochs_since(home, len(before.events))[0] >= max(1, done), "it went on from its checkpoint"


@pytest.mark.long
def test_a_full_disk_ends_the_study_in_its_own_words_and_a_damaged_checkpoint_begins_its_trial_anew(studied, home):
    study, data = tiny_study(name="full", num_samples=1), home / "drawn" / NAME
    with Runner(study, Quiet(), home=home, data_root=data, checkpoint_interval_s=0.0) as runner:
        file = runner.ledger._file
        append = file.append

        def full(line):
            if b'"FINISHED"' in line:
                raise OSError(errno.ENOSPC, "No space left on device")
            append(line)

        file.append = full
        with pytest.raises(OSError, match="No space left on device"):
            runner.search(1)
    checkpoint = home / "full" / "trials" / "search-0000" / "last.pt"
    checkpoint.write_bytes(checkpoint.read_bytes()[:-3000])
    with Runner(study, listener := Quiet(), home=home, data_root=data, checkpoint_interval_s=0.0) as runner:
        runner.search(1)
        trial = runner.ledger.trials["search-0000"]
    assert (trial.state, [row["epoch"] for row in trial.curve]) == ("FINISHED", [1, 2, 3])
    assert sum(note.startswith("search-0000: The checkpoint") for note in listener.notes) == 1
    assert not list(checkpoint.parent.glob("*.pt")), "at the search's end what is damaged goes too"


def test_other_data_under_the_same_study_is_refused(studied, home, tmp_path):
    drawn_faces.write(tmp_path / "others", **{**tiny_study().drawing, "seed": 7})
    with pytest.raises(ValueError, match="other data"):
        Runner(tiny_study(), Quiet(), home=home, data_root=tmp_path / "others").__enter__()
