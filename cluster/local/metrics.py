"""Prometheus, where it is installed: it keeps what Ray measures of itself and of this machine, on loopback."""

from __future__ import annotations

import os
import shutil
import socket
from pathlib import Path

from cluster.local.asking import HOST, answer
from cluster.local.parts import Part
from cluster.local.record import Ports

NAME = "prometheus"
SETTINGS = "prometheus.yml"
DISCOVERY = "prom_metrics_service_discovery.json"  # where Ray says at which ports it is measured
_KEPT = ("--storage.tsdb.retention.time=30d", "--storage.tsdb.retention.size=1GB")


def program() -> str | None:
    """The path of Prometheus, `None` where it is not installed."""
    return shutil.which(NAME)


def free_port(wanted: int = Ports.prometheus) -> int:
    """`wanted`, or any where another Prometheus has it: Debian starts one when it installs it."""
    for port in (wanted, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, port))
            except OSError:
                continue
            return probe.getsockname()[1]
    return wanted


def write_settings(folder: Path, ray_folder: Path) -> None:
    """What Prometheus is to ask: every process of the Ray in `ray_folder` that is measured.

    It begins beside Ray, and can watch no folder that is not there yet: it looks again by itself, which by default it
    does every five minutes.
    """
    found = str(ray_folder / DISCOVERY).replace("'", "''")
    (folder / SETTINGS).write_text(
        "global: {scrape_interval: 15s}\n"
        f"scrape_configs: [{{job_name: ray, file_sd_configs: [{{files: ['{found}'], refresh_interval: 15s}}]}}]\n",
        encoding="utf-8",
    )


def prometheus_server(folder: Path, ports: Ports) -> Part:
    """Prometheus with its measurements under `folder`. It has no password: nothing that it knows is secret."""
    url = f"http://{HOST}:{ports.prometheus}"
    command = (program() or NAME, f"--config.file={folder / SETTINGS}", f"--storage.tsdb.path={folder / NAME}")
    return Part(
        name=NAME,
        title="Prometheus",
        url=url,
        ports={"--prometheus-port": ports.prometheus},
        command=(*command, f"--web.listen-address={HOST}:{ports.prometheus}", *_KEPT),
        environment=dict(os.environ),
        log=folder / "prometheus.log",
        is_healthy=lambda: answer(f"{url}/-/ready")[0] == 200,
    )
