"""Cropping the clips of a data set on all machines of a Ray cluster that can read its files."""

from __future__ import annotations

import contextlib
import heapq
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from trainables.core.prepared.cropping import KILLED, Finder, Outcome, can_be_sent, crop, cropped_clips
from trainables.core.prepared.stored import Dropped
from trainables.core.wording import counted
from trainables.data.core.dataset import Dataset, Sample
from tuning.execution.devices.nodes import Node
from tuning.execution.reachable import given_address
from tuning.execution.session import alive_nodes, look_ahead, open_session

MOST_TRIES = 3  # of a clip that its process ends with: then the clip is the cause, not the machine
AHEAD = 4  # clips for each process that may be done before an earlier one is: what waits lies in memory
NUM_LOOKED_FOR = 100  # files at least, spread over the data, by which a machine is known to have it
PATIENCE_S = 60.0  # for the first process on another machine to begin


def crop_on_nodes(
    dataset: Dataset, finder: Finder, size: int, *, tell: Callable[[str], None] = lambda words: None
) -> Generator[Outcome]:
    """What `cropped_clips` yields, worked out on every CPU of the Ray that there is to join (`$RAY_ADDRESS`).

    Without one, or where it is a single machine, the clips are cropped here. A machine that cannot read the files is left
    out and told. What a lost machine had in work is done on another; where none is left, here.
    """
    if not (given_address() and can_be_sent((dataset.read, finder)) and len(look_ahead()) > 1):
        yield from cropped_clips(dataset, finder, size)
        return
    import ray  # a second of imports

    with contextlib.nullcontext() if ray.is_initialized() else open_session():
        work = ray.put((replace(dataset, samples=[], folds=[]), finder, size))
        processes = _Processes(work, dataset.samples, tell)
        try:
            yield from processes.outcomes()
        finally:
            processes.end()
    if rest := dataset.samples[processes.num_yielded :]:
        tell(f"No machine of the cluster is left to crop on: {counted(len(rest), 'more clip')} to crop here.")
        yield from cropped_clips(replace(dataset, samples=rest, folds=[]), finder, size)


class _Cropper:
    """The actor: one process, on one CPU, that crops one clip after another."""

    def __init__(self, work: tuple[Dataset, Finder, int]) -> None:
        self._dataset, self._finder, self._size = work

    def finds(self, sizes: Mapping[Path, int]) -> bool:
        """Whether these files are all here, of these bytes: a machine without the disk of the data has none of them."""
        return bool(sizes) and all(path.exists() and path.stat().st_size == size for path, size in sizes.items())

    def crop(self, sample: Sample) -> Outcome:
        return crop(self._dataset, self._finder, sample, self._size)


@dataclass(eq=False)
class _Process:
    """One actor and the machine that it is on."""

    actor: Any
    node: Node


class _Processes:
    """One process for each CPU of the cluster, and the clips that they have in work."""

    def __init__(self, work: Any, samples: Sequence[Sample], tell: Callable[[str], None]) -> None:
        self._work, self._samples, self._tell = work, samples, tell
        self.num_yielded = 0
        paths = [path for sample in samples for path in sample.paths[:1] if path.exists()]
        self._sizes = {path: path.stat().st_size for path in paths[:: max(len(paths) // NUM_LOOKED_FOR, 1)]}
        self._todo = list(range(len(samples)))  # a heap
        self._tries = [0] * len(samples)
        self._done: dict[int, Outcome] = {}
        self._idle: list[_Process] = []
        self._beginning: dict[Any, _Process] = {}  # by what they answer once they have begun
        self._busy: dict[Any, tuple[_Process, int]] = {}  # by what they will answer: the process, and its clip
        self._without_files: set[Node] = set()
        for node in alive_nodes():
            for _ in range(min(int(node.num_cpus), len(samples))):
                self._begin(node)

    def outcomes(self) -> Iterator[Outcome]:
        """What becomes of each clip, in order; it ends early where no process is left."""
        deadline = time.monotonic() + PATIENCE_S
        while self.num_yielded < len(self._samples):
            self._hand_out()
            if not self._busy and (not self._beginning or time.monotonic() > deadline):
                return
            self._hear()
            while self.num_yielded in self._done:
                self.num_yielded += 1
                yield self._done.pop(self.num_yielded - 1)

    def end(self) -> None:
        """End all processes, whatever they have in work."""
        import ray

        for process in [*self._idle, *self._beginning.values(), *(process for process, _ in self._busy.values())]:
            ray.kill(process.actor)

    def _begin(self, node: Node) -> None:
        import ray
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        here = NodeAffinitySchedulingStrategy(node.node_id, soft=False)
        actor: Any = ray.remote(_Cropper).options(num_cpus=1, scheduling_strategy=here).remote(self._work)
        self._beginning[actor.finds.remote(self._sizes)] = _Process(actor, node)

    def _hand_out(self) -> None:
        """A clip to each idle process, but none far ahead of the first that is still to come."""
        furthest = self.num_yielded + AHEAD * (len(self._idle) + len(self._busy))
        while self._idle and self._todo and self._todo[0] < furthest:
            process, index = self._idle.pop(), heapq.heappop(self._todo)
            self._busy[process.actor.crop.remote(self._samples[index])] = (process, index)

    def _hear(self) -> None:
        """Take what the next process has to say, in a second at most."""
        import ray
        from ray.exceptions import RayActorError, RayTaskError

        answered, _ = ray.wait([*self._busy, *self._beginning], timeout=1.0)
        for answer in answered:
            try:
                said = ray.get(answer)
            except RayTaskError:
                raise
            except RayActorError:
                self._lost(answer)
                continue
            if answer in self._beginning:
                self._begun(self._beginning.pop(answer), finds=said)
            else:
                process, index = self._busy.pop(answer)
                self._done[index] = said
                self._idle.append(process)

    def _begun(self, process: _Process, *, finds: bool) -> None:
        import ray

        if finds:
            self._idle.append(process)
            return
        ray.kill(process.actor)
        if process.node not in self._without_files:
            self._without_files.add(process.node)
            self._tell(
                f"One machine of the cluster, {process.node.name}, cannot read the files of the data: it does not crop. "
                "Mount their folder there under the same path to have its help."
            )

    def _lost(self, answer: Any) -> None:
        """A process ended. Its clip is taken again, but for one that ended several; in its place another begins."""
        if self._beginning.pop(answer, None):
            return
        process, index = self._busy.pop(answer)
        self._tries[index] += 1
        if self._tries[index] == MOST_TRIES:
            self._done[index] = Dropped(clip_id=self._samples[index].clip_id, reason=KILLED)
        else:
            heapq.heappush(self._todo, index)
        if process.node in alive_nodes():
            self._begin(process.node)
