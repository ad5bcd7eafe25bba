"""The recipe for Slurm, run by Slurm: a search on two nodes, moved in the middle, which goes on where it was."""

import stat
from collections import Counter
from pathlib import Path

import psutil
import pytest

from tests.support.ray_head import SMOKE, WITH_RAY, wait_until
from tests.support.servers.secrets import of_the_checkout, where_it_is
from tests.support.servers.slurm import processes_of, slurm
from tuning.records.ledger import Ledger

pytestmark = WITH_RAY
NUM_TRIALS = 8
SEARCH = ["demo", "--smoke", "--no-baselines", "--num-samples", str(NUM_TRIALS)]


@pytest.fixture(scope="module")
def cluster():
    with slurm() as found:
        yield found


def finished(folder: Path) -> set[str]:
    """The trials that have ended well; none before the study is begun."""
    ledger = Ledger.read(folder) if (folder / "ledger.jsonl").exists() else None
    return {name for name, one in (ledger.trials if ledger else {}).items() if one.state == "FINISHED"}


def test_a_search_on_two_nodes_goes_on_after_a_requeue_and_leaves_nothing(cluster, tmp_path):
    assert SMOKE[3] == SEARCH[0]
    study, out = tmp_path / "runs" / "demo-smoke", tmp_path / "job.out"
    asked = ["--nodes=2", "--cpus-per-task=1", f"--output={out}"]
    job = cluster.submit(asked, SEARCH, FERTUNE_HOME=str(tmp_path / "runs"))

    def words():
        logs = [out, *(tmp_path / "runs" / "slurm" / job).glob("*.log")]
        return "\n".join(path.read_text()[-3000:] for path in logs if path.exists()) + cluster.words()

    wait_until(lambda: finished(study) or cluster.is_over(job), 300, words)
    assert cluster.job(job)["JobState"] == "RUNNING", words()
    _the_token_is_nowhere_else(cluster, job, [out, tmp_path / "runs", cluster.folder])
    family = {psutil.Process(pid) for pid in processes_of(job) if psutil.pid_exists(pid)}
    assert len(family) > 10
    before = finished(study)
    assert len(before) < NUM_TRIALS, "it is moved in the middle"
    assert cluster.call("scontrol", "requeue", job).returncode == 0
    wait_until(lambda: cluster.job(job)["Restarts"] == "1" and not any(one.is_running() for one in family), 120, words)
    num_events = len(Ledger.read(study).events)
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
    logs = tmp_path / "runs" / "slurm" / job
    assert {path.name for path in logs.glob("ray-n?-life-1")} == {"ray-n1-life-1", "ray-n2-life-1"}
    wait_until(lambda: not processes_of(job), 30, lambda: str(processes_of(job)))
    assert not Path(f"/tmp/fertune-{job}").exists()


def _the_token_is_nowhere_else(cluster, job, places):
    """In files of the job's own folder in /tmp, which its owner alone reads, and in nothing that others see."""
    path = Path(f"/tmp/fertune-{job}/token")
    token = path.read_text()
    assert len(token) == 64
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert where_it_is(token, places) == set()
    own = where_it_is(token, [path.parent])
    assert {found.name for found in own} == {"token"}
    assert {stat.S_IMODE(found.stat().st_mode) for found in own} == {0o600}
    shown = cluster.call("scontrol", "show", "job", "--details", job).stdout
    shown += cluster.call("scontrol", "write", "batch_script", job, "-").stdout
    assert job in shown
    assert token not in shown
    assert where_it_is(token, of_the_checkout()) == set()
