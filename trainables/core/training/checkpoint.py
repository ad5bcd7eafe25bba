"""`last.pt`: what a trial needs to go on after its worker died, written beside the training within a budget of time.

A copy in memory is written by a thread, one at a time, whole or not at all. The weights of the best epoch are a file of their
own, `best-<fold>-<epoch>.pt`, which is written once and goes when `last.pt` no longer names it (docs/decisions/0021).
"""

from __future__ import annotations

import contextlib
import io
import os
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from trainables.core import files
from trainables.core.training.trainer import Training
from trainables.core.training.workers import Group
from trainables.core.wording import first_line

SHARE = 0.02  # of the time, at most, that checkpoints take
ASSUMED_BYTES_PER_S = 200e6  # until one was written
COPIES = 4  # of the weights: themselves, two moments of the optimiser, the best epoch's


class Checkpoint:
    """The checkpoint in `folder` of the trial that `identity` names. A context: what is being written is waited for at its end.

    Two checkpoints are at least `interval_s` apart, and so far that copying and writing the last one was at most `SHARE` of
    the time; `clock` gives seconds. Rank 0 writes; every rank calls every method. What a write met, such as a full disk, is
    raised by the next call.
    """

    def __init__(
        self,
        folder: Path,
        identity: str,
        group: Group,
        *,
        interval_s: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.path, self.identity, self.group = folder / files.CHECKPOINT, identity, group
        self._interval_s, self._clock = interval_s, clock
        self._cost_s: float | None = None
        self._ended_at = clock()
        self._kept: set[str] = set()  # the files of best weights that are this trial's
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="checkpoint")
        self._writing: Future[None] | None = None

    def __enter__(self) -> Checkpoint:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._writer.shutdown()
        with contextlib.suppress(Exception) if kind else contextlib.nullcontext():  # the error that came first is told
            self._wait()

    def load_into(self, trainings: list[Training]) -> str:
        """Let `trainings` go on from where they were; says, on every rank, what was damaged, and then none may go on."""
        if self.group.leads:
            for name in (files.CHECKPOINT, files.BEST.format(fold="*", epoch="*")):
                for left in self.path.parent.glob(_temporary(name, "*")):
                    left.unlink()
        found = self.group.gather(self._loaded(trainings))
        damage = next(filter(None, found), "")
        if damage and self.group.leads:
            self.path.replace(self.path.with_name(f"{files.DAMAGED}{self.path.name}"))
        return damage

    def save_if_due(self, trainings: list[Training], *, now: bool = False) -> None:
        """Save the state of `trainings` if enough time has passed, or `now`, and then it is on the disk on return."""
        if not self.group.agree(now or self._is_due(trainings)):
            return
        began = self._clock()
        states = [training.state() for training in trainings]
        if not self.group.leads:
            return
        self._wait()
        self.path.parent.mkdir(parents=True, exist_ok=True)
        # The weights of the best epoch lie in that memory, and nothing moves them.
        states = [_copied({**state, "best": {}}) | {"best": dict(state["best"])} for state in states]
        self._writing = self._writer.submit(self._write, states, began)
        if now:
            self._wait()

    def _is_due(self, trainings: list[Training]) -> bool:
        if not self.group.leads:
            return False
        if self._writing is not None:
            if not self._writing.done():
                return False
            self._wait()
        cost_s = self._cost_s
        if cost_s is None:
            weights = sum(value.nbytes for training in trainings for value in training.bare.state_dict().values())
            cost_s = COPIES * weights / ASSUMED_BYTES_PER_S
        return self._clock() - self._ended_at >= max(self._interval_s, cost_s * (1 - SHARE) / SHARE)

    def _wait(self) -> None:
        if self._writing is not None:
            writing, self._writing = self._writing, None
            writing.result()

    def _write(self, states: list[dict[str, Any]], began: float) -> None:
        """In the writer's thread. `last.pt` comes after the weights that it names, and the weights before these go last."""
        named = set()
        for fold, state in enumerate(states):
            if best := state["best"]:
                name = files.BEST.format(fold=fold, epoch=best["epoch"])
                weights = best.pop("weights")
                if name not in self._kept:
                    self._put(weights, name)
                best["file"] = name
                named.add(name)
        self._put({"trial": self.identity, "folds": states}, self.path.name)
        self._kept = named
        for path in self.path.parent.glob(files.BEST.format(fold="*", epoch="*")):
            if path.name not in named:
                path.unlink()
        self._ended_at = self._clock()
        self._cost_s = self._ended_at - began

    def _put(self, value: Any, name: str) -> None:
        temporary = self.path.with_name(_temporary(name, os.getpid()))
        try:
            with temporary.open("wb") as file:  # given a path, torch would not say that the disk is full
                torch.save(value, file)
            temporary.replace(self.path.with_name(name))
        except BaseException:
            with contextlib.suppress(OSError):
                temporary.unlink()
            raise

    def _loaded(self, trainings: list[Training]) -> str:
        if not self.path.exists():
            return ""
        content = self.path.read_bytes()  # what the disk refuses is no damage
        try:
            stored = _read(content)
            # Another's was left by a trial of the same id, before its study was begun anew.
            if stored["trial"] == self.identity:
                for training, state in zip(trainings, stored["folds"], strict=True):
                    if name := state["best"].pop("file", None):
                        state["best"]["weights"] = _read((self.path.parent / name).read_bytes())
                        self._kept.add(name)
                    training.load_state(state)
        except torch.OutOfMemoryError:
            raise
        except Exception as error:  # any damage shows as another exception type
            if isinstance(error, OSError) and not isinstance(error, FileNotFoundError):
                raise
            self._kept.clear()
            reason = first_line(error).rstrip(".") or "no more is known"
            return (
                f"The checkpoint {self.path} cannot be read ({type(error).__name__}: {reason}). It is set aside "
                f"as {files.DAMAGED}{self.path.name}, and the trial begins anew."
            )
        return ""


def _temporary(name: str, pid: int | str) -> str:
    return f"{Path(name).stem}.{pid}.tmp"


def _read(content: bytes) -> Any:
    return torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)


def _copied(value: Any) -> Any:
    """The same with a copy of every tensor in the processor's memory: the training goes on with those that it has."""
    if isinstance(value, Tensor):
        return value.detach().to("cpu", copy=True)
    if isinstance(value, dict):
        return {key: _copied(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_copied(part) for part in value)
    return value
