"""What of this shell goes with a job, beside its code: variables that name places, and who asked for what.

Ray writes a job's environment into the logs of its nodes, and shows it to all who may use the cluster: secrets stay here.
"""

from __future__ import annotations

import getpass
import os
import re
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

from tuning.records.home import GIT_COMMIT, git_commit, version

PREFIX = "FERTUNE_"
PLACES = (
    *("MLFLOW_TRACKING_URI", "MLFLOW_REGISTRY_URI", "MLFLOW_S3_ENDPOINT_URL"),
    *("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"),
)
SECRETS = (
    *("MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD", "MLFLOW_TRACKING_TOKEN"),
    *("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"),
)
# Who asks, with or without a password, within an address; and a password that follows its name.
_WITHIN = re.compile(
    r"//[^/?#\s]*@ | ^[^/?#\s]+:[^/?#\s]+@ | (password|passwd|pwd|secret|token|access_?key|signature)\s*=",
    re.IGNORECASE | re.VERBOSE,
)
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


def environment_of(named: Sequence[str], address: str) -> tuple[dict[str, str], list[str]]:
    """The variables that go with a job to the head at `address`, and what a person should know of them.

    Those of fertune and of places (`PLACES`) go where they are set here, others where they are `named`.
    Raises `ValueError` for a name that is not set, for Ray's own, for what is not named and holds a user or a password, and for
    an address that means a file of no fixed place.
    """
    for name in named:
        if name not in os.environ:
            raise ValueError(f"--env {name}: no such variable is set in this shell.")
        if name.startswith("RAY_"):
            raise ValueError(f"--env {name}: what Ray goes by, its token too, is set where the cluster was started.")
    by_itself = [name for name in os.environ if name.startswith(PREFIX) or name in PLACES]
    found = {name: os.environ[name] for name in (*by_itself, *named) if os.environ[name]}
    for name in found:
        if name not in named:
            _refuse_secret(name, found[name])
    notes = [_home(found)]
    for name in ("MLFLOW_TRACKING_URI", "MLFLOW_REGISTRY_URI"):
        if name in found:
            notes.append(_store(name, found[name], address))
    if commit := git_commit():
        found[GIT_COMMIT] = commit
    if kept := [name for name in SECRETS if os.environ.get(name) and name not in named]:
        notes.append(
            f"{', '.join(kept)}: not passed on, as Ray writes a job's environment into its logs. The head needs its own; "
            "--env NAME passes one all the same."
        )
    return found, [note for note in notes if note]


def metadata_of(study: str, command: str) -> dict[str, str]:
    """What `ray job list` and the dashboard show of a job."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a number without a name, as in a container
        user = str(os.getuid())
    facts = {"study": study, "user": user, "version": version(), "git_commit": git_commit(), "command": command}
    return {key: value for key, value in facts.items() if value}


def _home(found: dict[str, str]) -> str:
    """Make `$FERTUNE_HOME` a place that does not depend on the folder of this shell."""
    given = found.get("FERTUNE_HOME", "")
    if not given or given.startswith(("/", "~")):
        return ""
    found["FERTUNE_HOME"] = str(Path(given).absolute())
    return f"FERTUNE_HOME is taken as {found['FERTUNE_HOME']}, on the cluster's machines."


def _refuse_secret(name: str, value: str) -> None:
    if not _WITHIN.search(value):
        return
    if name in ("MLFLOW_TRACKING_URI", "MLFLOW_REGISTRY_URI"):
        where = "MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD in its own environment, or ~/.mlflow/credentials"
    elif name in PLACES:
        where = "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in its own environment, or ~/.aws/credentials"
    else:
        where = f"{name} in its own environment, where it is started"
    raise ValueError(
        f"{name} holds a user or a password, and Ray writes a job's environment into its logs. Give the address alone here; "
        f"the head needs {where}. --env {name} passes it all the same."
    )


def _store(name: str, uri: str, address: str) -> str:
    parts = urlsplit(uri)
    path = uri.partition(":///")[2] if parts.scheme.startswith("sqlite") else parts.path
    if (parts.scheme.startswith("sqlite") or parts.scheme in ("", "file")) and not path.startswith("/"):
        raise ValueError(
            f"{name} is {uri}, a file relative to a folder of this shell: give its full path, or a server."
        )
    there = urlsplit(address).hostname
    if parts.hostname in _LOOPBACK and there not in _LOOPBACK:
        return f"{name} is at {parts.hostname}, which is the head itself for a job at {there}."
    return ""
