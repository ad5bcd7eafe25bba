"""Where trials go: how many run at once, and on what kind of device."""

from __future__ import annotations

import dataclasses

from tuning.session import Session


@dataclasses.dataclass(frozen=True, kw_only=True)
class Placement:
    """What one trial occupies."""

    workers: int = 1
    cpus_per_worker: int = 1
    gpus_per_worker: float | None = None  # None: one where there are any, else none
    max_concurrent: int | None = None  # None: as many as fit


def slots_of(placement: Placement, session: Session, count: int) -> tuple[int, float]:
    """How many trials run at once, and GPUs per worker. Raises `ValueError` where not one can be placed."""
    gpus = placement.gpus_per_worker
    if gpus is None:
        gpus = 1.0 if session.num_gpus else 0.0
    fits = session.num_cpus / (placement.workers * placement.cpus_per_worker)
    if gpus:
        fits = min(fits, session.num_gpus / (placement.workers * gpus))
    if fits < 1:
        raise ValueError(
            f"A trial of {placement.workers} workers with {placement.cpus_per_worker} CPUs and {gpus:g} GPUs each cannot "
            f"be placed: Ray has {session.num_cpus:g} CPUs and {session.num_gpus:g} GPUs in all. Ask for fewer workers "
            "or fewer GPUs per worker, or start more nodes."
        )
    return max(1, min(int(fits + 1e-6), count, placement.max_concurrent or count)), gpus
