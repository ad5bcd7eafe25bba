"""A Slurm of the tests: Debian's munged, slurmctld and slurmd, with ports and folders of their own, ended by their ids."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Generator
from pathlib import Path
from typing import Any

import psutil

from cluster.core.ports import free_ports
from tests.conftest import ROOT
from tests.support.ray_head import wait_until
from tests.support.servers.processes import Server
from tuning.records.ledger import Ledger

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "srun", "scancel", "scontrol", "sinfo", "squeue")
SBATCH = ROOT / "cluster" / "slurm" / "study.sbatch"
OVER = ("COMPLETED", "FAILED", "CANCELLED", "TIMEOUT", "NODE_FAIL", "OUT_OF_MEMORY", "BOOT_FAIL", "DEADLINE")
# A job that is queued again waits for as long as a credential is valid, and for the next look at all jobs. What is not named
# is as Slurm has it, such as the 30 s of KillWait.
SETTINGS = """
ClusterName=tests
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={port}
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket,cred_expire=10
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool.%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.%n.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SlurmdParameters=config_overrides
ReturnToService=2
SchedulerParameters=sched_interval=2
MinJobAge=3600
{nodes}
PartitionName=tests Nodes=ALL Default=YES MaxTime=INFINITE State=UP
"""


class Slurm:
    """Two nodes, n1 and n2, of two CPUs each, which are this machine twice. `environment` is that of a shell of its user."""

    def __init__(self, folder: Path) -> None:
        missing = [name for name in PROGRAMS if not shutil.which(name, path=_path())]
        assert not missing, f"These tests start a Slurm, and {missing} are not installed: make test-system does."
        self.folder, self.conf = folder, folder / "slurm.conf"
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("RAY_", "MLFLOW_", "FERTUNE_"))}
        paths = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH", "")]))
        self.environment = kept | {"SLURM_CONF": str(self.conf), "PATH": _path(), "PYTHONPATH": paths}
        self._servers: list[Server] = []

    def start(self) -> None:
        """Start all and wait until both nodes are idle."""
        controller, *nodes = free_ports(3)
        lines = [
            f"NodeName=n{number} NodeHostname=localhost NodeAddr=127.0.0.1 Port={port} CPUs=2"
            for number, port in enumerate(nodes, 1)
        ]
        known = {"host": socket.gethostname().partition(".")[0], "port": controller, "folder": self.folder}
        known |= {"user": psutil.Process().username(), "nodes": "\n".join(lines)}
        self.conf.write_text(SETTINGS.format(**known), encoding="utf-8")
        (self.folder / "state").mkdir()
        self._munge()
        self._start("slurmctld", "-D", "-i", "-f", str(self.conf), answers=lambda: self._says("scontrol", "ping", "UP"))
        for name in ("n1", "n2"):
            self._start("slurmd", "-D", "-N", name, "-f", str(self.conf), log=name, answers=lambda: True)
        wait_until(
            lambda: self.call("sinfo", "--noheader", "--Node", "--format=%T").stdout.split() == ["idle"] * 2,
            60,
            self.words,
        )

    def _munge(self) -> None:
        key, socket_ = self.folder / "munge.key", self.folder / "munge.socket"
        key.write_bytes(os.urandom(1024))
        key.chmod(0o400)
        files = {"socket": socket_, "key-file": key, "pid-file": self.folder / "munge.pid"}
        files |= {"log-file": self.folder / "munge.log", "seed-file": self.folder / "munge.seed"}
        given = [f"--{name}={path}" for name, path in files.items()]
        self._start("munged", "--foreground", "--force", *given, answers=socket_.exists)

    def _start(self, name: str, *options: str, answers, log: str = "") -> None:
        path = shutil.which(name, path=_path())
        server = Server(
            [str(path), *options],
            log=self.folder / f"{log or name}.log",
            answers=answers,
            stop_by=signal.SIGTERM,
            env=self.environment,
            cwd=self.folder,
        )
        self._servers.append(server)
        server.start()

    def stop(self) -> None:
        """Cancel every job, and end the servers in the reverse order of their start."""
        if self._servers[1:]:
            self.call("scancel", "--user", psutil.Process().username())
            with contextlib.suppress(AssertionError):
                wait_until(lambda: not self.call("squeue", "--noheader").stdout.strip(), 60)
        for server in reversed(self._servers):
            server.stop()

    def call(self, *command: str, **changes: str) -> subprocess.CompletedProcess[str]:
        """A command of its user, in the checkout."""
        given = self.environment | changes
        return subprocess.run(command, cwd=ROOT, env=given, capture_output=True, text=True, timeout=60)

    def submit(self, options: list[str], study: list[str], **changes: str) -> str:
        """`sbatch OPTIONS study.sbatch STUDY`; the id of the job."""
        done = self.call("sbatch", "--parsable", *options, str(SBATCH), *study, **changes)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout.strip()

    def job(self, number: str) -> dict[str, str]:
        """What Slurm knows of a job: JobState, Restarts, ..."""
        told = self.call("scontrol", "--oneliner", "show", "job", number).stdout
        return dict(re.findall(r"(\w+)=(\S*)", told))

    def is_over(self, number: str) -> bool:
        return self.job(number).get("JobState") in OVER

    def words(self) -> str:
        """The last words of all servers."""
        return "\n".join(f"--- {one.log.name}\n{one.log.read_text(errors='replace')[-1500:]}" for one in self._servers)

    def _says(self, *command: str) -> bool:
        return command[-1] in self.call(*command[:-1]).stdout


@contextlib.contextmanager
def slurm() -> Generator[Slurm]:
    """A Slurm until the block ends; its folder goes with it."""
    folder = Path(tempfile.mkdtemp(prefix="slurm-", dir="/tmp"))
    found = Slurm(folder)
    try:
        found.start()
        yield found
    finally:
        found.stop()
        shutil.rmtree(folder, ignore_errors=True)


def processes_of(number: str) -> dict[int, str]:
    """Everybody alive who belongs to a job: by its variable, or by its folder in /tmp; command lines by process id."""
    found = {}
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            words = " ".join(process.cmdline())
            mine = process.environ().get("SLURM_JOB_ID") == number or f"/tmp/fertune-{number}/" in words
            mine = mine or f"slurmstepd: [{number}." in words
            if mine and process.status() != psutil.STATUS_ZOMBIE:
                found[process.pid] = words[:120]
    return found


def ray_of(number: str) -> dict[str, Any]:
    """The ports and the token of a job's Ray, as its owner finds them; nothing before it is up."""
    folder = Path(f"/tmp/fertune-{number}")
    with contextlib.suppress(FileNotFoundError, IndexError, ValueError):  # a life that begins or ends
        found = sorted(folder.glob("*/r/ray_current_cluster"))[0]  # of either node: they say the same
        first = int(found.read_text().rpartition(":")[2])
        return {"ports": (first, first + 1, first + 2), "token": (folder / "token").read_text()}
    return {}


def finished(folder: Path) -> set[str]:
    """The trials of a study that have ended well; none before it is begun."""
    ledger = Ledger.read(folder) if (folder / "ledger.jsonl").exists() else None
    return {name for name, one in (ledger.trials if ledger else {}).items() if one.state == "FINISHED"}


def _path() -> str:
    """Where programs are looked for: Debian has its servers where only root looks."""
    return os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"])
