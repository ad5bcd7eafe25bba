"""Where no namespace may be made, the network says why, and a test that needs one is skipped; anything else is a failure."""

import shutil

import pytest

from benchmarks.core.chaos.network import two_hosts
from tests.support.servers.hosts import require_namespace


@pytest.fixture
def programs(tmp_path, monkeypatch):
    """A folder that alone is searched for programs."""
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def stand_in(programs, name, script):
    (programs / name).write_text(f"#!/bin/sh\n{script}\n")
    (programs / name).chmod(0o755)


def test_a_kernel_that_refuses_is_quoted_and_skips_the_test(programs):
    stand_in(programs, "nsenter", "exit 0")
    stand_in(programs, "ip", "echo 'RTNETLINK answers: Operation not permitted' >&2; exit 2")
    with two_hosts() as network:
        assert (network.namespace, network.why_not) == ("", "RTNETLINK answers: Operation not permitted")
        with pytest.raises(pytest.skip.Exception, match="permits no network namespace: RTNETLINK"):
            require_namespace(network)


def test_a_program_that_is_missing_fails_the_test(programs):
    assert not shutil.which("nsenter")
    with two_hosts() as network:
        assert network.why_not == "nsenter"
        with pytest.raises(AssertionError, match="No network namespace: nsenter"):
            require_namespace(network)
