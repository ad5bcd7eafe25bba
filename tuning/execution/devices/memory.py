"""Whether the configurations of a study fit the devices that they are to be trained on, before the first of them is."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

from search_spaces.core.extremes import extremes
from search_spaces.core.study import Study
from trainables.core.config import TrainerConfig
from trainables.core.phases import Phase
from trainables.core.training.memory.fitting import DoesNotFit, described, fitting, gib, same_numbers
from trainables.core.training.memory.forecast import GIB, forecast
from trainables.core.training.memory.measured import capacity, capacity_here, gaps_of, step_here, this_device, usable
from trainables.core.training.precision import computes_bfloat16
from tuning.execution.placement import Placement, memory_share, slots_of
from tuning.execution.reachable import given_address
from tuning.execution.session import Session, look_ahead, open_session

PATIENCE_S = 120.0  # for a device that others may hold
_EASY = 0.5  # share of its room below which the largest configuration is not measured on a CPU


@dataclasses.dataclass(frozen=True, kw_only=True)
class Room:
    """What a worker may take of a device of kind `cpu` or `cuda` that has `capacity` bytes, of which `share` is its own.

    `bfloat16` is whether the device computes in it.
    """

    device: str
    capacity: int
    share: float
    bfloat16: bool = True

    @property
    def num_bytes(self) -> int:
        return usable(self.device, self.capacity, self.share)

    def words(self) -> str:
        """For people."""
        owner = "the GPU" if self.device == "cuda" else "the machine"
        shared = f" and {1 / self.share:.0f} of them share" if self.share < 1 else ""
        return f"a worker may take {gib(self.num_bytes)} of the {gib(self.capacity)} that {owner} has{shared}"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Need:
    """What the largest configuration of a study takes: `num_bytes` where it keeps everything, and in how many `parts` it fits.

    `parts` is `None` where it never fits, and `refused` is why no trial may begin, `""` where one may. `told` is for people.
    """

    config: TrainerConfig
    num_bytes: int
    parts: int | None
    told: str
    refused: str = ""


def need_of(study: Study, room: Room, *, workers: int = 1, gaps: float | None = None) -> Need:
    """What `study` needs of the memory that there is; `gaps` are those of `Forecast.num_bytes`, where they were measured."""
    about: dict[str, Any] = {"workers": workers, "trainings": _trainings(study), "bfloat16": room.bfloat16}

    def size(config: TrainerConfig) -> int:
        return forecast(study.trainable, config, room.device, **about).num_bytes(gaps)

    least, most = extremes(study, size)
    found: dict[str, Any] = {"config": most, "num_bytes": size(most)}
    way = "by forecast" if gaps is None else "by forecast and measurement"
    begin = (
        f"the largest configuration, {described(study.trainable, most)}, takes {gib(size(most))} {way}; {room.words()}"
    )
    try:
        fit = fitting(study.trainable, most, room.device, room.num_bytes, **about, gaps=gaps)
    except DoesNotFit as error:
        if study.design is None and _fits(study, least, room, about, gaps):
            some = f"{begin}. Trials that do not fit are refused, each by name. {error}"
            return Need(**found, parts=None, told=some)
        return Need(**found, parts=None, told=str(error), refused=str(error))
    if not fit.parts:
        return Need(**found, parts=0, told=f"{begin}: it fits.")
    again = (
        f"{begin}. So what a step computes is computed again where it is needed instead of kept: {gib(fit.num_bytes(gaps))}, "
        f"about a third more time; its numbers {same_numbers(fit.parts)}."
    )
    return Need(**found, parts=fit.parts, told=again)


def trial_memory(
    study: Study,
    phase: Phase,
    placement: Placement,
    session: Session,
    slots: int,
    gpus: float,
    tell: Callable[[str], None],
) -> dict[str, float]:
    """What a `TrialSpec` says of memory; what the study needs is told where it is not plenty.

    Before a search and an ablation the largest configuration is tried on the device. Raises `DoesNotFit` where no trial, or a
    variant of an ablation, fits.
    """
    share = memory_share(placement, session, slots, gpus)
    told = {"memory_share": share}
    if phase not in ("search", "ablation"):  # of configurations that were trained before
        return told
    room = _room(placement, gpus, share)
    need = need_of(study, room, workers=placement.workers)
    if not need.refused and need.parts is not None and (gpus or need.num_bytes > _EASY * room.num_bytes):
        gaps = _measured(study, need, room, placement, gpus)
        told |= {"memory_gaps": gaps} if gaps else {}
        need = need_of(study, room, workers=placement.workers, gaps=gaps)
    if need.refused:
        raise DoesNotFit(need.refused)
    if need.num_bytes > _EASY * room.num_bytes:
        tell(f"Memory: {need.told}")
    return told


def foreseen(study: Study, placement: Placement, count: int) -> dict[str, Any]:
    """What a plan says of memory (`Plan`), before anything runs; in words why it cannot be known.

    GPUs of a cluster are asked, in a session of Ray's; where there is none to join, this machine's are looked at.
    """
    try:
        session = Session(nodes=look_ahead())
        slots, gpus = slots_of(placement, session, count)
        share = memory_share(placement, session, slots, gpus)
        if gpus and given_address():
            with open_session():
                room = _room(placement, gpus, share)
        else:
            room = _room_here(this_device().type if gpus else "cpu", share)
        need = need_of(study, room, workers=placement.workers)
    except (OSError, ValueError) as error:
        return {"memory_told": f"unknown: {error}"}
    sizes = {"memory_gib": need.num_bytes / GIB, "memory_room_gib": room.num_bytes / GIB}
    return {**sizes, "memory_parts": need.parts, "memory_told": need.told}


def _fits(study: Study, config: TrainerConfig, room: Room, about: dict[str, Any], gaps: float | None) -> bool:
    try:
        fitting(study.trainable, config, room.device, room.num_bytes, **about, gaps=gaps)
    except DoesNotFit:
        return False
    return True


def _trainings(study: Study) -> int:
    """Of a trial, at most: those of a search train on all its folds side by side."""
    return len(study.search_folds) if study.design is None or study.design.tune_each else 1


def _room_here(kind: str, share: float) -> Room:
    return Room(device=kind, capacity=capacity(kind), share=share, bfloat16=computes_bfloat16(kind))


def _room(placement: Placement, gpus: float, share: float) -> Room:
    """That of a GPU is asked of a process that has one. Raises `TimeoutError` where all are held by others."""
    if not gpus:
        return _room_here("cpu", share)
    kind, num_bytes, bfloat16 = _on_device(placement, gpus, capacity_here)
    return Room(device=kind, capacity=num_bytes, share=share, bfloat16=bfloat16)


def _measured(study: Study, need: Need, room: Room, placement: Placement, gpus: float) -> float | None:
    """By how much more than is alive the device holds in a step of the largest configuration; `None` where it ended badly."""
    assert need.parts is not None
    about = {"workers": placement.workers, "parts": need.parts}
    found = forecast(study.trainable, need.config, room.device, **about, bfloat16=room.bfloat16)
    try:
        return gaps_of(found, _on_device(placement, gpus, step_here, study.trainable, need.config, about))
    except (RuntimeError, TimeoutError):  # its process was killed, or the device is held: the forecast stands
        return None


def _on_device(placement: Placement, gpus: float, work: Callable[..., Any], *given: Any) -> Any:
    """What `work` answers in a process of its own with what a worker has."""
    import ray
    from ray.exceptions import GetTimeoutError, RayError

    process = ray.remote(num_cpus=placement.cpus_per_worker, num_gpus=gpus, max_calls=1, max_retries=0)
    answer = process(work).remote(*given)
    try:
        return ray.get(answer, timeout=PATIENCE_S)
    except GetTimeoutError as error:
        ray.cancel(answer, force=True)
        raise TimeoutError(f"No device was free within {PATIENCE_S:g} s.") from error
    except RayError as error:
        raise RuntimeError(str(error)) from error
