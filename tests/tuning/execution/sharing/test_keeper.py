"""The keeper of turns: what it hands out of a cluster, its code that travels with it, and its life on a real one."""

import os
import subprocess
import sys

import pytest
from ray import cloudpickle

import tuning.execution.sharing
from tuning.execution.sharing.keeper import Keeper
from tuning.execution.sharing.messages import message
from tuning.execution.sharing.shares import Amount
from tuning.execution.sharing.turns import SETTLE_S, Beat


class Measured:
    """A cluster of four CPUs, of which a test says what is free."""

    def __init__(self):
        self.now, self.free = 0.0, 4.0

    def clock(self):
        return self.now

    def amounts(self):
        return Amount(cpus=4), Amount(cpus=self.free)

    def keeper(self):
        return Keeper(self.amounts, self.clock)


def beat(study="demo", **of):
    return message(Beat(home="home", study=study, token=study, **({"held": 0, "wanted": 4} | of)))


@pytest.fixture
def cluster():
    return Measured()


def test_what_strangers_hold_is_not_shared_out(cluster):
    keeper = cluster.keeper()
    cluster.now, cluster.free = SETTLE_S, 2.0  # somebody else holds two CPUs
    keeper.beat(beat("first", held=0))
    keeper.beat(beat("second", held=0))
    assert [keeper.beat(beat(name))["allowed"] for name in ("first", "second")] == [1, 1]


def test_a_slot_that_just_went_is_nobody_elses(cluster):
    """Ray frees a slot's CPUs a second or two after the study said so."""
    keeper = cluster.keeper()
    cluster.now, cluster.free = SETTLE_S, 0.0
    keeper.beat(beat("first", held=4))
    keeper.beat(beat("second"))
    cluster.now += 1
    assert keeper.beat(beat("first", held=3))["allowed"] == 2
    cluster.now += 1
    assert keeper.beat(beat("first", held=2))["allowed"] == 2
    assert keeper.beat(beat("second"))["allowed"] == 2


def test_what_another_version_says_beside_is_passed_over(cluster):
    keeper = cluster.keeper()
    cluster.now = SETTLE_S
    told = beat(wanted=2) | {"mood": "good"}
    told["slot"] |= {"colour": "red"}
    assert keeper.beat(told)["allowed"] == 2
    assert {"study", "user", "priority", "held", "wanted", "allowed", "waits_for"} <= set(keeper.standing()[0])


def test_behind_the_last_study_the_keeper_goes(cluster, monkeypatch):
    keeper, gone = cluster.keeper(), []
    monkeypatch.setattr(keeper, "_go", lambda: gone.append(True))
    cluster.now = SETTLE_S
    keeper.beat(beat("first"))
    keeper.beat(beat("second"))
    assert not keeper.leave("home", "first", "first")
    assert not gone
    assert keeper.leave("home", "second", "second")
    assert gone


def test_its_code_needs_no_fertune_where_it_runs(tmp_path):
    cloudpickle.register_pickle_by_value(tuning.execution.sharing)
    try:
        code = cloudpickle.dumps(Keeper)
    finally:
        cloudpickle.unregister_pickle_by_value(tuning.execution.sharing)
    (tmp_path / "keeper.pickle").write_bytes(code)
    script = (
        "import pickle, sys; keeper = pickle.load(open('keeper.pickle', 'rb'))(lambda: None, lambda: 0.0);"
        "assert not [name for name in sys.modules if name.partition('.')[0] in ('tuning', 'trainables')];"
        f"keeper._shared = lambda now: None; print(keeper.beat({beat(held=3)!r})['allowed'])"
    )
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stdout.strip()) == (0, "3"), done.stderr
