"""Cropping all clips of a data set, in this process or in several, in the order of its samples."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import pickle
import signal
import sys
import threading
from collections import deque
from collections.abc import Callable, Generator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from typing import Any

from trainables.core.faces.clip import CroppedClip, Finder
from trainables.core.prepared.stored import Dropped
from trainables.core.prepared.told import cropped
from trainables.data.core.dataset import DataError, Dataset, Sample
from trainables.data.core.kinds import is_for_ffmpeg

CLIPS_PER_PROCESS = 40  # a process takes as long to start, importing torch, as it takes to crop this many clips
FEW_FILES = 8  # of given faces: a clip of fewer takes longer to send to another process than to read
KILLED = "the process that read it was killed: a fault of the decoder, or no memory was left"


Outcome = CroppedClip | Dropped
_Work = tuple[Dataset, Finder, int]  # what each process remembers


def cropped_clips(dataset: Dataset, finder: Finder, size: int, num_processes: int | None = None) -> Generator[Outcome]:
    """For each sample of `dataset`, in order, its face crops of `size` px or the reason for dropping it.

    Where it is closed before its end, or interrupted, its processes end at once; close it in a `contextlib.closing`.
    """
    apart = num_processes is None and _holds_videos(dataset)  # a decoder's fault ends the process that it is in
    if num_processes is None:
        num_processes = 1 if _is_trifling(dataset) else _worthwhile(len(dataset.samples))
    # A reader that closes over local state cannot be sent to another process; here it works all the same.
    if (num_processes < 2 and not apart) or not can_be_sent((dataset.read, finder)):
        for sample in dataset.samples:
            yield crop(dataset, finder, sample, size)
        return
    yield from _in_processes((replace(dataset, samples=[], folds=[]), finder, size), dataset.samples, num_processes)


def _in_processes(remembered: _Work, samples: list[Sample], num_processes: int) -> Generator[Outcome]:
    """What becomes of each of `samples`, in order. A clip that ends the process it is in is dropped, and no other is."""
    num_done = 0
    while num_done < len(samples):
        waiting: deque[Future] = deque()
        with contextlib.suppress(BrokenProcessPool), _pool(num_processes, remembered) as submit:
            # no more than a few clips wait in memory, however far the disk lags behind
            for sample in samples[num_done : num_done + 2 * num_processes]:
                waiting.append(submit(_crop_remembered, sample))
            while waiting:
                outcome = waiting[0].result()
                waiting.popleft()
                num_done += 1
                yield outcome
                following = num_done + len(waiting)
                if following < len(samples):
                    waiting.append(submit(_crop_remembered, samples[following]))
            continue
        # A process was killed: which of the clips in work did that, each tells alone.
        for sample in samples[num_done : num_done + 2 * num_processes]:
            yield _cropped_alone(remembered, sample)
            num_done += 1


def _cropped_alone(remembered: _Work, sample: Sample) -> Outcome:
    with contextlib.suppress(BrokenProcessPool), _pool(1, remembered) as submit:
        submit(int).result()
        try:
            return submit(_crop_remembered, sample).result()
        except BrokenProcessPool:
            return Dropped(clip_id=sample.clip_id, reason=KILLED)
    raise RuntimeError("The processes that crop clips end as soon as they begin; what they say stands above.")


@contextlib.contextmanager
def _pool(num_processes: int, remembered: _Work) -> Generator[Callable[..., Future]]:
    """What has a function called in one of several processes; they end with the block, at once where it is left early."""
    # Spawned, because forking a process that runs threads, as torch does, can deadlock.
    pool = ProcessPoolExecutor(num_processes, multiprocessing.get_context("spawn"), _remember, remembered)

    def submit(*call: Any) -> Future:
        with _deaf_to_ctrl_c(), _without_main():  # here the processes begin
            return pool.submit(*call)

    try:
        yield submit
    except BaseException:
        for worker in list((pool._processes or {}).values()):
            worker.terminate()  # a clip can take minutes
        raise
    finally:
        pool.shutdown(cancel_futures=True)


@contextlib.contextmanager
def _deaf_to_ctrl_c() -> Generator[None]:
    """Processes that begin here never hear Ctrl-C, which a terminal sends to all: their driver ends them."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextlib.contextmanager
def _without_main() -> Generator[None]:
    """Processes that begin here do not run the script again that this process runs: it need not guard its main part."""
    main = vars(sys.modules["__main__"])
    before = {key: main[key] for key in ("__file__", "__spec__") if key in main}
    main.pop("__file__", None)
    main["__spec__"] = None
    try:
        yield
    finally:
        main.update(before)


def crop(dataset: Dataset, finder: Finder, sample: Sample, size: int) -> Outcome:
    """The face crops of `sample`, of `size` px, or the reason for dropping it."""
    try:
        return cropped(finder.crop_clip, dataset.read(sample), size)
    except DataError as error:
        return Dropped(clip_id=sample.clip_id, reason=str(error))


_remembered: _Work | None = None  # set once in each worker process


def _remember(dataset: Dataset, finder: Finder, size: int) -> None:
    global _remembered
    _remembered = (dataset, finder, size)
    threading.Thread(target=_end_with_driver, daemon=True).start()


def _end_with_driver() -> None:
    """A driver that is killed cannot end its workers: they would wait for clips for ever."""
    driver = multiprocessing.parent_process()
    assert driver is not None
    driver.join()
    os._exit(1)


def _crop_remembered(sample: Sample) -> Outcome:
    assert _remembered is not None
    dataset, finder, size = _remembered
    return crop(dataset, finder, sample, size)


def _worthwhile(num_clips: int) -> int:
    try:
        num_cpus = len(os.sched_getaffinity(0))
    except AttributeError:  # macOS has no affinity
        num_cpus = os.cpu_count() or 1
    if num_clips < 2 * CLIPS_PER_PROCESS:
        return 1
    return min(num_cpus, num_clips // CLIPS_PER_PROCESS)


def _is_trifling(dataset: Dataset) -> bool:
    paths = dataset.samples[0].paths if dataset.samples else ()
    return dataset.faces == "given" and len(paths) < FEW_FILES and not any(is_for_ffmpeg(path) for path in paths)


def _holds_videos(dataset: Dataset) -> bool:
    return any(is_for_ffmpeg(path) for sample in dataset.samples for path in sample.paths)


def can_be_sent(things: object) -> bool:
    """Whether another process can rebuild `things`: what a script or notebook defines itself is there alone."""
    try:
        return b"__main__" not in pickle.dumps(things)
    except (pickle.PicklingError, AttributeError, TypeError):
        return False
