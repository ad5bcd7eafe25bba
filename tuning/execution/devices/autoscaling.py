"""Where the autoscaler of a Ray has its limits from: the file that it was started with, or Kubernetes."""

from __future__ import annotations

import contextlib
import os
import socket
from pathlib import Path

import psutil

_NAMESPACE = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")


def is_here(address: str) -> bool:
    """Whether the host of `address`, HOST:PORT, is this machine."""
    try:
        ip = socket.gethostbyname(address.rpartition(":")[0])
    except OSError:
        return False
    return any(ip == one.address for found in psutil.net_if_addrs().values() for one in found)


def autoscaler_file(address: str) -> Path | None:
    """The file of limits of the autoscaler that runs on this machine for the Ray at `address`; `None` where none runs."""
    port = address.rpartition(":")[2]
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            given = dict(word.split("=", 1) for word in process.cmdline() if word.startswith("--") and "=" in word)
            file = given.get("--autoscaling-config", "")
            if file and given.get("--gcs-address", "").rpartition(":")[2] == port:
                return Path(file).expanduser()
    return None


def autoscaler_pod() -> tuple[str, str] | None:
    """The name and the namespace of the cluster of KubeRay's whose head this pod is; `None` elsewhere."""
    name = os.environ.get("RAY_CLUSTER_NAME")
    if not name or "KUBERNETES_SERVICE_HOST" not in os.environ or not _NAMESPACE.is_file():
        return None
    return name, _NAMESPACE.read_text(encoding="utf-8").strip()
