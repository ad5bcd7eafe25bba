"""A search beside its baselines: whether anything that it found is better. Reads files only."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from trainables.core import files
from trainables.core.baselines.record import TITLES, Baseline, best_of
from trainables.core.wording import counted
from tuning.records.ledger import Ledger, Trial
from tuning.statistics.intervals import Interval, difference_with_trainings, paired_difference
from tuning.statistics.pairing import judged
from tuning.text.quantities import percent, points


def verdict(ledger: Ledger) -> str:
    """A sentence where no trial of the search is shown to be better than the best baseline; `""` where one is.

    The most accurate trial, by the same validation clips; it was chosen among all of them, which flatters it.
    """
    trials = [trial for trial in ledger.finished("search") if "accuracy" in trial.metrics]
    baseline = best_of(ledger.baselines)
    if not trials or baseline is None or baseline.accuracy is None or ledger.study.get("design"):
        return ""
    best = max(trials, key=lambda trial: trial.metrics["accuracy"])
    difference = _difference(ledger, best, baseline)
    gain = best.metrics["accuracy"] - baseline.accuracy if difference is None else difference.mean
    if gain > 0 and (difference is None or difference.low > 0):
        return ""
    said = f"{TITLES[baseline.name][1]} ({baseline.what})" if baseline.name != "majority" else TITLES["majority"][1]
    told = (
        f"{said[0].upper()}{said[1:]} has {percent(baseline.accuracy)}; the best of {counted(len(trials), 'trial')}, "
        f"{best.trial_id}, has {percent(best.metrics['accuracy'])}."
    )
    if difference is None:
        return f"{told} Their predictions cannot be compared clip by clip."
    judgement = "No trial is better" if gain <= 0 else "That it is better may be chance"
    return f"{told} {judgement}: the difference is {points(difference)} points, 95 % interval over people and seeds."


def _difference(ledger: Ledger, trial: Trial, baseline: Baseline) -> Interval | None:
    """What the trial has more, on the clips that both were scored on; `None` where predictions are gone or damaged."""
    try:
        ours = _judged(ledger.trial_folder(trial.trial_id))
        theirs = _judged(ledger.trial_folder(baseline.folder))
    except (OSError, ValueError):
        return None
    both = ours.merge(theirs, on=["fold", "clip_id"], suffixes=("", "_of_baseline"))
    if both.empty:
        return None
    found = paired_difference(both["correct"], both["correct_of_baseline"], both["subject_id"].tolist())
    return difference_with_trainings(found, both["fold"].nunique(), min(baseline.num_seeds, both["fold"].nunique()))


def _judged(folder: Path) -> pd.DataFrame:
    return judged(pd.read_parquet(folder / files.PREDICTIONS))
