"""The service as a whole: `up`, `down` and what there is to see.

Everything lies under `<home>/service`: `service.json` (passwords, ports, processes), MLflow's runs, artifacts and users,
logs. Each server is looked at on its own: `up` starts what is missing and leaves alone what runs.
"""

from __future__ import annotations

import contextlib
import dataclasses
import secrets
import shlex
import shutil
import signal
import threading
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from pathlib import Path

from filelock import FileLock, Timeout

from cluster.local import asking, logs, metrics, parts, processes
from cluster.local.parts import Part
from cluster.local.processes import Family, ServiceError
from cluster.local.record import Ports, Record, Running, boot_id, load, new_secrets, save
from tuning.execution.signals import interruptible
from tuning.records.home import ROOT

NAMES = ("mlflow", "ray")  # in the order of their start, before a Prometheus; the end is the other way round
Say = Callable[[str], None]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Service:
    """What runs, where it answers, and which of its servers do."""

    folder: Path
    record: Record
    running: Running
    healthy: Mapping[str, bool]

    @property
    def dashboard_url(self) -> str:
        return f"http://{asking.HOST}:{self.running.ports.dashboard}"

    @property
    def mlflow_url(self) -> str:
        return f"http://{asking.HOST}:{self.running.ports.mlflow}"

    @property
    def prometheus_url(self) -> str:
        return f"http://{asking.HOST}:{self.running.ports.prometheus}"

    @property
    def environment(self) -> dict[str, str]:
        """What a process needs to reach the service."""
        return parts.client_environment(self.folder, self.record.secrets, self.running.ports)

    @property
    def submit_command(self) -> str:
        """The main job as a Ray job: to be copied into any shell, whatever token that person has of other clusters."""
        given = [f"{key}={value}" for key, value in self.environment.items() if key.startswith("RAY_")]
        command = ["env", "-u", "RAY_AUTH_TOKEN", *given, str(parts.BIN / "ray"), "job", "submit"]
        return shlex.join([*command, "--working-dir", str(ROOT), "--", "python", "tune.py"])


def up(
    home: Path,
    say: Say,
    *,
    wanted: Mapping[str, int] | None = None,
    num_cpus: int | None = None,
    num_gpus: int | None = None,
    patience_s: float = 240.0,
) -> Service:
    """Start what is missing of the service and wait until all of it answers; `wanted` are ports by their field of `Ports`.

    Raises `ServiceError` where a port is taken or a server does not come up within `patience_s`; nothing that this call
    started runs then, nor after Ctrl-C.
    """
    folder = _folder(home)
    with _alone(folder):
        record = _opened(folder, say)
        running = _to_run(folder, record, dict(wanted or {}))
        made = _parts(folder, record, running, num_cpus, num_gpus)
        missing = [part for part in made if running.families[part.name].leader is None]
        try:
            with interruptible():
                parts.require_free({option: port for part in missing for option, port in part.ports.items()})
                parts.write_settings(folder, record.secrets)
                metrics.write_settings(folder, running.ray_folder)
                for part in made:
                    logs.rotate(part.log)
                for part in missing:
                    say(f"Starting {part.title} at {part.url} ...")
                    running = _start(folder, record, running, part)
                save(folder, dataclasses.replace(record, running=running))
                _wait(made, running, patience_s, say)
        except BaseException:
            with _deaf():
                for part in reversed(missing):
                    processes.stop(running.families[part.name], patience_s=10.0)
                if "ray" in {part.name for part in missing}:
                    _keep_logs(folder, running.ray_folder)
                save(folder, dataclasses.replace(record, running=running if len(missing) < len(made) else None))
            if missing:
                say("Stopped again what this command had started.")
            raise
        return Service(folder=folder, record=record, running=running, healthy=dict.fromkeys(running.families, True))


def down(home: Path, say: Say) -> bool:
    """Stop what `up` started, jobs first, and nothing else. False where nothing ran."""
    folder = _folder(home)
    if not folder.is_dir():
        return False
    with _alone(folder):
        record = _opened(folder, say) if (folder / "service.json").exists() else None
        if record is None or record.running is None:
            return False
        running, found = record.running, False
        made = {part.name: part for part in _parts(folder, record, running, None, None)}
        if processes.is_alive(running.families["ray"].leader):
            asking.stop_jobs(made["ray"].url, record.secrets.ray_token, say)
        for name, part in reversed(made.items()):
            if processes.stop(running.families[name]):
                say(f"{part.title} is stopped.")
                found = True
        _keep_logs(folder, running.ray_folder)
        save(folder, dataclasses.replace(record, running=None))
        return found


def status(home: Path) -> Service | None:
    """What runs and answers now, `None` where nothing was started, or not since the machine was."""
    folder = _folder(home)
    record = load(folder)
    if record is None or record.running is None or record.running.boot_id != boot_id():
        return None
    running = record.running
    healthy = {
        part.name: processes.is_alive(running.families[part.name].leader) and part.is_healthy()
        for part in _parts(folder, record, running, None, None)
    }
    return Service(folder=folder, record=record, running=running, healthy=healthy)


def _folder(home: Path) -> Path:
    """Where the service lives; without links, as the kernel sees it."""
    return home.resolve() / "service"


@contextlib.contextmanager
def _alone(folder: Path) -> Generator[None]:
    """One `up` or `down` at a time; the folder is its owner's only."""
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    try:
        with FileLock(folder / "lock", timeout=0):
            yield
    except Timeout:
        raise ServiceError(
            f"Another `up` or `down` is at work in {folder}. Wait for its end, or interrupt it."
        ) from None


def _opened(folder: Path, say: Say) -> Record:
    """The record as it is true today, new where there is none."""
    now, record = boot_id(), load(folder)
    if record is None:
        if (folder / parts.USERS).exists():
            raise ServiceError(
                f"{folder / 'service.json'} is gone, and with it the password of MLflow's users. Put it back, or remove "
                f"{folder / parts.USERS} (users and passwords, no results) and run `up` again."
            )
        record = Record(secrets=new_secrets())
    elif record.running and record.running.boot_id != now:
        say("The machine was restarted since the last `up`: nothing of the service is running.")
        record = dataclasses.replace(record, running=None)
    save(folder, record)
    return record


def _to_run(folder: Path, record: Record, wanted: Mapping[str, int]) -> Running:
    """What runs already, as it is, and what is to be started: a family without a leader.

    While one server lives the ports stay as they are, as jobs know them; but that of a Prometheus that is to be started.
    """
    before = record.running
    names = (*NAMES, metrics.NAME) if metrics.program() else NAMES
    alive = {name for name in names if before and processes.is_alive(before.families.get(name, _NOBODY).leader)}
    if before and alive:
        for name, port in wanted.items():
            given = getattr(before.ports, name)
            if port != given and (name != metrics.NAME or name in alive):
                raise ServiceError(f"The service is up with --{name}-port {given}, not {port}: run `down` first.")
    if before:
        for name in before.families.keys() - alive:
            processes.stop(before.families[name], patience_s=10.0)  # whom a killed leader left behind
        if "ray" not in alive:
            _keep_logs(folder, before.ray_folder)
    ports = before.ports if before and alive else Ports(**wanted)
    if metrics.NAME in names and metrics.NAME not in alive:
        port = wanted.get(metrics.NAME) or metrics.free_port(ports.prometheus)
        ports = dataclasses.replace(ports, prometheus=port)
    return Running(
        ports=ports,
        ray_folder=before.ray_folder if before and "ray" in alive else parts.new_ray_folder(folder),
        boot_id=boot_id(),
        families={
            name: before.families[name] if before and name in alive else Family(secrets.token_hex(16), folder)
            for name in names
        },
    )


_NOBODY = Family("", Path())


def _parts(
    folder: Path, record: Record, running: Running, num_cpus: int | None, num_gpus: int | None
) -> Sequence[Part]:
    mlflow = parts.mlflow_server(folder, record, running.ports)
    ray = parts.ray_head(folder, record, running.ports, running.ray_folder, num_cpus=num_cpus, num_gpus=num_gpus)
    return (
        mlflow,
        ray,
        *([metrics.prometheus_server(folder, running.ports)] if metrics.NAME in running.families else ()),
    )


def _start(folder: Path, record: Record, running: Running, part: Part) -> Running:
    """Start one server. Its mark is written down before it runs: whatever happens then, `down` finds it."""
    save(folder, dataclasses.replace(record, running=running))
    family = processes.start(
        part.command, environment=part.environment, family=running.families[part.name], log=part.log
    )
    running = dataclasses.replace(running, families={**running.families, part.name: family})
    save(folder, dataclasses.replace(record, running=running))
    return running


def _wait(made: Sequence[Part], running: Running, patience_s: float, say: Say) -> None:
    """Return when all answer. Raises `ServiceError` with the end of the log of one that ended, or that takes too long."""
    began = told = time.monotonic()
    waiting = list(made)
    while True:
        for part in list(waiting):
            seconds = time.monotonic() - began
            alive = processes.is_alive(running.families[part.name].leader)
            if alive and part.is_healthy():
                say(f"{part.title} answers at {part.url} ({seconds:.0f} s).")
                waiting.remove(part)
            elif not alive:
                raise ServiceError(f"{part.title} ended before it answered.\n{_last_lines(part.log)}")
            elif seconds > patience_s:
                raise ServiceError(
                    f"{part.title} does not answer at {part.url} after {patience_s:.0f} s. `up --timeout SECONDS` waits "
                    f"longer, `down` stops what hangs.\n{_last_lines(part.log)}"
                )
        if not waiting:
            return
        if time.monotonic() - told > 10:
            told = time.monotonic()
            say(f"Waiting for {' and '.join(part.title for part in waiting)} ({told - began:.0f} s) ...")
        time.sleep(0.3)


def _last_lines(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines() if log.exists() else []
    return "\n".join([f"The end of {log}:", *(f"  {line}" for line in lines[-15:])])


def _keep_logs(folder: Path, ray_folder: Path) -> None:
    """Remove Ray's folder of a head that has ended, but for the logs of the last one."""
    sessions = [path for path in ray_folder.glob("session_2*") if (path / "logs").is_dir()]
    if sessions:
        shutil.rmtree(folder / "ray_logs", ignore_errors=True)
        shutil.move(max(sessions) / "logs", folder / "ray_logs")
    shutil.rmtree(ray_folder, ignore_errors=True)
    if ray_folder.parent != folder:
        with contextlib.suppress(OSError):
            ray_folder.parent.rmdir()


@contextlib.contextmanager
def _deaf() -> Generator[None]:
    """Clearing up is not interrupted; it is bounded."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, signal.SIG_IGN) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
