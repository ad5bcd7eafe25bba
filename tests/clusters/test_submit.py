"""`tune.py submit`: a study on a real head that asks for a token, from the id to the exit code."""

import json
import re

import pytest

from tests.support.ray_head import SMOKE, WITH_RAY, ray_head

pytestmark = WITH_RAY


@pytest.fixture(scope="module")
def head():
    with ray_head("--num-cpus=2", token=True) as found:
        yield found


def test_a_study_is_submitted_followed_and_known_by_its_metadata(head, tmp_path):
    told = tmp_path / "told"
    notify = f'echo "$FERTUNE_EVENT $FERTUNE_STUDY" > {told}'
    asked = ("python", "tune.py", "submit", *SMOKE[3:], "--no-baselines", "--notify", notify)
    # No RAY_AUTH_MODE: the token is found, and given since it is asked for.
    done = head.shell(*asked, RAY_AUTH_MODE="", MLFLOW_TRACKING_PASSWORD="hunter2")
    assert done.returncode == 0, done.stdout + done.stderr
    lines = done.stdout.splitlines()
    job_id = re.match(r"Job (raysubmit_\w+) at http://127", lines[0]).group(1)
    assert lines[-1] == f"Job {job_id} succeeded."
    assert [line for line in lines if "[2/2] search-" in line], "the log is followed, and told once"
    assert len([line for line in lines if line.startswith("Running entrypoint")]) == 1
    job = head.get(f"/api/jobs/{job_id}")
    assert (job["status"], job["metadata"]["study"]) == ("SUCCEEDED", "demo-smoke")
    assert {"user", "version", "command"} <= set(job["metadata"])
    assert job["entrypoint"] == job["metadata"]["command"]
    token = (head.home / ".ray" / "auth_token").read_text()
    assert not [secret for secret in (token, "hunter2") if secret in json.dumps(job) + done.stdout + done.stderr]
    assert told.read_text() == "ended demo-smoke\n"


def test_a_study_that_fails_is_exit_code_1_and_says_why(head):
    """It was begun by the test before, and nobody asks to go on."""
    done = head.shell("python", "tune.py", "submit", *SMOKE[3:])
    assert done.returncode == 1
    assert "--resume" in done.stdout
    assert re.search(r"^Job raysubmit_\w+ failed: .*exit code 2\.$", done.stdout.splitlines()[-1])
