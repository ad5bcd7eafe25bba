"""Whether the configurations of a study fit the devices that they are to be trained on, before the first of them is."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

from search_spaces.core.extremes import extremes, least_of_each
from search_spaces.core.study import Study
from trainables.core.config import TrainerConfig
from trainables.core.phases import Phase
from trainables.core.training.memory.fitting import DoesNotFit, described, fitting, gib, same_numbers
from trainables.core.training.memory.forecast import GIB, forecast
from trainables.core.training.memory.measured import capacity, capacity_here, gaps_of, step_here, this_device, usable
from trainables.core.training.precision import computes_bfloat16
from tuning.execution.devices.placement import Placement, memory_share, slots_of
from tuning.execution.reachable import given_address
from tuning.execution.session import Session, look_ahead, open_session, session_ahead

PATIENCE_S = 120.0  # for a device that others may hold
_CHOOSING = ("search", "nested_search", "ablation")  # the phases of configurations that no trial has had yet
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


def need_of(
    study: Study, room: Room, *, workers: int = 1, gaps: float | None = None, phase: Phase | None = None
) -> Need:
    """What `study` needs of the memory that there is in `phase`, or at its begin.

    `gaps` are those of `Forecast.num_bytes`, where they were measured.
    """
    trainings = _trainings(study, phase)
    about: dict[str, Any] = {"workers": workers, "trainings": trainings, "bfloat16": room.bfloat16}

    def size(config: TrainerConfig) -> int:
        return forecast(study.trainable, config, room.device, **about).num_bytes(gaps)

    _, most = extremes(study, size)
    found: dict[str, Any] = {"config": most, "num_bytes": size(most)}
    way = "by forecast, not measured yet" if gaps is None else "by forecast and measurement"
    begin = (
        f"the largest configuration, {described(study.trainable, most)}, takes {gib(size(most))} {way}; {room.words()}"
    )
    try:
        fit = fitting(study.trainable, most, room.device, room.num_bytes, **about, gaps=gaps)
    except DoesNotFit as error:
        if study.design is None or study.design.tune_each:
            leasts = least_of_each(study, size)
            refusals = {name: _refusal(study, least, room, about, gaps) for name, least in leasts.items()}
            name, refused = next(((name, why) for name, why in refusals.items() if why), ("", ""))
            if not refused:
                some = f"{begin}. Trials that do not fit are refused, each by name. {error}"
                return Need(**found, parts=None, told=some)
            whose = f"of variant {name} " if name else ""
            refused = f"Not even the smallest configuration {whose}fits: {refused}"
        else:
            refused = str(error)
        return Need(**found, parts=None, told=refused, refused=refused)
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
    known: Mapping[str, float],
    tell: Callable[[str], None],
) -> tuple[dict[str, Any], dict[str, Any]]:
    """What a `TrialSpec` says of memory, and what the study is to remember; what it needs is told where it is not plenty.

    Before a search and an ablation the largest configuration is tried on the device. `known` are the gaps measured before, by
    kind of device. Raises `DoesNotFit` where no trial, or a variant of an ablation, fits.
    """
    share = memory_share(placement, session, slots, gpus)
    gaps = known.get("cuda" if gpus else "cpu")
    told: dict[str, Any] = {"memory_share": share} | ({"memory_gaps": gaps} if gaps else {})
    if phase not in _CHOOSING:
        return told, {}
    try:
        room = _room(placement, gpus, share)
    except (OSError, RuntimeError) as error:
        tell(f"Memory: not looked at before the first trial: {error} Each trial looks for itself.")
        return told, {}
    about: dict[str, Any] = {"workers": placement.workers, "phase": phase}
    need = need_of(study, room, **about, gaps=gaps)
    if not need.refused and need.parts is not None and (gpus or need.num_bytes > _EASY * room.num_bytes):
        gaps = _measured(study, need, room, placement, gpus, phase, tell) or gaps
        told |= {"memory_gaps": gaps} if gaps else {}
        need = need_of(study, room, **about, gaps=gaps)
    if need.refused:
        raise DoesNotFit(need.refused)
    if need.num_bytes > _EASY * room.num_bytes:
        tell(f"Memory: {need.told}")
    return told, {"memory_gaps": {**known, room.device: gaps}} if gaps else {}


def foreseen(study: Study, placement: Placement, count: int, known: Mapping[str, float]) -> dict[str, Any]:
    """What a plan says of the device and its memory (`Plan`), before anything runs; in words why it cannot be known.

    GPUs of a cluster are asked, in a session of Ray's; where there is none to join, this machine's are looked at. `known` are
    the gaps that were measured before, by kind of device.
    """
    try:
        session, told = session_ahead(look_ahead()), list[str]()
        fit = slots_of(placement, session, count, told.append)
        placement, gpus = fit.bound(placement), fit.gpus_per_worker
        share = memory_share(placement, session, fit.slots, gpus)
        if gpus and given_address():
            with open_session():
                room = _room(placement, gpus, share)
        else:
            room = _room_here(this_device().type if gpus else "cpu", share)
        need = need_of(study, room, workers=placement.workers, gaps=known.get(room.device))
    except (OSError, ValueError, RuntimeError) as error:
        return {"memory_told": f"unknown: {error}"}
    sizes: dict[str, Any] = {"device": " ".join([f"{fit.device_kind}.", *told] if fit.device_kind else told)}
    sizes |= {"memory_gib": need.num_bytes / GIB, "memory_room_gib": room.num_bytes / GIB}
    return {**sizes, "memory_parts": need.parts, "memory_told": need.told}


def _refusal(study: Study, config: TrainerConfig, room: Room, about: dict[str, Any], gaps: float | None) -> str:
    try:
        fitting(study.trainable, config, room.device, room.num_bytes, **about, gaps=gaps)
    except DoesNotFit as error:
        return str(error)
    return ""


def _trainings(study: Study, phase: Phase | None) -> int:
    """Of a trial, at most: those of a search train on all its folds side by side."""
    if phase is None:
        phase = "search" if study.design is None or study.design.tune_each else "ablation"
    return len(study.search_folds) if phase == "search" else 1


def _room_here(kind: str, share: float) -> Room:
    return Room(device=kind, capacity=capacity(kind), share=share, bfloat16=computes_bfloat16(kind))


def _room(placement: Placement, gpus: float, share: float) -> Room:
    """That of a GPU is asked of a process that has one. Raises `TimeoutError` where all are held by others."""
    if not gpus:
        return _room_here("cpu", share)
    kind, num_bytes, bfloat16 = on_device(placement, gpus, capacity_here)
    return Room(device=kind, capacity=num_bytes, share=share, bfloat16=bfloat16)


def _measured(
    study: Study,
    need: Need,
    room: Room,
    placement: Placement,
    gpus: float,
    phase: Phase,
    tell: Callable[[str], None],
) -> float | None:
    """By how much more than is alive the device holds in a step of the largest configuration; `None` where nobody knows."""
    assert need.parts is not None
    about = {"workers": placement.workers, "parts": need.parts}
    found = forecast(study.trainable, need.config, room.device, **about, bfloat16=room.bfloat16)
    try:
        return gaps_of(found, on_device(placement, gpus, step_here, study.trainable, need.config, about))
    except MemoryError:
        tell("Memory: a step of the largest configuration was tried and ran out of memory: more is allowed for.")
        whole = dataclasses.replace(found, trainings=_trainings(study, phase))
        return whole.gaps_beyond(room.num_bytes)
    except (RuntimeError, TimeoutError) as error:
        tell(f"Memory: a step of the largest configuration could not be tried; the forecast stands. {error}")
        return None


def on_device(placement: Placement, gpus: float, work: Callable[..., Any], *given: Any) -> Any:
    """What `work` answers in a process of its own with what a worker has.

    Raises `MemoryError` where it ran out of memory or was killed, as Linux does then, `RuntimeError` where it failed in
    another way, and `TimeoutError` where no device was free.
    """
    import ray
    from ray.exceptions import GetTimeoutError, OutOfMemoryError, RayError, WorkerCrashedError

    with_gpu: dict[str, Any] = {"num_gpus": gpus, "accelerator_type": placement.accelerator_type if gpus else None}
    process = ray.remote(num_cpus=placement.cpus_per_worker, **with_gpu, max_calls=1, max_retries=0)
    answer = process(work).remote(*given)
    try:
        return ray.get(answer, timeout=PATIENCE_S)
    except GetTimeoutError as error:
        ray.cancel(answer, force=True)
        raise TimeoutError(f"No device was free within {PATIENCE_S:g} s.") from error
    except (OutOfMemoryError, WorkerCrashedError, MemoryError) as error:
        raise MemoryError(str(error)) from error
    except RayError as error:
        raise RuntimeError(str(error)) from error
