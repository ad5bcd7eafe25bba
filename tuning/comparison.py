"""What an ablation's results say: each variant against one reference, with what may be believed of the difference."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np

from tuning.differences import Difference, by_fold, differences, error_sources, estimate
from tuning.paired_runs import PairedRuns, Run, pair
from tuning.power import POWER, detectable_effect, planned_effect
from tuning.statistics import Interval
from tuning.variance import TRAINING_SHARE, fold_estimate, variances_of_one_run


@dataclasses.dataclass(frozen=True, kw_only=True)
class Variant:
    """One variant's own results; accuracy and UAR as shares. `difference` is to the reference, which has none.

    `published` is the accuracy that the source states, and quoted only.
    """

    variant: str
    accuracy: Interval
    uar: Interval
    train_time_s: Interval
    param_count: Interval
    published: float | None
    difference: Difference | None


@dataclasses.dataclass(frozen=True, kw_only=True)
class Comparison:
    """Variants in the order given, the reference first, and `effects` by name where contrasts were asked for.

    `excluded` says by variant why it is not compared; `notes` hold what a reader has to know besides.
    """

    reference: str
    variants: tuple[Variant, ...]
    effects: Mapping[str, Difference]
    excluded: Mapping[str, str]
    notes: tuple[str, ...]
    num_folds: int
    num_seeds: int
    num_people: int
    num_clips: int
    confidence: float
    rope: float


def compare(
    runs: Sequence[Run],
    reference: str,
    *,
    confidence: float = 0.95,
    rope: float = 0.005,
    published: Mapping[str, float] | None = None,
    contrasts: Mapping[str, Mapping[str, float]] | None = None,
) -> Comparison:
    """Set every variant of `runs` against `reference`, on the same folds and seeds.

    `rope` is the half-width of the region of practical equivalence; `published` gives accuracies by variant as shares,
    and their differences are then what the power is stated for. `contrasts` gives weights by variant under the name of an
    effect (a factorial's main effects and interactions); they join the family of tests.

    Raises `ValueError` where there is nothing to compare: an unknown or incomplete reference, one fold, other clips. A
    variant with a run missing or failed is left out, and `excluded` says so.
    """
    quoted = dict(published or {})
    for name, value in quoted.items():
        if not 0 <= value <= 1:
            raise ValueError(
                f"The published accuracy of {name} is given as {value}; a share between 0 and 1 is allowed."
            )
    paired = pair(runs, reference)
    excluded = dict(paired.excluded)
    names = [reference, *(name for name in paired.measured if name != reference)]
    weights = {name: {name: 1.0, reference: -1.0} for name in names[1:]}
    effects = dict(contrasts or {})
    for name in [name for name, needs in effects.items() if not set(needs) <= set(names)]:
        lacking = ", ".join(sorted(set(effects.pop(name)) - set(names)))
        excluded[name] = f"The effect {name} is not computed: it needs the results of {lacking}."
    # A factorial's effect may bear the name of a variant, so what it is belongs to the key.
    by_key: dict[tuple[str, str], Mapping[str, float]] = {("variant", name): needs for name, needs in weights.items()}
    by_key |= {("effect", name): needs for name, needs in effects.items()}
    known = [name for name in weights if name in quoted and reference in quoted]
    found = differences(
        paired,
        by_key,
        wanted={("variant", name): quoted[name] - quoted[reference] for name in known},
        confidence=confidence,
        rope=rope,
    )
    return Comparison(
        reference=reference,
        variants=tuple(
            _variant(paired, name, found.get(("variant", name)), quoted.get(name), confidence) for name in names
        ),
        effects={name: found["effect", name] for name in effects},
        excluded=excluded,
        notes=_notes(paired, list(found.values())),
        num_folds=len(paired.fold_names),
        num_seeds=len(paired.seed_names),
        num_people=paired.num_people,
        num_clips=int(paired.clips.sum()),
        confidence=confidence,
        rope=rope,
    )


def minimum_detectable_effect(
    num_folds: int,
    num_seeds: int,
    sd: float,
    num_train: float,
    num_test: float,
    num_comparisons: int,
    alpha: float = 0.05,
    power: float = POWER,
    *,
    num_people: int | None = None,
    seed_share: float = 0.0,
) -> float:
    """The smallest true difference that an ablation finds with probability `power`, in the unit of `sd`.

    `sd` is the standard deviation of one paired difference (one fold, one seed; see `sd_of_differences`), `seed_share` the
    share of its variance that is the seed's alone and shrinks with more seeds: 0, where it is unknown, promises nothing
    for them. `num_train` and `num_test` are the sizes of a fold's parts, `num_people` how many people are tested in all;
    without it folds count as units, which is less. Each of `num_comparisons` is tested at `alpha` over their number, as
    Holm's first step does.

    Raises `ValueError` for numbers that make no ablation.
    """
    if num_folds < 2 or num_seeds < 1 or num_comparisons < 1:
        raise ValueError(
            f"{num_folds} folds, {num_seeds} seeds and {num_comparisons} comparisons were given; two folds, one seed and one "
            "comparison are the least."
        )
    if not (sd >= 0 and num_train > 0 and num_test > 0 and 0 <= seed_share <= 1 and 0 < alpha < 1 and 0 < power < 1):
        raise ValueError(
            f"sd {sd}, {num_train} to train, {num_test} to test, seed_share {seed_share}, alpha {alpha}, power {power}: an sd "
            "of 0 or more, positive sizes and shares between 0 and 1 are allowed."
        )
    trained = 1 + TRAINING_SHARE * num_folds * num_test / num_train
    variance = sd**2 / num_folds * ((1 - seed_share) * trained + seed_share / num_seeds)
    se, level = float(np.sqrt(variance)), alpha / num_comparisons
    if num_people is None:
        return detectable_effect(se, num_folds - 1, level, power)
    return planned_effect(se, num_people, num_folds, level, power)


def sd_of_differences(runs: Sequence[Run], reference: str) -> float:
    """The standard deviation of one paired difference to `reference` (one fold, one seed), pooled over the variants.

    Raises `ValueError` where there is nothing to pair.
    """
    return float(np.sqrt(sum(_variances_of_differences(runs, reference))))


def seed_share_of_differences(runs: Sequence[Run], reference: str) -> float:
    """The share of that variance which is the seed's alone; 0 where each fold had one seed."""
    of_folds, of_seeds = _variances_of_differences(runs, reference)
    return of_seeds / (of_folds + of_seeds) if of_seeds else 0.0


def _variances_of_differences(runs: Sequence[Run], reference: str) -> tuple[float, float]:
    paired = pair(runs, reference)
    contrasts = [{variant: 1.0, reference: -1.0} for variant in paired.measured if variant != reference]
    if not contrasts:
        raise ValueError(f"There is no complete variant beside {reference}, so no difference to take the spread of.")
    if paired.correct:
        return variances_of_one_run([error_sources(paired, weights) for weights in contrasts])
    found = [by_fold(paired, weights) for weights in contrasts]
    num_seeds = len(paired.seed_names)
    of_means = float(np.mean([values.mean(axis=1).var(ddof=1) for values in found]))
    of_seeds = float(np.mean([values.var(axis=1, ddof=1).mean() for values in found])) if num_seeds > 1 else 0.0
    return max(of_means - of_seeds / num_seeds, 0.0), of_seeds


def _variant(
    paired: PairedRuns, name: str, difference: Difference | None, published: float | None, confidence: float
) -> Variant:
    measured = paired.measured[name]
    return Variant(
        variant=name,
        accuracy=estimate(paired, {name: 1.0}).interval(confidence),
        uar=fold_estimate(measured["uar"], paired.test_over_train).interval(confidence),
        # Nobody is tested in a training's time or size, so nothing of it comes from people shared between folds.
        train_time_s=fold_estimate(measured["train_time_s"], 0.0).interval(confidence),
        param_count=fold_estimate(measured["param_count"], 0.0).interval(confidence),
        published=published,
        difference=difference,
    )


def _notes(paired: PairedRuns, found: Sequence[Difference]) -> tuple[str, ...]:
    notes = []
    if len(paired.seed_names) == 1:
        notes.append(
            "One seed per fold: what comes of the seed cannot be told from the rest, and shows only where it makes folds "
            "differ. Two seeds or more are better."
        )
    if len(paired.fold_names) < 5:
        notes.append(f"{len(paired.fold_names)} folds: unstable trainings are hard to notice with fewer than five.")
    if not paired.correct:
        notes.append("Predictions were not kept for all runs, so folds count as units, which finds less.")
    elif any(difference.interval.method == "folds" for difference in found):
        notes.append("Where the method is `folds`, folds differ by more than their people and seeds explain.")
    return tuple(notes)
