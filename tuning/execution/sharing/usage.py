"""How much a study had of its share over the last ten minutes: slot-seconds in a sliding window."""

from __future__ import annotations

import math
from collections import deque

WINDOW_S = 600.0


class Usage:
    """What a study held and what was due to it, slots by time; what is older than the window is forgotten."""

    def __init__(self, now: float) -> None:
        self._parts: deque[tuple[float, float, float]] = deque()  # (until, held, due), each since the one before
        self._since, self._now, self._held, self._due = now, now, 0.0, 0.0

    def note(self, now: float, held: float, due: float) -> None:
        """From `now` on it holds so many slots, and so many are due to it."""
        if (held, due) != (self._held, self._due):
            if now > self._now:
                self._parts.append((now, self._held, self._due))
                self._now = now
            self._held, self._due = held, due
        while self._parts and self._parts[0][0] <= now - WINDOW_S:
            self._since = self._parts.popleft()[0]

    def sums(self, now: float) -> tuple[float, float]:
        """(held, due) in slot-seconds of the window that ends `now`."""
        held = due = 0.0
        since = max(self._since, now - WINDOW_S)
        for until, had, was_due in [*self._parts, (now, self._held, self._due)]:
            length = max(until - since, 0.0)
            held, due, since = held + had * length, due + was_due * length, max(since, until)
        return held, due

    def ratio(self, now: float) -> float:
        """What it held of what was due to it: 0 for nothing, 1 for its share."""
        held, due = self.sums(now)
        return held / due if due else math.inf if held else 0.0
