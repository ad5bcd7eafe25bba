"""What a study asks of the machines that it runs on, tells its trials of them, and remembers."""

import contextlib

import pytest

from tests.support.without_ray import LoopRunner
from tests.tuning.execution.test_search_size import search_of
from tuning.execution import runner as module
from tuning.execution.devices.nodes import Node
from tuning.execution.phase import machines
from tuning.execution.phase.machines import Machines
from tuning.execution.session import Session

ONE = Session(nodes=(Node(num_cpus=2, node_id="n1"),), here="n1")
TWO = Session(nodes=(*ONE.nodes, Node(num_cpus=2, node_id="n2")), here="n1")
GPUS = Session(nodes=(Node(num_cpus=2, num_gpus=1, kind="T4"), Node(num_cpus=2, num_gpus=2, kind="H100")))


@pytest.fixture
def searched(prepared, tmp_path, monkeypatch):
    """`searched(session)`: a runner that has run a trial on the machines of `session`."""
    monkeypatch.setattr(module, "trial_memory", lambda *given, **named: ({}, {}))

    def search(session):
        monkeypatch.setattr(LoopRunner, "session", lambda self: session)
        with LoopRunner(search_of(), tmp_path, prepared) as runner:
            runner.search(1)
        return runner

    return search


@pytest.mark.parametrize(("session", "told"), [(ONE, ""), (TWO, "auto")])
def test_trials_on_several_machines_keep_the_data_near(searched, monkeypatch, session, told):
    monkeypatch.delenv("FERTUNE_LOCAL_DATA", raising=False)
    (spec,) = searched(session).specs
    assert spec["local_data"] == told


@pytest.mark.parametrize(("session", "kind"), [(ONE, "CPU"), (GPUS, "H100")])
def test_a_study_remembers_its_kind_of_device_and_stays_on_it(searched, session, kind):
    runner = searched(session)
    assert runner.ledger.study["device_kind"] == kind
    assert runner.placement.device_kind == kind
    told = [note for note in runner.notes if "kinds" in note]
    assert len(told) == (session is GPUS)


def test_whoever_joins_a_cluster_asks_its_machines_before_all(tmp_path, monkeypatch):
    asked, told = [], [].append
    monkeypatch.setattr(machines, "open_session", lambda verbose: contextlib.nullcontext(TWO))
    monkeypatch.setattr(machines, "require_shared", lambda *given: asked.append(given))
    monkeypatch.setattr(machines, "as_now", lambda session: ONE)
    with Machines(tmp_path / "demo", tmp_path / "prepared", told) as found:
        assert found.session() is TWO
        assert found.session() is ONE, "one has left since"
    assert asked == [(TWO, tmp_path / "demo", tmp_path / "prepared", told)]


def test_a_head_without_machines_waits_for_the_first_and_not_for_ever(tmp_path, monkeypatch):
    empty, joining, told = Session(nodes=(Node(num_cpus=0, node_id="n1"),), here="n1"), [], []
    monkeypatch.setattr(machines, "open_session", lambda verbose: contextlib.nullcontext(empty))
    monkeypatch.setattr(machines, "as_now", lambda session: joining.pop() if joining else empty)
    monkeypatch.setattr(machines, "POLL_S", 0.0)
    joining += [TWO, empty]
    with Machines(tmp_path / "demo", tmp_path / "prepared", told.append) as found:
        monkeypatch.setattr(machines, "require_shared", lambda session, *_: told.append(len(session.nodes)))
        assert found.session() is TWO
    assert told == ["Ray has no machine for trials yet. The first one is waited for, 120 s at most.", 2]
    monkeypatch.setattr(machines, "JOIN_S", 0.0)
    with Machines(tmp_path / "demo", tmp_path / "prepared", told.append) as found:
        assert found.session() is empty
