"""Metrics as users read them: values in the unit and with the decimals that `METRICS` gives."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from datetime import datetime

from trainables.core.training.metrics import METRICS
from tuning.statistics.intervals import Interval

NO_VALUE = "–"
_THIN_SPACE = "\u202f"


@dataclasses.dataclass(frozen=True)
class Quantity:
    """A metric as a person reads it: name, unit, the factor from the stored value to that unit, decimals.

    Without `decimals` a value is written with four digits.
    """

    name: str
    unit: str = ""
    factor: float = 1.0
    decimals: int | None = None

    @property
    def heading(self) -> str:
        """Name and unit, for an axis or a column."""
        return f"{self.name}, {self.unit}" if self.unit else self.name

    def number(self, value: float) -> str:
        """The value in this unit, without naming it."""
        scaled = value * self.factor
        if not math.isfinite(scaled):
            return NO_VALUE
        if self.decimals is None:
            return f"{scaled:.4g}"
        return f"{scaled:,.{self.decimals}f}".replace(",", _THIN_SPACE)

    def shown(self, value: float) -> str:
        """The value with its unit."""
        number = self.number(value)
        return f"{number}{_THIN_SPACE}{self.unit}" if self.unit and number != NO_VALUE else number

    def typed(self, value: float) -> str:
        """The value with its unit in signs that every terminal has, for reading and for copying."""
        return self.shown(value).replace(_THIN_SPACE, " ")


def quantity(metric: str) -> Quantity:
    """The wording of `metric`; one that is not known is written as it stands."""
    known = METRICS.get(metric)
    return Quantity(known.label, known.unit, known.scale, known.decimals) if known else Quantity(metric)


def percent(share: float, decimals: int = 1) -> str:
    """A share as a percentage, such as `88.3 %`."""
    return f"{100 * share:.{decimals}f} %"


def limits(found: Interval) -> str:
    """The limits of a share's interval, such as `84.1 to 91.0 %`."""
    return f"{100 * found.low:.1f} to {100 * found.high:.1f} %"


def by_seed(shares: Sequence[float]) -> str:
    """The lowest and the highest of the shares that trainings with other seeds had: `by seed 75.0 to 81.2 %`; `""` of one."""
    return f"by seed {spread(shares)}" if len(shares) > 1 else ""


def spread(shares: Sequence[float]) -> str:
    """The lowest and the highest of some shares: `75.0 to 81.2 %`; `""` of one."""
    return f"{100 * min(shares):.1f} to {100 * max(shares):.1f} %" if len(shares) > 1 else ""


def points(found: Interval) -> str:
    """A difference of two shares with its interval, in points."""
    return f"{100 * found.mean:+.1f} ({100 * found.low:+.1f} to {100 * found.high:+.1f})"


def setting(value: object) -> str:
    """A parameter's value: floats without the noise of their last digits."""
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def settings(parameters: dict[str, object]) -> str:
    """Parameters and their values in one line."""
    return ", ".join(f"{key} {setting(value)}" for key, value in parameters.items())


def day(moment: datetime | float) -> str:
    """A day as `3 November 2026`, of a moment or of seconds since 1970."""
    local = moment if isinstance(moment, datetime) else datetime.fromtimestamp(moment).astimezone()
    return f"{local.day} {local:%B %Y}"
