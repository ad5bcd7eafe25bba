"""What may go from a home, and how much it frees: what interrupted work left over, and what no trial of a study needs."""

from __future__ import annotations

import contextlib
import dataclasses
import re
import time
from collections.abc import Iterator
from pathlib import Path

from trainables.core import files
from trainables.core.prepared.splits import load_splits
from trainables.core.prepared.stored import lock_path
from trainables.core.training.metrics import METRICS
from trainables.core.wording import counted, size
from trainables.data.core.dataset import DataError
from tuning.records.front.told import members_of
from tuning.records.home import ROOT, known_studies, study_folders
from tuning.records.ledger import Ledger, Trial, objective_values
from tuning.records.owner import is_locked, is_written
from tuning.statistics import pareto

ABANDONED_AFTER_S = 3600.0  # a drawing takes minutes, a kept training less; neither has a lock
NEVER_AGAIN = ("search", "nested_search")  # phases whose failed trials no later run takes up
KEEPS = ("needed", "all")  # what `--keep-weights` takes
REMOVED = ".removed"  # how the name of a study's folder ends while it goes


@dataclasses.dataclass(frozen=True, kw_only=True)
class Part:
    """One thing that may go: `what` it is (a path in the home, or a run of MLflow), why, and the bytes that it takes."""

    what: str
    reason: str
    num_bytes: int


def left_over(home: Path, *, ours: Path | None = None) -> list[Path]:
    """Files and folders under `home` that interrupted work left half done, and damaged ones that were set aside.

    What is behind a lock that somebody holds is none of them, unless the lock is `ours`.
    """
    return sorted({*_of_data(home, ours), *_of_studies(home, ours)})


def unneeded(ledger: Ledger) -> Iterator[tuple[Path, str]]:
    """The files of the trials of a study that runs no more which nothing needs, each with the reason.

    Checkpoints of trials that ended, and weights of search trials that are not `needed`.
    """
    kept = needed(ledger)
    for trial in ledger.trials.values():
        folder = ledger.trial_folder(trial.trial_id)
        ended = trial.state == "FINISHED" or (trial.phase in NEVER_AGAIN and not trial.halted)
        for path in files.checkpoint_files(folder) if ended else ():
            yield path, "checkpoint of a trial that ended"
        if trial.phase == "search" and trial.trial_id not in kept and (folder / files.WEIGHTS).exists():
            yield folder / files.WEIGHTS, "weights of a trial with no real chance to be on the front, not confirmed"


def free(ledger: Ledger) -> str:
    """Delete of a search that has ended what no trial needs, drafts included; a sentence on it, `""` where no weights went."""
    num_weights, freed = 0, 0
    for path in [*(path for path, _ in unneeded(ledger)), *_of_trials(ledger.folder)]:
        with contextlib.suppress(OSError):  # it does no harm where it is
            count = num_bytes(path)
            path.unlink()
            num_weights, freed = num_weights + (path.name == files.WEIGHTS), freed + count
    if not num_weights:
        return ""
    num_trials = len(ledger.of_phase("search"))
    return (
        f"The weights of {num_weights} of {counted(num_trials, 'trial')} are deleted, as nothing needs them: {size(freed)} "
        "are free. Their results stay, and `confirm` trains any of them again; --keep-weights all keeps weights."
    )


def needed(ledger: Ledger) -> set[str]:
    """The search trials whose weights are kept (docs/decisions/0023).

    Those on the front, its members, or with a real chance to be on it (`pareto.not_ruled_out`); the confirmed and the promoted
    ones; those that a study of the home starts from; those that nothing is compared with any more, or that trained on earlier
    data, as nothing could train them again. All of them where the study says so, and where it cannot be judged: while one of
    them is to go on, and where nobody knows how certain an objective is, or on which people it was measured.
    """
    if ledger.study.get("keep_weights") == "all":
        return set(ledger.trials)
    searched, incomparable = ledger.of_phase("search"), ledger.incomparable
    by_search: dict[str, list[Trial]] = {}
    for trial in ledger.finished("search"):
        if trial.trial_id not in incomparable:
            by_search.setdefault(trial.variant, []).append(trial)
    goes_on = any(trial.halted for trial in searched)
    judged = searched if goes_on else [one for search in by_search.values() for one in _with_a_chance(ledger, search)]
    return {
        *(trial.trial_id for trial in judged),
        *ledger.selection.get("front", []),
        *members_of(ledger),
        *incomparable,
        *(trial.trial_id for trial in ledger.trials.values() if trial.data_version != ledger.data_version),
        *(trial.of for trial in ledger.trials.values() if trial.of),
        *(event["of"] for event in ledger.events if event["event"] == "promoted"),
        *_started_from(ledger),
    }


def _with_a_chance(ledger: Ledger, trials: list[Trial]) -> list[Trial]:
    """Those of the finished `trials` of one search that have a real chance to be on its front, or cannot be judged."""
    metrics = [metric for metric, _ in ledger.study.get("objectives", [])]
    known = [METRICS.get(metric) for metric in metrics]
    if not metrics or any(one is None or (one.measure and not one.share_of_clips) for one in known):
        return trials
    try:
        splits = load_splits(ledger.folder / files.SPLITS)
        views = [splits.view("search", fold).validation for fold in {fold for trial in trials for fold in trial.folds}]
    except (DataError, IndexError):
        return trials
    if not (count := len(set().union(*views))):
        return trials
    counts = [count if one and one.share_of_clips else None for one in known]
    directions = [direction for _, direction in ledger.study["objectives"]]
    kept = pareto.not_ruled_out([objective_values(trial, metrics) for trial in trials], directions, counts)
    return [trial for trial, stays in zip(trials, kept, strict=True) if stays]


def _started_from(ledger: Ledger) -> set[str]:
    """The trials of this study whose weights are those that a begun study of the home starts from."""
    trials, found = (ledger.folder / files.TRIALS).resolve(), set()
    for folder in study_folders(ledger.folder.parent):
        try:
            other = Ledger.read(folder)
        except ValueError:  # it does not go on as it is, whatever it started from
            continue
        for weights in _asked_for(other):
            path = (ROOT / Path(weights).expanduser()).resolve()  # as `sources.path_of` has it
            if path.is_relative_to(trials):
                found.add(path.relative_to(trials).parts[0])
    return found


def _asked_for(ledger: Ledger) -> set[str]:
    """The `weights` of all that a study has begun or may begin yet: variants, and choices that no trial has drawn."""
    facts = ledger.study
    variants = ((facts.get("design") or {}).get("variants") or {}).values()
    given = (facts.get("settings", {}), *variants, *(trial.parameters for trial in ledger.trials.values()))
    choices = re.findall(r"'([^']+)'", facts.get("space", {}).get("weights", ""))  # the space stands there in words
    return {*choices, *(str(one["weights"]) for one in given if "weights" in one)}


def num_bytes(path: Path) -> int:
    """What the file or folder at `path` takes on the disk, links not followed; 0 where there is none."""
    if path.is_dir() and not path.is_symlink():
        return sum(num_bytes(found) for found in path.iterdir())
    try:
        return path.lstat().st_size
    except FileNotFoundError:
        return 0


def _of_data(home: Path, ours: Path | None) -> Iterator[Path]:
    prepared = home / files.PREPARED
    drafts = {draft: prepared / draft.name[1:].rsplit(".", 2)[0] for draft in prepared.glob(".*.tmp")}
    drafts |= {
        draft: prepared / draft.name[1 : -len(".part")] for draft in prepared.glob(files.DRAFT.format(folder="*"))
    }
    drafts |= {
        derived: derived.parent for kind in ("frames", "features") for derived in prepared.glob(f"*/{kind}_*.tmp")
    }
    for draft, folder in drafts.items():
        if lock_path(folder) == ours or not is_locked(lock_path(folder)):
            yield draft
    without_lock = [*(home / files.DRAWN).glob(".*.drawing-*"), *(home / files.KEPT_TRAININGS).glob("*/.*.tmp")]
    for draft in without_lock:
        with contextlib.suppress(FileNotFoundError):  # it is through
            if time.time() - max(found.lstat().st_mtime for found in (draft, *draft.rglob("*"))) > ABANDONED_AFTER_S:
                yield draft


def _of_studies(home: Path, ours: Path | None) -> Iterator[Path]:
    yield from home.glob(f".*{REMOVED}")
    for study in known_studies(home):
        folder = home / study
        if folder / files.LOCK == ours or not is_written(folder):
            yield from folder.glob("*.tmp")
            yield from folder.glob(files.DAMAGED_LEDGER)
            yield from _of_trials(folder)


def _of_trials(study: Path) -> Iterator[Path]:
    yield from (study / files.TRIALS).glob("*/*.tmp")
    yield from (study / files.TRIALS).glob(f"*/{files.DAMAGED}*")
