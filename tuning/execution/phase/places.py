"""What a run asks of where its trials are trained, and of what trains them. No Ray."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

STOPS = "The study stops; what was done is kept, and --resume goes on from the last checkpoints."


class Fits(Protocol):
    """What trains trials."""

    def fit(self) -> object:
        """Train them; returns when there is nothing left to be done."""
        ...


class Places(Protocol):
    """Where trials run: the slots of a study."""

    @property
    def granted(self) -> int:
        """How many trials may run now."""
        ...

    @property
    def trouble(self) -> str:
        """Why none can; `""` where they can."""
        ...

    @property
    def lost(self) -> bool:
        """Whether Ray has no machine any more."""
        ...

    @property
    def waits_for(self) -> str:
        """What more of them wait for and behind whom, a sentence without its end; `""` where none does."""
        ...

    def want(self, target: int) -> None:
        """No more than `target` trials are to run from now on."""
        ...


@dataclasses.dataclass
class Unlimited:
    """Places for any number of trials."""

    granted: int = sys.maxsize
    trouble: str = ""
    lost: bool = False
    waits_for: str = ""

    def want(self, target: int) -> None:
        """Nothing is kept free."""


def gone(study: str, needed: Mapping[Path, str]) -> str:
    """Which of the paths that `study` needs was removed while it ran, in a sentence with what it is; `""` for none."""
    for path, words in needed.items():
        if not path.exists():
            return f"{path}, {words}, was removed while {study} ran. {STOPS}"
    return ""
