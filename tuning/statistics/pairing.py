"""Pairing of an ablation's trainings by fold, seed and person, so that variants can be compared."""

from __future__ import annotations

import dataclasses
import difflib
import math
from collections.abc import Collection, Mapping, Sequence, Set
from pathlib import Path

import numpy as np
import pandas as pd

from tuning.statistics.balance import Cell, balanced
from tuning.statistics.units import subject_ids

MEASURED = ("accuracy", "uar", "train_time_s", "param_count", "weights_mb")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Run:
    """One training of one variant and what it scored on its fold's test part.

    `predictions` is a file or a table with the columns clip_id, subject, label and predicted (or logits); `None` where
    they were not kept. A training that failed has NaN for what it could not measure; without `weights_mb` (in MiB) it is
    compared all the same. `further` are quantities by name. `device` is the kind trained on, `""` where nobody knows.
    """

    variant: str
    fold: int
    seed: int
    accuracy: float
    uar: float
    train_time_s: float
    param_count: int
    num_train: int
    num_test: int
    weights_mb: float = math.nan
    further: Mapping[str, float] = dataclasses.field(default_factory=dict)
    predictions: Path | str | pd.DataFrame | None = None
    device: str = ""

    def measured(self, metric: str) -> float:
        """One of `measured_of`; NaN where this run has not measured it."""
        return getattr(self, metric) if metric in MEASURED else self.further.get(metric, math.nan)


@dataclasses.dataclass(frozen=True, kw_only=True)
class PairedRuns:
    """The complete variants, all on the same folds and seeds.

    `measured` holds `MEASURED` and what is `further` by variant, `(K, S)`. `correct` `(R, S)` by variant counts the right
    answers for R rows, each a person in a fold, with `clips`, `subjects` and `folds` `(R,)`; it is empty where predictions
    were not kept. `num_clips` are tested in all. `devices` are all kinds that were trained on. `excluded` says by variant
    why it is not compared, `left_out` which folds and seeds are not, and why; empty where all are.
    """

    fold_names: tuple[int, ...]
    seed_names: tuple[int, ...]
    measured: dict[str, dict[str, np.ndarray]]
    correct: dict[str, np.ndarray]
    clips: np.ndarray
    subjects: np.ndarray
    folds: np.ndarray
    test_over_train: float
    num_clips: int
    devices: tuple[str, ...]
    excluded: dict[str, str]
    left_out: str

    @property
    def num_subjects(self) -> int:
        return len(set(self.subjects.tolist()))


class NotComparable(ValueError):
    """The runs can be listed, and not compared: one fold, or too few of them have a result."""


def pair(runs: Sequence[Run], reference: str, *, asked: Collection[str] = ()) -> PairedRuns:
    """The `runs` by fold and seed, on the folds and seeds that `reference` and the others have results of (`balanced`).

    `asked` are variants that are missed where they have no run at all. One whose predictions cannot be used (a damaged
    file, other clips than the reference was tested on) is excluded.

    Raises `NotComparable`, and `ValueError` where there is no such reference and where a run is there twice.
    """
    by_variant = _by_variant(runs, reference, asked)
    usable = {
        variant: {cell for cell, run in cells.items() if _has_result(run)} for variant, cells in by_variant.items()
    }
    fold_names, seed_names = balanced({name: set(cells) for name, cells in by_variant.items()}, usable, reference)
    excluded = {
        variant: f"{variant} is not compared: it has {reason}"
        for variant, cells in by_variant.items()
        if (reason := _incomplete(cells, usable[variant], fold_names, seed_names))
    }
    _require_comparable(by_variant, usable, reference, fold_names, excluded)
    left_out = _left_out(by_variant, usable, fold_names, seed_names)
    by_variant = {variant: cells for variant, cells in by_variant.items() if variant not in excluded}
    ordered = {
        variant: [[cells[fold, seed] for seed in seed_names] for fold in fold_names]
        for variant, cells in by_variant.items()
    }
    correct, rows, unusable = _judged(ordered, reference)
    excluded |= {variant: f"{variant} is not compared: {why}" for variant, why in unusable.items()}
    ordered = {variant: cells for variant, cells in ordered.items() if variant not in unusable}
    if len(ordered) == 1:
        raise NotComparable(f"No variant beside {reference} can be compared: {' '.join(excluded.values())}")
    first = [run for row in ordered[reference] for run in row]
    return PairedRuns(
        fold_names=fold_names,
        seed_names=seed_names,
        measured={
            variant: {
                metric: np.array([[run.measured(metric) for run in row] for row in cells], dtype=float)
                for metric in measured_of(runs)
            }
            for variant, cells in ordered.items()
        },
        correct=correct,
        clips=rows["clips"].to_numpy(dtype=float),
        subjects=rows["subject_id"].to_numpy(),
        folds=rows["fold"].to_numpy(),
        test_over_train=sum(run.num_test for run in first) / sum(run.num_train for run in first),
        num_clips=sum(row[0].num_test for row in ordered[reference]),
        devices=tuple(
            sorted({run.device or "an unnamed device" for cells in ordered.values() for row in cells for run in row})
        ),
        excluded=excluded,
        left_out=left_out,
    )


def measured_of(runs: Sequence[Run]) -> list[str]:
    """`MEASURED`, then whatever else any of the `runs` has, in the order given."""
    return list(dict.fromkeys([*MEASURED, *(metric for run in runs for metric in run.further)]))


def _by_variant(runs: Sequence[Run], reference: str, asked: Collection[str]) -> dict[str, dict[Cell, Run]]:
    by_variant: dict[str, dict[Cell, Run]] = {name: {} for name in asked}
    for run in runs:
        cells = by_variant.setdefault(run.variant, {})
        if (run.fold, run.seed) in cells:
            raise ValueError(f"{run.variant} was given twice for fold {run.fold} and seed {run.seed}; once is allowed.")
        cells[run.fold, run.seed] = run
    if reference not in by_variant:
        near = difflib.get_close_matches(reference, by_variant, n=1, cutoff=0.5)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        there_are = ", ".join(by_variant) or "none, as no run is given"
        raise ValueError(f"There is no variant to compare with named {reference!r}.{hint} There are: {there_are}.")
    return by_variant


def judged(predictions: Path | str | pd.DataFrame) -> pd.DataFrame:
    """The `predictions` with the columns `subject_id` (as `subject_ids` has it) and `correct`.

    Raises `ValueError` for a column that is missing and for clips whose prediction is no number, naming them.
    """
    table = predictions if isinstance(predictions, pd.DataFrame) else pd.read_parquet(predictions)
    if "predicted" not in table and "logits" in table:
        logits = np.stack(table["logits"].to_list())  # (N, classes); argmax takes a NaN for the greatest
        table = table.assign(predicted=np.where(np.isnan(logits).any(axis=1), np.nan, logits.argmax(axis=1)))
    if missing := [column for column in ("clip_id", "subject", "label", "predicted") if column not in table]:
        raise ValueError(f"Predictions lack the columns {', '.join(missing)}; given are {', '.join(table.columns)}.")
    if len(lost := table[table["predicted"].isna()]):
        of = "" if isinstance(predictions, pd.DataFrame) else f" of {Path(predictions).parent.name}"
        by = f" with seed {lost['seed'].iloc[0]}" if "seed" in lost else ""
        clips = _listed(list(map(str, lost["clip_id"])))
        raise ValueError(f"The predictions{of}{by} are no numbers for {clips}, so no class was answered there.")
    return table.assign(
        subject_id=subject_ids(table),
        correct=(table["predicted"] == table["label"]).astype(float),
    )


def _has_result(run: Run) -> bool:
    return all(map(math.isfinite, (run.accuracy, run.uar, run.train_time_s, run.param_count)))


def _incomplete(cells: Collection[Cell], usable: Set[Cell], folds: tuple[int, ...], seeds: tuple[int, ...]) -> str:
    """What is wrong with a variant's runs, as the end of a sentence; nothing where all are there."""
    asked = [(fold, seed) for fold in folds for seed in seeds]
    lacking = [cell for cell in asked if cell not in usable]
    if not lacking:
        return ""
    failed = sum(cell in cells for cell in lacking)
    listed = _listed([f"fold {fold} seed {seed}" for fold, seed in lacking])
    how = f", {failed} of them failed" if failed else ""
    return f"{len(lacking)} of {len(asked)} runs missing or without a result ({listed}){how}. `--resume` trains them."


def _require_comparable(
    by_variant: Mapping[str, Collection[Cell]],
    usable: Mapping[str, Set[Cell]],
    reference: str,
    folds: tuple[int, ...],
    excluded: Mapping[str, str],
) -> None:
    lacking, wanted = _counts(by_variant, usable)
    rest = f"{lacking} of {wanted} trainings are missing or without a result; `--resume` trains them."
    begun = {fold for cells in by_variant.values() for fold, _ in cells}
    if not begun:
        raise NotComparable("No training has ended, so there is nothing to compare; `--resume` begins the rest.")
    if len(begun) == 1:
        raise NotComparable(
            f"All runs are on fold {min(begun)}, and one fold shows no spread, so there is no interval. "
            f"Run two folds or more.{f' {rest}' if lacking else ''}"
        )
    if len(folds) < 2:
        raise NotComparable(f"No seed has results of the reference {reference} on two folds: {rest}")
    if len(excluded) == len(by_variant) - 1:
        why = rest if lacking else "nothing else was run."
        raise NotComparable(f"There is no complete variant beside {reference} on two folds or more: {why}")


def _left_out(
    by_variant: Mapping[str, Collection[Cell]],
    usable: Mapping[str, Set[Cell]],
    folds: tuple[int, ...],
    seeds: tuple[int, ...],
) -> str:
    begun = {cell for cells in by_variant.values() for cell in cells}
    all_folds, all_seeds = ({cell[axis] for cell in begun} for axis in (0, 1))
    if (len(folds), len(seeds)) == (len(all_folds), len(all_seeds)):
        return ""
    lacking, wanted = _counts(by_variant, usable)
    unused = sum(fold not in folds or seed not in seeds for cells in usable.values() for fold, seed in cells)
    return (
        f"{lacking} of {wanted} trainings are missing or without a result. Compared are {len(folds)} of {len(all_folds)} "
        f"folds ({', '.join(map(str, folds))}) with {len(seeds)} of {len(all_seeds)} seeds ({', '.join(map(str, seeds))}); "
        f"{unused} finished trainings on others are left out. `--resume` trains what is missing."
    )


def _counts(by_variant: Mapping[str, Collection[Cell]], usable: Mapping[str, Set[Cell]]) -> tuple[int, int]:
    """How many trainings have no result, and how many there would be of all variants on all folds and seeds begun."""
    begun = {cell for cells in by_variant.values() for cell in cells}
    wanted = len(by_variant) * len({fold for fold, _ in begun}) * len({seed for _, seed in begun})
    return wanted - sum(map(len, usable.values())), wanted


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def _judged(
    ordered: dict[str, list[list[Run]]], reference: str
) -> tuple[dict[str, np.ndarray], pd.DataFrame, dict[str, str]]:
    """Right answers by variant `(R, S)`; for each row the person, the fold and the number of clips; who cannot be judged.

    Raises `NotComparable` where that is the reference.
    """
    rows = pd.DataFrame({"fold": [], "subject_id": [], "clips": []})
    if any(run.predictions is None for cells in ordered.values() for row in cells for run in row):
        return {}, rows, {}
    correct: dict[str, np.ndarray] = {}
    unusable: dict[str, str] = {}
    answers: dict[int, pd.Series] = {}  # the true labels by fold, by clip
    clips: pd.Series | None = None  # how many, by fold and person
    for variant in sorted(ordered, key=lambda name: name != reference):
        try:
            by_seed = [
                pd.concat([_answers(run, answers) for run in column])
                .groupby(["fold", "subject_id"], sort=True)["correct"]
                .agg(right="sum", clips="size")
                for column in zip(*ordered[variant], strict=True)  # the folds of one seed
            ]
            clips = by_seed[0]["clips"] if clips is None else clips
            if not all(one["clips"].equals(clips) for one in by_seed):
                raise ValueError("its predictions name other people than those of the same clips elsewhere")
        except ValueError as error:
            if variant == reference:
                raise NotComparable(f"There is nothing to compare with: {reference}, {error}") from error
            unusable[variant] = str(error)
            continue
        correct[variant] = np.stack([one["right"].to_numpy() for one in by_seed], axis=1)
    return correct, rows if clips is None else clips.reset_index(), unusable


def _answers(run: Run, labels_of: dict[int, pd.Series]) -> pd.DataFrame:
    """The judged predictions of `run` with its fold; their labels by clip are those of `labels_of`, or become them.

    Raises `ValueError` where they cannot be read or judged and where they are of other clips.
    """
    where = f"fold {run.fold}, seed {run.seed}"
    assert run.predictions is not None
    try:
        table = judged(run.predictions)
    except (OSError, ValueError) as error:
        raise ValueError(f"{where}: {error}") from error
    labels = table.set_index("clip_id")["label"].sort_index()
    if labels.index.has_duplicates:
        raise ValueError(f"{where}: a clip was judged twice.")
    if not labels.equals(labels_of.setdefault(run.fold, labels)):
        raise ValueError(
            f"{where} was tested on other clips or labels than the reference; differences are paired only where all "
            "variants are tested on the same."
        )
    return table.assign(fold=run.fold)
