"""What an ablation's trainings scored, laid out by fold, seed and person, so that variants can be set against each other."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from trainables.core.lookup import UnknownName, unknown


@dataclasses.dataclass(frozen=True, kw_only=True)
class Run:
    """One training of one variant and what it scored on its fold's test part.

    `predictions` is a file or a table with the columns clip_id, subject, label and predicted (or logits); `None` where
    they were not kept. A training that failed has NaN for what it could not measure.
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
    predictions: Path | str | pd.DataFrame | None = None


@dataclasses.dataclass(frozen=True, kw_only=True)
class PairedRuns:
    """The complete variants, all on the same folds and seeds.

    `measured` holds accuracy, uar, train_time_s and param_count by variant, `(K, S)` each. `correct` `(R, S)` by variant
    counts the right answers for R rows, each a person in a fold, with `clips`, `people` and `folds` `(R,)`; it is empty
    where predictions were not kept. `excluded` says by variant why it is not compared.
    """

    fold_names: tuple[int, ...]
    seed_names: tuple[int, ...]
    measured: dict[str, dict[str, np.ndarray]]
    correct: dict[str, np.ndarray]
    clips: np.ndarray
    people: np.ndarray
    folds: np.ndarray
    test_over_train: float
    excluded: dict[str, str]

    @property
    def num_people(self) -> int:
        return len(set(self.people.tolist()))


class OneFold(ValueError):
    """All runs are on one fold: they can be listed, and not compared."""


def pair(runs: Sequence[Run], reference: str) -> PairedRuns:
    """The `runs` by fold and seed; the folds and seeds of the `reference` are what every variant is compared on.

    Raises `OneFold`, and `ValueError` where there is no reference, where its runs are incomplete or a run is there
    twice, and where variants were tested on other clips.
    """
    by_variant: dict[str, dict[tuple[int, int], Run]] = {}
    for run in runs:
        cells = by_variant.setdefault(run.variant, {})
        if (run.fold, run.seed) in cells:
            raise ValueError(f"{run.variant} was given twice for fold {run.fold} and seed {run.seed}; once is allowed.")
        cells[run.fold, run.seed] = run
    if reference not in by_variant:
        raise UnknownName(unknown("variant to compare with", reference, list(by_variant) or ["none: no run is given"]))
    fold_names = tuple(sorted({fold for fold, _ in by_variant[reference]}))
    seed_names = tuple(sorted({seed for _, seed in by_variant[reference]}))
    if len(fold_names) < 2:
        raise OneFold(
            f"All runs of {reference} are on fold {fold_names[0]}: one fold shows no spread between folds, so no interval "
            "can be given. Run two folds or more."
        )
    excluded = {}
    for variant, cells in list(by_variant.items()):
        if words := _incomplete(cells, fold_names, seed_names):
            if variant == reference:
                raise ValueError(f"The reference {reference} has {words} Resume the study, or compare with another.")
            excluded[variant] = f"{variant} is not compared: it has {words}"
            del by_variant[variant]
    ordered = {
        variant: [[cells[fold, seed] for seed in seed_names] for fold in fold_names]
        for variant, cells in by_variant.items()
    }
    first = [run for row in ordered[reference] for run in row]
    correct, rows = _judged(ordered, reference)
    return PairedRuns(
        fold_names=fold_names,
        seed_names=seed_names,
        measured={
            variant: {
                metric: np.array([[getattr(run, metric) for run in row] for row in cells], dtype=float)
                for metric in ("accuracy", "uar", "train_time_s", "param_count")
            }
            for variant, cells in ordered.items()
        },
        correct=correct,
        clips=rows["clips"].to_numpy(dtype=float),
        people=rows["person"].to_numpy(),
        folds=rows["fold"].to_numpy(),
        test_over_train=sum(run.num_test for run in first) / sum(run.num_train for run in first),
        excluded=excluded,
    )


def judged(predictions: Path | str | pd.DataFrame) -> pd.DataFrame:
    """The `predictions` with the columns `person` and `correct`; a clip of an unknown person stands for itself.

    Raises `ValueError` for a column that is missing and a clip that is judged twice.
    """
    table = predictions if isinstance(predictions, pd.DataFrame) else pd.read_parquet(predictions)
    if "predicted" not in table and "logits" in table:
        table = table.assign(predicted=np.stack(table["logits"].to_list()).argmax(axis=1))
    missing = [column for column in ("clip_id", "subject", "label", "predicted") if column not in table]
    if missing:
        raise ValueError(f"Predictions lack the columns {', '.join(missing)}; given are {', '.join(table.columns)}.")
    return table.assign(
        person=table["subject"].where(table["subject"].notna(), table["clip_id"]),
        correct=(table["predicted"] == table["label"]).astype(float),
    )


def _incomplete(cells: dict[tuple[int, int], Run], folds: tuple[int, ...], seeds: tuple[int, ...]) -> str:
    """What is wrong with a variant's runs, as the end of a sentence; nothing where all are there."""
    missing = [(fold, seed) for fold in folds for seed in seeds if (fold, seed) not in cells]
    unusable = [
        (run.fold, run.seed)
        for run in cells.values()
        if not all(map(math.isfinite, (run.accuracy, run.uar, run.train_time_s, run.param_count)))
    ]
    found = sorted(missing + unusable)
    if not found:
        return ""
    listed = ", ".join(f"fold {fold} seed {seed}" for fold, seed in found[:3])
    more = f" and {len(found) - 3} more" if len(found) > 3 else ""
    return f"{len(found)} of {len(folds) * len(seeds)} runs missing or without a result ({listed}{more})."


def _judged(ordered: dict[str, list[list[Run]]], reference: str) -> tuple[dict[str, np.ndarray], pd.DataFrame]:
    """Right answers by variant `(R, S)`, and for each row the person, the fold and the number of clips."""
    empty = pd.DataFrame({"fold": [], "person": [], "clips": []})
    if any(run.predictions is None for cells in ordered.values() for row in cells for run in row):
        return {}, empty
    correct: dict[str, np.ndarray] = {}
    rows = pd.DataFrame()
    answers: dict[int, pd.Series] = {}  # the true labels by fold, by clip
    for variant in sorted(ordered, key=lambda name: name != reference):
        by_seed = []
        for column in zip(*ordered[variant], strict=True):  # the folds of one seed
            tables = []
            for run in column:
                table = judged(run.predictions)
                labels = table.set_index("clip_id")["label"].sort_index()
                if labels.index.has_duplicates:
                    raise ValueError(f"{variant}, fold {run.fold}, seed {run.seed}: a clip was judged twice.")
                if not labels.equals(answers.setdefault(run.fold, labels)):
                    raise ValueError(
                        f"{variant}, fold {run.fold}, seed {run.seed} was tested on other clips or labels than {reference}; "
                        "differences are paired only where all variants are tested on the same."
                    )
                tables.append(table.assign(fold=run.fold))
            grouped = pd.concat(tables).groupby(["fold", "person"], sort=True)["correct"]
            rows = grouped.agg(clips="size").reset_index() if rows.empty else rows
            by_seed.append(grouped.sum().to_numpy())
        correct[variant] = np.stack(by_seed, axis=1)
    return correct, rows
