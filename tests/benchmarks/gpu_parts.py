"""Parts of `benchmarks.gpu` that go wrong in every way a process can; light, as a worker imports this file."""

import os
import subprocess
import time
from pathlib import Path

from benchmarks.core.gpu_bench import Finding


def hangs(bench):
    child = subprocess.Popen(["sleep", "600"])
    (Path(bench.folder) / "child").write_text(str(child.pid))
    time.sleep(600)


def never_ready(pipe, bench, exact):
    time.sleep(600)


def dies(bench):
    os._exit(7)


def raises(bench):
    raise ValueError("a fault\nand more of it")


def works(bench):
    return Finding(words="fine", passed=True)
