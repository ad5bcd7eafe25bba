"""Wall time adds up over the attempts at a trial, also of one that was killed, and not what lies between."""

import contextlib
import json
import subprocess
import sys

import pytest

from tests.conftest import ROOT
from tests.support.builders import make_spec, train
from tests.support.ray_head import wait_until
from trainables.core.training.trial import Stopped
from trainables.core.training.wall_time import WallTime

pytestmark = pytest.mark.usefixtures("tiny")


class Clock:
    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


def attempt(folder, clock, seconds, identity="this", **given):
    with WallTime(folder, identity, writes=True, clock=clock, **given) as wall:
        clock.now += seconds
        return wall.seconds


def test_attempts_add_up_and_the_time_between_them_does_not(tmp_path):
    clock = Clock()
    (tmp_path / "trial").mkdir()
    with contextlib.suppress(Stopped), WallTime(tmp_path / "trial", "this", writes=True, clock=clock):
        clock.now += 7
        raise Stopped
    clock.now += 1000
    assert attempt(tmp_path / "trial", clock, 5) == 12
    assert attempt(tmp_path / "trial", clock, 1) == 13, "its driver died before it wrote the end down"
    assert attempt(tmp_path / "trial", clock, 2, identity="another") == 2


@pytest.mark.parametrize("left", ["", "{", "[]", '{"trial": "this"}'])
def test_a_file_that_cannot_be_read_counts_nothing(tmp_path, left):
    (tmp_path / "wall_time.json").write_text(left)
    assert attempt(tmp_path, Clock(), 3) == 3


def test_only_the_worker_that_leads_writes(tmp_path):
    with WallTime(tmp_path, "this", writes=False):
        pass
    assert not list(tmp_path.iterdir())


def test_a_full_disk_stops_no_trial(tmp_path):
    (tmp_path / "file").write_text("no folder can be made here")
    assert attempt(tmp_path / "file" / "trial", Clock(), 3) == 3


AT_WORK = """
import sys, time
from pathlib import Path
from trainables.core.training import wall_time
wall_time.PULSE_S = 0.05
with wall_time.WallTime(Path(sys.argv[1]), "this", writes=True):
    time.sleep(600)
"""


@pytest.mark.slow
def test_an_attempt_that_was_killed_counts_until_then(tmp_path):
    path = tmp_path / "wall_time.json"
    process = subprocess.Popen([sys.executable, "-c", AT_WORK, str(tmp_path)], cwd=ROOT)
    try:
        wait_until(lambda: path.exists() and json.loads(path.read_text())["seconds"] >= 0.2, 120)
    finally:
        process.kill()
        process.wait(60)
    assert 0.2 <= attempt(tmp_path, Clock(), 0) < 600


def test_a_resumed_trial_counts_what_it_took_before_it_was_stopped(prepared, tmp_path):
    spec = make_spec(prepared, tmp_path / "search-0000", epochs=3)
    with pytest.raises(Stopped):
        train(spec, stop_after=1)
    path = tmp_path / "search-0000" / "wall_time.json"
    stored = json.loads(path.read_text())
    assert stored["seconds"] > 0
    path.write_text(json.dumps({**stored, "seconds": 5000.0}))
    _, metrics = train(spec)
    assert 5000 < metrics["wall_time_s"] < 6000
