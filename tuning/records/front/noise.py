"""What the measured values of search trials vary by: read from their predictions, and from what stands beside a time."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Sequence

import numpy as np
import pandas as pd

from trainables.core import files
from trainables.core.training.metrics import METRICS, Metric
from trainables.core.training.predictions import Predictions
from tuning.records.ledger import Ledger, Trial, objective_values
from tuning.statistics.front_probability import Noise, influences, of_clips
from tuning.statistics.intervals import crossed, seed_sd
from tuning.statistics.units import subject_ids

SPREADS = {"train_time_s": "train_time_spread"}  # of a time, its standard error in seconds; old trials have none
MOST_GROUPS = 100  # of people who are drawn together where there are more: a group left out costs a measurement


def noises_of(ledger: Ledger, trials: Sequence[Trial], metrics: Sequence[str], num_clips: int) -> list[Noise | None]:
    """The noise of each of `metrics` over `trials`, `None` where it is exact.

    What follows from predictions varies by people, who are resampled for all trials together, and by the trial's seed. A
    trial whose predictions are gone or damaged varies as a rate on `num_clips` independent clips does.
    """
    known = [METRICS.get(metric) for metric in metrics]
    measured = [one for one in known if one is not None and one.measure is not None]
    answers = [_answers(ledger, trial) for trial in trials] if measured else []
    of_seed = seed_sd(seed_variances(ledger)) if measured else 0.0
    return [
        _of_rate(one, objective_values_of(trials, one.name), answers, num_clips, of_seed)
        if one is not None and one.measure is not None
        else _of_time(trials, metric)
        for metric, one in zip(metrics, known, strict=True)
    ]


def objective_values_of(trials: Sequence[Trial], metric: str) -> np.ndarray:
    """The values of one metric, `(N,)`; NaN where a trial has none."""
    return np.array([objective_values(trial, [metric])[0] for trial in trials])


def seed_variances(ledger: Ledger) -> list[tuple[float, int]]:
    """The variance between seeds of each configuration that was trained with several, with its degrees of freedom.

    Of search trials and trainings of an ablation on the present data, scored on the same people. The holdout's answers choose
    nothing, and those of a race, or of nested cross-validation, do not change who races.
    """
    groups: dict[str, list[Trial]] = {}
    for trial in tuple(ledger.trials.values()):
        counts = trial.data_version == ledger.data_version and trial.state == "FINISHED"
        if counts and trial.phase in ("search", "ablation"):
            given = trial.parameters if trial.trainable else ledger.effective(trial.parameters)
            key = [trial.phase, trial.trainable, trial.of, trial.variant, list(trial.folds), given]
            groups.setdefault(json.dumps(key, sort_keys=True, default=str), []).append(trial)
    found = []
    for group in groups.values():
        by_seed = {trial.seed: trial for trial in group}
        if len(by_seed) < 2:
            continue
        answers = [one for trial in by_seed.values() if (one := _answers(ledger, trial)) is not None]
        scores = (
            pd.concat([_by_person(one) for one in answers], axis=1).dropna() if len(answers) > 1 else pd.DataFrame()
        )
        if len(scores) > 1:
            found.append((crossed(scores.to_numpy())[1], len(answers) - 1))
    return found


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Answers:
    """What a trial answered: of each clip its person and its fold, `(C,)` each, beside the predictions."""

    subjects: np.ndarray
    folds: np.ndarray
    predictions: Predictions


def _answers(ledger: Ledger, trial: Trial) -> _Answers | None:
    """The predictions of a trial; `None` where they are gone or damaged."""
    try:
        table = pd.read_parquet(ledger.trial_folder(trial.trial_id) / files.PREDICTIONS)
        logits = np.stack(table["logits"].to_list()).astype(np.float32)
        if not np.isfinite(logits).all():
            return None
        return _Answers(
            subjects=subject_ids(table).to_numpy(dtype=str),
            folds=table["fold"].to_numpy(),
            predictions=Predictions(indices=np.arange(len(table)), labels=table["label"].to_numpy(), logits=logits),
        )
    except (OSError, ValueError, KeyError):
        return None


def _by_person(answers: _Answers) -> pd.Series:
    right = answers.predictions.answers == answers.predictions.labels
    return pd.Series(right.astype(float)).groupby(answers.subjects).mean()


def _of_rate(
    metric: Metric, values: np.ndarray, answers: Sequence[_Answers | None], num_clips: int, of_seed: float
) -> Noise:
    subjects = sorted({subject for one in answers if one is not None for subject in one.subjects})
    num_groups = max(min(len(subjects), MOST_GROUPS), 1)
    group_of = {subject: number % num_groups for number, subject in enumerate(subjects)}
    by_people, independent = np.zeros((len(values), num_groups)), np.zeros(len(values))
    for row, one in enumerate(answers):
        clips = max(num_clips if one is None else len(one.subjects), 1)
        if one is None or metric.share_of_clips:  # no sample of people shows less than independent clips vary
            independent[row] = of_clips(values[[row]], clips)[0] if math.isfinite(values[row]) else 0.0
        if one is not None and num_groups > 1:
            groups = np.array([group_of[subject] for subject in one.subjects])
            without = [_measured(metric, one, groups != group) for group in range(num_groups)]
            by_people[row] = influences([without])[0]
    beyond = np.maximum(independent**2 - (by_people**2).sum(axis=1), 0.0)
    return Noise(own=np.sqrt(of_seed**2 + beyond), by_people=by_people)


def _measured(metric: Metric, answers: _Answers, kept: np.ndarray) -> float:
    """The metric on the clips that are `kept`, the mean over folds as the trial has it."""
    assert metric.measure is not None
    all_of, found = answers.predictions, []
    for fold in np.unique(answers.folds):
        rows = np.flatnonzero(kept & (answers.folds == fold))
        if rows.size:
            part = Predictions(indices=rows, labels=all_of.labels[rows], logits=all_of.logits[rows])
            found.append(float(metric.measure(part)))
    return float(np.mean(found))


def _of_time(trials: Sequence[Trial], metric: str) -> Noise | None:
    spreads = [trial.metrics.get(SPREADS.get(metric, ""), 0.0) for trial in trials]
    own = np.nan_to_num(np.array(spreads, dtype=float))
    return Noise(own=own) if own.any() else None
