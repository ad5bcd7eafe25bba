"""What a Ray has, and its own words, without a Ray."""

import gc
import os
import stat
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
def test_a_machine_that_is_slow_to_start_ray_gets_a_second_try(monkeypatch, tmp_path, slow, ending):
    monkeypatch.setenv("HOME", str(tmp_path))
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


@pytest.fixture
def found_by_ray(tmp_path, monkeypatch):
    """Starts a Ray of one's own; the files that it finds in a new home: their contents by name, and their modes."""
    for name in ("RAY_AUTH_MODE", "RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    umask = os.umask(0)

    def start():
        found = {}

        def init(**settings):
            files = [path for path in tmp_path.rglob("*") if path.is_file()]
            found.update({path.name: (path.read_text(), stat.S_IMODE(path.stat().st_mode)) for path in files})

        monkeypatch.setattr(ray, "init", init)
        _start()
        return found

    yield start
    os.umask(umask)


def test_the_token_of_a_ray_of_ones_own_is_its_owners_alone_and_stays(found_by_ray):
    found = found_by_ray()
    token, mode = found["auth_token"]
    assert (len(token), mode) == (64, 0o600)
    assert found_by_ray() == found


@pytest.mark.parametrize(
    "setting", [("RAY_AUTH_MODE", "disabled"), ("RAY_AUTH_TOKEN", "t"), ("RAY_AUTH_TOKEN_PATH", "/t")]
)
def test_who_has_another_token_or_wants_none_gets_none(found_by_ray, monkeypatch, setting):
    monkeypatch.setenv(*setting)
    assert found_by_ray() == {}


def test_of_two_drivers_at_once_both_get_the_token_of_the_first_and_nobody_half_a_token(
    found_by_ray, tmp_path, monkeypatch
):
    path, link = tmp_path / ".ray" / "auth_token", os.link

    def after_the_other(draft, target):
        assert (len(draft.read_text()), stat.S_IMODE(draft.stat().st_mode)) == (64, 0o600)
        assert not path.exists(), "it is there once it is whole"
        path.write_text("of the other")
        link(draft, target)

    monkeypatch.setattr(os, "link", after_the_other)
    assert found_by_ray().keys() == {"auth_token"}, "no draft is left"
    assert path.read_text() == "of the other"


def test_a_token_is_made_where_there_are_no_links(found_by_ray, monkeypatch):
    def link(draft, target):
        raise PermissionError

    monkeypatch.setattr(os, "link", link)
    found = found_by_ray()
    assert (found.keys(), found["auth_token"][1]) == ({"auth_token"}, 0o600)


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
