"""Cropping all clips of a data set, in this process or in several, in the order of its samples."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import pickle
import signal
import sys
import threading
from collections.abc import Generator, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import replace
from itertools import islice
from typing import Any, Protocol

import numpy as np

from trainables.core.prepared.faces import CroppedClip
from trainables.core.prepared.stored import Dropped
from trainables.data.core.dataset import DataError, Dataset, Sample
from trainables.data.core.frames import num_frames_announced
from trainables.data.core.kinds import is_video

CLIPS_PER_PROCESS = 40  # a process takes as long to start, importing torch, as it takes to crop this many clips
FEW_FILES = 8  # of given faces: a clip of fewer takes longer to send to another process than to read


class Finder(Protocol):
    """What finds the face of a clip; `settings` (JSON) is what its crops depend on."""

    @property
    def settings(self) -> dict[str, Any]: ...

    def crop_clip(self, frames: Iterable[np.ndarray], size: int) -> CroppedClip: ...


def cropped_clips(
    dataset: Dataset, finder: Finder, size: int, num_processes: int | None = None
) -> Generator[CroppedClip | Dropped]:
    """For each sample of `dataset`, in order, its face crops of `size` px or the reason for dropping it.

    Where it is closed before its end, or interrupted, its processes end at once; close it in a `contextlib.closing`.
    """
    if num_processes is None:
        num_processes = 1 if _is_trifling(dataset) else _worthwhile(len(dataset.samples))
    # A reader that closes over local state cannot be sent to another process; here it works all the same.
    if num_processes < 2 or not _can_be_sent((dataset.read, finder)):
        for sample in dataset.samples:
            yield _crop(dataset, finder, sample, size)
        return
    # Spawned, because forking a process that runs threads, as torch does, can deadlock.
    context = multiprocessing.get_context("spawn")
    remembered = (replace(dataset, samples=[], folds=[]), finder, size)
    pool = ProcessPoolExecutor(num_processes, context, _remember, remembered)
    samples = iter(dataset.samples)
    waiting: list[Future] = []

    def submit(count: int) -> None:
        with _deaf_to_ctrl_c(), _without_main():  # here the processes begin
            waiting.extend(pool.submit(_crop_remembered, sample) for sample in islice(samples, count))

    try:
        submit(2 * num_processes)  # no more than a few clips wait in memory, however far the disk lags behind
        while waiting:
            yield waiting.pop(0).result()
            submit(1)
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


def _crop(dataset: Dataset, finder: Finder, sample: Sample, size: int) -> CroppedClip | Dropped:
    num_read = 0

    def frames() -> Iterator[np.ndarray]:
        nonlocal num_read
        for frame in dataset.read(sample):
            num_read += 1
            yield frame

    try:
        clip = finder.crop_clip(frames(), size)
    except DataError as error:
        return Dropped(clip_id=sample.clip_id, reason=str(error))
    return replace(clip, stops_early=_stops_early(sample, num_read))


def _stops_early(sample: Sample, num_read: int) -> bool:
    """Whether the videos announce more than `num_read` frames, by more than a container errs that estimates them."""
    if not sample.paths or not all(is_video(path) for path in sample.paths):
        return False
    announced = sum(map(num_frames_announced, sample.paths))
    return announced - num_read > max(1, announced // 20)


_remembered: tuple[Dataset, Finder, int] | None = None  # set once in each worker process


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


def _crop_remembered(sample: Sample) -> CroppedClip | Dropped:
    assert _remembered is not None
    dataset, finder, size = _remembered
    return _crop(dataset, finder, sample, size)


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
    return dataset.faces == "given" and len(paths) < FEW_FILES and not any(is_video(path) for path in paths)


def _can_be_sent(things: object) -> bool:
    """Whether another process can rebuild `things`: what a script or notebook defines itself is there alone."""
    try:
        return b"__main__" not in pickle.dumps(things)
    except (pickle.PicklingError, AttributeError, TypeError):
        return False
