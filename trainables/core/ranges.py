"""What a field of a config may be: one declaration, `lr: Annotated[float, Above(0)] = 1e-3`, checked when it is made.

A range of your own is a frozen dataclass that extends `Range`: `allows`, and its words (`__str__`) or its own `refusal`.
"""

from __future__ import annotations

import abc
import dataclasses
import functools
import math
import typing
from numbers import Integral, Real
from typing import Annotated, Any, ClassVar

import numpy as np

from trainables.core.lookup import unknown


class Range(abc.ABC):
    """Values that a field may have, beside those of its type; `str` says which, as in "above 0"."""

    joint: ClassVar[str] = ""  # what stands between "a whole number" and the words

    @abc.abstractmethod
    def allows(self, value: Any) -> bool:
        """Whether `value`, which is of the field's type, is within."""

    def refusal(self, field: str, value: Any, kind: type) -> str:
        """The sentence for a `value` of `field` that is not allowed, or is not of the type `kind`."""
        return f"{field} was given as {value!r}; {_words(kind, value, self)} is allowed."


@dataclasses.dataclass(frozen=True)
class Anything(Range):
    """Whatever is of the field's type: what a field without a range is checked by."""

    def allows(self, value: Any) -> bool:
        return True

    def __str__(self) -> str:
        return ""


@dataclasses.dataclass(frozen=True)
class Above(Range):
    """Numbers above `low`."""

    low: float

    def allows(self, value: Any) -> bool:
        return value > self.low

    def __str__(self) -> str:
        return f"above {self.low}"


@dataclasses.dataclass(frozen=True)
class AtLeast(Range):
    """Numbers from `low` on."""

    low: float
    joint = "of "

    def allows(self, value: Any) -> bool:
        return value >= self.low

    def __str__(self) -> str:
        return f"at least {self.low}"


@dataclasses.dataclass(frozen=True)
class Within(Range):
    """Numbers from `low` to `high`, both included."""

    low: float
    high: float
    joint = "from "

    def allows(self, value: Any) -> bool:
        return self.low <= value <= self.high

    def __str__(self) -> str:
        return f"{self.low} to {self.high}"


@dataclasses.dataclass(frozen=True)
class UpTo(Range):
    """Numbers above 0, up to `high`."""

    high: float

    def allows(self, value: Any) -> bool:
        return 0 < value <= self.high

    def __str__(self) -> str:
        return f"above 0, up to {self.high}"


@dataclasses.dataclass(frozen=True)
class Share(Range):
    """Numbers from 0, which is off, to below 1."""

    joint = "from "

    def allows(self, value: Any) -> bool:
        return 0 <= value < 1

    def __str__(self) -> str:
        return "0 (off) up to below 1"


@dataclasses.dataclass(frozen=True, init=False)
class OneOf(Range):
    """The `names` alone; the sentence for another names the nearest."""

    names: tuple[str, ...]

    def __init__(self, *names: str) -> None:
        object.__setattr__(self, "names", names)

    def allows(self, value: Any) -> bool:
        return value in self.names

    def refusal(self, field: str, value: Any, kind: type) -> str:
        return unknown(field, str(value), list(self.names))


def check_fields(config: Any) -> None:
    """Raises `ValueError` for a field of the dataclass `config` that is not of its type or not within its range.

    Whole numbers are no booleans and have no fraction, floats are finite, truth values are `True` and `False`. A numpy
    scalar that stands for its type becomes the plain value.
    """
    for name in ranges_of(type(config)):
        value = getattr(config, name)
        if refused := refusal(type(config), name, value):
            raise ValueError(refused)
        if isinstance(value, np.generic):
            object.__setattr__(config, name, value.item())


def refusal(config_type: type[Any], name: str, value: Any) -> str:
    """The sentence for a `value` that the field `name` of `config_type` does not take; `""` for one that it does."""
    kind, ranges = ranges_of(config_type)[name]
    plain = value.item() if isinstance(value, np.generic) else value
    return next((one.refusal(name, plain, kind) for one in ranges if not (_is(kind, plain) and one.allows(plain))), "")


@functools.cache
def ranges_of(config_type: type[Any]) -> dict[str, tuple[type, tuple[Range, ...]]]:
    """By field of the dataclass `config_type`, its type and its ranges.

    A class that gives a field of the one it extends another default, as in `masking_rate: float = 0.1`, keeps its ranges.
    """
    found: dict[str, tuple[type, tuple[Range, ...]]] = {}
    names = {field.name for field in dataclasses.fields(config_type)}
    for one in reversed(config_type.__mro__):
        for name, hint in typing.get_type_hints(one, include_extras=True).items():
            if name not in names:
                continue
            kind, *extras = typing.get_args(hint) if typing.get_origin(hint) is Annotated else (hint,)
            ranges = tuple(extra for extra in extras if isinstance(extra, Range))
            before = found.get(name, (kind, (Anything(),)))[1]
            found[name] = (kind, ranges or before)
    return found


def _is(kind: type, value: Any) -> bool:
    """Whether the plain `value` is of the type `kind` of a field."""
    if kind is int:
        return isinstance(value, Integral) and not isinstance(value, bool)
    if kind is float:
        return isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(value)
    return not isinstance(kind, type) or isinstance(value, kind)


def _words(kind: type, value: Any, allowed: Range) -> str:
    """What a field of type `kind` may be, in words, where `value` was given."""
    if kind is int:
        return f"a whole number {allowed.joint}{allowed}".rstrip()
    if kind is float and not _is(kind, value):
        return f"a finite number {allowed.joint}{allowed}".rstrip()
    if kind is bool:
        return "True or False"
    return str(allowed) or "text"
