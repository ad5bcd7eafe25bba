"""The two servers of the service: the command, environment and sign of health of each."""

from __future__ import annotations

import dataclasses
import os
import socket
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from cluster.local.asking import HOST, answer, basic, bearer
from cluster.local.logs import OF_RAY
from cluster.local.processes import ServiceError
from cluster.local.record import Ports, Record, Secrets, write_private

BIN = Path(sys.executable).parent  # of the virtual environment; the path of its Python is a link out of it
USER = "admin"
TOKEN_FILE, USERS, AUTH_SETTINGS = "ray_token", "users.db", "mlflow_auth.ini"

# What Ray appends to its folder for a socket, at its longest; the kernel takes 107 bytes in all (unix(7)).
_LONGEST_SOCKET = len("/session_2026-01-01_00-00-00_000000_4194304/sockets/dash_UsageStatsHead")
_SOCKET_LIMIT = 107


@dataclasses.dataclass(frozen=True, kw_only=True)
class Part:
    """A server: how it is started, where it answers, and whether it does."""

    name: str
    title: str
    url: str
    ports: Mapping[str, int]  # the option that chooses a port -> the port
    command: tuple[str, ...]
    environment: Mapping[str, str]
    log: Path
    is_healthy: Callable[[], bool]


def mlflow_server(folder: Path, record: Record, ports: Ports) -> Part:
    """MLflow with its own users, runs and artifacts under `folder`. Its paths are relative: `folder` may be called anything."""
    url = f"http://{HOST}:{ports.mlflow}"

    def is_healthy() -> bool:
        if answer(f"{url}/health")[0] != 200:
            return False
        search = f"{url}/api/2.0/mlflow/experiments/search?max_results=1"
        status, _ = answer(search, basic(USER, record.secrets.mlflow_password))
        if status == 401:
            raise ServiceError(
                f"MLflow at {url} refuses the password of {folder / 'service.json'}: its users in {folder / USERS} are "
                f"older. Put the file back that belongs to them, or remove {folder / USERS} (users only, no results)."
            )
        return status == 200

    command = (
        str(BIN / "mlflow"), "server", "--app-name", "basic-auth", "--host", HOST, "--port", str(ports.mlflow),
        "--workers", "1", "--backend-store-uri", "sqlite:///mlflow.db", "--artifacts-destination", "artifacts",
    )  # fmt: skip
    environment = _clean_environment() | {
        "MLFLOW_AUTH_CONFIG_PATH": str(folder / AUTH_SETTINGS),
        "MLFLOW_AUTH_ADMIN_PASSWORD": record.secrets.mlflow_password,
        "MLFLOW_FLASK_SERVER_SECRET_KEY": record.secrets.flask_secret_key,
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",  # seven processes for judging language models
    }
    return Part(
        name="mlflow",
        title="MLflow",
        url=url,
        ports={"--mlflow-port": ports.mlflow},
        command=command,
        environment=environment,
        log=folder / "mlflow.log",
        is_healthy=is_healthy,
    )


def ray_head(
    folder: Path, record: Record, ports: Ports, ray_folder: Path, *, num_cpus: int | None, num_gpus: int | None
) -> Part:
    """A Ray head whose jobs inherit where MLflow is and where studies lie."""
    url = f"http://{HOST}:{ports.dashboard}"

    def is_healthy() -> bool:
        # The address is the last thing that `ray start` writes: nodes can be found from then on.
        written = (ray_folder / "ray_current_cluster").exists()
        return written and answer(f"{url}/api/jobs/", bearer(record.secrets.ray_token))[0] == 200

    options = {
        "port": ports.ray,
        "dashboard-host": HOST,
        "dashboard-port": ports.dashboard,
        "node-ip-address": HOST,
        "ray-client-server-port": _free_port(),  # Ray refuses 0 here
        **dict.fromkeys(
            ("node-manager-port", "object-manager-port", "dashboard-agent-listen-port", "dashboard-agent-grpc-port",
             "runtime-env-agent-port", "metrics-export-port", "min-worker-port", "max-worker-port"), 0
        ),
        "include-dashboard": "true",
        "temp-dir": ray_folder,
        "object-store-memory": 200 * 2**20,  # clips are read through the page cache: messages only
        **({} if num_cpus is None else {"num-cpus": num_cpus}),
        **({} if num_gpus is None else {"num-gpus": num_gpus}),
    }  # fmt: skip
    command = (str(BIN / "ray"), "start", "--head", "--block", "--disable-usage-stats")
    command += tuple(f"--{key}={value}" for key, value in options.items())
    environment = _clean_environment() | client_environment(folder, record.secrets, ports)
    environment |= {
        "FERTUNE_HOME": str(folder.parent),
        "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",  # two lines a trial
        # Ray takes "the node is 127.0.0.1" at its word only where it is told that there are no other nodes;
        # otherwise it listens on every interface.
        "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
        "RAY_USAGE_STATS_ENABLED": "0",
        "RAY_GRACEFUL_SHUTDOWN_DRAIN_TIMEOUT_S": "0",  # `down` stops the jobs itself: nobody is left to be moved away
        "RAY_JOB_STOP_WAIT_TIME_S": "20",  # for what a stopped study has still to tell MLflow
        "RAY_PROMETHEUS_HOST": f"http://{HOST}:{ports.prometheus}",  # where the dashboard looks for one
        **OF_RAY,
        "RAY_worker_maximum_startup_concurrency": str(max(4, os.cpu_count() or 1)),
    }
    del environment["RAY_API_SERVER_ADDRESS"]
    return Part(
        name="ray",
        title="Ray",
        url=url,
        ports={"--ray-port": ports.ray, "--dashboard-port": ports.dashboard},
        command=command,
        environment=environment,
        log=folder / "ray.log",
        is_healthy=is_healthy,
    )


def client_environment(folder: Path, secrets: Secrets, ports: Ports) -> dict[str, str]:
    """What a process needs to reach the service: to submit jobs, to read runs and models."""
    return {
        "RAY_API_SERVER_ADDRESS": f"http://{HOST}:{ports.dashboard}",
        "RAY_AUTH_MODE": "token",
        "RAY_AUTH_TOKEN_PATH": str(folder / TOKEN_FILE),
        "MLFLOW_TRACKING_URI": f"http://{HOST}:{ports.mlflow}",
        "MLFLOW_TRACKING_USERNAME": USER,
        "MLFLOW_TRACKING_PASSWORD": secrets.mlflow_password,
    }


def write_settings(folder: Path, secrets: Secrets) -> None:
    """The files that the servers read beside their environment: Ray's token as Ray wants it, MLflow's users."""
    write_private(folder / TOKEN_FILE, secrets.ray_token)
    # A password is checked in 0.1 s: without the cache that is the price of every metric.
    write_private(
        folder / AUTH_SETTINGS,
        f"[mlflow]\ndefault_permission = NO_PERMISSIONS\ndatabase_uri = sqlite:///{USERS}\nadmin_username = {USER}\n"
        "authorization_function = mlflow.server.auth:authenticate_request_basic_auth\nauth_cache_ttl_seconds = 60\n",
    )


def new_ray_folder(folder: Path) -> Path:
    """A folder for Ray's sockets and logs: under `folder`, or in /tmp where that would be too long for a socket."""
    near = folder / "ray"
    if len(os.fsencode(near)) + _LONGEST_SOCKET <= _SOCKET_LIMIT:
        return near
    return Path(tempfile.mkdtemp(prefix="fertune-", dir="/tmp")) / "r"  # Ray opens its folder to all: not the one above


def require_free(ports: Mapping[str, int]) -> None:
    """Raises `ServiceError` where a port is taken, or asked for twice; `ports` by the option that chooses them."""
    if len(set(ports.values())) < len(ports):
        given = ", ".join(f"{option} {port}" for option, port in ports.items())
        raise ServiceError(f"Each server needs a port of its own, given were {given}.")
    for option, port in ports.items():
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, port))
            except OSError:
                variable = "FERTUNE_" + option.strip("-").replace("-", "_").upper()
                raise ServiceError(
                    f"Port {port} is in use by another program. Choose another with {option} PORT or ${variable}."
                ) from None


def _clean_environment() -> dict[str, str]:
    """The environment without what aims Ray or MLflow at something else; the virtual environment's programs come first."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("RAY_", "MLFLOW_"))}
    kept["PATH"] = os.pathsep.join([str(BIN), kept.get("PATH", os.defpath)])
    # Requests to loopback carry passwords: not through a proxy.
    for key in ("no_proxy", "NO_PROXY"):
        kept[key] = ",".join(filter(None, [kept.get(key), HOST, "localhost"]))
    return kept


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return probe.getsockname()[1]
