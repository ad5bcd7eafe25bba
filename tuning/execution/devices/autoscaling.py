"""What the autoscaler of a Ray may start. Its limits are in the file that it was started with, or in Kubernetes."""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import psutil
import yaml

from tuning.execution.devices.nodes import Node

_MOST = 1000  # machines that are looked at, where an autoscaler may start any number
_NAMESPACE = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")


def is_here(address: str) -> bool:
    """Whether the host of `address`, HOST:PORT, is this machine."""
    try:
        ip = socket.gethostbyname(address.rpartition(":")[0])
    except OSError:
        return False
    return any(ip == one.address for found in psutil.net_if_addrs().values() for one in found)


def limits_at(address: str) -> dict[str, Any]:
    """The limits of the autoscaler that runs on this machine for the Ray at `address`; none where none runs."""
    port = address.rpartition(":")[2]
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            given = dict(word.split("=", 1) for word in process.cmdline() if word.startswith("--") and "=" in word)
            file = given.get("--autoscaling-config", "")
            if file and given.get("--gcs-address", "").rpartition(":")[2] == port:
                return yaml.safe_load(Path(file).expanduser().read_text(encoding="utf-8"))
    return {}


def could_start(nodes: Sequence[Node], limits: Mapping[str, Any]) -> tuple[Node, ...]:
    """The machines that an autoscaler with these `limits`, as Ray's cluster launcher has them, may add to `nodes`.

    `max_workers` bounds those of a type, and all together; the head is not counted.
    """
    most = limits.get("max_workers")
    left = _MOST if most is None else max(0, most - sum(bool(node.group) for node in nodes))
    found: list[Node] = []
    for name, one in limits.get("available_node_types", {}).items():
        more = one.get("max_workers", _MOST if most is None else most) - sum(node.group == name for node in nodes)
        found += [Node.of(one.get("resources", {}), group=name)] * min(max(more, 0), left - len(found))
    return tuple(found)


def autoscaler_pod() -> tuple[str, str] | None:
    """The name and the namespace of the cluster of KubeRay's whose head this pod is; `None` elsewhere."""
    name = os.environ.get("RAY_CLUSTER_NAME")
    if not name or "KUBERNETES_SERVICE_HOST" not in os.environ or not _NAMESPACE.is_file():
        return None
    return name, _NAMESPACE.read_text(encoding="utf-8").strip()
