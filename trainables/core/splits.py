"""Which clips a phase may see: the locked holdout, the folds of the rest, and the view of each phase."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from trainables.core.cache import Prepared
from trainables.core.dataset import DataError, Fold

Phase = Literal["search", "confirm", "refit"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Splits:
    """Indices into a prepared data set. `holdout` is disjoint by subject from every fold; only `confirm` reads it."""

    fingerprint: str
    holdout: tuple[int, ...]
    folds: tuple[Fold, ...]

    def view(self, phase: Phase, fold: int) -> Fold:
        """What a trial of `phase` is given: `test` is empty in a search and in a refit.

        A search trains on the fold's train and chooses on its validation. A confirmation also trains on the fold's test
        people, whom no choice has seen, and is scored on the holdout. A refit trains on everybody but the holdout.
        """
        if not 0 <= fold < len(self.folds):
            raise ValueError(f"There is no fold {fold}; the data set has folds 0 to {len(self.folds) - 1}.")
        chosen = self.folds[fold]
        if phase == "search":
            return Fold(train=chosen.train, validation=chosen.validation, test=())
        if phase == "confirm":
            return Fold(train=_joined(chosen.train, chosen.test), validation=chosen.validation, test=self.holdout)
        return Fold(train=_joined(chosen.train, chosen.validation, chosen.test), validation=(), test=())

    def save(self, path: Path) -> None:
        """Write as JSON, whole or not at all."""
        temporary = path.with_suffix(f".{os.getpid()}.tmp")
        temporary.write_text(json.dumps(dataclasses.asdict(self)))
        temporary.replace(path)


def load_splits(path: Path) -> Splits:
    """The splits that `Splits.save` wrote. Raises `DataError` for a file that is missing or damaged."""
    try:
        stored: dict[str, Any] = json.loads(path.read_text())
        folds = tuple(Fold(**{part: tuple(indices) for part, indices in fold.items()}) for fold in stored["folds"])
        return Splits(fingerprint=stored["fingerprint"], holdout=tuple(stored["holdout"]), folds=folds)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(
            f"{path}: the splits of this study cannot be read ({error}). Restore the file from a copy."
        ) from error


def make_splits(prepared: Prepared, *, seed: int, holdout_share: float = 0.2) -> Splits:
    """Lock `holdout_share` of the subjects away, then take the data set's folds without them.

    A clip whose subject is unknown counts as a subject of its own.
    """
    # Cutting needs scikit-learn, reading does not: half of a worker's start would go into its import.
    from trainables.core.folds import assert_disjoint, holdout_subjects, without_subjects

    subjects = prepared.people
    locked = holdout_subjects(subjects, prepared.labels.tolist(), share=holdout_share, seed=seed)
    folds = [without_subjects(fold, subjects, locked) for fold in prepared.folds]
    for fold in folds:
        assert_disjoint(fold, subjects)
    holdout = tuple(index for index, subject in enumerate(subjects) if subject in locked)
    return Splits(fingerprint=prepared.fingerprint, holdout=holdout, folds=tuple(folds))


def _joined(*parts: Sequence[int]) -> tuple[int, ...]:
    return tuple(sorted(index for part in parts for index in part))
