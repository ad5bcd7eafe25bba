"""`prune`: what a home holds and nothing needs any more goes, with a reason for each."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock, Timeout

from trainables.core import files
from trainables.core.prepared.remaining import fingerprints_of
from trainables.core.prepared.stored import lock_path
from tuning.evidence.champion import served
from tuning.records import disposal
from tuning.records.home import home_of, known_studies, study_folders
from tuning.records.kept import store
from tuning.records.ledger import Ledger
from tuning.records.left_over import Part, left_over, num_bytes, unneeded
from tuning.records.mlflow_client import is_server
from tuning.records.moved_home import open_store
from tuning.records.owner import is_written

RUN = "MLflow run "  # before the id of a run, where a part is no file


@dataclasses.dataclass(frozen=True, kw_only=True)
class Pruning:
    """What nothing in `home` needs, or what of that was freed; `kept` says what could not be judged, and why."""

    home: Path
    parts: tuple[Part, ...]
    kept: tuple[str, ...] = ()

    @property
    def num_bytes(self) -> int:
        """What all parts take on the disk."""
        return sum(part.num_bytes for part in self.parts)


def plan_prune(*, home: str | Path | None = None) -> Pruning:
    """What `prune` will free of a home; nothing is changed.

    Prepared faces and drawn copies that no begun study refers to; features of frozen trunks; kept trainings of what is
    champion no more; weights of search trials that a
    search's end would free (`left_over.needed`); checkpoints of trials that ended; Ray's own results; what interrupted
    work left over; runs that were deleted in MLflow. Nothing of a study that runs, and while one runs nothing that studies
    share. Raises `ConnectionError` where MLflow does not answer.
    """
    place = home_of(home)
    uri = open_store(place)
    kept: list[str] = []
    parts = list(_files(place, uri, kept))
    running = [study for study in known_studies(place) if is_written(place / study)]
    if not is_server(uri):  # the trash of a server is its owner's
        runs = disposal.deleted_runs(uri, but=running)
        parts += [_run(run_id, folder) for run_id, folder in runs.items()]
    return Pruning(home=place, parts=tuple(parts), kept=tuple(kept))


def prune(plan: Pruning | None = None, *, home: str | Path | None = None) -> Pruning:
    """Free what `plan` lists, of its home, and what still nothing needs; without one all of `plan_prune(home=home)`.

    A study is locked while something of it goes, a prepared data set likewise; what somebody uses by now stays.
    """
    plan = plan or plan_prune(home=home)
    place, wanted = plan.home, {part.what for part in plan.parts}
    uri = open_store(place)
    freed: list[Part] = []
    for lock in _locks(place, wanted):
        with contextlib.suppress(Timeout), lock.acquire(timeout=0) if lock else contextlib.nullcontext():
            ours = Path(lock.lock_file) if lock else None
            for part in list(_files(place, uri, [], ours=ours)):
                if part.what in wanted and _lock(place, part.what) == ours:
                    _delete(place / part.what)
                    freed.append(part)
    if any(what.startswith(RUN) for what in wanted):
        running = [study for study in known_studies(place) if is_written(place / study)]
        runs = disposal.deleted_runs(uri, but=running)
        going = {run_id: folder for run_id, folder in runs.items() if f"{RUN}{run_id}" in wanted}
        freed += [_run(run_id, folder) for run_id, folder in going.items()]
        disposal.purge(uri, going)
    return Pruning(home=place, parts=tuple(freed))


def _files(home: Path, uri: str, kept: list[str], *, ours: Path | None = None) -> Iterator[Part]:
    """The files and folders that may go; a study whose lock is `ours` counts as one that does not run."""
    for path in left_over(home, ours=ours):
        yield _part(home, path, "left over by interrupted work")
    running = False
    for study in study_folders(home):
        if study / files.LOCK != ours and is_written(study):
            running = True
            kept.append(f"{study.name} is running: nothing of it goes, and nothing that studies share")
            continue
        try:
            ledger = Ledger.read(study)
        except ValueError as error:
            kept.append(f"{study.name} cannot be read, so nothing of it goes: {error}")
            continue
        yield from _of_study(home, ledger)
    if not running:
        yield from _shared(home, kept)
        yield from _of_champions(home, uri)


def _of_study(home: Path, ledger: Ledger) -> Iterator[Part]:
    if (ledger.folder / files.RAY).exists():
        yield _part(home, ledger.folder / files.RAY, "Ray's own results, which no resumed study reads")
    for path, reason in unneeded(ledger):
        yield _part(home, path, reason)


def _shared(home: Path, kept: list[str]) -> Iterator[Part]:
    """Prepared faces and drawn copies that no study refers to, and all shared features.

    None where a study does not tell what it refers to.
    """
    studies = list(study_folders(home))
    fingerprints, roots = set(), []
    for study in studies:
        try:
            facts = [event for event in Ledger.read(study).events if event["event"] == "study"]
        except ValueError:
            kept.append(f"prepared faces and drawn copies stay: {study.name} does not tell which are its own")
            return
        fingerprints |= {event["dataset_fingerprint"][:12] for event in facts if "dataset_fingerprint" in event}
        roots += [Path(event["data_root"]) for event in facts if event.get("data_root")]
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            fingerprints.add(json.loads((study / files.SPLITS).read_text())["fingerprint"][:12])
    for folder in sorted((home / files.PREPARED).glob("[!.]*-*")):
        known = {folder.name.rpartition("-")[2], *(one[:12] for one in fingerprints_of(folder))}
        if not known & fingerprints:
            yield _part(home, folder, "prepared faces of no begun study")
            continue
        for features in sorted(folder.glob(files.FEATURES.format(key="*"))):
            yield _part(home, features, "features of a frozen trunk, which are computed again where they are asked for")
    names = {study.name for study in studies}
    for folder in sorted((home / files.DRAWN).glob("[!.]*")):
        if folder.name not in names and not any(root.is_relative_to(folder) for root in roots):
            yield _part(home, folder, "drawn data of no begun study")


def _of_champions(home: Path, uri: str) -> Iterator[Part]:
    """Kept trainings of configurations that are no champion any more, and damaged ones."""
    found = store.kept_files(home)
    champions = served(uri) if found else []  # else nothing of MLflow's is made or asked
    for path in found:
        try:
            key = store.facts_of(path)["key"]
        except store.Damaged:
            yield _part(home, path, "a kept training that is damaged")
            continue
        if (key["trainable"], key["configuration"]) not in champions:
            yield _part(home, path, "a kept training of a champion that is champion no more")


def _part(home: Path, path: Path, reason: str) -> Part:
    return Part(what=path.relative_to(home).as_posix(), reason=reason, num_bytes=num_bytes(path))


def _run(run_id: str, folder: Path | None) -> Part:
    return Part(what=f"{RUN}{run_id}", reason="deleted in MLflow", num_bytes=num_bytes(folder) if folder else 0)


def _locks(home: Path, wanted: set[str]) -> list[FileLock | None]:
    """The locks under which what is wanted goes; `None` where something needs none."""
    paths = {_lock(home, what) for what in wanted if not what.startswith(RUN)}
    return [FileLock(path) if path else None for path in sorted(paths, key=str)]


def _lock(home: Path, what: str) -> Path | None:
    """Whose lock guards a part: its study's, its prepared data set's; `None` for what nobody takes up again."""
    first, *rest = Path(what).parts
    if first == files.PREPARED and rest:
        name = rest[0][1:].rsplit(".", 2)[0] if rest[0].startswith(".") else rest[0]
        return lock_path(home / files.PREPARED / name)
    return home / first / files.LOCK if (home / first / files.LEDGER).exists() else None


def _delete(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
