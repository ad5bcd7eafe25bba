"""A study's share of a cluster, from its driver: how many slots it may hold now."""

from __future__ import annotations

import contextlib
import dataclasses
import getpass
import json
import os
import secrets
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

from tuning.execution.reachable import given_address
from tuning.execution.sharing.key import StudyKey
from tuning.execution.sharing.messages import message
from tuning.execution.sharing.shares import SlotNeed
from tuning.execution.sharing.turns import SILENT_S, Beat
from tuning.execution.sharing.waits import write_waits
from tuning.records.home import IN_JOB
from tuning.records.ledger import StudyBusy
from tuning.records.owner import Owner

if TYPE_CHECKING:
    from tuning.execution.sharing.keeper import Line

BEAT_S = 1.0
PATIENCE_S = 10.0  # for which the last answer counts
_TAKEN_S = 2.0  # without a beat, after which a driver of this machine is looked for


class Alone:
    """The share of a study on a Ray that its driver started itself: all of it."""

    waits_for = ""

    def __enter__(self) -> Alone:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def allowed(self, held: int, wanted: int) -> int:
        """As many slots as it wants."""
        return wanted


class Share:
    """The share of a study among those of a cluster, in a `with` statement; it beats in a thread of its own.

    What it waits for is written to `folder`, that of the study, as long as it waits.
    """

    def __init__(
        self,
        key: StudyKey,
        *,
        priority: str,
        slot: SlotNeed,
        folder: Path | None = None,
        line: Line | None = None,
        beat_s: float = BEAT_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        owner = Owner.this()
        self._beat = Beat(
            home=key.home,
            study=key.study,
            token=secrets.token_hex(8),
            held=0,
            wanted=0,
            slot=slot,
            priority=priority,
            user=_user(),
            host=owner.host,
            pid=owner.pid,
            job=owner.job,
        )
        self._line, self._folder, self._beat_s, self._clock = line or _ray_line(), folder, beat_s, clock
        self._lock, self._wake, self._ended = threading.Lock(), threading.Event(), threading.Event()
        self._answer, self._heard_at, self._since = 0, clock(), clock()
        self._waits_for = ""
        self._thread = threading.Thread(target=self._keep_beating, name="fertune-share", daemon=True)

    def __enter__(self) -> Share:
        """Joins the studies of the cluster. Raises `StudyBusy` where another driver runs this study there."""
        self._join()
        self._heard_at = self._clock()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(timeout=PATIENCE_S)
        if self._folder:
            write_waits(self._folder, "")
        with contextlib.suppress(Exception):  # who does not answer drops this study in half a minute
            self._line.leave(self._beat.home, self._beat.study, self._beat.token)

    def allowed(self, held: int, wanted: int) -> int:
        """How many slots the study may hold now, of those that it holds and could use; it does not block.

        Fewer than `held`: give one back after the trial that runs in it. A keeper that does not answer leaves it what it
        holds; where that is nothing, what it wants.
        """
        now = self._clock()
        with self._lock:
            if (held, wanted) != (self._beat.held, self._beat.wanted):
                if bool(held) != bool(self._beat.held):
                    self._since = now
                self._beat = dataclasses.replace(self._beat, held=held, wanted=wanted)
                self._wake.set()
            if now - self._heard_at > PATIENCE_S:
                return held or wanted
            return min(self._answer, max(wanted, 0))

    @property
    def waits_for(self) -> str:
        """What the study waits for and behind whom, a sentence without its end; `""` where it does not wait."""
        with self._lock:
            return self._waits_for if self._clock() - self._heard_at <= PATIENCE_S else ""

    def _keep_beating(self) -> None:
        while not self._ended.is_set():
            with contextlib.suppress(Exception):  # it is tried again, and `allowed` knows what to do meanwhile
                self._note(self._say())
            self._ended.wait(self._beat_s / 5)  # at most so often
            self._wake.wait(self._beat_s)
            self._wake.clear()

    def _say(self, instead_of: str = "") -> dict[str, Any]:
        with self._lock:
            beat = dataclasses.replace(self._beat, for_s=self._clock() - self._since)
        return self._line.beat(message(beat), instead_of)

    def _note(self, turn: dict[str, Any]) -> None:
        with self._lock:
            before = self._waits_for
            allowed, waits_for = turn["allowed"], turn["waits_for"]
            if other := turn["taken_by"]:  # two drivers met a keeper that knew neither: the later one trains nothing
                allowed, waits_for = 0, f"Study {self._beat.study} is already running on this cluster: {_told(other)}"
            self._answer, self._waits_for, self._heard_at = allowed, waits_for, self._clock()
            told = self._waits_for
        if self._folder and told != before:
            write_waits(self._folder, told)

    def _join(self) -> None:
        """Until the keeper knows this driver as that of the study. Of another one it waits for a sign of life."""
        first: float | None = None  # when the other beat last, as it was told at first
        instead_of, deadline = "", self._clock() + SILENT_S + PATIENCE_S
        while True:
            try:
                turn = self._say(instead_of)
            except Exception:  # the beats that follow will reach it, or not
                return
            if not (other := turn["taken_by"]):
                self._note(turn)
                return
            beaten_at = self._clock() - turn["silent_s"]
            first = beaten_at if first is None else first
            if beaten_at > first + self._beat_s / 2 or self._clock() > deadline:
                raise StudyBusy(f"Study {self._beat.study} is already running on this cluster: {_told(other)}.")
            if turn["silent_s"] > _TAKEN_S and self._is_dead(other):
                instead_of = other["token"]
            self._ended.wait(self._beat_s / 2)

    def _is_dead(self, other: dict[str, Any]) -> bool:
        """Whether another driver was a process of this machine that is no more."""
        return other["host"] == self._beat.host and not psutil.pid_exists(other["pid"])


def share_of(home: Path, study: str, *, priority: str, slot: SlotNeed) -> Share | Alone:
    """The share of `study` under `home`: all of a Ray of its own, a part of one that is joined."""
    if not given_address():
        return Alone()
    return Share(StudyKey.of(home, study), priority=priority, slot=slot, folder=home / study)


def _ray_line() -> Line:
    from tuning.execution.sharing.keeper import RayLine  # Ray

    return RayLine()


def _user() -> str:
    """Whose study it is: who submitted the Ray job where its metadata says so, else who runs this process."""
    metadata = json.loads(os.environ.get(IN_JOB, "{}")).get("metadata") or {}
    try:
        return str(metadata.get("user") or getpass.getuser())
    except (KeyError, OSError):  # a number without a name
        return str(os.getuid())


def _told(other: dict[str, Any]) -> str:
    owner = Owner(pid=other["pid"], host=other["host"], job=other["job"])
    return f"{owner}, of {other['user']}"
