"""The command of a person is told what happened, is bounded, and fails nothing."""

from pathlib import Path

import psutil
import pytest

from tests.support.ray_head import wait_until
from tuning.notifying.notice import Notice, run_command


@pytest.fixture
def notice(tmp_path):
    return Notice(study="smiles", event="ended", summary="smiles: ended; 'all' $well", home=tmp_path)


def test_it_finds_the_facts_in_its_environment(notice, tmp_path):
    names = "$FERTUNE_STUDY|$FERTUNE_EVENT|$FERTUNE_SUMMARY|$FERTUNE_HOME"
    assert run_command(f'printf %s "{names}" > "$FERTUNE_HOME/told"', notice) == ""
    assert (tmp_path / "told").read_text() == f"smiles|ended|smiles: ended; 'all' $well|{tmp_path}"


def test_what_it_prints_goes_nowhere_and_a_failure_is_told_without_the_command(notice, capfd):
    said = run_command("echo secret; echo secret >&2; exit 3", notice)
    assert said == "The command of --notify failed with exit code 3 (ended)."
    assert capfd.readouterr() == ("", "")


def test_one_that_takes_too_long_is_ended_with_all_that_it_began(notice, tmp_path):
    said = run_command(f"sleep 600 & echo $! > {tmp_path}/pid; wait", notice, timeout_s=1.0)
    assert said == "The command of --notify was ended: it had not come to an end in 1 s (ended)."
    pid = int(Path(tmp_path, "pid").read_text())
    wait_until(lambda: not psutil.pid_exists(pid) or psutil.Process(pid).status() == "zombie")
