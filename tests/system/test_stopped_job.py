"""`ray job stop`: the state is saved, nothing is left running, and the next job goes on."""

import json
import re
from collections import Counter

import psutil
import pytest

from tests.support.ray_head import SMOKE, wait_until
from tuning.records.ledger import Ledger

# Beside the others with a Ray, which would take longer than all the rest: it has a head of its own there.
pytestmark = [
    *(pytest.mark.ray, pytest.mark.xdist_group("stopped"), pytest.mark.timeout(900)),
    pytest.mark.parametrize("head", [False], ids=["no token"], indirect=True, scope="session"),
]


def test_a_stopped_job_saves_its_state_leaves_no_process_and_is_gone_on_with(head):
    home = head.home / "stopped"
    study = ("env", f"FERTUNE_HOME={home}", *SMOKE[:-1])
    begun = head.submit("--no-wait", "--working-dir", ".", "--", *study, "30")
    job = re.search(r"raysubmit_\w+", begun.stdout).group()
    ledger = home / "demo-smoke" / "ledger.jsonl"
    wait_until(
        lambda: ledger.exists() and '"search-0001"' in ledger.read_text(),
        300,
        lambda: head.shell("ray", "job", "logs", job).stdout,
    )
    assert head.shell("ray", "job", "stop", job).returncode == 0
    ended = [event for line in ledger.read_text().splitlines() if (event := json.loads(line))["event"] == "ended"]
    assert ended[-1]["state"] == "INTERRUPTED"
    assert head.get(f"/api/jobs/{job}")["status"] == "STOPPED"
    wait_until(lambda: not ours(head), 60, lambda: ours(head))
    stopped = Ledger.read(ledger.parent).trials
    resumed = head.submit("--working-dir", ".", "--", *study, str(len(stopped)), "--resume")
    assert resumed.returncode == 0, resumed.stdout
    gone_on = Ledger.read(ledger.parent)
    assert gone_on.trials.keys() == stopped.keys()
    assert {trial.state for trial in gone_on.trials.values()} == {"FINISHED"}
    ends = Counter(event["trial_id"] for event in gone_on.events if event["event"] == "ended" and event["metrics"])
    assert set(ends.values()) == {1}, "what had finished was not run again"


def ours(head) -> list[str]:
    """The processes of jobs on this head that still run: not Ray's own, which live as long as it does."""
    lasting = re.compile(
        r"ray::(IDLE|DashboardAgent|RuntimeEnvAgent|TrainStateActor|_AutoscalingCoordinatorActor|_StatsActor)"
    )
    family = psutil.Process(head.pid).children(recursive=True)
    commands = [
        " ".join(process.cmdline()) for process in family if process.is_running() and process.status() != "zombie"
    ]
    return [one for one in commands if (one.startswith("ray::") and not lasting.match(one)) or "tune.py" in one]
