"""The recipe for Slurm, run by Slurm: a search on two nodes, moved in the middle, which goes on where it was."""

import re
import stat
from collections import Counter
from pathlib import Path

import psutil
import pytest

from cluster.local.asking import HOST
from tests.support.ray_head import SMOKE, WITH_RAY, wait_until
from tests.support.servers import doors
from tests.support.servers.secrets import of_the_checkout, where_it_is
from tests.support.servers.slurm import finished, processes_of, ray_of, slurm
from tuning.records.ledger import Ledger

pytestmark = WITH_RAY
NUM_TRIALS = 4  # two at once: when the first has ended there is one more to begin, and one or two to take up again
SEARCH = ["demo", "--smoke", "--no-baselines", "--num-samples", str(NUM_TRIALS)]


@pytest.fixture(scope="module")
def cluster():
    with slurm() as found:
        yield found


def test_a_search_on_two_nodes_goes_on_after_a_requeue_and_leaves_nothing(cluster, tmp_path):
    assert SMOKE[3] == SEARCH[0]
    home, out = tmp_path / "runs", tmp_path / "job.out"
    study = home / "demo-smoke"
    asked = ["--nodes=2", "--cpus-per-task=1", f"--output={out}"]
    job = cluster.submit(asked, SEARCH, FERTUNE_HOME=str(home))
    logs = home / "slurm" / job

    def words():
        return (
            "\n".join(one.read_text()[-3000:] for one in [out, *logs.glob("*.log")] if one.exists()) + cluster.words()
        )

    first = wait_until(lambda: ray_of(job), 180, words)
    _its_doors_are_shut(job, first["token"], tmp_path / "a stranger was here")
    _its_token_is_its_owners(cluster, job, first["token"])
    wait_until(lambda: finished(study) or cluster.is_over(job), 300, words)
    before, family = finished(study), {psutil.Process(pid) for pid in processes_of(job) if psutil.pid_exists(pid)}
    assert cluster.call("scontrol", "requeue", job).returncode == 0, words()
    assert len(before) < NUM_TRIALS, "it is moved in the middle"
    assert where_it_is(first["token"], []) == set()
    assert len(family) > 10
    wait_until(lambda: cluster.job(job)["Restarts"] == "1" and not any(one.is_running() for one in family), 120, words)
    num_events = len(Ledger.read(study).events)
    second = wait_until(lambda: ray_of(job) not in ({}, first) and ray_of(job), 180, words)
    assert second["token"] != first["token"]
    wait_until(lambda: cluster.is_over(job), 300, words)
    assert (cluster.job(job)["JobState"], cluster.job(job)["ExitCode"]) == ("COMPLETED", "0:0"), words()

    ledger = Ledger.read(study)
    assert len(ledger.trials) == NUM_TRIALS
    assert finished(study) == ledger.trials.keys()
    ends = Counter(e["trial_id"] for e in ledger.events if e["event"] == "ended" and e["state"] == "FINISHED")
    assert set(ends.values()) == {1}
    again = {e["trial_id"] for e in ledger.events[num_events:] if e["event"] == "started"}
    assert not again & before, "what had finished was not run again"
    assert "life 0: Ray on 2 nodes" in out.read_text()
    assert "life 1: Ray on 2 nodes" in out.read_text()
    assert {path.name for path in logs.glob("ray-n?-life-1")} == {"ray-n1-life-1", "ray-n2-life-1"}
    for one in (first, second):
        assert where_it_is(one["token"], [out, home, cluster.folder, *of_the_checkout()]) == set()
    wait_until(lambda: not processes_of(job), 30, lambda: str(processes_of(job)))
    assert not Path(f"/tmp/fertune-{job}").exists()


def _its_doors_are_shut(job, token, mark):
    """Everything at which a process of the job's Ray listens, where it listens, asked by who may open sockets there."""
    asked = {*doors.GRPC[:4], "GET /api/jobs/"}

    def found():
        """Ports by host. What Slurm's own programs listen at is not the job's."""
        pids = [pid for pid, words in processes_of(job).items() if not re.match(r"\S*(srun|slurmstepd)\b", words)]
        ports = {}
        for address, port in doors.listening(pids):
            host = address.removeprefix("::ffff:")
            ports.setdefault(HOST if host in ("0.0.0.0", "::", "::1") else host, set()).add(port)
        return ports

    def opened():
        return set().union(*(doors.open_to_owner(ports, token, host) for host, ports in found().items()))

    wait_until(lambda: asked <= opened(), 120, lambda: str(found()))  # the dashboard comes last
    everything = found()
    assert sum(map(len, everything.values())) >= 5
    for host, ports in everything.items():
        assert doors.open_to_strangers(ports, mark, host) == set()
    assert not mark.exists()


def _its_token_is_its_owners(cluster, job, token):
    """In files of the job's own folder in /tmp, which its owner alone reads, and not in what Slurm shows."""
    path = Path(f"/tmp/fertune-{job}/token")
    assert len(token) == 64
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    own = where_it_is(token, [path.parent])
    assert path in own
    assert {found.name for found in own} == {"token"}
    assert {stat.S_IMODE(found.stat().st_mode) for found in own} == {0o600}
    shown = cluster.call("scontrol", "show", "job", "--details", job).stdout
    shown += cluster.call("scontrol", "write", "batch_script", job, "-").stdout
    assert job in shown
    assert token not in shown
