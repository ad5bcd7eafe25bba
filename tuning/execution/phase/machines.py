"""Ray as one open study uses it: joined or started when first needed, its slots kept from phase to phase."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import TYPE_CHECKING

from tuning.execution.phase.places import STOPS
from tuning.execution.reachable import given_address
from tuning.execution.session import Session, open_session

if TYPE_CHECKING:
    from trainables.core.ray.slots import Slots


class Machines:
    """A context. `noted` hears what a person should know of what others have taken."""

    def __init__(self, study: str, noted: Callable[[str], None], verbose: bool = False) -> None:
        self.study, self._noted, self._verbose = study, noted, verbose
        self._opened = contextlib.ExitStack()
        self._session: Session | None = None
        self._slots: Slots | None = None

    def __enter__(self) -> Machines:
        return self

    def __exit__(self, *raised: object) -> None:
        self._session = self._slots = None
        self._opened.__exit__(*raised)  # ty: ignore[invalid-argument-type]

    def session(self) -> Session:
        """The connection to Ray."""
        if self._session is None:
            self._session = self._opened.enter_context(open_session(verbose=self._verbose))
            if self._session.wait:
                self._noted(self._session.wait)
        return self._session

    def slots(self) -> Slots:
        """The slots of the study, none of which is open before it is wanted."""
        if self._slots is None:
            from trainables.core.ray.slots import Alone, Slots

            self.session()
            self._slots = self._opened.enter_context(Slots(Alone(), name=self.study))
        return self._slots

    def begin_anew(self) -> None:
        """Give up what is left of Ray; it is started again when it is needed. Raises where it is not this study's own."""
        if self._session and not self._session.is_own:
            raise ConnectionError(f"The Ray at {given_address()} has lost all its machines. {STOPS}")
        self._noted("Ray has lost all its machines. It is started again, and the trials go on from their checkpoints.")
        self._session = self._slots = None
        with contextlib.suppress(Exception):  # whatever Ray says of its end
            self._opened.__exit__(RuntimeError, RuntimeError("Ray has no machine left."), None)
        self._opened = contextlib.ExitStack()
