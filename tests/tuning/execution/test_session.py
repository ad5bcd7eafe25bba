"""What a Ray has, and its own words, without a Ray."""

import gc
import weakref

import pytest
import ray
from ray._private import worker

from tuning.execution.session import Node, Session, _shut_down, _start, _tame_lines_of_nodes


@pytest.fixture
def shown(monkeypatch):
    found = []
    monkeypatch.setattr(worker, "print_to_stdstream", lambda data, ignore_prefix: found.append(data))
    return found


def say(line):
    worker.print_to_stdstream({"is_err": False, "pid": "raylet", "lines": [line]}, ignore_prefix=False)


def test_what_nodes_say_goes_to_standard_error_once(shown):
    _tame_lines_of_nodes(verbose=False)
    _tame_lines_of_nodes(verbose=False)
    say("A worker was killed for memory")
    assert [(data["lines"], data["is_err"]) for data in shown] == [(["A worker was killed for memory"], True)]


@pytest.mark.parametrize(("verbose", "count"), [(False, 0), (True, 1)])
def test_a_warning_that_nobody_can_act_on_is_left_out_unless_all_is_asked_for(shown, verbose, count):
    _tame_lines_of_nodes(verbose)
    say("WARNING: 16 Python worker processes have been started on node: 5d")
    assert len(shown) == count


@pytest.mark.parametrize(
    ("slow", "ending"), [(1, "started"), (2, "TimeoutError: Ray did not start on this machine, though")]
)
def test_a_machine_that_is_slow_to_start_ray_gets_a_second_try(monkeypatch, slow, ending):
    asked = []

    def init(**settings):
        asked.append(settings)
        if len(asked) <= slow:
            raise Exception("The current node timed out during startup. This could happen because ...")
        return "started"

    monkeypatch.setattr(ray, "init", init)
    try:
        said = _start(logging_level=40)
    except TimeoutError as error:
        said = f"TimeoutError: {error}"
    assert said.startswith(ending)
    assert asked == [{"address": "local", "logging_level": 40}] * 2


def test_no_garbage_is_collected_while_ray_goes_down(monkeypatch):
    """In another thread that would end the process without a word: Ray bears no access to what it takes down."""

    class Cycle:
        pass

    garbage = Cycle()
    garbage.itself, watched, seen = garbage, weakref.ref(garbage), []
    monkeypatch.setattr(ray, "shutdown", lambda: seen.append((gc.isenabled(), watched())))
    del garbage
    _shut_down()
    assert seen == [(False, None)]
    assert gc.isenabled()


def test_what_others_hold_is_said():
    nodes = (Node(num_cpus=8, num_gpus=1), Node(num_cpus=4))
    assert Session(nodes=nodes, busy_cpus=0.01).wait == ""
    assert Session(nodes=nodes, busy_cpus=2, busy_gpus=1).wait.startswith(
        "Other work holds 2 of 12 CPUs and 1 of 1 GPUs:"
    )
