"""How the report names, scales and writes what the trainer measures."""

from __future__ import annotations

import dataclasses
import math
from datetime import datetime

NO_VALUE = "–"
_THIN_SPACE = "\u202f"


@dataclasses.dataclass(frozen=True)
class Quantity:
    """A metric as a person reads it: its name, unit, and the factor from the stored value to that unit."""

    name: str
    unit: str = ""
    factor: float = 1.0

    @property
    def heading(self) -> str:
        """Name and unit, for an axis or a column."""
        return f"{self.name}, {self.unit}" if self.unit else self.name

    def number(self, value: float) -> str:
        """The value in this unit without naming it: one decimal for shares, else about four digits."""
        scaled = value * self.factor
        if not math.isfinite(scaled):
            return NO_VALUE
        if self.unit == "%":
            return f"{scaled:.1f}"
        if abs(scaled) >= 1000:
            return f"{scaled:,.0f}".replace(",", _THIN_SPACE)
        return f"{scaled:.4g}" if float(scaled).is_integer() else f"{scaled:#.3g}".rstrip(".")

    def shown(self, value: float) -> str:
        """The value with its unit."""
        number = self.number(value)
        return f"{number}{_THIN_SPACE}{self.unit}" if self.unit and number != NO_VALUE else number


_QUANTITIES = {
    "accuracy": Quantity("accuracy", "%", 100),
    "uar": Quantity("UAR", "%", 100),
    "f1_macro": Quantity("macro F1", "%", 100),
    "generalisation_gap": Quantity("generalisation gap", "%", 100),
    "train_time_s": Quantity("training time", "s"),
    "wall_time_s": Quantity("wall time", "s"),
    "param_count": Quantity("parameters", "M", 1e-6),
    "weights_mb": Quantity("weights", "MiB"),
    "latency_ms": Quantity("latency", "ms"),
    "train_flops": Quantity("training compute", "TFLOP", 1e-12),
    "best_epoch": Quantity("best epoch"),
    "epochs_to_90": Quantity("epochs to 90 %"),
}


def quantity(metric: str) -> Quantity:
    """The wording of `metric`; one that is not known is written as it stands."""
    return _QUANTITIES.get(metric) or Quantity(metric)


def percent(share: float) -> str:
    """A share as a percentage, such as `88.3 %`."""
    return _QUANTITIES["accuracy"].shown(share)


def setting(value: object) -> str:
    """A parameter's value: floats without the noise of their last digits."""
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def settings(parameters: dict[str, object]) -> str:
    """Parameters and their values in one line."""
    return ", ".join(f"{key} {setting(value)}" for key, value in parameters.items())


def count(number: int, singular: str, plural: str = "") -> str:
    """`1 trial`, `2 trials`."""
    return f"{number} {singular if number == 1 else plural or singular + 's'}"


def day(moment: datetime | float) -> str:
    """A day as `3 November 2026`, of a moment or of seconds since 1970."""
    local = moment if isinstance(moment, datetime) else datetime.fromtimestamp(moment).astimezone()
    return f"{local.day} {local:%B %Y}"
