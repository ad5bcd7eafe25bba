"""Slurm and Ray as the sbatch of a study sees them, in shell: what it calls, with what, and what becomes of its processes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.support.ray_head import wait_until
from tests.support.servers.slurm import SBATCH

PROGRAMS = {
    # Tasks one beside the other, each with the whole of standard input; the step's number is that of its start.
    "srun": r"""
step=$(ls "$FAKE/steps" | wc -l); nodes=1; export=${SLURM_EXPORT_ENV:-ALL}; kept=()
echo "srun $*" >> "$FAKE/calls"; : > "$FAKE/steps/$step"
while [[ $1 == --* ]]; do
    case $1 in
        --nodes=*) nodes=${1#*=} ;; --output=*) output=${1#*=} ;; --relative=*) first=${1#*=} ;; --export=*) export=${1#*=} ;;
    esac
    shift
done
if [[ $export == NONE ]]; then kept=(-i FAKE="$FAKE" PATH="$PATH"); fi
given=$(cat)
trap : TERM
for ((task = 0; task < nodes; task++)); do
    env "${kept[@]}" SLURM_STEP_ID="$step" SLURM_PROCID="$task" SLURMD_NODENAME="n$((first + task + 1))" SLURM_CPUS_ON_NODE=3 \
        SLURM_GPUS_ON_NODE="$GPUS" "$@" <<< "$given" > "${output/\%t/$task}" 2>&1 &
    echo "$!" >> "$FAKE/steps/$step"
done
while [[ $(jobs -r) ]]; do wait; done
rm "$FAKE/steps/$step"
""",
    "squeue": r"""
if [[ $* == *--steps* ]]; then
    for step in "$FAKE"/steps/*; do if [[ -e $step ]]; then echo "$SLURM_JOB_ID.${step##*/}"; fi; done
    echo "$SLURM_JOB_ID.batch"
else
    cat "$FAKE/state"
fi
""",
    # As Slurm does: the signal reaches every process of the step.
    "scancel": r"""
echo "scancel $*" >> "$FAKE/calls"; step=${*: -1}
while read -r task; do
    pkill "-${1#*=}" -P "$task"; kill "-${1#*=}" "$task"
done < "$FAKE/steps/${step##*.}"
""",
    # Queued again, every process of the job is told to end, this script too; its steps it ends by itself all the same.
    "scontrol": r"""
if [[ $* == *"show node"* ]]; then
    node=${*: -1}; echo "NodeName=$node NodeAddr=$ADDRESSES${node#n} NodeHostName=here"
else
    echo "scontrol $*" >> "$FAKE/calls"
    if [[ -e $FAKE/no-requeue ]]; then echo "Requested operation is presently disabled" >&2; exit 1; fi
    kill -TERM "$PPID"
fi
""",
    "ray": r"""
echo "ray $*" >> "$FAKE/calls"
for word; do case $word in
    --temp-dir=*) folder=${word#*=} ;; --port=*) port=${word#*=} ;; --address=*) port=${word#*:} ;;
esac; done
echo "$(stat -c %a "$RAY_AUTH_TOKEN_PATH") $(cat "$RAY_AUTH_TOKEN_PATH")" >> "$FAKE/tokens"
if [[ $HEAD == dies ]]; then exit 1; elif [[ $HEAD == hangs ]]; then exec sleep 60; fi
mkdir -p "$folder/session_2/logs"; echo words > "$folder/session_2/logs/raylet.out"
echo "10.0.0.1:$port" > "$folder/ray_current_cluster"
exec sleep 60
""",
}
TUNE = """
import os, pathlib, signal, sys, time
fake = pathlib.Path(os.environ["FAKE"])
(fake / "driver").write_text(repr((sys.argv[1:], {k: v for k, v in os.environ.items() if k.startswith("RAY_")})))
code = int(os.environ["TOLD_CODE"])
signal.signal(signal.SIGTERM, lambda *_: ((fake / "told").open("a").write("TERM "), sys.exit(code)))
(fake / "runs").touch(mode=0o666)
until = time.monotonic() + float(os.environ["DRIVER_S"])
while time.monotonic() < until:
    time.sleep(0.05)
sys.exit(int(os.environ["DRIVER_CODE"]))
"""
SESSION = """
import os, pathlib
def look_ahead():
    return (pathlib.Path(os.environ["FAKE"]) / "tokens").read_text().splitlines()
"""


class FakeSlurm:
    """A checkout whose Ray and study are scripts, and a job in it. `number` is to differ by test: it names a folder in /tmp."""

    def __init__(self, folder: Path, number: int) -> None:
        self.checkout, self.fake, self.number = folder / "checkout", folder / "fake", number
        binaries = self.checkout / ".venv" / "bin"
        for made in (binaries, self.checkout / "tuning" / "execution", self.fake / "steps"):
            made.mkdir(parents=True)
        for name, text in PROGRAMS.items():
            program = binaries / name
            program.write_text(f"#!/bin/bash\n{text}")
            program.chmod(0o755)
        (binaries / "python").symlink_to(sys.executable)
        (self.checkout / "tune.py").write_text(TUNE)
        (self.checkout / "tuning" / "execution" / "session.py").write_text(SESSION)
        (self.fake / "state").write_text("RUNNING\n")
        path = os.pathsep.join([str(binaries), os.environ["PATH"]])
        self.environment = {"PATH": path, "HOME": str(folder), "FAKE": str(self.fake), "DRIVER_S": "0"}
        self.environment |= {"DRIVER_CODE": "0", "TOLD_CODE": "130", "HEAD": "", "GPUS": ""}
        self.environment |= {"SLURM_JOB_ID": str(number), "SLURM_NNODES": "1", "SLURM_CPUS_PER_TASK": "3"}
        self.environment |= {"ADDRESSES": "10.0.0."}  # of the nodes, but for their last figure

    def begin(self, *given: str, **changes: str) -> subprocess.Popen[str]:
        """The script as Slurm starts it."""
        return subprocess.Popen(
            ["bash", str(SBATCH), *given],
            cwd=self.checkout,
            env=self.environment | changes,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def run(self, *given: str, **changes: str) -> tuple[int, str]:
        """Its exit code and its words, once it has ended."""
        script = self.begin(*given, **changes)
        words, _ = script.communicate(timeout=60)
        return script.returncode, words

    def wait_for(self, name: str) -> None:
        """Until the script or a program has written `name`."""
        wait_until((self.fake / name).exists, 60)

    def calls(self, program: str) -> list[str]:
        """With what a program was called, in order."""
        path = self.fake / "calls"
        lines = path.read_text().splitlines() if path.exists() else []
        return [line.removeprefix(program).strip() for line in lines if line.startswith(f"{program} ")]
