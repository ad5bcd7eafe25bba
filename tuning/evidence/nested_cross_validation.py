"""Results of nested cross-validation: accuracy of what the search chooses, its optimism, and the champion beside it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from trainables.core.prepared.splits import Splits
from tuning.evidence.ablation import run_of
from tuning.evidence.holdout import predictions_of
from tuning.records.aliases import CHAMPION
from tuning.records.ledger import Ledger, Trial, first_error
from tuning.statistics.comparison import compare
from tuning.statistics.differences import Difference
from tuning.statistics.intervals import Interval
from tuning.statistics.optimism import optimism, totals_by_subject
from tuning.statistics.pairing import judged
from tuning.statistics.units import Units, units_of
from tuning.statistics.variance import share_interval, sources, subject_estimate

SEARCHED = "searched"


@dataclasses.dataclass(frozen=True, kw_only=True)
class NestedResult:
    """The test of a search in `num_folds` folds.

    `accuracy` is that of what the search chose, the mean over folds on their test people; `optimism` by how much it is
    below what the search had measured on validation people. `difference` is to `champion` (its URI), trained on the same
    folds with the same seeds; `None` where there is none. `chosen` has a row for each fold. `num_people` counts `units`; it is
    `None` where these are clips.
    """

    study: str
    num_folds: int
    num_searched: int
    num_seeds: int
    num_people: int | None
    num_clips: int
    accuracy: Interval
    optimism: Interval
    champion: str
    difference: Difference | None
    chosen: tuple[Mapping[str, Any], ...]
    notes: tuple[str, ...]
    leaky: bool
    units: Units = "people"


def nested_results(
    ledger: Ledger,
    splits: Splits,
    chosen: Mapping[int, Trial],
    *,
    tests: Sequence[Trial],
    beside: Sequence[Trial],
    num_seeds: int,
) -> NestedResult:
    """What `tests` (of what each fold has `chosen`) and `beside` (of the champion) say.

    Raises `ValueError` where fewer than two folds have all their tests.
    """
    whole = _whole(tests, num_seeds)
    folds = [fold for fold in chosen if fold in whole]
    if len(folds) < 2:
        because = first_error([*ledger.of_phase("nested_search"), *tests])
        raise ValueError(
            f"{len(folds)} of {len(splits.folds)} folds have all their tests; two are needed to give an interval. The same "
            f"command goes on with what is missing.{because}"
        )
    of_folds = [trial for trial in tests if trial.folds[0] in folds]
    tested, validated = _answers(ledger, of_folds), _answers(ledger, [chosen[fold] for fold in folds])
    views = [splits.view("nested", fold) for fold in folds]
    test_over_train = sum(len(view.test) for view in views) / sum(len(view.train) for view in views)
    found = sources(*totals_by_subject(tested))
    units = units_of(tested)
    difference, notes = _against_champion(ledger, splits, of_folds, beside, num_seeds)
    if len(folds) < len(splits.folds):
        left_out = ", ".join(str(fold) for fold in range(len(splits.folds)) if fold not in folds)
        notes.append(
            f"Left out: fold {left_out}, without a finished search or without all tests; `status` counts them."
        )
    if units == "clips":
        notes.append("The data set names no people, so a person may be on both sides of a fold.")
    return NestedResult(
        study=ledger.folder.name,
        num_folds=len(folds),
        num_searched=sum(trial.folds[0] in folds for trial in ledger.of_phase("nested_search")),
        num_seeds=num_seeds,
        num_people=None if units == "clips" else found.num_subjects,
        num_clips=tested["clip_id"].nunique(),
        accuracy=share_interval(subject_estimate(found, test_over_train), found.num_clips, found.num_subjects),
        optimism=subject_estimate(optimism(validated, tested, found), 0.0).interval(),
        champion=beside[0].of if beside else "",
        difference=difference,
        chosen=tuple(
            {
                "fold": fold,
                "trial_id": chosen[fold].trial_id,
                "parameters": chosen[fold].parameters,
                "validation_accuracy": _accuracy(validated, fold),
                "test_accuracy": _accuracy(tested, fold),
            }
            for fold in folds
        ),
        notes=tuple(notes),
        leaky=splits.leaky,
        units=units,
    )


def _whole(trials: Sequence[Trial], num_seeds: int) -> set[int]:
    """The folds that have finished trainings with all seeds."""
    finished = [trial.folds[0] for trial in trials if trial.state == "FINISHED"]
    return {fold for fold in finished if finished.count(fold) == num_seeds}


def _answers(ledger: Ledger, trials: Sequence[Trial]) -> pd.DataFrame:
    return pd.concat([judged(predictions_of(ledger, trial)) for trial in trials], ignore_index=True)


def _against_champion(
    ledger: Ledger, splits: Splits, tests: Sequence[Trial], beside: Sequence[Trial], num_seeds: int
) -> tuple[Difference | None, list[str]]:
    if not beside:
        return None, []
    whole = _whole(beside, num_seeds)
    runs = []
    for trial in [*tests, *beside]:
        if trial.folds[0] in whole and trial.state == "FINISHED":
            runs.append(run_of(ledger, trial, splits.view("nested", trial.folds[0])))
    try:
        comparison = compare(runs, CHAMPION)
    except ValueError as error:
        failed = next((trial for trial in beside if trial.error), None)
        because = f"{failed.trial_id}: {failed.error}" if failed else str(error)
        return None, [f"Without the present champion ({beside[0].of}), which could not be compared: {because}"]
    return next(variant.difference for variant in comparison.variants if variant.variant == SEARCHED), []


def _accuracy(answers: pd.DataFrame, fold: int) -> float:
    return float(answers.loc[answers["fold"] == fold, "correct"].mean())
