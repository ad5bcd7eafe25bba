"""The facial action units that the drawn face knows, and which of them make up each expression.

The table is the usual reading of EMFACS (Friesen and Ekman, 1983), recalled and not checked against the manual.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

ACTION_UNITS = (1, 2, 4, 5, 6, 7, 9, 12, 14, 15, 20, 23, 25, 26)

EXPRESSIONS: dict[str, tuple[int, ...]] = {
    "anger": (4, 5, 7, 23),
    "contempt": (14,),
    "disgust": (9, 15),
    "fear": (1, 2, 4, 5, 20, 25),
    "happiness": (6, 12, 25),
    "sadness": (1, 4, 15),
    "surprise": (1, 2, 5, 26),
}

# The six basic emotions that Oulu-CASIA and BAUM-1s share. Contempt is left out by default: it is one action unit on
# one side of the mouth, and in CK+ it is 18 of 327 sequences. It can be asked for by name.
SIX_EXPRESSIONS = tuple(name for name in EXPRESSIONS if name != "contempt")

# A face that stays at rest; no expression, so it stands outside the table, and resting faces never lean towards it.
NEUTRAL = "neutral"


def pattern(expression: str) -> np.ndarray:
    """1 for the action units of `expression` and 0 for the others, `(14,)` float64 in the order of `ACTION_UNITS`."""
    units = () if expression == NEUTRAL else EXPRESSIONS[expression]
    return np.array([float(unit in units) for unit in ACTION_UNITS])


def check_expressions(given: Sequence[str]) -> None:
    """Raises `ValueError` for no expression at all, one that is not in the table, or one given twice."""
    strangers = [name for name in given if name not in EXPRESSIONS]
    if strangers or not given or len(set(given)) != len(given):
        raise ValueError(
            f"Classes to draw are some of {', '.join(EXPRESSIONS)}, each once; given: {', '.join(given) or 'none'}."
        )


def by_number(intensities: np.ndarray) -> dict[int, float]:
    """Intensities `(14,)` as a mapping from action unit to intensity."""
    return dict(zip(ACTION_UNITS, intensities.tolist(), strict=True))
