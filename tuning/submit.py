"""`submit`: a study as a Ray job, with the code of this checkout; its log is followed until it ends."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from typing import Protocol, TextIO

from tuning.execution.jobs.address import find_head
from tuning.execution.jobs.client import JobClient
from tuning.execution.jobs.entrypoint import VERBS, Verb, absolute, command_of, going_on
from tuning.execution.jobs.environment import environment_of, metadata_of
from tuning.execution.jobs.job import Job
from tuning.execution.jobs.upload import require_small
from tuning.records.home import ROOT
from tuning.text.options import require_study

PATIENCE_S = 120.0  # how long a head may not answer while a job is followed
BACK_S = 600.0  # the same, where a job that the head lost is to be begun anew
SETTLES_S = 5.0  # who ran a lost job is killed by Ray's own guard within a second or two


class JobListener(Protocol):
    """Whoever shows a job while it is followed."""

    def submitted(self, job: Job) -> None:
        """The cluster has taken it."""
        ...

    def log(self, text: str) -> None:
        """The next part of its log, which may end within a line."""
        ...

    def noted(self, words: str) -> None:
        """Something that a person should know."""
        ...


class Terminal:
    """Prints a job's id, then its log as it comes, to standard output or to `file`. `job` is the last one."""

    def __init__(self, file: TextIO | None = None) -> None:
        self.file = file or sys.stdout
        self.job: Job | None = None

    def submitted(self, job: Job) -> None:
        """Its id is the first thing to be read, and how to look after it from any shell."""
        self.job = job
        self.noted(f"Job {job.job_id} at {job.address} (page: {job.dashboard})")
        self.noted(f"  {how_to_look_after(job)}")

    def log(self, text: str) -> None:
        """As it is."""
        print(text, end="", file=self.file, flush=True)

    def noted(self, words: str) -> None:
        """A line."""
        print(words, file=self.file, flush=True)


class _Nobody:
    def submitted(self, job: Job) -> None:
        pass

    def log(self, text: str) -> None:
        pass

    def noted(self, words: str) -> None:
        pass


def submit(
    study: str,
    *options: str,
    verb: Verb = "run",
    address: str | None = None,
    env: Sequence[str] = (),
    wait: bool = True,
    retry: int = 0,
    progress: bool | JobListener = False,
    verbose: bool = False,
) -> Job:
    """Run `python tune.py VERB STUDY OPTIONS` as a job of the cluster at `address`, with what this checkout holds.

    `options` are those of `verb` as the command line takes them: `submit("smiles", "--num-samples", "20")`. Relative paths
    among them are made absolute. With the job go `FERTUNE_*`, the addresses of MLflow and S3 that are set here, and the
    variables that `env` names; no password, key or token does. Without `wait` it returns once the cluster has taken the job. A
    job that is lost, with its head or to SIGKILL, is begun anew up to `retry` times and goes on; one that fails by itself or is
    stopped is not. `progress` is `True` for its log on this terminal, or a listener.

    Raises `ValueError` for an unknown study, verb or variable and for a checkout that is too large, `NoHead` where no Ray
    answers, `RuntimeError` where Ray refuses the job and `ConnectionLost` where the head stays away while it is followed. A job
    that failed is returned like any other.
    """
    require_study(study)
    if verb not in VERBS or retry < 0:
        raise ValueError(
            f"verb={verb!r} and retry={retry} were given; a verb is one of {', '.join(VERBS)}, retry 0 or more."
        )
    listener = _listener(progress)
    head = find_head(address)
    require_small(ROOT)
    given, notes = absolute(options)
    variables, more = environment_of(env, head.address)
    patience_s = BACK_S if retry else PATIENCE_S
    client = JobClient(head, noted=listener.noted, patience_s=patience_s, verbose=verbose)
    name = f"{study}-smoke" if "--smoke" in given else study
    while True:
        command = command_of(verb, study, given)
        job = client.submit(command, root=ROOT, environment=variables, metadata=metadata_of(name, command))
        listener.submitted(job)
        for note in (*notes, *more):
            listener.noted(f"  {note}")
        if not wait:
            return job
        ended = client.follow(job, listener.log)
        if not ended.lost or not retry:
            return ended
        listener.noted(f"Job {ended.job_id} was lost ({ended.message}). It is begun anew and goes on.")
        time.sleep(SETTLES_S)
        given, notes, more, retry = going_on(verb, given), [], [], retry - 1


def how_to_look_after(job: Job) -> str:
    """The commands that follow and stop a job."""
    return f"Follow it: {job.in_shell('logs', '--follow')}. Stop it: {job.in_shell('stop')}"


def _listener(progress: bool | JobListener) -> JobListener:
    if isinstance(progress, bool):
        return Terminal() if progress else _Nobody()
    return progress
