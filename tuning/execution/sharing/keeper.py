"""The keeper of turns: an actor on a cluster's head that outlives jobs, and the way to reach it from a driver."""

from __future__ import annotations

import sys
import time
from collections import deque
from collections.abc import Mapping
from typing import Any, Protocol

import ray
from ray import cloudpickle
from ray.exceptions import RayActorError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from tuning.execution.sharing.messages import beat_of, message, turn_message
from tuning.execution.sharing.shares import Amount, total
from tuning.execution.sharing.turns import Turns

NAMESPACE = "fertune"
NAME = "fertune-turns-1"  # another number where what is said changes: of another number nobody is heard
_MEASURED_S = 10.0
_PATIENCE_S = 5.0
_HEAD = "node:__internal_head__"


def cluster_amount() -> tuple[Amount, Amount]:
    """What the machines of the cluster have in all, and what is free of it."""
    alive = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    return total(_amount(has) for has in alive), _amount(ray.available_resources())


class Keeper:
    """Hears the beats of the studies of a cluster. Its memory may be lost at any time: a second later it is heard anew."""

    def __init__(self, measure: Any = cluster_amount, clock: Any = time.monotonic) -> None:
        self._measure, self._clock = measure, clock
        self._turns = Turns(clock())
        self._strangers: deque[tuple[float, Amount]] = deque()  # what others hold, as it was measured
        self._whole = Amount()

    def beat(self, told: Mapping[str, Any], instead_of: str = "") -> dict[str, Any]:
        """The turn of the study that says this of itself."""
        now = self._clock()
        turn = self._turns.beat(beat_of(told), self._shared(now), now, instead_of=instead_of)
        return turn_message(turn)

    def leave(self, home: str, study: str, token: str) -> bool:
        """A study has ended. Behind the last one the keeper goes too: nothing is left on the cluster."""
        is_last = self._turns.leave(home, study, token)
        if is_last:
            self._go()
        return is_last

    def standing(self) -> list[dict[str, Any]]:
        """Every study that runs now: what it says of itself, and its turn."""
        now = self._clock()
        return [message(beat) | turn_message(turn) for beat, turn in self._turns.standing(self._shared(now), now)]

    def _go(self) -> None:
        ray.actor.exit_actor()

    def _shared(self, now: float) -> Amount:
        """What studies share: all that there is but for what others held throughout the last ten seconds."""
        if not self._strangers or now - self._strangers[-1][0] >= 1.0:
            whole, free = self._measure()
            used = whole.plus(free, -1).plus(self._turns.reserved(whole, now), -1)
            self._strangers.append((now, used))
            while now - self._strangers[0][0] > _MEASURED_S:
                self._strangers.popleft()
            others = [amount for _, amount in self._strangers]
            cpus, gpus = (max(min(given), 0.0) for given in ([o.cpus for o in others], [o.gpus for o in others]))
            self._whole = whole.plus(Amount(cpus=cpus, gpus=gpus), -1)
        return self._whole


class Line(Protocol):
    """A way to the keeper. Whatever is in the way is raised."""

    def beat(self, told: Mapping[str, Any], instead_of: str = "") -> dict[str, Any]: ...

    def leave(self, home: str, study: str, token: str) -> object: ...


class RayLine:
    """The way to the keeper of the cluster that this process has joined; the keeper is made where there is none."""

    def __init__(self) -> None:
        self._keeper: Any = None

    def beat(self, told: Mapping[str, Any], instead_of: str = "") -> dict[str, Any]:
        """Raises one of Ray's errors where the keeper does not answer."""
        try:
            if self._keeper is None:
                self._keeper = _make_keeper()
            return ray.get(self._keeper.beat.remote(dict(told), instead_of), timeout=_PATIENCE_S)
        except Exception:
            self._keeper = None
            raise

    def leave(self, home: str, study: str, token: str) -> None:
        """Raises one of Ray's errors where the keeper does not answer, and where it goes too."""
        if self._keeper is not None:
            ray.get(self._keeper.leave.remote(home, study, token), timeout=_PATIENCE_S)


def studies_of_cluster() -> list[dict[str, Any]]:
    """What `Keeper.standing` says on the cluster that this process has joined; nothing where no study runs."""
    try:
        return ray.get(ray.get_actor(NAME, NAMESPACE).standing.remote(), timeout=_PATIENCE_S)
    except (ValueError, RayActorError):
        return []


def _make_keeper() -> Any:
    """The keeper, made on the head where there is none. Its code goes with it: the head may have another fertune, or none."""
    room = sys.modules[__name__.rpartition(".")[0]]
    cloudpickle.register_pickle_by_value(room)
    try:
        options: dict[str, Any] = {"name": NAME, "namespace": NAMESPACE, "lifetime": "detached", "get_if_exists": True}
        options |= {"num_cpus": 0, "max_restarts": -1}
        if head := next((node["NodeID"] for node in ray.nodes() if node["Alive"] and _HEAD in node["Resources"]), None):
            options["scheduling_strategy"] = NodeAffinitySchedulingStrategy(head, soft=True)
        return ray.remote(Keeper).options(**options).remote()
    finally:
        cloudpickle.unregister_pickle_by_value(room)


def _amount(resources: Mapping[str, float]) -> Amount:
    return Amount(cpus=resources.get("CPU", 0.0), gpus=resources.get("GPU", 0.0))
