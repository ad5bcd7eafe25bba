"""Three studies of three homes, submitted to one head of two CPUs at once: nobody takes it all, nobody waits for the end."""

import json
import re

import pytest

from tests.support.ray_head import WITH_RAY, ray_head, wait_until
from tuning.records.ledger import Ledger

pytestmark = WITH_RAY

NUM_TRIALS = 12  # of seconds each: a slot that is new is left alone for twenty
HOMES = ("anna", "ben", "chloe")


@pytest.fixture(scope="module")
def head():
    with ray_head("--num-cpus=2") as found:
        yield found


def submitted(head, name):
    """The job of a study in a home of its own."""
    environment = json.dumps({"env_vars": {"FERTUNE_HOME": str(head.home / name)}})
    study = ("python", "tune.py", "run", "demo", "--smoke", "--no-baselines", "--num-samples", str(NUM_TRIALS))
    begun = head.submit("--no-wait", "--working-dir", ".", "--runtime-env-json", environment, "--", *study)
    return re.search(r"raysubmit_\w+", begun.stdout).group()


def spans(folder):
    """From when to when each trial of a study ran, in order of the starts."""
    found = {}
    for event in Ledger.read(folder).events:
        if event["event"] == "started":
            found.setdefault(event["trial_id"], [event["time"], None])
        if event["event"] == "ended":
            found[event["trial_id"]][1] = event["time"]
    return sorted(found.values())


def overlap(trials, until):
    """How many of `trials` ran at once at most before `until`."""
    return max(sum(begun <= moment < ended for begun, ended in trials) for moment, _ in trials if moment < until)


def test_each_has_its_share_and_none_waits_for_the_end_of_another(head):
    jobs = {name: submitted(head, name) for name in HOMES}
    folders = {name: head.home / name / "demo-smoke" for name in HOMES}
    seen = []

    def over():
        if not any(one["waits_for"] for one in seen):  # each question starts a process that joins Ray
            shown = head.shell("python", "tune.py", "status", "--all", "--json", RAY_ADDRESS=head.address)
            told = [json.loads(line) for line in shown.stdout.splitlines()]
            seen.extend(one for one in told if one["of"] == "cluster" and "waits_for" in one)
        try:
            states = {head.get(f"/api/jobs/{job}")["status"] for job in jobs.values()}
        except OSError:  # a busy head
            return False
        return not states & {"PENDING", "RUNNING"}

    logs = lambda: "\n".join(head.shell("ray", "job", "logs", job).stdout for job in jobs.values())  # noqa: E731
    wait_until(over, 600, logs, every_s=10)
    trials = {name: spans(folder) for name, folder in folders.items()}
    assert {name: len(found) for name, found in trials.items()} == dict.fromkeys(HOMES, NUM_TRIALS), logs()
    first_end = min(found[-1][1] for found in trials.values())
    assert max(found[0][0] for found in trials.values()) < first_end, "nobody waits for the end of another"
    assert {name: overlap(found, first_end) for name, found in trials.items()} == dict.fromkeys(HOMES, 1)
    assert any("behind" in one["waits_for"] for one in seen), seen
