"""Which clips a phase may see: the locked holdout, the folds of the rest, and the view of each phase."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

from trainables.core.phases import Phase
from trainables.core.prepared.stored import Prepared, open_prepared, prepared_folders
from trainables.data.core.dataset import DataError, Fold, require_disjoint
from trainables.data.core.spelling import members, same

HOLDOUT_SHARE = 0.2  # of the people, locked away before a search; an ablation has the whole protocol's folds


@dataclasses.dataclass(frozen=True, kw_only=True)
class Splits:
    """Indices into a prepared data set. `holdout` is disjoint by subject from every fold; only `confirm` reads it.

    `leaky` says that clips were dealt at random, so that one person is on both sides. Without a holdout (an ablation)
    the folds are the whole protocol's.
    """

    fingerprint: str
    holdout: tuple[int, ...]
    folds: tuple[Fold, ...]
    leaky: bool = False

    def view(self, phase: Phase, fold: int) -> Fold:
        """What a trial of `phase` is given: `test` is empty in a search and in a refit.

        A search trains on the fold's train and chooses on its validation. A confirmation also trains on the fold's test
        people, whom no choice has seen, and is scored on the holdout. A refit trains on everybody but the holdout. An
        ablation trains on the fold's train, chooses on its validation and is scored on its test. So do a race, and
        the test of a search that was made in one fold alone (`nested`); that search (`nested_search`) sees what any sees.
        """
        if not 0 <= fold < len(self.folds):
            raise ValueError(f"There is no fold {fold}; the data set has folds 0 to {len(self.folds) - 1}.")
        chosen = self.folds[fold]
        if phase in ("ablation", "nested", "race"):
            return chosen
        if phase in ("search", "nested_search"):
            return Fold(train=chosen.train, validation=chosen.validation, test=())
        if phase == "confirm":
            return Fold(train=_joined(chosen.train, chosen.test), validation=chosen.validation, test=self.holdout)
        return Fold(train=_joined(chosen.train, chosen.validation, chosen.test), validation=(), test=())

    def require_disjoint(self, subjects: Sequence[str]) -> None:
        """Raises `DataError` naming a person whom two parts of a fold, or a fold and the holdout, share.

        `subjects[i]` is the subject of clip i. Of a leaky cut, no clip may be in two parts.
        """
        who = list(map(str, range(len(subjects)))) if self.leaky else subjects
        locked = {who[index] for index in self.holdout}
        for number, fold in enumerate(self.folds):
            require_disjoint(fold, who, number=number, locked=locked)

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
        return Splits(
            fingerprint=stored["fingerprint"],
            holdout=tuple(stored["holdout"]),
            folds=folds,
            leaky=bool(stored.get("leaky", False)),
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(
            f"{path}: the splits of this study cannot be read ({error}). Restore the file from a copy."
        ) from error


@dataclasses.dataclass(frozen=True, kw_only=True)
class Sides:
    """Who was held out and who was not, each by what all spellings of a name have in common (`spelling.same`)."""

    held: frozenset[str]
    free: frozenset[str]

    @classmethod
    def of(cls, splits: Splits, prepared: Prepared) -> Sides:
        """The sides that `splits` of `prepared` has."""
        names = _names(prepared, leaky=splits.leaky)
        locked = set(splits.holdout)
        held = {name for index in locked for name in names[index]}
        free = {name for index in range(len(names)) if index not in locked for name in names[index]}
        return cls(held=frozenset(held - free), free=frozenset(free))

    def __or__(self, other: Sides) -> Sides:
        """Those of both, of two versions of one study's data."""
        return Sides(held=self.held | other.held, free=self.free | other.free)


def prepared_then(storage: Path, fingerprint: str) -> Prepared | None:
    """The faces with that fingerprint; `None` where they are gone from `storage`."""
    for folder in prepared_folders(storage, fingerprint):
        with contextlib.suppress(DataError):
            return open_prepared(folder)
    return None


def people_of(prepared: Prepared, *, leaky: bool = False) -> list[str]:
    """Whom each clip counts for when people are kept apart; of clips dealt at random, each for itself."""
    return prepared.clip_ids if leaky else prepared.groups


def _names(prepared: Prepared, *, leaky: bool) -> list[set[str]]:
    """By clip, what all spellings of each name of its person have in common: one alone, or those of people who count as one.

    To a cluster belong the names of its clips too: where clips are clustered otherwise later, they keep their sides.
    """
    if leaky:
        return [{same(clip_id)} for clip_id in prepared.clip_ids]
    members_of: dict[str, set[str]] = {}
    for group, names in zip(prepared.groups, prepared.names, strict=True):
        found = (one for name in names for one in (name, *members(name)))
        members_of.setdefault(group, set()).update(map(same, found))
    return [members_of[group] for group in prepared.groups]


def salt_of(dataset: str, registered_model: str) -> str:
    """What the sides of people depend on beside their names: the data set and the task, not the search or its seed."""
    return f"{dataset} {registered_model}"


def make_splits(
    prepared: Prepared,
    *,
    salt: str,
    holdout_share: float = HOLDOUT_SHARE,
    leaky: bool = False,
    before: Sides | None = None,
) -> Splits:
    """Lock about `holdout_share` of the people away, then take the data set's folds without them; with 0, lock nobody away.

    Who is locked away follows from a hash of the person under `salt` (`held_out`), so that people who join move nobody;
    where no fold would be left, the highest of these hashes are released. Whoever has a side in `before` keeps it; of people
    who count as one by now, one who was not locked away decides, as a choice may rest on him. A clip whose subject is unknown
    counts as a person called by its id. A fold whose test people are all locked away is left out. With `leaky` every clip is
    a person, and the folds are cut afresh at random: as many as the data set has, five where it has fewer than three.
    Raises `DataError` for folds that share a subject, and where the holdout leaves no fold.
    """
    # Cutting needs scikit-learn, reading does not: half of a worker's start would go into its import.
    from trainables.data.core.folds import subject_folds
    from trainables.data.core.holdout import FEWEST_LEFT, held_out, seed_of

    labels = prepared.labels.tolist()
    people = people_of(prepared, leaky=leaky)
    num_folds = len(prepared.folds) if len(prepared.folds) > 2 else 5  # of those dealt at random
    locked: Sequence[str] = ()
    names = _names(prepared, leaky=leaky)
    free = {person for person, mine in zip(people, names, strict=True) if before and mine & before.free}
    held = {person for person, mine in zip(people, names, strict=True) if before and mine & before.held} - free
    if holdout_share:
        fewest = num_folds if leaky else FEWEST_LEFT
        given: dict[str, Any] = {"share": holdout_share, "fewest_left": fewest, "held": held, "free": free}
        locked = held_out(people, labels, salt=salt, **given)
    if leaky:
        dealt: dict[str, Any] = {"seed": seed_of(salt), "classes": prepared.classes}
        folds = subject_folds(people, labels, num_folds, excluded=frozenset(locked), **dealt)
    else:
        folds, locked = _folds_without(prepared.folds, people, labels, locked, salt, held)
    everybody = frozenset(locked)
    holdout = tuple(index for index, person in enumerate(people) if person in everybody)
    splits = Splits(fingerprint=prepared.fingerprint, holdout=holdout, folds=tuple(folds), leaky=leaky)
    splits.require_disjoint(prepared.groups)
    return splits


def _folds_without(
    folds: Sequence[Fold],
    people: Sequence[str],
    labels: Sequence[int],
    locked: Sequence[str],
    salt: str,
    held: Collection[str],
) -> tuple[list[Fold], Sequence[str]]:
    """The folds without `locked`, and those of `locked` who can be spared if one fold at least is to be left.

    One at least is locked, and all of `held`.
    """
    from trainables.data.core.folds import without_subjects

    while True:
        try:
            return without_subjects(folds, people, labels, frozenset(locked), salt=salt), locked
        except DataError:
            released = [person for person in locked if person not in held][-1:]
            if len(locked) < 2 or not released:
                raise
            locked = [person for person in locked if person not in released]


def _joined(*parts: Sequence[int]) -> tuple[int, ...]:
    return tuple(sorted(index for part in parts for index in part))
