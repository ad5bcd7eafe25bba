"""Where trials go: how many run at once, and on what kind of device."""

from __future__ import annotations

import contextlib
import dataclasses
import math

from trainables.core.wording import counted
from tuning.execution.session import Node, Session, look_ahead
from tuning.execution.sharing.shares import WEIGHTS


@dataclasses.dataclass(frozen=True, kw_only=True)
class Placement:
    """What one trial occupies, and the weight of the study's share of a cluster on which others run: `low`, `normal`, `high`.

    Raises `ValueError` for another `priority`.
    """

    workers: int = 1
    cpus_per_worker: int = 1
    gpus_per_worker: float | None = None  # None: one where there are any, else none
    max_concurrent: int | None = None  # None: as many as fit
    priority: str = "normal"

    def __post_init__(self) -> None:
        if self.priority not in WEIGHTS:
            raise ValueError(f"--priority was given as {self.priority!r}; allowed are {', '.join(WEIGHTS)}.")


def slots_of(placement: Placement, session: Session, count: int) -> tuple[int, float]:
    """How many trials run at once, and GPUs per worker. Raises `ValueError` where not one can be placed.

    A worker lies whole on one machine; the workers of a trial may lie on several.
    """
    gpus = placement.gpus_per_worker
    if gpus is None:
        gpus = 1.0 if session.num_gpus else 0.0
    if gpus > 1 and gpus != int(gpus):
        raise ValueError(
            f"A worker cannot have {gpus:g} GPUs: Ray gives a share of one (0.25, 0.5), or whole ones (1, 2, ...)."
        )
    places = sum(_places(node, placement.cpus_per_worker, gpus) for node in session.nodes)
    if places < placement.workers:
        machines = "one machine" if len(session.nodes) == 1 else f"{len(session.nodes)} machines"
        raise ValueError(
            f"A trial of {counted(placement.workers, 'worker')} with {counted(placement.cpus_per_worker, 'CPU')} and {gpus:g} "
            f"GPUs each cannot be placed: Ray has {session.num_cpus:g} CPUs and {session.num_gpus:g} GPUs in all, on "
            f"{machines}, which fit {places} such workers. Ask for fewer workers or less for each, or start more nodes."
        )
    return min(places // placement.workers, count, placement.max_concurrent or count), gpus


def num_at_once(placement: Placement, count: int) -> int:
    """How many of `count` trials run at once on the machines that there are; where none can be asked, what is asked for."""
    with contextlib.suppress(ValueError, ConnectionError):
        return slots_of(placement, Session(nodes=look_ahead()), count)[0]
    return min(count, placement.max_concurrent or 1)


def memory_share(placement: Placement, session: Session, slots: int, gpus: float) -> float:
    """The share of a device's memory, of a GPU or else of a machine, that is left to each of the workers on it."""
    if gpus:
        return min(1.0, gpus)
    workers = slots * placement.workers
    return 1 / max(1, *(min(workers, _places(node, placement.cpus_per_worker, gpus)) for node in session.nodes))


def _places(node: Node, cpus: int, gpus: float) -> int:
    """How many workers fit on a node. Shares of a GPU are cut from one GPU, never from two."""
    fit = int(node.num_cpus // cpus)
    if gpus >= 1:
        fit = min(fit, int(node.num_gpus // gpus))
    elif gpus:
        fit = min(fit, int(node.num_gpus) * math.floor(1 / gpus + 1e-6))
    return fit
