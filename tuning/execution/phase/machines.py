"""Ray as one open study uses it: joined or started when first needed, its slots kept from phase to phase."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from tuning.execution.devices.placement import Fit, Placement
from tuning.execution.phase.places import STOPS
from tuning.execution.reachable import given_address
from tuning.execution.session import Session, as_now, open_session
from tuning.execution.sharing.share import Alone, Share, share_of
from tuning.execution.sharing.shares import SlotNeed
from tuning.execution.storage.shared import require_shared

if TYPE_CHECKING:
    from trainables.core.ray.slots import Slots


JOIN_S = 120.0  # that the first machine may take to join a head that has none
POLL_S = 2.0


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
        """The connection to Ray, with the machines that there are now.

        A head that was begun anew answers before its machines have joined it: the first is waited for. Raises `ValueError`
        where a machine does not see the study's files.
        """
        if self._session is not None:
            self._session = as_now(self._session)
            return self._session
        opened = self._with_machines(self._opened.enter_context(open_session(verbose=self._verbose)))
        if opened.wait:
            self._noted(opened.wait)
        require_shared(opened, self._folder, self._prepared, self._noted)
        self._session = opened
        return opened

    def _with_machines(self, session: Session) -> Session:
        deadline, told = time.monotonic() + JOIN_S, False
        while not any(node.num_cpus or node.num_gpus for node in session.machines) and time.monotonic() < deadline:
            if not told:
                self._noted(f"Ray has no machine for trials yet. The first one is waited for, {JOIN_S:g} s at most.")
                told = True
            time.sleep(POLL_S)
            session = as_now(session)
        return session

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
