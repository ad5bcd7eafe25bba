"""Whether a training fits its device, and what is done where it does not: it computes more again, or is refused."""

from __future__ import annotations

import dataclasses
from collections.abc import Generator
from typing import Any

from trainables.core.config import TrainerConfig
from trainables.core.training.memory.forecast import GIB, Forecast, forecast, splits_of
from trainables.core.wording import counted

_LARGE = ("batch_size", "num_frames", "image_size")  # what makes a step large, whatever the network


class DoesNotFit(ValueError):
    """A training needs more memory than its device has, whatever it computes again; the message names what helps."""


def fitting(
    trainable: str,
    config: TrainerConfig,
    device: str,
    room: int,
    *,
    workers: int = 1,
    trainings: int = 1,
    gaps: float | None = None,
    bfloat16: bool = True,
) -> Forecast:
    """The forecast of `config` in the fewest parts that take no more than `room` bytes; see `forecast`.

    Raises `DoesNotFit` where none do.
    """
    about: dict[str, Any] = {"workers": workers, "trainings": trainings, "bfloat16": bfloat16}
    tried = []
    for parts in splits_of(trainable, config):
        tried.append(found := forecast(trainable, config, device, **about, parts=parts))
        if found.num_bytes(gaps) <= room:
            return found
    least = min(one.num_bytes(gaps) for one in tried)
    smaller = _smaller(trainable, config, device, gaps, about)
    helps = [f"with {field} {value} it would take {gib(taken)}" for field, value, taken in smaller]
    raise DoesNotFit(
        f"{described(trainable, config)} takes {gib(tried[0].num_bytes(gaps))} and, where it computes again what it can, "
        f"{gib(least)}; its worker may take {gib(room)}. {_capital('; '.join(helps))}."
    )


def how_it_fits(trainable: str, config: TrainerConfig, found: Forecast, room: int, gaps: float | None = None) -> str:
    """A sentence where `found`, by `fitting`, computes again; `""` where it keeps everything."""
    if not found.parts:
        return ""
    split = f" and frames go through its frame network in {found.parts} parts" if found.parts > 1 else ""
    return (
        f"{described(trainable, config)} would take more memory than the {gib(room)} that its worker may take: what a step "
        f"computes is computed again where it is needed instead of kept{split}, which takes {gib(found.num_bytes(gaps))} and "
        f"about a third more time. Its numbers {same_numbers(found.parts)}."
    )


def where_full(parts: int) -> str:
    """A sentence where a device had no memory left all the same, and a trial goes on in `parts`."""
    return (
        "The GPU had no memory left: the trial goes on from its last checkpoint, and what it computes is computed again where "
        f"it is needed instead of kept. Its numbers {same_numbers(parts)}."
    )


def same_numbers(parts: int) -> str:
    """What becomes of the numbers of a training in `parts`: sums of several are taken in another order."""
    return "stay the same but for rounding" if parts > 1 else "stay the same"


def described(trainable: str, config: TrainerConfig) -> str:
    """A configuration by what makes it large."""
    network = [str(value) for key in ("backbone", "architecture") if (value := getattr(config, key, None))]
    sizes = (counted(config.batch_size, "clip"), counted(config.num_frames, "frame"), f"{config.image_size} px")
    return f"{' '.join((trainable, *network))} on batches of {sizes[0]} of {sizes[1]} of {sizes[2]}"


def gib(num_bytes: int) -> str:
    """Bytes for people."""
    return f"{num_bytes / GIB:.1f} GiB"


def _smaller(
    trainable: str, config: TrainerConfig, device: str, gaps: float | None, about: dict[str, Any]
) -> Generator[tuple[str, int, int]]:
    """What halves of the large fields would take, at least."""
    for field in _LARGE:
        half = getattr(config, field) // 2
        try:
            changed = dataclasses.replace(config, **{field: half})
        except ValueError:
            continue
        each = [forecast(trainable, changed, device, **about, parts=p) for p in splits_of(trainable, changed)]
        yield field, half, min(one.num_bytes(gaps) for one in each)


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]
