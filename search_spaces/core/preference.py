"""What is preferred among the members of a front: the words of `--prefer`, read."""

from __future__ import annotations

import dataclasses
import math
import re
from typing import Literal

from trainables.core import lookup
from trainables.core.training.metrics import objectives

Kind = Literal["knee", "accuracy", "small", "limits", "weights"]
Sign = Literal["<=", ">="]

NAMED: tuple[Kind, ...] = ("knee", "accuracy", "small")
SIZE = "param_count"  # what `small` has the least of
ALLOWED = (
    "knee (the best compromise), accuracy, small, limits such as 'param_count<=5e6' or 'accuracy>=80% & train_time_s<=60', "
    "and weights such as 'accuracy=3,param_count=1'"
)
_SUFFIXES = {"": 1.0, "%": 0.01, "k": 1e3, "M": 1e6, "G": 1e9}
_PART = re.compile(r"\s*(?P<metric>\w+)\s*(?P<sign><=|>=|=)\s*(?P<number>[^\s%kMG]+)\s*(?P<suffix>[%kMG]?)\s*")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Limit:
    """What a metric has to keep to, in the unit that it is stored in."""

    metric: str
    sign: Sign
    value: float


@dataclasses.dataclass(frozen=True, kw_only=True)
class Preference:
    """Which member of a front to recommend.

    `knee` is the best compromise, and `small` the fewest parameters, among those within one standard error of the best
    first objective; `accuracy` is the best first objective; with `limits` it is the best of those that keep to all of
    them; with `weights` the largest weighted sum of what is measured, each scaled from 0 (the worst of the members) to 1
    (the best). `words` is how it was given.
    """

    words: str = "knee"
    kind: Kind = "knee"
    limits: tuple[Limit, ...] = ()
    weights: tuple[tuple[str, float], ...] = ()

    @property
    def metrics(self) -> tuple[str, ...]:
        """What it judges by beside the objectives of the study."""
        named = (*(limit.metric for limit in self.limits), *(metric for metric, _ in self.weights))
        return tuple(dict.fromkeys(named)) or ((SIZE,) if self.kind == "small" else ())


def preference_of(words: str | None) -> Preference:
    """The preference that `words` state; the knee for `None`.

    Raises `ValueError` for other words than those allowed, for a metric that not every search trial measures, and for what
    is no number.
    """
    if words is None:
        return Preference()
    for kind in NAMED:
        if words.strip() == kind:
            return Preference(words=kind, kind=kind)
    parts = [_part(part, words) for part in re.split(r"[,&]", words)]
    if not parts or len({sign == "=" for _, sign, _ in parts}) > 1:
        raise _refused(words, "limits and weights do not go together")
    if parts[0][1] == "=":
        return Preference(words=words, kind="weights", weights=_weights(parts, words))
    limits = tuple(Limit(metric=metric, sign=sign, value=value) for metric, sign, value in parts if sign != "=")
    return Preference(words=words, kind="limits", limits=limits)


def _part(part: str, words: str) -> tuple[str, Literal["<=", ">=", "="], float]:
    found = _PART.fullmatch(part)
    if found is None:
        word = part.strip()
        hint = (
            lookup.unknown("preference", word, list(NAMED))
            if re.fullmatch(r"\w+", word)
            else f"{word!r} is no part of one"
        )
        raise _refused(words, hint.rstrip("."))
    metric, sign = found["metric"], found["sign"]
    if metric not in (known := objectives()):
        raise _refused(words, lookup.unknown("metric of search trials", metric, list(known)).rstrip("."))
    try:
        value = float(found["number"]) * _SUFFIXES[found["suffix"]]
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise _refused(
            words, f"{found['number']!r} is no number; a number may end in {', '.join(filter(None, _SUFFIXES))}"
        )
    return metric, "=" if sign == "=" else "<=" if sign == "<=" else ">=", value


def _weights(parts: list[tuple[str, Literal["<=", ">=", "="], float]], words: str) -> tuple[tuple[str, float], ...]:
    found = {metric: value for metric, _, value in parts}
    if len(found) < len(parts) or min(found.values()) < 0 or not sum(found.values()):
        raise _refused(words, "each weight is given once and is at least 0, and one of them is above")
    return tuple(found.items())


def _refused(words: str, reason: str) -> ValueError:
    return ValueError(f"The preference was given as {words!r}: {reason}. Allowed are {ALLOWED}.")
