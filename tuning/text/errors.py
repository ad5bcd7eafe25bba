"""Errors of a command: one message on standard error and an exit code, whatever failed. Nothing heavy is imported."""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import sys
from collections.abc import Generator
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from trainables.core.streams import take_any_text
from trainables.core.wording import first_line
from tuning.records.home import default_home
from tuning.records.mlflow_client import without_password
from tuning.text import options

GOES_ON = "What was done is kept; the same command goes on."
STOPPED = "What was done is kept; the same command goes on, `run` with --resume."
RESUMES = "What was done is kept; the same command with --resume goes on."
SERVICE = 'for what `make up` started: eval "$(.venv/bin/python -m cluster.local env)"'
TOKEN = (
    "Set RAY_AUTH_MODE=token, with the cluster's token in ~/.ray/auth_token, in a file named by RAY_AUTH_TOKEN_PATH or in "
    f"RAY_AUTH_TOKEN; {SERVICE}"
)


def _either(context: typer.Context, given: bool) -> bool:
    """`--verbose` counts before the command's name as well as after it."""
    return given or bool(context.find_root().params.get("verbose"))


Verbose = Annotated[
    bool, typer.Option("--verbose", callback=_either, help="Show the output of Ray and MLflow, and whole tracebacks.")
]

# What helps against a refusal: at the folder of studies, and at a place that a person named.
_FULL = (
    "Free some space, or set $FERTUNE_HOME to a folder on another disk; --resume then goes on.",
    "Free some space there.",
)
_CLOSED = ("Set $FERTUNE_HOME to a folder that this user can write.", "Give this user access, or choose another place.")
_NO_FOLDER = ("Studies are written under $FERTUNE_HOME: set it to a folder that can be made.", "")
_NO_FILE = ("Remove that folder: a file is written there.", "A file is needed there, and this is a folder.")
_HELPS = {
    errno.ENOSPC: _FULL,
    errno.EDQUOT: _FULL,
    errno.EACCES: _CLOSED,
    errno.EPERM: _CLOSED,
    errno.EROFS: _CLOSED,
    errno.ENOENT: _NO_FOLDER,
    errno.ENOTDIR: _NO_FOLDER,
    errno.EEXIST: _NO_FOLDER,
    errno.EISDIR: _NO_FILE,
}


@contextlib.contextmanager
def reporting_errors(verbose: bool = False, *, goes_on: str = "") -> Generator[None]:
    """Any error ends in one message and exit code 2; `verbose` shows the traceback.

    An interruption ends in exit code 130; `goes_on` is what is said then of what was done, as where nobody reads it.
    """
    take_any_text()
    try:
        yield
    except typer.Exit:  # a RuntimeError too
        raise
    except BrokenPipeError:  # typer knows what to do about it
        if goes_on:
            print(f"Nobody reads what this prints any more. {goes_on}", file=sys.stderr)
        raise
    except (KeyboardInterrupt, SystemExit) as end:
        if isinstance(end, SystemExit) and end.code != signal.SIGTERM:  # what Ray makes of SIGTERM once it is joined
            raise
        why = str(end) if isinstance(end, KeyboardInterrupt) else "stopped by SIGTERM"
        print(f"Interrupted{f' ({why})' if why else ''}. {goes_on}".rstrip(), file=sys.stderr)
        raise typer.Exit(130) from None
    except Exception as error:
        _report(error, verbose)


@contextlib.contextmanager
def read_only(verbose: bool = False) -> Generator[None]:
    """`reporting_errors` for a command that only reads: a signal, or a pipe that nobody reads, ends it in silence."""
    take_any_text()
    try:
        yield
        sys.stdout.flush()
    except (typer.Exit, BrokenPipeError):  # typer knows what to do about both
        raise
    except KeyboardInterrupt:
        raise typer.Exit(130) from None
    except Exception as error:
        _report(error, verbose)


def message_of(error: Exception) -> str:
    """What went wrong: for a file that the system refused which one, why, and what helps; otherwise who says so."""
    if isinstance(error, OSError) and error.errno is not None:
        return _refusal(error)
    kind, package = type(error), type(error).__module__.partition(".")[0]
    if package != "ray" and isinstance(error, (ValueError, RuntimeError, OSError)):  # Ray's hold whole tracebacks
        return str(error) or kind.__name__
    if isinstance(error, ModuleNotFoundError):
        return options.missing_packages(error)
    if package == "ray" and any(base.__name__ == "AuthenticationError" for base in kind.__mro__):
        where = os.environ.get("RAY_ADDRESS", "this address")
        return (
            f"Ray at {where} refuses this shell: {first_line(getattr(error, 'message', error)).rstrip('.')}. {TOKEN}."
        )
    addresses = [os.environ.get(name, "") for name in ("MLFLOW_TRACKING_URI", "MLFLOW_REGISTRY_URI")]
    first = without_password(first_line(error), *addresses)
    message = f"{kind.__name__}: {first}".rstrip(": ")
    whose = f"{package} failed" if package in ("mlflow", "optuna", "ray", "sqlalchemy") else "fertune has a bug"
    return f"{whose} ({message}); --verbose shows where."


def _refusal(error: OSError) -> str:
    name = error.filename if isinstance(error.filename, str | bytes | os.PathLike) else None
    at_home, elsewhere = _HELPS.get(error.errno or 0, ("", ""))
    helps = at_home if name is None or _leads_home(Path(os.fsdecode(name))) else elsewhere
    place = "" if name is None else f"{os.fsdecode(name)}: "
    return f"{place}{error.strerror or error}. {helps}".rstrip()


def _leads_home(place: Path) -> bool:
    """Whether `place` lies under the folder of studies, or on the way to it."""
    place, home = place.absolute(), default_home()
    return place.is_relative_to(home) or home.is_relative_to(place)


def _report(error: Exception, verbose: bool) -> NoReturn:
    if verbose:
        raise error
    print(f"Error: {message_of(error)}", file=sys.stderr)
    raise typer.Exit(2) from None
