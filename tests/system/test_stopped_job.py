"""`ray job stop`: the state is saved, nothing is left running, and the next job goes on."""

import json
import re

import psutil
import pytest

from tests.ray_head import ray_head, wait_until

pytestmark = pytest.mark.xdist_group("ray")  # one Ray at a time: it needs the cores


@pytest.fixture(scope="module")
def head():
    with ray_head("--num-cpus=2") as found:
        yield found


def test_a_stopped_job_saves_its_state_leaves_no_process_and_is_gone_on_with(head):
    more = ("python", "tune.py", "run", "demo", "--smoke", "--max-concurrent", "1", "--num-samples", "30")
    begun = head.submit("--no-wait", "--working-dir", ".", "--", *more)
    job = re.search(r"raysubmit_\w+", begun.stdout).group()
    ledger = head.home / "fertune-runs" / "demo-smoke" / "ledger.jsonl"
    wait_until(
        lambda: ledger.exists() and '"search-0001"' in ledger.read_text(),
        120,
        lambda: head.shell("ray", "job", "logs", job).stdout,
    )
    assert head.shell("ray", "job", "stop", job).returncode == 0
    ended = [event for line in ledger.read_text().splitlines() if (event := json.loads(line))["event"] == "ended"]
    assert ended[-1]["state"] == "INTERRUPTED"
    assert head.get(f"/api/jobs/{job}")["status"] == "STOPPED"
    wait_until(lambda: not ours(head), 30, lambda: ours(head))
    resumed = head.submit("--", *more[:-1], "3", "--resume")
    assert resumed.returncode == 0, resumed.stdout
    text = ledger.read_text()
    assert text.count('"event": "ended", "trial_id": "search-0000"') == 1
    assert max(int(number) for number in re.findall(r'"search-(\d+)"', text)) < 33


def ours(head) -> list[str]:
    """The processes of jobs on this head that still run: not Ray's own, which live as long as it does."""
    lasting = re.compile(r"ray::(IDLE|DashboardAgent|RuntimeEnvAgent|TrainStateActor|_AutoscalingCoordinatorActor)")
    family = psutil.Process(head.pid).children(recursive=True)
    words = [" ".join(process.cmdline()) for process in family if process.is_running() and process.status() != "zombie"]
    return [one for one in words if (one.startswith("ray::") and not lasting.match(one)) or "tune.py" in one]
