"""Two machines of a Ray that see the same files, or do not: the second one has a view of the file systems of its own."""

import contextlib
import os
import subprocess
import sys

import pytest
from ray.cluster_utils import Cluster

from tests.conftest import ROOT
from tests.support.ray_head import WITH_RAY, end, free_ports, wait_until
from trainables.core import files
from tuning.execution.session import Session, alive_nodes, open_session
from tuning.execution.storage.shared import require_shared

pytestmark = WITH_RAY


@pytest.fixture(scope="module")
def head():
    found = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    yield found
    found.shutdown()


@contextlib.contextmanager
def second(head, *before):
    """A machine with one CPU joins `head`, started by what the command `before` starts; it is gone after the block."""
    names = ("dashboard-agent-listen", "dashboard-agent-grpc", "runtime-env-agent", "metrics-export")
    ports = [f"--{name}-port={port}" for name, port in zip(names, free_ports(len(names)), strict=True)]
    start = ["start", "--block", f"--address={head.address}", "--num-cpus=1", "--disable-usage-stats", *ports]
    command = [*before, sys.executable, "-m", "ray.scripts.scripts", *start]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    process = subprocess.Popen(command, cwd=ROOT, start_new_session=True, **quiet)
    try:
        yield
    finally:
        end(process)


@pytest.fixture
def home(tmp_path):
    for folder in ("smiles", "prepared"):
        (tmp_path / folder).mkdir()
    (tmp_path / "prepared" / files.INDEX).write_text("{}")
    (tmp_path / "prepared" / files.FRAMES).write_bytes(b"frames")
    return tmp_path


@contextlib.contextmanager
def joined(head, monkeypatch):
    """The session of two machines."""
    monkeypatch.setenv("RAY_ADDRESS", head.address)
    with open_session() as session:
        wait_until(lambda: len(alive_nodes()) == 2, 120)
        yield Session(nodes=alive_nodes(), here=session.here)


def test_a_machine_with_another_folder_in_the_same_place_is_refused(head, home, monkeypatch):
    rights = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
    other_disk = f'mount -t tmpfs none "{home / "smiles"}" && exec "$@"'
    with (
        second(head, "unshare", *rights, "--mount", "sh", "-c", other_disk, "sh"),
        joined(head, monkeypatch) as session,
    ):
        (other,) = (node for node in session.nodes if node.node_id != session.here)
        with pytest.raises(
            ValueError, match=r" 1 machine of .*\S+ does not see \S+/smiles\. Set \$FERTUNE_HOME"
        ) as told:
            require_shared(session, home / "smiles", home / "prepared", lambda words: None)
    assert other.name in str(told.value)


def test_two_machines_that_see_the_same_run_the_study(head, home, monkeypatch):
    told = []
    with second(head), joined(head, monkeypatch) as session:
        require_shared(session, home / "smiles", home / "prepared", told.append)
    assert told == []
