"""Comparison of an ablation's variants: each against one reference, with intervals and tests of the difference."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Collection, Mapping, Sequence

import numpy as np

from tuning.statistics.differences import Difference, Key, by_fold, differences, error_sources, estimate
from tuning.statistics.intervals import Interval
from tuning.statistics.pairing import MEASURED, PairedRuns, Run, pair
from tuning.statistics.power import POWER, detectable_effect, planned_effect
from tuning.statistics.variance import TRAINING_SHARE, Estimate, fold_estimate, share_interval, variances_of_one_run

CONFIDENCE = 0.95  # of every interval


@dataclasses.dataclass(frozen=True, kw_only=True)
class Variant:
    """One variant's own results; accuracy and UAR as shares. `difference` is to the reference, which has none.

    `weights_mb`, in MiB, is `None` where it was not measured; `further` has what else was, by name. `published` are the
    figures that the source states by metric (accuracy, uar, param_count, published_time_s, ...), and quoted only. Limits
    that are equal are no interval.
    """

    variant: str
    accuracy: Interval
    uar: Interval
    train_time_s: Interval
    param_count: Interval
    weights_mb: Interval | None
    further: Mapping[str, Interval]
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
    rope: float = 0.005,
    asked: Collection[str] = (),
    published: Mapping[str, Mapping[str, float]] | None = None,
    contrasts: Mapping[tuple[str, ...], Mapping[str, float]] | None = None,
    leaky: bool = False,
) -> Comparison:
    """Set every variant of `runs` against `reference`, on the same folds and seeds.

    `rope` is the half-width of the region of practical equivalence; `asked` are variants that are missed where they have
    no run; `published` gives figures by variant and metric, accuracies as shares, and the differences of these are then
    what the power is stated for. `contrasts` gives weights by variant under the components of an effect of a factorial (one
    for a main effect, several for an interaction); they join the family of tests, and are named `a` and `a x b`.

    Where runs are missing, the folds and seeds that are complete are compared, and a note says so. A variant with a run
    of these missing or failed, or with predictions that cannot be used, is left out, and `excluded` says so. Raises
    `NotComparable` where nothing is left, and `ValueError` for an unknown reference.
    """
    quoted = {name: dict(figures) for name, figures in (published or {}).items()}
    _require_shares(quoted)
    paired = pair(runs, reference, asked=asked)
    excluded = dict(paired.excluded)
    names = [reference, *(name for name in paired.measured if name != reference)]
    weights = {name: {name: 1.0, reference: -1.0} for name in names[1:]}
    by_key: dict[Key, Mapping[str, float]] = {("difference", name): needs for name, needs in weights.items()}
    for components, needs in (contrasts or {}).items():
        kind, name = "effect" if len(components) == 1 else "interaction", " x ".join(components)
        if lacking := ", ".join(sorted(set(needs) - set(names))):
            excluded[f"effect: {name}"] = f"The effect {name} is not computed: it needs the results of {lacking}."
        else:
            by_key[kind, name] = needs
    stated = {name: figures["accuracy"] for name, figures in quoted.items() if "accuracy" in figures}
    known = [name for name in weights if name in stated and reference in stated]
    found = differences(
        paired,
        by_key,
        wanted={("difference", name): stated[name] - stated[reference] for name in known},
        confidence=CONFIDENCE,
        rope=rope,
    )
    return Comparison(
        reference=reference,
        leaky=leaky,
        variants=tuple(_variant(paired, name, found.get(("difference", name)), quoted.get(name, {})) for name in names),
        effects={name: one for (kind, name), one in found.items() if kind != "difference"},
        excluded=excluded,
        notes=_notes(paired, [name for (_, name), one in found.items() if one.interval.method == "folds"]),
        num_folds=len(paired.fold_names),
        num_seeds=len(paired.seed_names),
        num_people=paired.num_subjects,
        num_clips=paired.num_clips,
        confidence=CONFIDENCE,
        rope=rope,
    )


def _require_shares(quoted: Mapping[str, Mapping[str, float]]) -> None:
    for name, figures in quoted.items():
        for metric in ("accuracy", "uar"):
            if not 0 <= figures.get(metric, 0) <= 1:
                raise ValueError(
                    f"The published {metric} of {name} is given as {figures[metric]}; a share between 0 and 1 is allowed."
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
    num_subjects: int | None = None,
    seed_share: float = 0.0,
) -> float:
    """The smallest true difference that an ablation finds with probability `power`, in the unit of `sd`.

    `sd` is the standard deviation of one paired difference (one fold, one seed; see `spread_of_differences`), `seed_share` the
    share of its variance that is the seed's alone and shrinks with more seeds: 0, where it is unknown, promises nothing
    for them. `num_train` and `num_test` are the sizes of a fold's parts, `num_subjects` how many people are tested in all;
    without it folds count as units, which is less. Each of `num_comparisons` is tested at `alpha` over their number, as
    Holm's first step does.

    Raises `ValueError` for numbers that make no ablation.
    """
    if num_folds < 2 or num_seeds < 1 or num_comparisons < 1:
        raise ValueError(
            f"{num_folds} folds, {num_seeds} seeds and {num_comparisons} comparisons were given; at least 2 folds, 1 seed "
            "and 1 comparison are needed."
        )
    if num_subjects is not None and num_subjects < 2:
        raise ValueError(f"{num_subjects} people are tested; at least 2 are needed to say anything about others.")
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
    if num_subjects is None:
        return detectable_effect(se, num_folds - 1, level, power)
    return planned_effect(se, num_subjects, num_folds, level, power)


def spread_of_differences(runs: Sequence[Run], reference: str) -> tuple[float, float]:
    """The standard deviation of one paired difference to `reference` (one fold, one seed), pooled over the variants.

    With it the share of that variance which is the seed's alone; 0 where each fold had one seed. Raises `ValueError` where
    there is nothing to pair.
    """
    of_folds, of_seeds = _variances_of_differences(pair(runs, reference), reference)
    return float(np.sqrt(of_folds + of_seeds)), of_seeds / (of_folds + of_seeds) if of_seeds else 0.0


def _variances_of_differences(paired: PairedRuns, reference: str) -> tuple[float, float]:
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
) -> Variant:
    measured = paired.measured[name]

    def share(found: Estimate) -> Interval:
        return share_interval(found, paired.num_clips, paired.num_subjects or len(paired.fold_names), CONFIDENCE)

    def cost(metric: str) -> Interval:
        # Nobody is tested in a training's time or size, so nothing of it comes from people shared between folds.
        return fold_estimate(measured[metric], 0.0).interval(CONFIDENCE)

    return Variant(
        variant=name,
        accuracy=share(estimate(paired, {name: 1.0})),
        uar=share(fold_estimate(measured["uar"], paired.test_over_train)),
        train_time_s=cost("train_time_s"),
        param_count=cost("param_count"),
        weights_mb=cost("weights_mb") if np.isfinite(measured["weights_mb"]).all() else None,
        # As wide as if people shared between folds were tested in it: whether they are, only its name could tell.
        further={
            metric: fold_estimate(values, paired.test_over_train).interval(CONFIDENCE)
            for metric, values in measured.items()
            if metric not in MEASURED and np.isfinite(values).all()
        },
        published=published,
        difference=difference,
    )


def _notes(paired: PairedRuns, by_folds: Sequence[str]) -> tuple[str, ...]:
    """What a reader has to know; `by_folds` names what has folds as units."""
    notes = [paired.left_out] if paired.left_out else []
    if len(paired.seed_names) == 1:
        notes.append(
            "1 seed per fold: the spread between seeds cannot be measured, and shows only where it makes folds differ. Two "
            "seeds or more are better."
        )
    if len(paired.fold_names) < 5:
        notes.append(f"{len(paired.fold_names)} folds: with fewer than 5, unstable trainings are hard to notice.")
    if len(paired.devices) > 1:
        notes.append(
            f"The trainings ran on different devices ({', '.join(paired.devices)}): times compare only on one kind of device."
        )
    if not paired.correct:
        notes.append("Predictions were not kept for all runs, so folds are the units, which has less power.")
    elif by_folds:
        notes.append(
            f"For {', '.join(by_folds)}, folds differ by more than their people and seeds explain, so the interval uses the "
            "spread of the folds (method `folds`)."
        )
    return tuple(notes)
