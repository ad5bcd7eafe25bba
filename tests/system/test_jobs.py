"""The front door: `ray job submit -- python tune.py`, for a first-time user and for one whose machine holds a token."""

import json
import re

import mlflow
import pytest

from tests.support.ray_head import SMOKE, WITH_RAY
from tuning.records.registry import log_and_register

pytestmark = WITH_RAY


def lines_of(done) -> list[str]:
    """What the job itself said."""
    lines = done.stdout.splitlines()
    begin = next(i for i, line in enumerate(lines) if line.startswith("Running entrypoint"))
    end = next((i for i, line in enumerate(lines) if re.search(r"(cli|sdk)\.py:", line) and i > begin), len(lines))
    return [line for line in lines[begin + 1 : end] if line.strip()]


def test_a_job_runs_a_study_and_its_store_outlives_it(head, submitted):
    assert submitted.returncode == 0, submitted.stdout + submitted.stderr
    runs = head.home / "fertune-runs"
    status = head.shell("python", "tune.py", "status", "demo-smoke", "--json", FERTUNE_HOME=str(runs))
    assert json.loads(status.stdout)["trials"] == {"search": {"FINISHED": 2}}
    client = mlflow.MlflowClient(f"sqlite:///{runs}/mlflow.db")
    experiment = client.get_experiment_by_name("fertune/demo-smoke")
    phases = [run.data.tags.get("fertune.phase") for run in client.search_runs([experiment.experiment_id])]
    assert phases.count("search") == 2


@pytest.mark.long
def test_a_job_without_a_working_directory_runs_where_the_head_was_started(head, submitted):
    """And finds the study of the other job."""
    done = head.submit("--", *SMOKE[:-2], "--extend", "1")
    assert done.returncode == 0, done.stdout + done.stderr
    assert any("[1/1] search-0002" in line for line in lines_of(done))


def test_a_champion_of_a_job_predicts_in_a_shell(head, submitted):
    runs = head.home / "fertune-runs"
    uri = f"sqlite:///{runs}/mlflow.db"
    folder = next(path.parent for path in (runs / "demo-smoke" / "trials").glob("*/model.json"))
    client = mlflow.MlflowClient(uri)
    experiment = client.get_experiment_by_name("fertune/demo-smoke").experiment_id
    (run,) = client.search_runs([experiment], f"tags.`fertune.trial_id` = '{folder.name}'")
    log_and_register(tracking_uri=uri, run_id=run.info.run_id, model_folder=folder, name="demo", tags={})
    clip = next((runs / "drawn" / "demo-smoke").glob("*/*"))
    asked = ("python", "tune.py", "predict", str(clip), "--model", "models:/demo@champion", "--json")
    done = head.shell(*asked, FERTUNE_HOME=str(runs))
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert (answer["path"], answer["model"]) == (str(clip), "models:/demo@champion")
    assert answer["label"] in answer["probabilities"]


def test_a_job_says_what_it_does_and_where_its_results_lie_and_nothing_of_rays(head, submitted):
    lines = lines_of(submitted)
    assert any(line.startswith("drawn_faces: kept 32 of 32 clips") for line in lines)
    assert any("[2/2] search-" in line for line in lines)
    assert any(f"FERTUNE_HOME={head.home}/fertune-runs" in line for line in lines)
    assert not [line for line in lines if re.search(r"raylet|WARNING|INFO|ray::|pid=|\x1b", line)]


def test_rays_dashboard_lists_a_run_for_each_trial(head, submitted):
    runs = head.runs()
    assert runs["demo-smoke-search-0000"] == runs["demo-smoke-search-0001"] == "FINISHED"
    jobs = head.get("/api/jobs/")
    assert " ".join(SMOKE) in [job["entrypoint"] for job in jobs]
