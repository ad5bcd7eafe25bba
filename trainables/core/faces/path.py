"""The path of a crop: as still as it can be without leaving the head.

Boxes of neighbouring frames jitter by some 5 % of the face, which a network would read as motion; and a crop that follows an
expression (a jaw that drops makes the face longer) takes it away. So the crop stays where it is until the head leaves it
by more than a tolerance, and then goes the shortest way: the taut string of Davies and Kovac (Annals of Statistics 2001).
"""

from __future__ import annotations

import numpy as np
from scipy.ndimage import median_filter

POSITION = 0.07  # of the head's size, that its centre may be off in the crop
GROWTH = 0.12  # natural logarithm of its size, likewise
OUTLIERS = 3  # frames, of which the median counts: a box that is off in one of them is not followed


def smooth(centres: np.ndarray, sides: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The path of a square about a head at `centres` `(T, 2)` that is `sides` `(T,)` large, in px; arrays of the same shapes.

    It is off the head by the tolerances above at most, where the head does not jump back and forth. One that stays within
    them has a crop that stands still, at the medians.
    """
    size = float(np.median(sides))
    columns = [taut(_steady(column), POSITION * size) for column in centres.T]
    return np.stack(columns, axis=1), np.exp(taut(_steady(np.log(sides)), GROWTH))


def taut(values: np.ndarray, tolerance: float) -> np.ndarray:
    """The string pulled taut through the tube of `tolerance` about `values` `(T,)`, its ends free; the median if that fits."""
    low, high = values - tolerance, values + tolerance
    if low.max() <= high.min():
        return np.full(len(values), np.clip(np.median(values), low.max(), high.min()))
    first, at_first = _anchor(low, high)
    last, at_last = _anchor(low[::-1], high[::-1])
    last = len(values) - 1 - last
    low[first] = high[first] = at_first
    low[last] = high[last] = at_last
    string = np.empty(len(values))
    string[: first + 1], string[last:] = at_first, at_last
    while first < last:
        end, at_end = _corner(low, high, first, string[first], last)
        string[first : end + 1] = np.linspace(string[first], at_end, end - first + 1)
        first = end
    return string


def _anchor(low: np.ndarray, high: np.ndarray) -> tuple[int, float]:
    """Where a level string from the beginning has to leave, and its level."""
    floor, ceiling = np.maximum.accumulate(low), np.minimum.accumulate(high)
    end = int(np.argmax(floor > ceiling))
    if low[end] > ceiling[end - 1]:  # it has to rise
        return int(np.argmin(high[:end])), float(ceiling[end - 1])
    return int(np.argmax(low[:end])), float(floor[end - 1])


def _corner(low: np.ndarray, high: np.ndarray, start: int, at_start: float, last: int) -> tuple[int, float]:
    """Where the taut string from `start` bends next, or ends, at `last`."""
    steps = np.arange(1, last - start + 1)
    rising = (high[start + 1 : last + 1] - at_start) / steps  # steepest slope that each frame allows
    falling = (low[start + 1 : last + 1] - at_start) / steps
    most, least = np.minimum.accumulate(rising), np.maximum.accumulate(falling)
    crossed = np.flatnonzero(least > most)
    if not len(crossed):  # the end, a point, is within sight
        return last, float(low[last])
    end = int(crossed[0])
    if falling[end] > most[end - 1]:  # too high for the ceiling before it: bend there
        corner = int(np.argmin(rising[:end]))
        return start + 1 + corner, float(high[start + 1 + corner])
    corner = int(np.argmax(falling[:end]))
    return start + 1 + corner, float(low[start + 1 + corner])


def _steady(values: np.ndarray) -> np.ndarray:
    return median_filter(values, OUTLIERS, mode="nearest") if len(values) >= OUTLIERS else values
