"""`stop` ends the driver that writes a study, and no other process; `logs` tells what happened."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time

import psutil
import pytest
from typer.testing import CliRunner

import tune
from tests.conftest import ROOT
from tests.support.ray_head import wait_until
from tests.support.sample_study import ERROR, write_sample
from tests.support.stub_faces import write_clips
from tuning.records.ledger import Ledger, StudyBusy
from tuning.records.owner import Owner, read_owner
from tuning.stop import stop

DRIVER = """
import sys, time, pathlib
from tuning.execution.signals import interruptible
from tuning.records.ledger import Ledger
with Ledger.write(pathlib.Path(sys.argv[1])) as ledger:
    ledger.open_study(trainable="tiny")
    try:
        with interruptible():
            print("running", flush=True)
            time.sleep(60)
    except KeyboardInterrupt as interruption:
        sys.exit(str(interruption))
"""

PREPARING = """
import sys, pathlib, typer
from tests.support.stub_faces import StubFinder, dataset_of
from trainables.core.prepared.cache import prepare
from tuning.execution.signals import interruptible
from tuning.records.ledger import Ledger
from tuning.text.errors import reporting_errors
if __name__ == "__main__":
    home = pathlib.Path(sys.argv[1])
    finder = StubFinder(log=home / "log", gate=home / "never")
    try:
        with reporting_errors(goes_on="It goes on."), interruptible(), Ledger.write(home / "tiny"):
            prepare(dataset_of(home / "data"), home, crop_size=32, finder=finder, num_processes=2)
    except typer.Exit as end:
        sys.exit(end.exit_code)
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
        assert stop("tiny", home=tmp_path).pid == driver.pid
        assert time.monotonic() - began < 20
        assert driver.wait(timeout=10) != 0
        assert other.poll() is None
        with pytest.raises(ValueError, match="Study tiny is not running: no process writes"):
            stop("tiny", home=tmp_path)
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
            stop("tiny", home=tmp_path)
        assert driver.poll() is None
    finally:
        driver.kill()
        driver.wait(timeout=10)


def test_a_study_that_was_not_begun_is_a_message(tmp_path):
    write_sample(tmp_path)
    with pytest.raises(ValueError, match=r"no study begun under .* named 'smile'\. Did you mean 'smiles'\?"):
        stop("smile", home=tmp_path)


@pytest.fixture
def preparing(tmp_path):
    """A driver that finds faces in two processes, which never find one; the driver leads a session of its own."""
    write_clips(tmp_path / "data")
    (tmp_path / "driver.py").write_text(PREPARING)
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    driver = subprocess.Popen(
        [sys.executable, str(tmp_path / "driver.py"), str(tmp_path)],
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    family = [psutil.Process(driver.pid)]
    try:
        log = tmp_path / "log"
        wait_until(lambda: log.exists() and log.read_text().count("clip") == 2, 120, every_s=0.05)
        family += family[0].children(recursive=True)
        yield driver
    finally:
        for process in family:
            with contextlib.suppress(psutil.NoSuchProcess):  # it knows a number that was given again
                process.kill()
        driver.wait(timeout=10)


@pytest.mark.slow
def test_the_processes_that_find_faces_leave_ctrl_c_to_their_driver(preparing, tmp_path):
    for worker in psutil.Process(preparing.pid).children(recursive=True):
        worker.send_signal(signal.SIGINT)
    (tmp_path / "never").touch()
    said = preparing.communicate(timeout=60)[1]
    assert (preparing.returncode, said) == (0, "")


@pytest.mark.slow
@pytest.mark.parametrize("how", ["stop", "ctrl-c", "kill"])
def test_a_driver_that_finds_faces_ends_with_its_processes(preparing, tmp_path, how):
    workers = psutil.Process(preparing.pid).children(recursive=True)
    assert len(workers) >= 2
    if how == "stop":
        assert stop("tiny", home=tmp_path).pid == preparing.pid
    elif how == "ctrl-c":
        os.killpg(preparing.pid, signal.SIGINT)  # as a terminal does
    else:
        preparing.kill()
    said = preparing.communicate(timeout=60)[1]
    _, alive = psutil.wait_procs(workers, timeout=20)
    assert not alive
    if how != "kill":
        assert preparing.returncode == 130
        assert said == f"Interrupted (stopped by {'SIGTERM' if how == 'stop' else 'SIGINT'}). It goes on.\n"
        assert not list((tmp_path / "prepared").glob("*.tmp"))
        with pytest.raises(ValueError, match="no study begun under"):
            stop("tiny", home=tmp_path)


def test_the_driver_before_this_one_is_not_taken_for_it(tmp_path, stranger, monkeypatch):
    """Its number is a stranger's by now, and the driver that holds the lock has not signed for it yet."""
    driver = begin(tmp_path)
    try:
        path = tmp_path / "tiny" / "ledger.owner"
        signed = read_owner(tmp_path / "tiny")
        path.write_text(json.dumps({"pid": stranger.pid, "host": os.uname().nodename, "job": ""}))
        os.utime(path, (0, 0))
        with pytest.raises(ValueError, match=r"Study tiny is running, but .*ledger\.owner does not name its process"):
            stop("tiny", home=tmp_path)
        assert stranger.poll() is None
        os.utime(path)
        dead = Owner(pid=2**22 + 1, host=os.uname().nodename)  # no process has so large a number
        answers = iter([None, dead, signed])
        monkeypatch.setattr("tuning.stop.read_owner", lambda folder: next(answers))
        assert stop("tiny", home=tmp_path) == signed
    finally:
        driver.kill()
        driver.wait(timeout=10)


def test_a_driver_of_another_user_and_one_that_just_ended(tmp_path, monkeypatch):
    driver = begin(tmp_path)

    def refuse(pid, number):
        raise PermissionError("Operation not permitted")

    def too_late(pid, number):
        monkeypatch.undo()
        driver.kill()
        driver.wait(timeout=10)
        raise ProcessLookupError("No such process")

    try:
        monkeypatch.setattr(os, "kill", refuse)
        with pytest.raises(ValueError, match=r"Study tiny is run by process \d+ on .*, which belongs to another user"):
            stop("tiny", home=tmp_path)
        monkeypatch.setattr(os, "kill", too_late)
        assert stop("tiny", home=tmp_path).pid == driver.pid
    finally:
        monkeypatch.undo()
        driver.kill()
        driver.wait(timeout=10)


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
    with pytest.raises(ValueError, match=r"no study begun under .* named 'tiny'\. There are none"):
        stop("tiny", home=tmp_path)
