"""Where trials go: how many run at once, and on what kind of device."""

from __future__ import annotations

import contextlib
import dataclasses
import math
from collections.abc import Callable, Mapping
from typing import Any

from trainables.core.wording import counted
from tuning.execution.devices.nodes import Node
from tuning.execution.session import Session, look_ahead, session_ahead
from tuning.execution.sharing.shares import WEIGHTS

CPU = "CPU"  # the kind of device of a study that trains on no GPU


@dataclasses.dataclass(frozen=True, kw_only=True)
class Placement:
    """What one trial occupies, and the weight of the study's share of a cluster on which others run: `low`, `normal`, `high`.

    `device_kind` is `CPU`, or a kind of GPU as Ray calls it, such as H100. Raises `ValueError` for another `priority`.
    """

    workers: int = 1
    cpus_per_worker: int = 1
    gpus_per_worker: float | None = None  # None: one where there are any, else none
    max_concurrent: int | None = None  # None: as many as fit
    device_kind: str | None = None  # None: that of the study, else the one that most trials fit on
    priority: str = "normal"

    def __post_init__(self) -> None:
        if self.priority not in WEIGHTS:
            raise ValueError(f"--priority was given as {self.priority!r}; allowed are {', '.join(WEIGHTS)}.")

    @property
    def accelerator_type(self) -> str | None:
        """What Ray is asked for, so that a worker gets a GPU of the kind; `None` where any will do."""
        return None if self.device_kind in (None, "", CPU) else self.device_kind


@dataclasses.dataclass(frozen=True, kw_only=True)
class Fit:
    """How many trials run at once, and what a worker of each is given.

    `accelerator_type` is what Ray is asked for beside the GPUs, `None` where all are of one kind or Ray cannot tell.
    `device_kind` is the study's from now on, `""` for GPUs whose kind Ray does not know.
    """

    slots: int
    gpus_per_worker: float = 0.0
    accelerator_type: str | None = None
    device_kind: str = CPU

    def bound(self, placement: Placement) -> Placement:
        """`placement` on this kind of device and no other."""
        return dataclasses.replace(placement, device_kind=self.device_kind)


def slots_of(
    placement: Placement, session: Session, count: int, tell: Callable[[str], None] = lambda words: None
) -> Fit:
    """What of `count` trials fits. Raises `ValueError` where not one can be placed.

    A worker lies whole on one machine; the workers of a trial may lie on several. Machines that an autoscaler may start count
    as those that there are. GPUs are all of one kind, since training times of two do not compare; `tell` is told which was
    taken where nobody chose.
    """
    gpus = _gpus(placement, session)
    kinds = _kinds(session, gpus, placement.cpus_per_worker)
    kind = _chosen(placement.device_kind, kinds, session, tell) if gpus else CPU
    if not gpus and placement.gpus_per_worker is None and any(node.num_gpus for node in session.machines):
        tell("The GPUs of this Ray stay idle: the study runs on CPUs, as it was begun or as --device-kind says.")
    of_kind = [node for node in session.machines if not gpus or (node.num_gpus and _is_kind(node, kind, kinds))]
    places = sum(_places(node, placement.cpus_per_worker, gpus) for node in of_kind)
    if places < placement.workers:
        raise ValueError(_unplaceable(placement, session, gpus, places, kind if len(kinds) > 1 else ""))
    known = kind and all(node.kind == kind for node in of_kind)
    return Fit(
        slots=min(places // placement.workers, count, placement.max_concurrent or count),
        gpus_per_worker=gpus,
        accelerator_type=kind if gpus and known else None,
        device_kind=kind,
    )


def of_study(placement: Placement, name: str, facts: Mapping[str, Any]) -> Placement:
    """`placement` on the kind of device that the study of that `name`, whose ledger remembers `facts`, was begun on.

    Raises `ValueError` where another one is asked for.
    """
    begun = facts.get("device_kind", "")
    if not begun:
        return placement
    asked = placement.device_kind or (CPU if placement.gpus_per_worker == 0 else "")
    if begun == CPU and placement.gpus_per_worker:
        asked = asked or "GPUs"
    if asked and asked.lower() != begun.lower():
        raise ValueError(
            f"Study {name} was begun on {_shown(begun)} and is to go on with {_shown(asked)}: training times compare on one "
            f"kind of device only. Run it with --device-kind {begun}, or save the study under another name to run it on "
            f"{_shown(asked)}."
        )
    return dataclasses.replace(placement, device_kind=begun)


def num_at_once(placement: Placement, count: int) -> int:
    """How many of `count` trials run at once on the machines that there are; where none can be asked, what is asked for."""
    with contextlib.suppress(ValueError, ConnectionError):
        return slots_of(placement, session_ahead(look_ahead()), count).slots
    return min(count, placement.max_concurrent or 1)


def memory_share(placement: Placement, session: Session, slots: int, gpus: float) -> float:
    """The share of a device's memory, of a GPU or else of a machine, that is left to each of the workers on it."""
    if gpus:
        return min(1.0, gpus)
    workers = slots * placement.workers
    return 1 / max(1, *(min(workers, _places(node, placement.cpus_per_worker, gpus)) for node in session.machines))


def could_hold(node: Node, placement: Placement, fit: Fit) -> bool:
    """Whether a worker may lie on `node`."""
    return _places(node, placement.cpus_per_worker, fit.gpus_per_worker) > 0


def _gpus(placement: Placement, session: Session) -> float:
    """GPUs of each worker. Raises `ValueError` for what Ray cannot give, and for what is of another kind of device."""
    gpus, kind = placement.gpus_per_worker, placement.device_kind
    on_cpus = kind is not None and kind.lower() == CPU.lower()
    if kind and gpus is not None and bool(gpus) == on_cpus:
        raise ValueError(
            f"--device-kind {kind} and --gpus-per-worker {gpus:g} do not go together: a worker on {CPU} has no GPU, and one on "
            "any other kind has some."
        )
    if gpus is None:
        gpus = 1.0 if not on_cpus and (kind or any(node.num_gpus for node in session.machines)) else 0.0
    if gpus > 1 and gpus != int(gpus):
        raise ValueError(
            f"A worker cannot have {gpus:g} GPUs: Ray gives a share of one (0.25, 0.5), or whole ones (1, 2, ...)."
        )
    return gpus


def _kinds(session: Session, gpus: float, cpus: int) -> dict[str, int]:
    """How many workers with so many `gpus` fit on each kind of GPU that is known; the first is that of the first machine."""
    found: dict[str, int] = {}
    for node in session.machines:
        if gpus and node.num_gpus and node.kind:
            found[node.kind] = found.get(node.kind, 0) + _places(node, cpus, gpus)
    return found


def _chosen(asked: str | None, kinds: Mapping[str, int], session: Session, tell: Callable[[str], None]) -> str:
    """The kind of GPU: what was `asked` for, else what most workers fit on; `""` where none is known.

    Raises `ValueError` for one that is not there.
    """
    if asked:
        for kind in kinds:
            if kind.lower() == asked.lower():
                return kind
        has = (
            " and ".join([*kinds, CPU])
            if kinds or not session.num_gpus
            else f"{CPU}, and GPUs of a kind it cannot tell"
        )
        raise ValueError(
            f"Ray has no {asked}, which --device-kind or the begin of the study asks for: it has {has}. Run the study where "
            "there is one, or under another name on what there is."
        )
    best = max(kinds, key=lambda kind: kinds[kind], default="")
    if len(kinds) > 1:
        fit = ", ".join(f"{kind} ({counted(places, 'worker')} fit)" for kind, places in kinds.items())
        tell(
            f"Ray has GPUs of {len(kinds)} kinds: {fit}. Training times compare on one kind only: this study runs on {best}. "
            "--device-kind chooses another for a new study."
        )
    return best


def _is_kind(node: Node, kind: str, kinds: Mapping[str, int]) -> bool:
    """Whether the GPUs of `node` are of that `kind`; one whose kind nobody knows is, where there are not several."""
    return node.kind == kind or (not node.kind and len(kinds) < 2)


def _unplaceable(placement: Placement, session: Session, gpus: float, places: int, kind: str) -> str:
    machines = "one machine" if len(session.nodes) == 1 else f"{len(session.nodes)} machines"
    more = f" and {len(session.could_grow)} more that its autoscaler may start" if session.could_grow else ""
    of_kind = f" of the kind {kind}" if kind else ""
    return (
        f"A trial of {counted(placement.workers, 'worker')} with {counted(placement.cpus_per_worker, 'CPU')} and {gpus:g} "
        f"GPUs each cannot be placed: Ray has {session.num_cpus:g} CPUs and {session.num_gpus:g} GPUs in all, on "
        f"{machines}{more}, which fit {places} such workers{of_kind}. Ask for fewer workers or less for each, or start more "
        "nodes."
    )


def _shown(kind: str) -> str:
    return "CPUs" if kind.lower() == CPU.lower() else kind


def _places(node: Node, cpus: int, gpus: float) -> int:
    """How many workers fit on a node. Shares of a GPU are cut from one GPU, never from two."""
    fit = int(node.num_cpus // cpus)
    if gpus >= 1:
        fit = min(fit, int(node.num_gpus // gpus))
    elif gpus:
        fit = min(fit, int(node.num_gpus) * math.floor(1 / gpus + 1e-6))
    return fit
