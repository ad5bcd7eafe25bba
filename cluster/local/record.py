"""`service.json`: the one file that knows the service's passwords, ports and processes. Only its owner can read it."""

from __future__ import annotations

import dataclasses
import json
import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cluster.local.processes import Family, Process, ServiceError

NAME = "service.json"
BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Ports:
    """Where the service listens, on loopback. Ray's other ports are chosen freely by the system."""

    ray: int = 6379
    dashboard: int = 8265
    mlflow: int = 5000
    prometheus: int = 9090  # where it is installed


@dataclasses.dataclass(frozen=True, kw_only=True)
class Secrets:
    """Made once, kept over `down` and `up`."""

    ray_token: str
    mlflow_password: str
    flask_secret_key: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class Running:
    """What `up` started: on which ports, with which folder for Ray's sockets, in which life of the machine."""

    ports: Ports
    ray_folder: Path
    boot_id: str
    families: Mapping[str, Family]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Record:
    """The whole file."""

    secrets: Secrets
    running: Running | None = None


def load(folder: Path) -> Record | None:
    """The record of `folder`, `None` before the first `up`. Raises `ServiceError` where it cannot be read."""
    path = folder / NAME
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
        running = stored["running"]
        return Record(secrets=Secrets(**stored["secrets"]), running=_running(running) if running else None)
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError) as error:
        raise ServiceError(
            f"{path} is damaged ({type(error).__name__}: {error}). Stop what still runs of the service by hand, remove "
            f"{path} and {folder / 'users.db'} (users and passwords, no results), and run `up` again."
        ) from None


def save(folder: Path, record: Record) -> None:
    """Replace the record; at no moment can others read it, or anyone half of it."""
    stored = dataclasses.asdict(record)
    write_private(folder / NAME, json.dumps(stored, indent=1, default=str) + "\n")


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner can read, whatever the umask."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.unlink(missing_ok=True)
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


def new_secrets() -> Secrets:
    return Secrets(
        ray_token=secrets.token_hex(32),
        mlflow_password=secrets.token_urlsafe(24),
        flask_secret_key=secrets.token_hex(32),
    )


def boot_id() -> str:
    """This life of the machine: another after a restart. Raises `ServiceError` where there is no Linux."""
    try:
        return BOOT_ID.read_text(encoding="ascii").strip()
    except OSError:
        raise ServiceError(
            f"The local service needs Linux: there is no {BOOT_ID} to tell processes apart by."
        ) from None


def _running(stored: dict[str, Any]) -> Running:
    families = {
        name: Family(
            mark=family["mark"],
            folder=Path(family["folder"]),
            leader=Process(**family["leader"]) if family["leader"] else None,
        )
        for name, family in stored["families"].items()
    }
    return Running(
        ports=Ports(**stored["ports"]),
        ray_folder=Path(stored["ray_folder"]),
        boot_id=stored["boot_id"],
        families=families,
    )
