"""Two jobs of Slurm on one node: each has a Ray of its own, and neither hears of the other's beginning, limit or end."""

from pathlib import Path

import pytest

from cluster.local.asking import answer, bearer
from tests.support.ray_head import WITH_RAY, wait_until
from tests.support.servers.slurm import finished, processes_of, ray_of, slurm
from tuning.records.ledger import Ledger

pytestmark = WITH_RAY
NUM_TRIALS = {"anna": 1000, "ben": 6}  # Anna's lasts longer than the test


@pytest.fixture(scope="module")
def cluster():
    with slurm() as found:
        yield found


def test_two_jobs_on_one_node_end_without_touching_each_other(cluster, tmp_path):
    jobs = {}
    for name, count in NUM_TRIALS.items():
        asked = ["--nodes=1", "--nodelist=n1", "--cpus-per-task=1", f"--output={tmp_path / name}.out"]
        search = ["demo", "--smoke", "--no-baselines", "--num-samples", str(count)]
        jobs[name] = cluster.submit(asked, search, FERTUNE_HOME=str(tmp_path / name))
    studies = {name: tmp_path / name / "demo-smoke" for name in jobs}

    def words():
        return "\n".join((tmp_path / f"{name}.out").read_text()[-3000:] for name in jobs) + cluster.words()

    wait_until(lambda: all(map(finished, studies.values())) or any(map(cluster.is_over, jobs.values())), 400, words)
    assert {cluster.job(job)["JobState"] for job in jobs.values()} == {"RUNNING"}, words()
    rays = {name: ray_of(job) for name, job in jobs.items()}
    for name, other in (("anna", "ben"), ("ben", "anna")):
        assert not set(rays[name]["ports"]) & set(rays[other]["ports"])
        jobs_of = f"http://127.0.0.1:{rays[name]['ports'][1]}/api/jobs/"
        assert answer(jobs_of, bearer(rays[name]["token"]))[0] == 200
        assert answer(jobs_of, bearer(rays[other]["token"]))[0] in (401, 403)

    # The limit of time comes near: Slurm tells the script of the job, and nothing else of it.
    minutes = [int(part) for part in cluster.job(jobs["anna"])["RunTime"].split(":")]  # hours, minutes, seconds
    limit = minutes[0] * 60 + minutes[1] + 2
    assert cluster.call("scontrol", "update", f"JobId={jobs['anna']}", f"TimeLimit={limit}").returncode == 0
    wait_until(lambda: cluster.job(jobs["anna"])["Restarts"] == "1", 240, words)
    assert cluster.call("scontrol", "update", f"JobId={jobs['anna']}", "TimeLimit=UNLIMITED").returncode == 0
    assert "Slurm will end this job soon" in (tmp_path / "anna.out").read_text()
    wait_until(lambda: cluster.job(jobs["anna"])["JobState"] == "RUNNING" and ray_of(jobs["anna"]), 120, words)
    assert {trial.state for trial in Ledger.read(studies["anna"]).trials.values()} <= {"FINISHED", "INTERRUPTED"}
    wait_until(lambda: cluster.is_over(jobs["ben"]), 400, words)
    assert cluster.job(jobs["ben"])["JobState"] == "COMPLETED", words()
    assert len(finished(studies["ben"])) == NUM_TRIALS["ben"]
    wait_until(lambda: not processes_of(jobs["ben"]), 30, lambda: str(processes_of(jobs["ben"])))

    # Anna's goes on although Ben's has ended, until somebody cancels it.
    count = len(finished(studies["anna"]))
    wait_until(lambda: len(finished(studies["anna"])) > count or cluster.is_over(jobs["anna"]), 300, words)
    assert not cluster.is_over(jobs["anna"]), words()
    assert cluster.call("scancel", jobs["anna"]).returncode == 0
    wait_until(lambda: cluster.job(jobs["anna"])["JobState"] == "CANCELLED", 120, words)
    wait_until(lambda: not processes_of(jobs["anna"]), 90, lambda: str(processes_of(jobs["anna"])))
    states = {trial.state for trial in Ledger.read(studies["anna"]).trials.values()}
    assert "RUNNING" not in states, "what was done is kept, and marked"
    assert not [job for job in jobs.values() if Path(f"/tmp/fertune-{job}").exists()]
