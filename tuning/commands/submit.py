"""The command `submit`: its options are its own; what else is given are the options of the verb that it submits."""

from __future__ import annotations

import json
import sys
from typing import Annotated, Any

import typer

import fertune
from tuning.commands.working import command
from tuning.execution.jobs.entrypoint import Verb
from tuning.execution.jobs.job import Job
from tuning.text import arguments as arg

SETTINGS = {"ignore_unknown_options": True}
Asked = Annotated[
    list[str],
    typer.Argument(
        metavar="STUDY [OPTIONS]",
        help="A study, then options of `run` (or of --verb) as they are.",
        show_default=False,
    ),
]
OfVerb = Annotated[
    Verb,
    typer.Option("--verb", metavar="{run,confirm,cross-validate,promote}", help="What the job does with the study."),
]
Address = Annotated[
    str | None,
    typer.Option(
        metavar="http://HOST:8265",
        help="The head's dashboard; default: $RAY_API_SERVER_ADDRESS, $RAY_ADDRESS. A token is looked for where Ray "
        "looks, and given to a head that asks for one.",
    ),
]
Env = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NAME",
        help="Pass this variable of this shell on, too. FERTUNE_* and the addresses of MLflow and S3 pass by themselves; "
        "passwords and keys do not, as Ray writes a job's environment into its logs.",
    ),
]
NoWait = Annotated[bool, typer.Option("--no-wait", help="Return once the cluster has taken the job.")]
Retry = Annotated[
    int,
    typer.Option(min=0, help="Begin it anew, to go on, up to so many times where the head or the driver was lost."),
]


def submit(
    context: typer.Context, asked: Asked, verb: OfVerb = "run", address: Address = None, env: Env = None,
    no_wait: NoWait = False, retry: Retry = 0, as_json: arg.AsJson = False, verbose: arg.Verbose = False,
) -> None:  # fmt: skip
    """Run a study as a Ray job: uploads this checkout, prints the job's id, follows its log.

    Exit code 1: the job failed, was stopped or lost. Ctrl-C leaves it running.
    """
    study, options = parsed(context, verb, asked)
    with command(verbose):
        from tuning.submit import Terminal, how_to_look_after

        shown = Terminal(sys.stderr if as_json else sys.stdout)
        given: dict[str, Any] = {"address": address, "env": env or (), "wait": not no_wait, "retry": retry}
        try:
            job = fertune.submit(study, *options, verb=verb, **given, progress=shown, verbose=verbose)
        except (KeyboardInterrupt, ConnectionError):
            if shown.job is not None:
                print(f"\nJob {shown.job.job_id} is left as it is. {how_to_look_after(shown.job)}", file=sys.stderr)
            raise
        if not no_wait:
            shown.noted(ending_of(job))
        if as_json:
            print(json.dumps({key: getattr(job, key) for key in ("job_id", "status", "address", "dashboard")}))
        if job.ended and job.status != "SUCCEEDED":
            raise typer.Exit(1)


def parsed(context: typer.Context, verb: Verb, asked: list[str]) -> tuple[str, list[str]]:
    """The study, and the options of `verb`, which that command has understood: a job is no place to learn of a typing error."""
    if asked[0].startswith("-"):
        raise typer.BadParameter(f"the study comes first, then options: {asked[0]} was given.", param_hint="STUDY")
    whole = context.find_root()
    command: Any = whole.command
    command.get_command(whole, verb).make_context(verb, list(asked), parent=whole)
    return asked[0], asked[1:]


def ending_of(job: Job) -> str:
    """How it ended, in a sentence."""
    how = {"SUCCEEDED": "succeeded", "STOPPED": "was stopped", "LOST": "was lost"}.get(job.status, job.status.lower())
    why = f": {job.message}" if job.message and job.status != "SUCCEEDED" else ""
    goes_on = " What was done is kept; `submit` with --resume goes on." if job.status == "STOPPED" or job.lost else ""
    return f"Job {job.job_id} {how}{why}.{goes_on}"
