"""The doors of Ray and MLflow, as somebody finds them who may open sockets on this machine and knows no secret."""

import contextlib
import http.client
import itertools
import json
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import psutil

from cluster.local.asking import HOST, bearer

# What Ray's servers are asked: of the head's memory, of the cluster's jobs, of a node, of a worker, by Ray Client.
GRPC = (
    "/ray.rpc.NodeInfoGcsService/GetAllNodeInfo",
    "/ray.rpc.JobInfoGcsService/GetAllJobInfo",
    "/ray.rpc.InternalKVGcsService/InternalKVKeys",
    "/ray.rpc.NodeManagerService/GetNodeStats",
    "/ray.rpc.CoreWorkerService/NumPendingTasks",
    "/ray.rpc.RayletDriver/ClusterInfo",
)
# The dashboard, its agents, and the one that makes environments.
HTTP_OF_RAY = (
    *("GET /api/jobs/", "GET /api/v0/actors", "GET /nodes?view=summary", "GET /api/cluster_status", "POST /api/jobs/"),
    *("GET /api/job_agent/jobs/", "POST /api/job_agent/jobs/", "POST /get_or_create_runtime_env"),
)
HTTP_OF_MLFLOW = (
    *("GET /", "GET /ajax-api/2.0/mlflow/experiments/search?max_results=1", "POST /graphql", "GET /signup"),
    *("GET /api/2.0/mlflow/registered-models/search", "GET /api/2.0/mlflow-artifacts/artifacts?path="),
    *("GET /api/2.0/mlflow/users/get?username=admin", "POST /api/2.0/mlflow/users/create"),
    *("GET /get-artifact?run_uuid=a&path=b", "PUT /api/2.0/mlflow-artifacts/artifacts/a/b"),
)
# From the folder of artifacts to the file beside it that has the passwords.
WAYS_OUT = (
    "../service.json",
    "%2e%2e/service.json",
    "..%2fservice.json",
    "..%252fservice.json",
    "a/../../service.json",
)


def listening(pids: Iterable[int]) -> dict[tuple[str, int], int]:
    """The address and port of every TCP socket at which one of `pids` listens, and which one does."""
    found = {}
    for pid in pids:
        with contextlib.suppress(psutil.Error):
            for one in psutil.Process(pid).net_connections("tcp"):
                if one.status == psutil.CONN_LISTEN:
                    found[one.laddr.ip, one.laddr.port] = pid
    return found


def by_grpc(port: int, token: str | None, methods: Sequence[str] = GRPC, host: str = HOST) -> dict[str, str]:
    """What each method answers, without arguments: `OK` or the name of gRPC's status."""
    metadata = [("authorization", f"Bearer {token}")] if token else []
    options = [("grpc.enable_http_proxy", 0)]
    said = {}
    with grpc.insecure_channel(f"{host}:{port}", options=options) as channel:
        for method in methods:
            try:
                channel.unary_unary(method)(b"", timeout=3, metadata=metadata)
                said[method] = "OK"
            except grpc.RpcError as error:
                said[method] = error.code().name
    return said


def said_at(address: str) -> dict[str, set[str]]:
    """What the head at `address` says to who has no token, and to who has that of this machine's user."""
    host, _, port = address.rpartition(":")
    tokens = {"a stranger": None, "its owner": (Path.home() / ".ray" / "auth_token").read_text().strip()}
    return {who: set(by_grpc(int(port), token, host=host).values()) for who, token in tokens.items()}


def by_http(
    port: int, door: str, headers: dict[str, str] | None = None, body: object = None, host: str = HOST
) -> tuple[int, bytes]:
    """Status and content of what answers at `door`, "METHOD PATH", which is sent as it is; 0 where that is no HTTP."""
    method, _, path = door.partition(" ")
    given = {"Content-Type": "application/json", **(headers or {})}
    connection = http.client.HTTPConnection(host, port, timeout=5)
    try:
        connection.request(method, path, json.dumps(body or {}).encode() if method != "GET" else None, given)
        answer = connection.getresponse()
        return answer.status, answer.read(100_000)
    except (OSError, http.client.HTTPException):
        return 0, b""
    finally:
        connection.close()


def open_to_strangers(ports: Iterable[int], mark: Path, host: str = HOST) -> set[tuple[int, str]]:
    """Which doors of Ray at `ports` open to who has no token, or a wrong one; a job that is taken writes `mark`."""

    def opened(port: int, token: str | None) -> set[tuple[int, str]]:
        found = {(port, method) for method, status in by_grpc(port, token, host=host).items() if status == "OK"}
        for door in HTTP_OF_RAY:
            status, content = by_http(port, door, bearer(token) if token else {}, job(mark), host)
            if status in range(200, 300) and not content.startswith(b"# "):  # measurements, for Prometheus
                found.add((port, door))
        return found

    with ThreadPoolExecutor(8) as pool:  # what does not answer is waited for
        asked = [pool.submit(opened, port, token) for port, token in itertools.product(ports, (None, "0" * 64))]
        return set().union(*(one.result() for one in asked))


def open_to_owner(ports: Iterable[int], token: str, host: str = HOST) -> set[str]:
    """Which of them open to who has the token; nothing is begun."""

    def opened(port: int) -> set[str]:
        found = {method for method, status in by_grpc(port, token, host=host).items() if status == "OK"}
        reading = [door for door in HTTP_OF_RAY if door.startswith("GET")]
        return found | {door for door in reading if by_http(port, door, bearer(token), host=host)[0] == 200}

    with ThreadPoolExecutor(8) as pool:
        return set().union(*pool.map(opened, ports))


def job(mark: Path) -> dict[str, str]:
    """A job that leaves a file, where somebody takes it."""
    return {"entrypoint": f"touch {mark}"}
