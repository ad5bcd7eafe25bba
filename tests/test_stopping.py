"""`stop` ends the driver that writes a study, and no other process; `logs` tells what happened."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest
from typer.testing import CliRunner

import tune
from tests.conftest import ROOT
from tests.sample_study import ERROR, write_sample
from tuning.ledger import Ledger, StudyBusy, read_owner
from tuning.stopping import stop

DRIVER = """
import sys, time, pathlib
from tuning.interruption import interruptible
from tuning.ledger import Ledger
with Ledger.write(pathlib.Path(sys.argv[1])) as ledger:
    ledger.open_study(trainable="tiny")
    try:
        with interruptible():
            print("running", flush=True)
            time.sleep(60)
    except KeyboardInterrupt as interruption:
        sys.exit(str(interruption))
"""


def begin(home, **changes):
    """A process that writes the ledger of study `tiny`, as a driver does."""
    driver = subprocess.Popen(
        [sys.executable, "-c", DRIVER, str(home / "tiny")],
        cwd=ROOT,
        env=os.environ | changes,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert driver.stdout.readline() == "running\n"
    return driver


def test_a_study_that_runs_is_stopped_and_another_is_not(tmp_path):
    driver, other = begin(tmp_path), begin(tmp_path / "other")
    try:
        began = time.monotonic()
        assert stop(tmp_path, "tiny").pid == driver.pid
        assert time.monotonic() - began < 20
        assert driver.wait(timeout=10) != 0
        assert other.poll() is None
        with pytest.raises(ValueError, match="Study tiny does not run: nobody writes"):
            stop(tmp_path, "tiny")
    finally:
        for process in (driver, other):
            process.kill()
            process.wait(timeout=10)


def test_a_study_of_another_machine_is_not_stopped_by_its_number(tmp_path):
    config = json.dumps({"metadata": {"job_submission_id": "raysubmit_1"}})
    driver = begin(tmp_path, RAY_JOB_CONFIG_JSON_ENV_VAR=config)
    try:
        assert read_owner(tmp_path / "tiny").job == "raysubmit_1"
        with pytest.raises(StudyBusy, match=r"process \d+ on .* \(Ray job raysubmit_1\) writes"):
            Ledger.write(tmp_path / "tiny")
        owner = json.loads((tmp_path / "tiny" / "ledger.owner").read_text())
        (tmp_path / "tiny" / "ledger.owner").write_text(json.dumps(owner | {"host": "node7"}))
        with pytest.raises(ValueError, match=r"process .* on node7 .*use `ray job stop raysubmit_1`"):
            stop(tmp_path, "tiny")
        assert driver.poll() is None
    finally:
        driver.kill()
        driver.wait(timeout=10)


def test_a_study_that_was_not_begun_is_a_sentence(tmp_path):
    write_sample(tmp_path)
    with pytest.raises(ValueError, match=r"Study 'smile' was not begun under .*Begun are: smiles"):
        stop(tmp_path, "smile")


def call(home, *arguments):
    return CliRunner().invoke(tune.app, ["logs", *arguments], env={"FERTUNE_HOME": str(home)})


def test_logs_tell_a_study_and_a_trial(tmp_path):
    write_sample(tmp_path)
    study = call(tmp_path, "smiles").stdout
    assert "search-0003 failed: " + ERROR in study
    assert "search-0000 started: rbg_depth=" in study
    assert "recommended search-" in study
    trial = call(tmp_path, "smiles", "search-0000").stdout
    assert "epoch 24: train_loss=" in trial
    assert "worker: node1, AMD EPYC" in trial
    (tmp_path / "smiles" / "trials" / "search-0003").mkdir(parents=True, exist_ok=True)
    (tmp_path / "smiles" / "trials" / "search-0003" / "error.txt").write_text("Traceback\n  here")
    assert call(tmp_path, "smiles", "search-0003").stdout.endswith(f"error: {ERROR}\nTraceback\n  here\n")


def test_logs_of_what_there_is_not_name_the_nearest(tmp_path):
    write_sample(tmp_path)
    assert "Did you mean 'search-0001'?" in call(tmp_path, "smiles", "serch-0001").stderr
    assert "Did you mean 'smiles'?" in call(tmp_path, "smile").stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_either_signal_ends_a_driver_with_its_ledger_closed(tmp_path, number):
    driver = begin(tmp_path)
    try:
        driver.send_signal(number)
        assert driver.wait(timeout=20) == 1  # it ended by itself, and not well
        with Ledger.write(tmp_path / "tiny") as ledger:
            assert ledger.study == {"trainable": "tiny"}
    finally:
        driver.kill()
        driver.wait(timeout=10)


def test_a_study_whose_first_run_failed_before_it_began_was_not_begun(tmp_path):
    Ledger.write(tmp_path / "tiny").close()
    done = CliRunner().invoke(tune.app, ["status"], env={"FERTUNE_HOME": str(tmp_path)})
    assert done.exit_code == 0
    assert done.stdout.startswith("No study was begun under")
    with pytest.raises(ValueError, match="Begun are: none"):
        stop(tmp_path, "tiny")
