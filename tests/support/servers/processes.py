"""Servers of the tests in processes of their own: PostgreSQL, and MLflow with users on it."""

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import psycopg2

from cluster.core.ports import free_ports

USER, PASSWORD = "ada", "a password of tests"
START_S = 180.0


class Server:
    """A process, in a session of its own, that can be stopped and started again."""

    def __init__(self, command: list[str], *, log: Path, answers: Callable[[], bool], stop_by: int, **how) -> None:
        self.command, self.log, self.answers, self.stop_by, self.how = command, log, answers, stop_by, how
        self.process: subprocess.Popen | None = None

    def start(self) -> None:
        """Start it and wait until it answers."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True, **self.how
            )
        deadline = time.monotonic() + START_S
        while not self.answers():
            assert self.process.poll() is None, self.log.read_text()[-2000:]
            assert time.monotonic() < deadline, self.log.read_text()[-2000:]
            time.sleep(0.1)

    def stop(self) -> None:
        """End it by `stop_by`, and whoever of its group is left. Harmless where it does not run."""
        if self.process is None:
            return
        self.process.send_signal(self.stop_by)
        try:
            self.process.wait(30)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait(30)
            self.process = None


class Postgres(Server):
    """A cluster of its own in a new folder, on a socket there and on no port. Not as root, whom PostgreSQL refuses."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="pg-"))
        programs = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
        assert programs, "These tests start the system's PostgreSQL: apt-get install postgresql."
        how = {}
        if os.getuid() == 0:
            known = pwd.getpwnam("postgres")
            os.chown(self.folder, known.pw_uid, known.pw_gid)
            how = {"user": known.pw_uid, "group": known.pw_gid, "extra_groups": [], "cwd": self.folder}
        data = self.folder / "data"
        given = ["--auth=trust", "--username=postgres", "--no-sync", "--encoding=UTF8", "--locale=C"]
        made = [str(programs[-1] / "initdb"), f"--pgdata={data}", *given]
        subprocess.run(made, check=True, capture_output=True, timeout=120, **how)
        command = [str(programs[-1] / "postgres"), "-D", str(data), "-k", str(self.folder), "-c", "listen_addresses="]
        super().__init__(
            command, log=self.folder / "log", answers=self._answers, stop_by=signal.SIGINT, **how
        )  # SIGINT: whoever is connected is cut off

    def create(self, name: str) -> str:
        """A new database; its address for SQLAlchemy."""
        opened = psycopg2.connect(host=str(self.folder), user="postgres", dbname="postgres")
        opened.autocommit = True
        with opened.cursor() as cursor:
            cursor.execute(f"CREATE DATABASE {name}")
        opened.close()
        return f"postgresql+psycopg2://postgres@/{name}?host={self.folder}"

    def remove(self) -> None:
        """Stop it and delete its folder."""
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _answers(self) -> bool:
        try:
            psycopg2.connect(host=str(self.folder), user="postgres", dbname="postgres").close()
        except psycopg2.OperationalError:
            return False
        return True


class MlflowServer(Server):
    """MLflow behind basic auth, with runs and users in databases and its artifacts in a bucket. It ends as by a power cut."""

    def __init__(self, folder: Path, *, runs: str, users: str, artifacts: str, environment: dict[str, str]) -> None:
        (port,) = free_ports(1)
        self.url = f"http://127.0.0.1:{port}"
        settings = folder / "auth.ini"
        settings.write_text(
            f"[mlflow]\ndefault_permission = NO_PERMISSIONS\ndatabase_uri = {users}\nadmin_username = {USER}\n"
            f"admin_password = {PASSWORD}\n"
            "authorization_function = mlflow.server.auth:authenticate_request_basic_auth\n"
        )
        program = str(Path(sys.executable).with_name("mlflow"))
        where = [
            "--host",
            "127.0.0.1",
            "--port",
            str(port),
            "--backend-store-uri",
            runs,
            "--artifacts-destination",
            artifacts,
        ]
        super().__init__(
            [program, "server", "--app-name", "basic-auth", "--workers", "1", *where],
            log=folder / "mlflow.log",
            answers=self._answers,
            stop_by=signal.SIGKILL,
            cwd=folder,
            env={
                **os.environ,
                **environment,
                "MLFLOW_AUTH_CONFIG_PATH": str(settings),
                "MLFLOW_AUTH_ADMIN_PASSWORD": PASSWORD,
                "MLFLOW_FLASK_SERVER_SECRET_KEY": "a key of tests",
                "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
            },
        )  # fmt: skip

    def _answers(self) -> bool:
        try:
            with urlopen(f"{self.url}/health", timeout=5) as answer:
                return answer.status == 200
        except (URLError, OSError):
            return False
