"""What a racer answered in the folds of a race, as the gate tests it: clip by clip, without the recorded set."""

from __future__ import annotations

import statistics
from collections.abc import Collection, Mapping, Sequence

import numpy as np
import pandas as pd

from trainables.core.wording import counted
from tuning.evidence.holdout import predictions_of, study_at_starts
from tuning.evidence.race import Course
from tuning.records.aliases import CHAMPION
from tuning.records.ledger import Ledger, Trial
from tuning.statistics import ensembles
from tuning.statistics.pairing import judged
from tuning.statistics.savings import Costs
from tuning.statistics.superiority import Candidate


def trainings_of(ledger: Ledger, course: Course, racer: str, folds: Collection[int]) -> dict[int, dict[int, Trial]]:
    """The finished trainings of `racer` (a member of `course`, or its champion) in each of `folds`, by seed."""
    variant = CHAMPION if racer == course.champion else ""
    found: dict[int, dict[int, Trial]] = {fold: {} for fold in folds}
    for trial in ledger.finished("race"):
        ours = (trial.of, trial.variant) == (racer, variant) and trial.folds[0] in found
        if ours and predictions_of(ledger, trial).exists():
            found[trial.folds[0]][trial.seed] = trial
    return found


def seeds_in_all(trainings: Mapping[int, Mapping[int, Trial]]) -> list[int]:
    """The seeds that every fold was trained with."""
    return sorted(set.intersection(*(set(found) for found in trainings.values()))) if trainings else []


def candidate(
    ledger: Ledger,
    name: str,
    trainings: Mapping[int, Mapping[int, Trial]],
    *,
    seeds: Sequence[int],
    num_members: int,
    left_out: Collection[str],
    subjects_are: str,
) -> Candidate:
    """`name` by its `trainings` with `seeds` in each fold, without the clips that are `left_out`.

    Of several `num_members`, as many seeds answer together with the mean of their probabilities.
    """
    chosen = {fold: [found[seed] for seed in seeds] for fold, found in trainings.items()}
    tables = [_answers(ledger, fold, runs, left_out, together=num_members > 1) for fold, runs in chosen.items()]
    runs = [run for of_fold in chosen.values() for run in of_fold]
    return Candidate(
        name=name,
        answers=pd.concat([table for table in tables if len(table)], ignore_index=True),
        costs=Costs(
            param_count=num_members * statistics.fmean(run.metrics["param_count"] for run in runs),
            train_times_s=tuple(num_members * run.metrics.get("train_time_s", np.nan) for run in runs),
            timed_on=timed_on(ledger, runs),
        ),
        subjects_are=subjects_are,
    )


def _answers(
    ledger: Ledger, fold: int, runs: Sequence[Trial], left_out: Collection[str], *, together: bool
) -> pd.DataFrame:
    tables = [judged(predictions_of(ledger, run)).set_index("clip_id").sort_index() for run in runs]
    first = tables[0]
    if together:
        logits = np.stack([np.stack(table["logits"].to_list()).astype(float) for table in tables])
        correct = ensembles.parts(logits, first["label"].to_numpy())
    else:
        correct = np.stack([table["correct"].to_numpy(dtype=float) for table in tables], axis=1)
    found = pd.DataFrame({"clip_id": first.index, "subject": first["subject_id"].to_numpy(), "fold": fold})
    found["label"] = first["label"].to_numpy()
    found = pd.concat([found, pd.DataFrame(correct, columns=list(range(correct.shape[1])))], axis=1)
    return found[~found["clip_id"].isin(list(left_out))]


def timed_on(ledger: Ledger, runs: Sequence[Trial]) -> str:
    """Under which conditions the times of `runs` were measured: device, workers, and how many trials could run at once."""
    at_once = study_at_starts(ledger, "concurrency")
    conditions = {(trial.device, len(trial.workers), _at_once(trial, at_once[trial.trial_id][-1])) for trial in runs}
    return " and ".join(
        f"{device or 'an unknown device'}, {counted(workers, 'worker')} a trial, {count} at once"
        for device, workers, count in sorted(conditions)
    )


def _at_once(trial: Trial, in_study: int | None) -> str:
    """As how many trials ran at once where it was trained, which may have been another study."""
    return str((trial.taken_from.get("concurrency") if trial.taken_from else in_study) or "an unknown number")
