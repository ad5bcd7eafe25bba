"""The searcher that models quality: its next proposal is worked out in a thread of its own while trials run."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Hashable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from search_spaces.core.study import Study
from tuning.execution.search.ehvi import Ehvi
from tuning.execution.search.first_points import first_points
from tuning.execution.search.foreseen import SECONDS, seconds_of
from tuning.execution.search.history import History, Point
from tuning.execution.search.proposal import Proposal
from tuning.execution.search.space import Space, is_open
from tuning.execution.seeds import search_seed
from tuning.records.ledger import Trial, objective_values


class ModelSearcher:
    """Expected hypervolume improvement over a study's parameters, `num_samples` trials in all.

    `begun`, `first` and `changes` are those of `OptunaSearcher`, `again` is that of `Ehvi`. A proposal follows from what
    was asked and told before it, whenever that was and however long it took to work out.
    """

    def __init__(
        self,
        study: Study,
        *,
        num_samples: int,
        begun: Sequence[Trial],
        first: Sequence[Trial] = (),
        changes: Mapping[str, Any] | None = None,
        again: bool = True,
    ) -> None:
        self._study, self._number, self._num_samples = study, len(begun), num_samples
        self._metrics = [objective.metric for objective in study.objectives]
        self._space, self._repeats = Space(study, changes), again
        self._model = Ehvi(study, self._space, changes=changes, again=again)
        self._tried = self._space.tried(begun)
        self._failed: set[Hashable] = set()
        self._ended: list[tuple[Point, Mapping[str, float]]] = []
        self._running: list[dict[str, Any]] = []
        self.exhausted = False
        before = [self._space.point(trial.parameters) for trial in begun]
        again_first = [trial.parameters for trial in first if self._space.admits(trial.parameters)]
        points = map(self._space.point, (*again_first, *first_points(study, self._space, num_samples)))
        self._first = deque(one for one in points if not any(one.items() <= point.items() for point in before))
        for trial in begun:
            self._note(trial)
        self._running += [self._space.point(t.parameters) for t in begun if t.halted and self._space.fits(t.parameters)]
        self._threads = ThreadPoolExecutor(1, "proposal")
        self._next: Future[Proposal | None] | None = None
        self._prepare()

    @property
    def ready(self) -> bool:
        """Whether `ask` answers at once: the proposal is there, and what runs cannot make one of nothing."""
        if self._next is None:
            return True
        return self._next.done() and not (self._repeats and self._running and self._answers_nothing())

    def ask(self) -> Trial | None:
        """As any searcher; it waits where it is not `ready`. Raises what working the proposal out raised."""
        if self._next is None:
            return None
        proposal = self._next.result()
        if proposal is None:
            self.exhausted = True
            return None
        if self._first:
            self._first.popleft()
        self._tried.add(self._space.identity(proposal.point))
        self._running.append(proposal.point)
        seed = search_seed(self._study.seed, self._number)
        self._number += 1
        self._prepare()
        return Trial(
            phase="search",
            parameters=proposal.point,
            seed=seed,
            folds=self._study.search_folds,
            proposed=proposal.facts(),
        )

    def tell(self, trial: Trial) -> None:
        """As any searcher."""
        point = self._space.point(trial.parameters)
        if point in self._running:
            self._running.remove(point)
        if is_open(trial):
            self._tried.discard(self._space.identity(trial.parameters))
        self._note(trial)
        self._prepare()

    def _answers_nothing(self) -> bool:
        assert self._next is not None
        return self._next.exception() is None and self._next.result() is None

    def _note(self, trial: Trial) -> None:
        """What `trial` teaches, where it finished and fits today's space; one that failed is tried again last."""
        if is_open(trial):
            self._failed.add(self._space.identity(trial.parameters))
        values = objective_values(trial, self._metrics)
        if trial.state == "FINISHED" and all(map(math.isfinite, values)) and self._space.admits(trial.parameters):
            found = {**dict(zip(self._metrics, values, strict=True)), SECONDS: seconds_of(trial)}
            self._ended.append((self._space.point(trial.parameters), found))

    def _prepare(self) -> None:
        """Begin to work out the next proposal, from what is known now; what was begun before is of no use."""
        if self._next is not None:
            self._next.cancel()
        if self._number >= self._num_samples:
            self._next = None
            return
        history = History(
            ended=tuple(self._ended),
            running=tuple(self._running),
            number=self._number,
            closed=frozenset(self._tried),
            failed=frozenset(self._failed),
            given=self._first[0] if self._first else {},
        )
        self._next = self._threads.submit(self._model.propose, history)
