"""Where studies lie and which there are (the home, by default `./runs`), and where the code comes from."""

from __future__ import annotations

import functools
import os
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Protocol

from trainables.core import files, lookup

ROOT = Path(__file__).resolve().parents[2]  # of the checkout
IN_JOB = "RAY_JOB_CONFIG_JSON_ENV_VAR"  # what Ray sets in the driver of a job
GIT_COMMIT = "FERTUNE_GIT_COMMIT"  # what `submit` tells a job, whose upload is no checkout


def default_home() -> Path:
    """Where studies, caches and MLflow's store live: `$FERTUNE_HOME`, else `./runs`.

    Inside a Ray job it is `~/fertune-runs` on the head: the job's own working directory is deleted behind it.
    Raises `ValueError` for a folder that cannot be told or, by its name, used.
    """
    given = os.environ.get("FERTUNE_HOME") or ("~/fertune-runs" if IN_JOB in os.environ else "runs")
    try:
        home = Path(given).expanduser().absolute()
    except RuntimeError:
        raise ValueError(
            f"{given} has no meaning here: ~ leads to no folder. Set FERTUNE_HOME to a full path."
        ) from None
    require_name(home)
    return home


def require_name(home: Path) -> None:
    """Raises `ValueError` for a folder whose name no database can keep."""
    try:
        str(home).encode()
    except UnicodeEncodeError:
        raise ValueError(
            f"The home {str(home)!a} has a name that is not UTF-8, which MLflow cannot keep. Any other name will do: "
            "set FERTUNE_HOME to a folder of such a name."
        ) from None


def home_of(given: str | Path | None) -> Path:
    """The home that is `given`, else the default one."""
    return default_home() if given is None else Path(given).expanduser().absolute()


class Named(Protocol):
    """A `Study`: what reads of one needs its name alone."""

    @property
    def name(self) -> str: ...


def name_of(study: str | Named) -> str:
    """The name of a study that is given by it or as an object."""
    return study if isinstance(study, str) else study.name


def study_folders(home: Path) -> list[Path]:
    """The folder of every study under `home`, also of one that prepares its faces and has written no event yet."""
    return sorted(path.parent for path in home.glob(f"*/{files.LEDGER}"))


def known_studies(home: Path) -> list[str]:
    """The studies that were begun under `home`."""
    return [folder.name for folder in study_folders(home) if (folder / files.LEDGER).stat().st_size]


def not_begun(home: Path, name: str) -> ValueError:
    """What to raise for a study that was not begun under `home`."""
    begin = f" Begin it with `run {name}`." if name in lookup.names("search_spaces") else ""
    return ValueError(
        f"{lookup.unknown(f'study begun under {home}', name, known_studies(home))}{begin}{elsewhere(home)}"
    )


def elsewhere(home: Path) -> str:
    """A hint for those who miss in `home` what a Ray job left in its own; `""` where there is nothing."""
    jobs = Path(os.path.expanduser("~/fertune-runs"))  # as it is, for a user without a home
    known = jobs != home and next(jobs.glob(f"*/{files.LEDGER}"), None)
    return f" Studies of Ray jobs lie under {jobs}: set FERTUNE_HOME to it." if known else ""


def in_shell(home: Path, *arguments: str) -> str:
    """`tune.py` with `arguments`, as it is typed into a shell here so that it finds `home`."""
    tune = "tune.py" if Path.cwd() == ROOT else str(ROOT / "tune.py")
    named = IN_JOB in os.environ or home != Path("runs").absolute()
    return (f"FERTUNE_HOME={shlex.quote(str(home))} " if named else "") + shlex.join(
        [program("python"), tune, *arguments]
    )


def program(name: str) -> str:
    """A program of this environment as it is typed here: in the root of a checkout with a `.venv` by that, else by itself."""
    if Path.cwd() != ROOT:
        return str(Path(sys.executable).with_name(name))
    return f".venv/bin/{name}" if (ROOT / ".venv").exists() else name


@functools.cache
def version() -> str:
    """The version of fertune that runs. Its one source is `pyproject.toml`, which a Ray job uploads with the code."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]


def git_commit() -> str:
    """The commit of fertune that runs, with `-dirty` where files differ from it; `""` without git or a checkout.

    A job that `submit` began goes by the checkout that it was submitted from.
    """
    if IN_JOB in os.environ and (told := os.environ.get(GIT_COMMIT)):
        return told
    command = ["git", "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    try:
        asked = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    except OSError:  # no git here
        return ""
    return asked.stdout.strip() if asked.returncode == 0 else ""
