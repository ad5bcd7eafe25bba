"""Vertical scales for parallel coordinates: where a value lies between 0 (bottom) and 1 (top)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Protocol

from dashboards.core.figures import spans_decades
from tuning.text.quantities import setting

NOT_SET = "not set"
_DISTINCT = 8  # up to so many values each get a place of their own
_LONGEST = 16  # characters of a tick
_GAP = 0.14  # between values that are not set and the least that is


class Scale(Protocol):
    """A scale with its title and ticks, `(where, words)`."""

    title: str
    ticks: list[tuple[float, str]]

    def where(self, value: Any, turn: float = 0.0) -> float | None:
        """The place of `value`, None where it has none; values that share a place are spread by `turn`, -0.5 to 0.5."""
        ...


def parameter_scale(title: str, values: Sequence[Any]) -> Scale:
    """Numbers that vary freely lie on a continuous scale; words, flags and a handful of numbers at even distances."""
    present = [value for value in values if value is not None]
    numbers = [value for value in present if isinstance(value, int | float) and not isinstance(value, bool)]
    if len(numbers) == len(present) and len(set(numbers)) > _DISTINCT and all(map(math.isfinite, numbers)):
        return Continuous(title, values)
    return Places(title, values)


class Places:
    """Each value has a place of its own, at even distances; what is not set lies at the bottom."""

    def __init__(self, title: str, values: Sequence[Any]) -> None:
        self.title = title
        names = {_name(value): value for value in values}
        ordered = sorted(names, key=lambda name: _rank(name, names[name]))
        step = 1 / max(1, len(ordered) - 1)
        self._places = {name: number * step if len(ordered) > 1 else 0.5 for number, name in enumerate(ordered)}
        self._spread = min(0.07, 0.5 * step)
        self.ticks = [(place, _short(name)) for name, place in self._places.items()]

    def where(self, value: Any, turn: float = 0.0) -> float | None:
        """The place of `value`, with its share of the spread."""
        place = self._places.get(_name(value))
        return None if place is None else place + turn * self._spread


class Continuous:
    """Linear, or logarithmic where the values span decades; with `flipped`, small values are on top.

    Where some values are not set, these lie at the bottom and the scale begins above them.
    """

    def __init__(self, title: str, values: Sequence[float | None], *, flipped: bool = False) -> None:
        self.title = title
        present = [value for value in values if value is not None]
        low, high = min(present), max(present)
        self._flipped = flipped
        self._bottom = _GAP if len(present) < len(values) else 0.0
        self._logarithmic = spans_decades(present)
        self._low, self._high = self._warped(low), self._warped(high)
        shown = _decades(low, high) if self._logarithmic else _round_steps(low, high)
        self.ticks = [(self.where(value), setting(value)) for value in shown]
        if self._bottom:
            self.ticks.insert(0, (0.0, NOT_SET))

    def where(self, value: float | None, turn: float = 0.0) -> float:
        """The place of `value`; there is no spread."""
        if value is None:
            return 0.0
        span = self._high - self._low
        share = (self._warped(value) - self._low) / span if span else 0.5
        return self._bottom + (1 - self._bottom) * (1 - share if self._flipped else share)

    def _warped(self, value: float) -> float:
        return math.log(value) if self._logarithmic else float(value)


def _name(value: Any) -> str:
    return NOT_SET if value is None else setting(value)


def _short(name: str) -> str:
    return name if len(name) <= _LONGEST else f"{name[: _LONGEST - 1]}…"


def _rank(name: str, value: Any) -> tuple[Any, ...]:
    """What is not set first, then numbers by size, then words by alphabet."""
    number = isinstance(value, int | float)
    return value is not None, not number, value if number else 0, name


def _round_steps(low: float, high: float) -> list[float]:
    """Three to six round numbers between `low` and `high`; one number where they are equal."""
    if high == low:
        return [low]
    power = 10.0 ** math.floor(math.log10((high - low) / 3))
    step = max(factor * power for factor in (1, 2, 2.5, 5) if factor * power <= (high - low) / 3 or factor == 1)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [float(f"{number * step:.6g}") for number in range(first, last + 1)]


def _decades(low: float, high: float) -> list[float]:
    """Powers of ten between `low` and `high`, with 2 and 5 times them where there are few."""
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    factors = (1,) if high / low > 1e3 else (1, 2, 5)
    candidates = [float(f"{factor * 10.0**power:.3g}") for power in powers for factor in factors]
    return [value for value in candidates if low <= value <= high]
