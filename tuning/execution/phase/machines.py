"""Ray as one open study uses it: joined or started when first needed, its slots kept from phase to phase."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from tuning.execution.devices.placement import Fit, Placement
from tuning.execution.phase.places import STOPS
from tuning.execution.reachable import given_address
from tuning.execution.session import Session, open_session
from tuning.execution.sharing.share import Alone, Share, share_of
from tuning.execution.sharing.shares import SlotNeed
from tuning.execution.storage.shared import require_shared

if TYPE_CHECKING:
    from trainables.core.ray.slots import Slots


class Machines:
    """What of a Ray the study `folder` of a home uses, as a context.

    Every machine has to see that folder and the `prepared` clips. `noted` hears what a person should know of others on a
    cluster.
    """

    def __init__(self, folder: Path, prepared: Path, noted: Callable[[str], None], verbose: bool = False) -> None:
        self.study, self._folder, self._prepared = folder.name, folder, prepared
        self._noted, self._verbose = noted, verbose
        self._opened = contextlib.ExitStack()
        self._session: Session | None = None
        self._slots: Slots | None = None

    def __enter__(self) -> Machines:
        return self

    def __exit__(self, *raised: object) -> None:
        self._session = self._slots = None
        self._opened.__exit__(*raised)  # ty: ignore[invalid-argument-type]

    def session(self) -> Session:
        """The connection to Ray. Raises `ValueError` where a machine of it does not see the study's files."""
        if self._session is None:
            self._session = self._opened.enter_context(open_session(verbose=self._verbose))
            if self._session.wait:
                self._noted(self._session.wait)
            require_shared(self._session, self._folder, self._prepared, self._noted)
        return self._session

    def slots(self, fit: Fit, placement: Placement) -> Slots:
        """The slots of the study, none of which is open before it is wanted.

        Raises `StudyBusy` where another driver on the cluster runs the study.
        """
        if self._slots is None:
            from trainables.core.ray.slots import Slots

            share = self._opened.enter_context(self._share(fit, placement))
            self._slots = self._opened.enter_context(Slots(share, name=self.study))
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

    def _share(self, fit: Fit, placement: Placement) -> Alone | Share:
        each = {"cpus_per_worker": placement.cpus_per_worker, "gpus_per_worker": fit.gpus_per_worker}
        need = SlotNeed(workers=placement.workers, **each)
        return share_of(self._folder.parent, self.study, priority=placement.priority, slot=need)
