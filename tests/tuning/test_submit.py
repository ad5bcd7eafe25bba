"""`submit`: the id first, then the log, and an exit code that is that of the study."""

import json
import re

import pytest

import fertune
from tests.support.command import call
from tests.tuning.execution.jobs.conftest import _of_nobody as _of_nobody
from tests.tuning.execution.jobs.conftest import head as head
from tests.tuning.execution.jobs.fake_head import breaks, hangs, says
from tuning import submit as verb
from tuning.execution.signals import Interrupted


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    monkeypatch.setattr(verb, "SETTLES_S", 0.0)
    monkeypatch.setattr(verb, "ROOT", verb.ROOT / "cluster")  # a small upload


def asked(head, *arguments):
    return call("submit", *arguments, "--address", head.address)


def test_the_id_is_told_first_then_the_log_then_the_end(head):
    head.script = [says("Running entrypoint\n", "[1/1] search-0000\n")]
    done = asked(head, "demo", "--smoke", "--num-samples", "2", "--prefer", "param_count<=5e6")
    ((job_id, job),) = head.jobs.items()
    lines = done.stdout.splitlines()
    assert done.exit_code == 0
    assert lines[0] == f"Job {job_id} at {head.address} (page: {head.address}/#/jobs/{job_id})"
    assert re.search(rf"Follow it: .*ray job logs --follow {job_id}\. Stop it: .*ray job stop {job_id}$", lines[1])
    assert lines[-3:] == ["Running entrypoint", "[1/1] search-0000", f"Job {job_id} succeeded."]
    assert job["entrypoint"] == "python tune.py run demo --smoke --num-samples 2 --prefer 'param_count<=5e6'"
    assert (job["metadata"]["study"], job["metadata"]["command"]) == ("demo-smoke", job["entrypoint"])


@pytest.mark.parametrize(
    ("status", "facts", "said"),
    [
        ("FAILED", {"message": "exit code 1", "driver_exit_code": 1}, "failed: exit code 1."),
        ("STOPPED", {}, "was stopped. What was done is kept; `submit` with --resume goes on."),
        ("FAILED", {"driver_exit_code": -9}, "failed. What was done is kept; `submit` with --resume goes on."),
    ],
)
def test_only_a_job_that_succeeded_is_exit_code_0(head, status, facts, said):
    head.script = [says("x\n", ends=status, **facts)]
    done = asked(head, "demo")
    assert (done.exit_code, done.stdout.splitlines()[-1]) == (1, f"Job {next(iter(head.jobs))} {said}")


def test_without_waiting_it_returns_with_the_id(head):
    done = asked(head, "demo", "--no-wait")
    assert (done.exit_code, head.connections) == (0, 0)
    assert done.stdout.startswith(f"Job {next(iter(head.jobs))} at ")


@pytest.mark.parametrize(("options", "status"), [(["--no-wait"], "PENDING"), ([], "SUCCEEDED")])
def test_as_data_it_is_one_object_and_the_log_is_elsewhere(head, options, status):
    head.script = [says("the log\n")]
    done = asked(head, "demo", "--json", *options)
    job_id = next(iter(head.jobs))
    dashboard = f"{head.address}/#/jobs/{job_id}"
    assert json.loads(done.stdout) == {
        "job_id": job_id,
        "status": status,
        "address": head.address,
        "dashboard": dashboard,
    }
    assert done.stderr.startswith(f"Job {job_id} at ")
    assert ("the log" in done.stderr) == (not options)


def test_another_verb_has_its_own_options(head):
    head.script = [says("x\n")]
    assert asked(head, "smiles", "--verb", "promote", "--refit-seeds", "3").exit_code == 0
    assert next(iter(head.jobs.values()))["entrypoint"] == "python tune.py promote smiles --refit-seeds 3"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["demo", "--num-sample", "3"], "No such option: --num-sample"),
        (["demo", "--num-samples", "few"], "Invalid value for '--num-samples'"),
        (["--smoke", "demo"], "the study comes first"),
        (["demo", "--verb", "stop"], "stop"),
        (["demos"], "There is no study named 'demos'. Did you mean 'demo'?"),
        (["demo", "--env", "NO_SUCH_NAME"], "--env NO_SUCH_NAME: no such variable"),
    ],
)
def test_what_the_job_would_refuse_is_refused_here_and_nothing_is_sent(head, arguments, said):
    done = asked(head, *arguments)
    assert (done.exit_code, said in done.stderr) == (2, True), done.stderr
    assert not head.jobs


def test_ctrl_c_leaves_the_job_running_and_says_how_to_go_on(head, monkeypatch):
    def interrupted(*_):
        raise Interrupted("stopped by SIGINT")

    monkeypatch.setattr(verb.JobClient, "follow", interrupted)
    done = asked(head, "demo")
    (job_id,) = head.jobs
    assert (done.exit_code, head.jobs[job_id]["status"]) == (130, "RUNNING")
    assert re.search(rf"Job {job_id} is left as it is\. Follow it: .*logs --follow {job_id}\. Stop it: ", done.stderr)
    assert "Interrupted (stopped by SIGINT)." in done.stderr


def test_a_head_that_stays_away_is_an_error_that_says_how_to_go_on(head, monkeypatch):
    monkeypatch.setattr(verb, "PATIENCE_S", 0.1)
    head.script = [breaks("one\n")]
    real = verb.JobClient.follow

    def follow(client, job, log):
        return real(client, job, lambda text: (log(text), setattr(head, "away", True)))

    monkeypatch.setattr(verb.JobClient, "follow", follow)
    done = asked(head, "demo")
    assert (done.exit_code, "may run on" in done.stderr, "Follow it: " in done.stderr) == (2, True, True)


def test_a_lost_job_is_begun_anew_and_goes_on_as_often_as_was_asked_for(head):
    gone = hangs("one\n", then=lambda head, job_id: head.jobs.clear())
    head.script = [gone, says("two\n", ends="FAILED", driver_exit_code=-9), says("three\n")]
    real, entrypoints = head.jobs, []

    class Kept(dict):
        def __setitem__(self, key, value):
            super().__setitem__(key, value)
            if value["status"] == "RUNNING" and value["entrypoint"] not in entrypoints[-1:]:
                entrypoints.append(value["entrypoint"])

    head.jobs = Kept(real)
    verb_client = verb.JobClient

    class Quick(verb_client):
        def __init__(self, *given, **named):
            super().__init__(*given, quiet_s=0.2, **named)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(verb, "JobClient", Quick)
        job = fertune.submit("demo", "--extend", "4", address=head.address, retry=2)
    assert (job.status, len(entrypoints)) == ("SUCCEEDED", 2)
    assert entrypoints == ["python tune.py run demo --extend 4", "python tune.py run demo --resume"]
    assert head.connections == 3


def test_one_that_failed_by_itself_is_not_begun_anew(head):
    head.script = [says("x\n", ends="FAILED", driver_exit_code=2)]
    job = fertune.submit("demo", address=head.address, retry=3)
    assert (job.status, len(head.jobs)) == ("FAILED", 1)


def test_in_python_nothing_is_printed_unless_asked(head, capfd):
    head.script = [says("the log\n")]
    fertune.submit("demo", address=head.address)
    assert capfd.readouterr().out == ""
    fertune.submit("demo", address=head.address, progress=True)
    assert "the log\n" in capfd.readouterr().out
    with pytest.raises(ValueError, match="verb='stop' and retry=0 were given; a verb is one of run, confirm"):
        fertune.submit("demo", address=head.address, verb="stop")
