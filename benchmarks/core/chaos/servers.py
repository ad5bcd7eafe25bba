"""MLflow and its database: a server each on loopback, killed and begun anew over what they hold.

PostgreSQL where its programs and a driver for them are installed. Otherwise MLflow keeps its store in SQLite, and a database
that is away is stood in for: the file is locked exclusively as long as it lasts.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import shutil
import sqlite3
import subprocess
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager
from pathlib import Path

from benchmarks.core.chaos.cluster import BIN, NotUp, clean_environment, kill_family, new_family, wait
from cluster.core.ports import free_ports
from cluster.local import processes
from cluster.local.asking import HOST, answer
from cluster.local.processes import Family
from tuning.records.home import ROOT

STAND_IN = "SQLite, whose file is locked exclusively, as PostgreSQL or a driver for it is not installed here"
DRIVERS = ("psycopg", "psycopg2")  # of Python, for PostgreSQL
NOBODY = "postgres"  # the user of Debian's package: PostgreSQL refuses to be root's


def postgresql() -> Path | None:
    """The folder of PostgreSQL's programs, where it and a driver are installed and somebody may run it."""
    found = [*sorted(Path("/usr/lib/postgresql").glob("*/bin"))[-1:], *filter(None, [_on_path()])]
    usable = _driver() and (os.geteuid() != 0 or shutil.which("setpriv"))
    return next((folder for folder in found if usable and (folder / "initdb").exists()), None)


def _driver() -> str:
    return next((name for name in DRIVERS if importlib.util.find_spec(name)), "")


def _on_path() -> Path | None:
    found = shutil.which("initdb")
    return Path(found).parent if found else None


class Database:
    """PostgreSQL in `place`; nobody else reaches it."""

    def __init__(self, place: Path, programs: Path) -> None:
        self._place, self._programs = place / "pg", programs
        (self._port,) = free_ports(1)
        self._place.mkdir()
        place.chmod(0o711)  # its user passes
        if os.geteuid() == 0:
            shutil.chown(self._place, NOBODY, NOBODY)
        made = [programs / "initdb", "-D", self._place / "data", "-U", "chaos", "-A", "trust", "--no-sync"]
        subprocess.run(self._as_user(*made), check=True, capture_output=True, cwd="/", timeout=120)
        self.family: Family | None = None

    @property
    def uri(self) -> str:
        return f"postgresql+{_driver()}://chaos@{HOST}:{self._port}/postgres"

    def start(self) -> None:
        """Over what there is. Raises `NotUp`."""
        ready = self._as_user(
            self._programs / "pg_isready", "-h", HOST, "-p", self._port, "-U", "chaos", "-d", "postgres"
        )

        def up() -> bool:
            """Started again where the one before still holds its memory."""
            if self.family is None or not processes.members(self.family):
                command = [self._programs / "postgres", "-D", self._place / "data", "-p", self._port, "-h", HOST]
                command += ["-k", self._place, "-c", "fsync=off"]
                environment = clean_environment() | {"LC_ALL": "C"}
                family, log = new_family(Path("/")), self._place.parent / "postgres.log"
                self.family = processes.start(self._as_user(*command), environment=environment, family=family, log=log)
            return subprocess.run(ready, capture_output=True, cwd="/", timeout=20, check=False).returncode == 0

        if not wait(up, 60, 0.5):
            raise NotUp(f"PostgreSQL does not answer: {(self._place.parent / 'postgres.log').read_text()[-2000:]}")

    def away(self) -> AbstractContextManager[int]:
        """It is killed, and begun again after the block; gives the number of what was hit."""
        return _away(self.family, self.start)

    def stop(self) -> None:
        if self.family:
            kill_family(self.family)

    def _as_user(self, *command: object) -> list[str]:
        who = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"] if os.geteuid() == 0 else []
        return [*who, *map(str, command)]


class LockedFile:
    """A store in SQLite at `path`, in the place of a database."""

    def __init__(self, path: Path) -> None:
        self._path, self.uri = path, f"sqlite:///{path}"

    def start(self) -> None:
        """There is nothing to start."""

    @contextlib.contextmanager
    def away(self) -> Generator[int]:
        """Nobody else reads or writes it in the block; gives this process, which holds it."""
        held = sqlite3.connect(self._path, timeout=60, isolation_level=None)
        try:
            held.execute("BEGIN EXCLUSIVE")
            yield os.getpid()
        finally:
            held.close()

    def stop(self) -> None:
        """There is nothing to stop."""


class Tracking:
    """MLflow's server over a database, both in `place`."""

    def __init__(self, place: Path, *, programs: Path | None) -> None:
        self.database = Database(place, programs) if programs else LockedFile(place / "mlflow.db")
        self._place = place
        (self._port,) = free_ports(1)
        self.url = f"http://{HOST}:{self._port}"
        self.family: Family | None = None

    def start(self) -> None:
        """Both. Raises `NotUp`."""
        self.database.start()
        self.start_server()

    def start_server(self) -> None:
        """MLflow alone, over what there is. Raises `NotUp`."""
        command = [str(BIN / "mlflow"), "server", "--host", HOST, "--port", str(self._port), "--workers", "1"]
        command += ["--backend-store-uri", self.database.uri, "--artifacts-destination", str(self._place / "artifacts")]
        environment = clean_environment() | {
            "PATH": os.pathsep.join([str(BIN), os.environ.get("PATH", os.defpath)]),
            "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",  # seven processes for judging language models
            "PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH", "")])),
        }
        log, own = self._place / "mlflow.log", new_family(self._place)
        # With its leader: for a moment at its start a process has no environment that could be read.
        family = self.family = processes.start(command, environment=environment, family=own, log=log)

        def over() -> bool:
            return self._answers() or not processes.members(family)

        wait(over, 180, 0.5)
        if not self._answers():
            raise NotUp(f"MLflow does not answer: {log.read_text(errors='replace')[-2000:]}")

    def away(self) -> AbstractContextManager[int]:
        """The server is killed, and begun again after the block; gives the number of what was hit."""
        return _away(self.family, self.start_server)

    def stop(self) -> None:
        """Both, and what they started."""
        if self.family:
            kill_family(self.family)
        self.database.stop()

    def _answers(self) -> bool:
        return answer(f"{self.url}/api/2.0/mlflow/experiments/search?max_results=1")[0] == 200


@contextlib.contextmanager
def _away(family: Family | None, begin: Callable[[], object]) -> Generator[int]:
    assert family is not None
    assert family.leader is not None
    kill_family(family)
    try:
        yield family.leader.pid
    finally:
        begin()
