"""The command of a job: `python tune.py` with the options of a verb, as they mean the same on another machine."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, get_args

Verb = Literal["run", "confirm", "cross-validate", "promote"]
VERBS: tuple[Verb, ...] = get_args(Verb)  # those that train; on the command line every one begins with the study
PATHS = ("--data-root", "--table")  # options that name a file or a folder
_FACES = "faces:"  # of --cluster-by: a file follows


def command_of(verb: str, study: str, options: Sequence[str]) -> str:
    """The command, quoted for the shell that Ray gives it to."""
    return shlex.join(["python", "tune.py", verb, study, *options])


def absolute(options: Sequence[str]) -> tuple[list[str], list[str]]:
    """`options` with full paths, and a sentence for each that was a relative one.

    What begins with ~ is left: it is a folder of whoever runs the cluster.
    """
    found, notes, before = [], [], ""
    for option in options:
        name, equals, value = option.partition("=") if option.startswith("--") else (before, "", option)
        is_value = bool(equals) or not option.startswith("--")
        start = _FACES if name == "--cluster-by" and value.startswith(_FACES) else ""
        path = value.removeprefix(start)
        if is_value and (name in PATHS or start) and path and not path.startswith(("/", "~")):
            full = start + str(Path(path).absolute())
            notes.append(f"{name} {value} is taken as {full}, which the cluster's machines have to see.")
            option = f"{name}={full}" if equals else full
        found.append(option)
        before = option if option.startswith("--") and not equals else ""
    return found, notes


def going_on(verb: str, options: Sequence[str]) -> list[str]:
    """The options with which a job is begun anew after the cluster lost it: what was done is kept, and nothing done twice.

    `run` goes on by --resume, to the number of trials that the study remembers; other verbs go on by themselves.
    """
    if verb != "run":
        return list(options)
    kept, skip = [], False
    for option in options:
        if not skip and option not in ("--extend", "--resume") and not option.startswith("--extend="):
            kept.append(option)
        skip = option == "--extend" and not skip
    return [*kept, "--resume"]
