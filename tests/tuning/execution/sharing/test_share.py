"""A study's share from its driver: it beats, answers at once, and goes on where nobody answers."""

import os
import subprocess
import threading

import pytest

from tests.tuning.execution.sharing.kept_by_hand import HandKeeper
from tuning.execution.sharing.key import StudyKey
from tuning.execution.sharing.share import PATIENCE_S, Alone, Share, share_of
from tuning.execution.sharing.shares import SlotNeed
from tuning.execution.sharing.turns import SILENT_S
from tuning.execution.sharing.waits import read_waits
from tuning.records.ledger import StudyBusy

KEY = StudyKey(home="home", study="demo")


@pytest.fixture
def keeper():
    return HandKeeper()


def share(keeper, key=KEY, **of):
    asked = {"priority": "normal", "slot": SlotNeed(), "line": keeper, "beat_s": 0.01, "clock": keeper.clock} | of
    return Share(key, **asked)


def test_a_ray_of_its_own_is_all_its_own(tmp_path, monkeypatch):
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    with share_of(tmp_path, "demo", priority="low", slot=SlotNeed()) as alone:
        assert isinstance(alone, Alone)
        assert alone.allowed(1, 7) == 7
        assert alone.waits_for == ""
    assert not list(tmp_path.iterdir())


def test_a_cluster_that_is_joined_is_shared(tmp_path, monkeypatch, keeper):
    monkeypatch.setenv("RAY_ADDRESS", "10.0.0.1:6379")
    monkeypatch.setattr("tuning.execution.sharing.share._ray_line", lambda: keeper)
    assert isinstance(share_of(tmp_path, "demo", priority="low", slot=SlotNeed()), Share)


def test_it_says_what_it_holds_and_hears_what_it_may_hold(keeper):
    with share(keeper) as mine:
        assert mine.allowed(0, 2) in (0, 2)  # from memory, before the keeper was asked
        keeper.wait_until(lambda: mine.allowed(0, 2) == 2)
        assert mine.allowed(0, 1) == 1  # never more than it wants
        mine.allowed(1, 2)
        keeper.wait_until(lambda: keeper.said("demo").held == 1)
    assert keeper.left == ["demo"]


def test_the_first_gives_back_what_is_the_seconds(keeper, tmp_path):
    with share(keeper) as first:
        keeper.wait_until(lambda: first.allowed(2, 2) == 2)
        other = StudyKey(home="home", study="other")
        (tmp_path / "other").mkdir()
        with share(keeper, other, folder=tmp_path / "other") as second:
            keeper.wait_until(lambda: second.allowed(0, 2) == 0 and first.allowed(2, 2) == 1)
            keeper.wait_until(lambda: second.waits_for.startswith("waits for a slot (1 CPU) behind demo"))
            keeper.wait_until(lambda: read_waits(tmp_path / "other") == second.waits_for)
            first.allowed(1, 2)
            keeper.wait_until(lambda: second.allowed(0, 2) == 1)
            keeper.wait_until(lambda: not second.waits_for and read_waits(tmp_path / "other") == "")
    assert keeper.left == ["other", "demo"]


def test_a_keeper_that_does_not_answer_leaves_it_what_it_holds(keeper):
    with share(keeper) as mine:
        keeper.wait_until(lambda: mine.allowed(1, 2) == 2)
        keeper.fails = True
        asked = keeper.asked
        keeper.wait_until(lambda: keeper.asked > asked)
        assert mine.allowed(1, 2) == 2  # a moment changes nothing
        keeper.now += PATIENCE_S + 1
        assert mine.allowed(1, 2) == 1
        assert mine.allowed(0, 2) == 2
        assert mine.waits_for == ""
        keeper.fails = False
        keeper.wait_until(lambda: mine.allowed(1, 2) == 2)


def test_it_begins_where_no_keeper_can_be_reached(keeper):
    keeper.fails = True
    with share(keeper) as mine:
        assert mine.allowed(0, 3) == 0
        keeper.now += PATIENCE_S + 1
        assert mine.allowed(0, 3) == 3


def test_a_second_driver_of_a_study_is_refused_and_told_of_the_first(keeper, monkeypatch):
    monkeypatch.setenv(
        "RAY_JOB_CONFIG_JSON_ENV_VAR", '{"metadata": {"job_submission_id": "raysubmit_1", "user": "anna"}}'
    )
    with share(keeper) as first:
        with pytest.raises(StudyBusy, match=r"demo is already running on this cluster: .* of anna") as refused:
            share(keeper).__enter__()
        assert f"process {os.getpid()} on {os.uname().nodename} (Ray job raysubmit_1)" in str(refused.value)
        keeper.wait_until(lambda: first.allowed(0, 2) == 2)
        with share(keeper, StudyKey(home="other", study="demo")):  # of another home
            pass


def test_a_driver_that_was_killed_here_is_followed_at_once(keeper, monkeypatch):
    dead = subprocess.Popen(["true"])
    dead.wait()
    with monkeypatch.context() as patch:
        patch.setattr(os, "getpid", lambda: dead.pid)
        killed = share(keeper)
    killed._join()
    keeper.now += 3
    with share(keeper) as mine:
        keeper.wait_until(lambda: mine.allowed(0, 1) == 1)
    assert keeper.now < SILENT_S


def test_a_driver_that_fell_silent_elsewhere_is_followed_when_it_is_dropped(keeper, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(os, "uname", lambda: os.uname_result(("Linux", "elsewhere", "", "", "")))
        away = share(keeper)
    away._join()
    joined = threading.Event()

    def follow():
        with share(keeper):
            joined.set()

    thread = threading.Thread(target=follow)
    thread.start()
    asked = keeper.asked
    keeper.wait_until(lambda: keeper.asked > asked + 3)
    assert not joined.is_set()
    keeper.now += SILENT_S
    assert joined.wait(20)
    thread.join(20)


def test_a_name_that_nobody_has_is_a_number(keeper, monkeypatch):
    monkeypatch.delenv("RAY_JOB_CONFIG_JSON_ENV_VAR", raising=False)

    def unknown():
        raise KeyError("getpwuid(): uid not found: 1000")

    monkeypatch.setattr("getpass.getuser", unknown)
    with share(keeper) as mine:
        mine.allowed(0, 1)
        keeper.wait_until(lambda: keeper.said("demo").user == str(os.getuid()))


def test_one_of_two_drivers_that_a_keeper_let_in_unknown_trains_nothing(keeper):
    keeper.fails = True
    with share(keeper) as mine, share(keeper) as other:
        keeper.fails = False
        keeper.wait_until(lambda: {mine.allowed(0, 2), other.allowed(0, 2)} == {0, 2})
        later = mine if mine.allowed(0, 2) == 0 else other
        assert later.waits_for.startswith("Study demo is already running on this cluster: ")
        keeper.now += PATIENCE_S - 1
        assert later.allowed(0, 2) == 0
