"""What drivers and the keeper say to each other: plain types, since their versions of fertune may differ.

Nothing but the standard library is imported, see `shares.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tuning.execution.sharing.shares import SlotNeed
from tuning.execution.sharing.turns import Beat, Turn


def message(beat: Beat) -> dict[str, Any]:
    """A beat in types that any version understands."""
    return {**vars(beat), "slot": dict(vars(beat.slot))}


def beat_of(told: Mapping[str, Any]) -> Beat:
    """What was said; what another version says beside is passed over."""
    known = {key: told[key] for key in Beat.__annotations__ if key in told and key != "slot"}
    slot = {key: told["slot"][key] for key in SlotNeed.__annotations__ if key in told["slot"]}
    return Beat(**known, slot=SlotNeed(**slot))


def turn_message(turn: Turn) -> dict[str, Any]:
    """A turn in such types."""
    return {**vars(turn), "taken_by": message(turn.taken_by) if turn.taken_by else None}
