"""Minimum detectable effect of an ablation: what its own test finds, from the spread of a pilot or a given one."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import fmean

from search_spaces.core.designs import Design
from trainables.core.wording import counted
from tuning.evidence.ablation import runs_of
from tuning.evidence.fold_sizes import FoldSize, mean_sizes, num_subjects
from tuning.records.ledger import Ledger
from tuning.statistics.comparison import minimum_detectable_effect, spread_of_differences
from tuning.statistics.pairing import Run

MEANT = "a paired difference in accuracy (two variants, one fold, one seed)"
UNKNOWN = (
    "unknown until a pilot ran (the reference and another variant on two folds). Or give --pilot STUDY, another study's "
    f"runs, or --sd POINTS, the standard deviation, over folds and seeds, of {MEANT}"
)


def detectable(
    ledger: Ledger,
    design: Design,
    folds: Sequence[FoldSize],
    seeds: int,
    *,
    sd: float | None = None,
    pilot: Ledger | None = None,
) -> tuple[float | None, str]:
    """The minimum detectable effect in points of accuracy, and in words what it follows from, or why it is not known.

    It is that of the test that `compare` will make: people are its units, unless those whom `folds` test are not known or
    the study of `ledger` has runs without predictions, and a factorial's effects are of the family. The spread is `sd`
    (a share, of one paired difference), else that of the runs of `pilot`, larger where folds are smaller than the pilot's,
    else of the study's own.
    """
    own = _finished(ledger)
    pilots_clips = 0.0  # tested in a fold
    if sd is not None:
        seed_share, source = 0.0, f"from the given standard deviation of {100 * sd:.1f} points of {MEANT}"
    else:
        runs, of = (own, "") if pilot is None else (_finished(pilot), f" of {pilot.folder.name}")
        try:
            reference = design.reference if pilot is None else Design(**pilot.study["design"]).reference
            sd, seed_share = spread_of_differences(runs, reference)
        except ValueError as error:  # no run yet, or none that can be paired
            return None, UNKNOWN if not (runs or of) else f"unknown from the runs{of}: {str(error).rstrip('.')}"
        if sd == 0:
            return (
                None,
                f"unknown: the {len(runs)} finished runs{of} are identical on every fold, which shows no spread",
            )
        pilots_clips = 0.0 if pilot is None else fmean(run.num_test for run in runs)
        source = f"from a standard deviation of {100 * sd:.1f} points among {len(runs)} finished runs{of}, of {MEANT}"
    if not folds:
        return None, "unknown without the folds; give --data-root"
    if len(folds) < 2:
        return None, "unknown with 1 fold, which shows no spread; at least 2 are needed"
    subjects = num_subjects(folds) if all(run.predictions is not None for run in own) else None
    if subjects == 1:
        return None, "unknown with 1 person; at least 2 are needed"
    num_train, num_test = mean_sizes(folds)
    if pilots_clips > num_test:
        # Fewer people spread more. More of them are promised nothing: what a training does to all does not shrink.
        sd *= (pilots_clips / num_test) ** 0.5
        source += f", scaled from its {pilots_clips:.0f} clips to {num_test:.0f} tested in a fold"
    units = f"{subjects} people" if subjects else "folds as units, as their people or predictions are not known,"
    family = len(design.variants) - 1 + len(design.effects())
    effect = minimum_detectable_effect(
        len(folds), seeds, sd, num_train, num_test, family, num_subjects=subjects, seed_share=seed_share
    )
    compared = counted(family, "comparison")
    gain = (
        "; the gain of several seeds is not counted, as this spread does not show it"
        if seeds > 1 and not seed_share
        else ""
    )
    return 100 * effect, f"{source}; {units} in {len(folds)} folds, {compared} at 5 % together, power 80 %{gain}"


def _finished(ledger: Ledger) -> list[Run]:
    return [run for run in runs_of(ledger) if math.isfinite(run.accuracy)]
