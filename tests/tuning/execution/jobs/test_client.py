"""A job is submitted once, and its log is told once, whatever happens to the connection."""

import pytest

from tests.tuning.execution.jobs.fake_head import FakeHead, breaks, hangs, says
from tuning.execution.jobs.address import Head, find_head
from tuning.execution.jobs.client import ConnectionLost, JobClient

FAST = {"quiet_s": 0.2, "patience_s": 5.0}


@pytest.fixture
def code(tmp_path):
    """What is uploaded."""
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "tune.py").write_text("print('hello')")
    return tmp_path / "code"


def submitted(head, code, **changes):
    client = JobClient(find_head(head.address), **{**FAST, **changes})
    return client, client.submit(
        "python tune.py run demo", root=code, environment={"A": "b"}, metadata={"study": "demo"}
    )


def followed(head, code, **changes):
    client, job = submitted(head, code, **changes)
    parts = []
    return client.follow(job, parts.append), "".join(parts)


def test_a_job_has_its_code_command_environment_and_metadata(head, code):
    _, job = submitted(head, code)
    (told,) = head.jobs.values()
    assert (job.job_id, job.status, job.address) == (told["submission_id"], "PENDING", head.address)
    assert job.job_id.startswith("raysubmit_")
    assert (told["entrypoint"], told["metadata"]) == ("python tune.py run demo", {"study": "demo"})
    assert told["runtime_env"]["env_vars"] == {"A": "b"}
    assert told["runtime_env"]["working_dir"].startswith("gcs://_ray_pkg_")
    assert len(head.uploads) == 1


def test_the_address_that_is_given_counts_also_where_rays_client_would_take_another(monkeypatch, head, code):
    monkeypatch.setenv("RAY_API_SERVER_ADDRESS", "http://127.0.0.1:9")
    submitted(head, code)
    assert head.jobs


def test_the_token_goes_with_every_request_and_into_no_job(code, monkeypatch):
    monkeypatch.setenv("RAY_AUTH_TOKEN", "secret" * 8)
    with FakeHead(token="secret" * 8).running() as guarded:
        guarded.script = [says("done\n")]
        ended, log = followed(guarded, code)
        assert (ended.status, log) == ("SUCCEEDED", "done\n")
        assert "secret" not in repr(guarded.jobs)
        assert "secret" not in repr(ended)


@pytest.mark.parametrize(
    "answer", ["aiohttp ... Server disconnected", "No available agent to submit job", "+timed out"]
)
def test_a_head_that_is_not_ready_or_whose_answer_is_lost_is_asked_again_and_takes_it_once(head, code, answer):
    head.refusals = [answer]
    _, job = submitted(head, code)
    assert list(head.jobs) == [job.job_id]


def test_a_refusal_is_told_at_once(head, code):
    head.refusals = ["Traceback\nValueError: no such thing"]
    with pytest.raises(RuntimeError, match=r"refuses the job: .*ValueError: no such thing"):
        submitted(head, code)
    assert not head.refusals


def test_a_broken_connection_is_made_again_and_nothing_is_told_twice(head, code):
    head.script = [
        breaks("one\n", "tw"),
        breaks("one\ntwo\n"),
        says("one\n", "two\nthree\n", ends=""),
        says("one\ntwo\n", "three\nfour\n"),
    ]
    ended, log = followed(head, code)
    assert (ended.status, log) == ("SUCCEEDED", "one\ntwo\nthree\nfour\n")
    assert head.connections == 4


def test_a_log_that_says_nothing_is_waited_for_while_the_job_runs(head, code):
    head.script = [hangs("begun\n", then=lambda head, job_id: head.end(job_id, "STOPPED"), after_s=0.7)]
    ended, log = followed(head, code)
    assert (ended.status, ended.ended, ended.lost, log) == ("STOPPED", True, False, "begun\n")
    assert head.connections == 1


def test_after_a_cut_network_the_log_is_asked_for_anew(head, code):
    """The connection of before says nothing ever after."""
    noted = []
    head.script = [
        hangs("one\n", then=lambda head, job_id: setattr(head, "away", True)),
        says("one\ntwo\n"),
    ]

    def back(words):
        noted.append(words)
        head.away = False

    ended, log = followed(head, code, noted=back)
    assert (ended.status, log) == ("SUCCEEDED", "one\ntwo\n")
    assert noted == [f"Ray at {head.address} does not answer; it is asked again for 5 s."]


def test_a_head_that_stays_away_is_given_up_with_the_job_left_as_it_is(head, code):
    head.script = [hangs(then=lambda head, job_id: setattr(head, "away", True))]
    with pytest.raises(ConnectionLost, match=r"has not answered for 0.5 s; job raysubmit_\w+ may run on") as raised:
        followed(head, code, patience_s=0.5)
    assert raised.value.job.job_id in head.jobs


def test_a_head_that_was_started_anew_knows_the_job_no_more(head, code):
    head.script = [hangs("one\n", then=lambda head, job_id: head.jobs.clear())]
    ended, log = followed(head, code)
    assert (ended.status, ended.lost, log) == ("LOST", True, "one\n")
    assert ended.message.startswith("the head does not know it")


@pytest.mark.parametrize(
    ("facts", "lost"),
    [
        ({"driver_exit_code": 1, "error_type": "JOB_ENTRYPOINT_COMMAND_ERROR"}, False),
        ({"driver_exit_code": 130}, False),  # Ctrl-C or SIGTERM, which the command hears
        ({"driver_exit_code": -15}, False),
        ({"driver_exit_code": -9}, True),
        ({"driver_exit_code": 137}, True),
        ({"error_type": "JOB_SUPERVISOR_ACTOR_DIED"}, True),
        ({"error_type": "RUNTIME_ENV_SETUP_FAILURE"}, False),
    ],
)
def test_what_took_a_job_away_is_told_from_what_failed_by_itself(head, code, facts, lost):
    message = (
        "Job entrypoint command failed with exit code 1, last available logs (truncated to 20,000 chars):\nlast words"
    )
    head.script = [says("x", ends="FAILED", message=message, **facts)]
    ended, _ = followed(head, code)
    assert (ended.status, ended.lost) == ("FAILED", lost)
    assert ended.message == "Job entrypoint command failed with exit code 1"


def test_commands_for_a_shell_name_what_that_shell_does_not_know(monkeypatch, head, code):
    _, job = submitted(head, code)
    assert job.in_shell("stop").startswith(f"RAY_API_SERVER_ADDRESS={head.address} ")
    monkeypatch.setenv("RAY_API_SERVER_ADDRESS", head.address)
    assert job.in_shell("logs", "--follow").endswith(f"ray job logs --follow {job.job_id}")
    assert "RAY_" not in job.in_shell("stop")
    assert job.dashboard == f"{head.address}/#/jobs/{job.job_id}"
    assert Head(address="http://h").headers == {}
