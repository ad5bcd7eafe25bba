"""What an ablation's results say: each variant against one reference, with what may be believed of the difference."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Collection, Mapping, Sequence

import numpy as np

from tuning.differences import Difference, by_fold, differences, error_sources, estimate
from tuning.paired_runs import PairedRuns, Run, pair
from tuning.power import POWER, detectable_effect, planned_effect
from tuning.statistics import Interval
from tuning.variance import TRAINING_SHARE, fold_estimate, variances_of_one_run


@dataclasses.dataclass(frozen=True, kw_only=True)
class Variant:
    """One variant's own results; accuracy and UAR as shares. `difference` is to the reference, which has none.

    `weights_mb`, in MiB, is `None` where it was not measured. `published` are the figures that the source states by metric
    (accuracy, uar, param_count, published_time_s, ...), and quoted only.
    """

    variant: str
    accuracy: Interval
    uar: Interval
    train_time_s: Interval
    param_count: Interval
    weights_mb: Interval | None
    published: Mapping[str, float]
    difference: Difference | None


@dataclasses.dataclass(frozen=True, kw_only=True)
class Comparison:
    """Variants in the order given, the reference first, and `effects` by name where contrasts were asked for.

    `excluded` says by variant (or `effect: ` and its name) why it is not compared; `notes` hold what a reader has to know
    besides. `leaky` says that clips were dealt to folds at random, so that one person is on both sides
    (docs/decisions/0007).
    """

    reference: str
    leaky: bool
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
    asked: Collection[str] = (),
    published: Mapping[str, Mapping[str, float]] | None = None,
    contrasts: Mapping[str, Mapping[str, float]] | None = None,
    leaky: bool = False,
) -> Comparison:
    """Set every variant of `runs` against `reference`, on the same folds and seeds.

    `rope` is the half-width of the region of practical equivalence; `asked` are variants that are missed where they have
    no run; `published` gives figures by variant and metric, accuracies as shares, and the differences of these are then
    what the power is stated for. `contrasts` gives weights by variant under the name of an effect (a factorial's main
    effects and interactions); they join the family of tests.

    Where runs are missing, the folds and seeds that are complete are compared, and a note says so. A variant with a run
    of these missing or failed is left out, and `excluded` says so. Raises `NotComparable` where nothing is left, and
    `ValueError` for an unknown reference and other clips.
    """
    quoted = {name: dict(figures) for name, figures in (published or {}).items()}
    for name, figures in quoted.items():
        for metric in ("accuracy", "uar"):
            if not 0 <= figures.get(metric, 0) <= 1:
                raise ValueError(
                    f"The published {metric} of {name} is given as {figures[metric]}; a share between 0 and 1 is allowed."
                )
    paired = pair(runs, reference, asked=asked)
    excluded = dict(paired.excluded)
    names = [reference, *(name for name in paired.measured if name != reference)]
    weights = {name: {name: 1.0, reference: -1.0} for name in names[1:]}
    effects = dict(contrasts or {})
    for name in [name for name, needs in effects.items() if not set(needs) <= set(names)]:
        lacking = ", ".join(sorted(set(effects.pop(name)) - set(names)))
        excluded[f"effect: {name}"] = f"The effect {name} is not computed: it needs the results of {lacking}."
    # A factorial's effect may bear the name of a variant, so what it is belongs to the key.
    by_key: dict[tuple[str, str], Mapping[str, float]] = {("variant", name): needs for name, needs in weights.items()}
    by_key |= {("effect", name): needs for name, needs in effects.items()}
    stated = {name: figures["accuracy"] for name, figures in quoted.items() if "accuracy" in figures}
    known = [name for name in weights if name in stated and reference in stated]
    found = differences(
        paired,
        by_key,
        wanted={("variant", name): stated[name] - stated[reference] for name in known},
        confidence=confidence,
        rope=rope,
    )
    return Comparison(
        reference=reference,
        leaky=leaky,
        variants=tuple(
            _variant(paired, name, found.get(("variant", name)), quoted.get(name, {}), confidence) for name in names
        ),
        effects={name: found["effect", name] for name in effects},
        excluded=excluded,
        notes=_notes(paired, [name for (_, name), one in found.items() if one.interval.method == "folds"]),
        num_folds=len(paired.fold_names),
        num_seeds=len(paired.seed_names),
        num_people=paired.num_people,
        num_clips=paired.num_clips,
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
    if num_people is not None and num_people < 2:
        raise ValueError(f"{num_people} people are tested; nothing can be said about others with fewer than two.")
    sizes = all(size > 0 and math.isfinite(size) for size in (num_train, num_test))
    shares = 0 <= seed_share <= 1 and 0 < alpha < 1 and 0 < power < 1
    if not (sizes and shares and sd >= 0 and math.isfinite(sd)):
        raise ValueError(
            f"sd {sd}, {num_train} to train, {num_test} to test, seed_share {seed_share}, alpha {alpha}, power {power}: a "
            "finite sd of 0 or more, positive sizes and shares between 0 and 1 are allowed."
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
    if paired.correct:
        return variances_of_one_run([error_sources(paired, weights) for weights in contrasts])
    found = [by_fold(paired, weights) for weights in contrasts]
    num_seeds = len(paired.seed_names)
    of_means = float(np.mean([values.mean(axis=1).var(ddof=1) for values in found]))
    of_seeds = float(np.mean([values.var(axis=1, ddof=1).mean() for values in found])) if num_seeds > 1 else 0.0
    return max(of_means - of_seeds / num_seeds, 0.0), of_seeds


def _variant(
    paired: PairedRuns,
    name: str,
    difference: Difference | None,
    published: Mapping[str, float],
    confidence: float,
) -> Variant:
    # Nobody is tested in a training's time or size, so nothing of it comes from people shared between folds.
    shares = {"uar": paired.test_over_train}
    measured = {
        metric: fold_estimate(values, shares.get(metric, 0.0)).interval(confidence)
        for metric, values in paired.measured[name].items()
        if np.isfinite(values).all()
    }
    return Variant(
        variant=name,
        accuracy=estimate(paired, {name: 1.0}).interval(confidence),
        uar=measured["uar"],
        train_time_s=measured["train_time_s"],
        param_count=measured["param_count"],
        weights_mb=measured.get("weights_mb"),
        published=published,
        difference=difference,
    )


def _notes(paired: PairedRuns, by_folds: Sequence[str]) -> tuple[str, ...]:
    """What a reader has to know; `by_folds` names what has folds as units."""
    notes = [paired.left_out] if paired.left_out else []
    if len(paired.seed_names) == 1:
        notes.append(
            "One seed per fold: what comes of the seed cannot be told from the rest, and shows only where it makes folds "
            "differ. Two seeds or more are better."
        )
    if len(paired.fold_names) < 5:
        notes.append(f"{len(paired.fold_names)} folds: unstable trainings are hard to notice with fewer than five.")
    if not paired.correct:
        notes.append("Predictions were not kept for all runs, so folds count as units, which finds less.")
    elif by_folds:
        notes.append(
            f"For {', '.join(by_folds)}, folds differ by more than their people and seeds explain, so their spread is taken "
            "(method `folds`)."
        )
    return tuple(notes)
