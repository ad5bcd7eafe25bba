"""A proposal: what to try next, and what was expected of it, which the ledger keeps with the trial."""

from __future__ import annotations

import dataclasses
from typing import Any, Literal

Why = Literal["first", "random", "model", "again"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Proposal:
    """`point` is what to try. `why`: the study names it (`first`), to begin with (`random`), the `model` expects most of it, or
    `again` with another seed.

    `expected` has the mean and the standard deviation of the quality, `known` the costs, of which `exact` are no estimates.
    `gain` is the hypervolume that it is expected to add, as a share of what is there; `prior` the weight of what the author
    believes. `seconds` is what it is expected to take. `None` is what nobody knows yet. It was compared with `num_compared`
    points; one that is tried again has `num_scores`. `worth` is what it is chosen by, and kept nowhere.
    """

    point: dict[str, Any]
    why: Why
    expected: dict[str, tuple[float, float]] = dataclasses.field(default_factory=dict)
    known: dict[str, float] = dataclasses.field(default_factory=dict)
    exact: tuple[str, ...] = ()
    gain: float | None = None
    seconds: float | None = None
    prior: float | None = None
    num_compared: int = 0
    num_scores: int = 0
    worth: float = 0.0

    def facts(self) -> dict[str, Any]:
        """As the ledger keeps it: what there is of it, rounded."""
        found = {
            "why": self.why,
            "expected": {metric: [_rounded(one) for one in both] for metric, both in self.expected.items()},
            "known": {metric: _rounded(value) for metric, value in self.known.items()},
            "exact": list(self.exact),
            "gain": _rounded(self.gain),
            "seconds": _rounded(self.seconds),
            "prior": _rounded(self.prior),
            "num_compared": self.num_compared,
            "num_scores": self.num_scores,
        }
        return {key: value for key, value in found.items() if value not in (None, 0, {}, [])}


def _rounded(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.6g}")
