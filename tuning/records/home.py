"""Where studies lie and which there are (the home, by default `./runs`), and where the code comes from."""

from __future__ import annotations

import functools
import os
import subprocess
import tomllib
from pathlib import Path

from trainables.core import files, lookup

ROOT = Path(__file__).resolve().parents[2]  # of the checkout
IN_JOB = "RAY_JOB_CONFIG_JSON_ENV_VAR"  # what Ray sets in the driver of a job


def default_home() -> Path:
    """Where studies, caches and MLflow's store live: `$FERTUNE_HOME`, else `./runs`.

    Inside a Ray job it is `~/fertune-runs` on the head: the job's own working directory is deleted behind it.
    """
    if named := os.environ.get("FERTUNE_HOME"):
        return Path(named).expanduser().absolute()
    return _of_jobs() if IN_JOB in os.environ else Path("runs").absolute()


def home_of(given: str | Path | None) -> Path:
    """The home that is `given`, else the default one."""
    return default_home() if given is None else Path(given).expanduser().absolute()


def known_studies(home: Path) -> list[str]:
    """The studies that were begun under `home`."""
    return sorted(path.parent.name for path in home.glob(f"*/{files.LEDGER}") if path.stat().st_size)


def not_begun(home: Path, name: str) -> ValueError:
    """What to raise for a study that was not begun under `home`."""
    begin = f" Begin it with `run {name}`." if name in lookup.names("search_spaces") else ""
    return ValueError(
        f"{lookup.unknown(f'study begun under {home}', name, known_studies(home))}{begin}{elsewhere(home)}"
    )


def elsewhere(home: Path) -> str:
    """A hint for those who miss in `home` what a Ray job left in its own; `""` where there is nothing."""
    jobs = _of_jobs()
    known = jobs != home and next(jobs.glob(f"*/{files.LEDGER}"), None)
    return f" Studies of Ray jobs lie under {jobs}: set FERTUNE_HOME to it." if known else ""


def in_shell(home: Path) -> str:
    """What a command in a shell needs before it to find `home`: nothing, or the variable that names it."""
    return f"FERTUNE_HOME={home} " if IN_JOB in os.environ or home != Path("runs").absolute() else ""


@functools.cache
def version() -> str:
    """The version of fertune that runs. Its one source is `pyproject.toml`, which a Ray job uploads with the code."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]


def git_commit() -> str:
    """The commit of fertune that runs, with `-dirty` where files differ from it; `""` without git or a checkout."""
    command = ["git", "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    try:
        asked = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    except OSError:  # no git here
        return ""
    return asked.stdout.strip() if asked.returncode == 0 else ""


def _of_jobs() -> Path:
    return Path.home() / "fertune-runs"
