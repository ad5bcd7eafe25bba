"""What `benchmarks.gpu` does in processes of its own: a trial alone, a broken device, several that share one.

python -m benchmarks.core.gpu_children NAME BENCH     # BENCH is JSON; the answer is the last line, JSON
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import subprocess
import sys
import time
from typing import Any

import torch

from benchmarks.core.gpu_bench import Bench, make_training, root
from benchmarks.core.gpu_trial import one_trial
from trainables.core.training.workers import is_lost

SHARING_S = 4.0  # that processes share the device for
_TOLD: dict[str, Any] = {"text": True, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}


def call(name: str, bench: Bench, *, limit_s: float) -> dict[str, Any]:
    """The answer of `name` in a new process. Raises `RuntimeError` with its last words where it gives none."""
    done = subprocess.run(_command(name, bench), cwd=root(), **_TOLD, timeout=limit_s)
    return _answer(name, done.stdout, done.returncode)


def call_together(name: str, bench: Bench, count: int, *, limit_s: float) -> list[dict[str, Any]]:
    """The answers of `count` new processes that begin together, once all have said that they are ready."""
    processes = [
        subprocess.Popen(_command(name, bench), cwd=root(), stdin=subprocess.PIPE, **_TOLD) for _ in range(count)
    ]
    try:
        for process in processes:
            _wait_until_ready(name, process)
        for process in processes:
            assert process.stdin is not None
            with contextlib.suppress(BrokenPipeError):  # it has ended since: its answer, or the lack of one, tells
                process.stdin.write("go\n")
                process.stdin.flush()
        told = [process.communicate(timeout=limit_s)[0] for process in processes]
        return [_answer(name, words, process.returncode) for process, words in zip(processes, told, strict=True)]
    finally:
        for process in processes:
            process.kill()
            process.wait()


def _wait_until_ready(name: str, process: subprocess.Popen[str]) -> None:
    assert process.stdout is not None
    told = []
    while line := process.stdout.readline():
        if line.strip() == "ready":
            return
        told.append(line)
    raise _no_answer(name, "".join(told), process.wait())


def _command(name: str, bench: Bench) -> list[str]:
    given = json.dumps(dataclasses.asdict(bench) | {"threads": torch.get_num_threads()})
    return [sys.executable, "-m", "benchmarks.core.gpu_children", name, given]


def _answer(name: str, told: str, code: int) -> dict[str, Any]:
    """The last line that is JSON; warnings may stand before it and after it."""
    for line in reversed(told.splitlines()):
        if line.startswith("{"):
            return json.loads(line)
    raise _no_answer(name, told, code)


def _no_answer(name: str, told: str, code: int) -> RuntimeError:
    words = " ".join(told.strip().splitlines()[-2:]) or "none"
    return RuntimeError(f"The process for {name} gave no answer (exit code {code}). Its last words: {words}")


def break_device(bench: Bench) -> dict[str, Any]:
    """An index out of range in a kernel, and whether that is recognised and comes back."""
    values, indices = torch.zeros(4, device=bench.where), torch.tensor([1000], device=bench.where)
    error = ""
    try:
        values[indices].sum().item()
    except (RuntimeError, IndexError) as caught:
        error = f"{type(caught).__name__}: {next(iter(str(caught).splitlines()), '')}"
    recognised = is_lost(bench.where)
    return {"error": error, "recognised": recognised, "comes_back": not use_device(bench)["works"]}


def use_device(bench: Bench) -> dict[str, Any]:
    """Whether the device computes for this process."""
    try:
        works = torch.ones(8, device=bench.where).sum().item() == 8
    except RuntimeError:
        works = False
    return {"works": works}


def share(bench: Bench) -> dict[str, Any]:
    """Clips per second, and the most memory, of a training as it is, beside others that begin at the same time."""
    training = make_training(bench, next(iter(bench.networks.values())))
    for _ in range(2):
        training.train_epoch()
    print("ready", flush=True)
    if not sys.stdin.readline():
        raise SystemExit("whoever asked is gone")
    began, epochs = time.perf_counter(), 0
    while time.perf_counter() - began < SHARING_S:
        training.train_epoch()
        epochs += 1
    passed = time.perf_counter() - began
    peak = torch.cuda.max_memory_reserved(bench.where) if bench.where.type == "cuda" else 0
    return {"clips_per_s": epochs * training.clips_per_epoch / passed, "reserved_bytes": peak}


ANSWERS = {"trial": one_trial, "break_device": break_device, "use_device": use_device, "share": share}


if __name__ == "__main__":
    given = json.loads(sys.argv[2])
    torch.set_num_threads(given.pop("threads"))
    print(json.dumps(ANSWERS[sys.argv[1]](Bench(**given))))
