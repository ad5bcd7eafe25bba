"""The service of one machine, for a person whose home and ports are a test's."""

import dataclasses
import os
import shlex
import subprocess
import sys
from pathlib import Path

from cluster.core.ports import free_ports
from cluster.local import processes
from cluster.local.processes import Process
from cluster.local.record import Ports, Record, load
from tests.conftest import ROOT


class Machine:
    """A person's machine: a home of their own, ports of their own, nothing of ours in the environment."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.home = folder, folder / "runs"
        ray, dashboard, mlflow, prometheus = free_ports(4)
        self.ports = Ports(ray=ray, dashboard=dashboard, mlflow=mlflow, prometheus=prometheus)
        (folder / "person").mkdir(parents=True)
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("RAY_", "MLFLOW_", "FERTUNE_", "PYTHONPATH"))}
        self.environment = kept | {"HOME": str(folder / "person"), "FERTUNE_HOME": str(self.home)}

    def call(self, *arguments: str, seconds: float = 200.0) -> subprocess.CompletedProcess[str]:
        return self.shell(shlex.join([sys.executable, "-m", "cluster.local", *arguments]), seconds)

    def shell(self, line: str, seconds: float = 60.0) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            line, shell=True, cwd=ROOT, env=self.environment, capture_output=True, text=True, timeout=seconds
        )

    def up(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        chosen = [f"--{name}-port={port}" for name, port in dataclasses.asdict(self.ports).items()]
        return self.call("up", *chosen, "--num-cpus=2", "--num-gpus=0", "--timeout=180", *arguments)

    def submit(self, *arguments: str) -> str:
        """The printed command, with another job in it."""
        printed = self.call("status").stdout.splitlines()[-1].removeprefix("Submit a job").strip()
        assert printed.endswith(" -- python tune.py")
        return printed.removesuffix(" -- python tune.py") + " " + shlex.join(arguments)

    @property
    def record(self) -> Record:
        return load(self.home / "service")

    def everybody(self) -> set[Process]:
        families = self.record.running.families
        return set().union(*(processes.members(family) for family in families.values()))
