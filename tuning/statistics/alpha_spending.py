"""Alpha spending: the level that is left for testing the same question on the same people again.

A question is whether one configuration beats the majority baseline. Asking it again of more seeds is another look at the same
people; asking it of the same seeds is the same look. Each look spends a share of alpha, all of them together spend it once
(Lan and DeMets, Biometrika 70, 1983, spend it by a function of time; how many looks there will be is not known here, so the
shares are a geometric series, our choice).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

LATER_SHARE = 0.2  # what each look leaves of its own share to the next


def look_number(now: Mapping[str, Any], refused: Sequence[Mapping[str, Any]]) -> int:
    """The number of the look that `now` is: one more than there were refusals of its question on other evidence.

    A question has the keys `configuration` and `against`, and others that say what evidence it is put to.
    """
    before = [one for one in refused if all(one[key] == now[key] for key in ("configuration", "against"))]
    distinct = [one for index, one in enumerate(before) if one not in before[:index]]
    return (distinct.index(now) if now in distinct else len(distinct)) + 1


def describe_look(look: int, level: float, *, again: bool) -> str:
    """Which look it was, at which level, and where it may be taken `again` what is left for the next."""
    later = f" The next test, with more seeds, has {100 * level * LATER_SHARE:.3g} %." if again else ""
    return f"This is test {look} of this question on these people, at a level of {100 * level:.3g} % (alpha spending).{later}"
