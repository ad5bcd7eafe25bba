"""What a study that waits for a slot is told. Nothing but the standard library is imported, see `shares.py`."""

from __future__ import annotations

from collections.abc import Sequence

from tuning.execution.sharing.shares import Amount, SlotNeed

MOST_NAMED = 3


def waits_for(slot: SlotNeed, before: Sequence[tuple[str, str, str]], *, whole: Amount, is_aside: bool = False) -> str:
    """A sentence without its end: for what, and behind which (study, user, priority)."""
    need = f"waits for a slot ({slot})"
    has = f"{whole.cpus:g} CPUs" + (f" and {whole.gpus:g} GPUs" if whole.gpus or slot.gpus_per_worker else "")
    if is_aside:
        return f"{need}, which Ray does not place though no other study is in the way; `ray status` tells what is free"
    if not slot.amount.fits(whole):
        return f"{need} until the cluster is larger: it has {has} for studies now"
    if not before:
        return f"{need} that other work on the cluster leaves free"
    return f"{need} behind {_listed([named(*one) for one in sorted(before)])}"


def named(study: str, user: str, priority: str) -> str:
    """A study as it is told of: `demo (anna, high)`."""
    beside = ", ".join([user] * bool(user) + [priority] * (priority != "normal"))
    return f"{study} ({beside})" if beside else study


def _listed(names: Sequence[str]) -> str:
    if len(names) > MOST_NAMED:
        names = [*names[:MOST_NAMED], f"{len(names) - MOST_NAMED} more"]
    return " and ".join([*([", ".join(names[:-1])] if names[:-1] else []), names[-1]])
