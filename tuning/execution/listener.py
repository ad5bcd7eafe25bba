"""Whoever shows a run while it goes on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from trainables.core.phases import Phase
from tuning.execution.bookkeeper import TrialListener
from tuning.execution.preparation import ClipListener


class Listener(ClipListener, TrialListener, Protocol):
    """Whoever shows a run while it goes on. Every method is called in the driver."""

    def phase_began(
        self,
        phase: Phase,
        num_trials: int,
        *,
        objectives: Sequence[str],
        num_cpus: float,
        num_gpus: float,
        dashboard_url: str,
    ) -> None:
        """`num_trials` trials of a study with these `objectives` are about to run, on a Ray of so many devices."""
        ...

    def phase_ended(self) -> None:
        """No more trials of this phase."""
        ...
