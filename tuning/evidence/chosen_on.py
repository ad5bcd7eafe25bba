"""Whom a search chose on: told with each registered version by hashes, so that challengers are tested on others (0014)."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from trainables.core import files
from trainables.core.prepared.remaining import former_sides
from trainables.core.prepared.splits import Splits, load_splits, people_of, prepared_then, salt_of
from trainables.core.prepared.stored import Prepared
from trainables.data.core.spelling import same


@dataclasses.dataclass(frozen=True)
class ChosenOn:
    """The people that a search trained and validated on, as short hashes under `salt`.

    `recorded` are those of them by whom something was chosen, and those of the studies before it, each under its own salt
    (`gate.recorded_set`); none of a version of before, which does not say.
    """

    salt: str
    hashes: frozenset[str]
    recorded: tuple[ChosenOn, ...] = ()

    @classmethod
    def of(cls, names: Iterable[str], salt: str) -> ChosenOn:
        """Those `names`."""
        return cls(salt, frozenset(_hash(salt, name) for name in names))

    @classmethod
    def by(
        cls,
        study: Path,
        prepared: Prepared,
        splits: Splits,
        registered_model: str,
        *,
        recorded: Iterable[str] = (),
        ancestors: Iterable[ChosenOn] = (),
    ) -> ChosenOn:
        """Those of the study in the folder `study`, on its present data and on all before.

        By those named in `recorded` something was chosen; `ancestors` are the recorded sets of the studies it was begun from.
        """
        names = [*chosen_names(prepared, splits), *former_sides(study, study.parent).free]
        salt = salt_of(prepared.name, registered_model)
        return dataclasses.replace(cls.of(names, salt), recorded=(cls.of(recorded, salt), *ancestors))

    def __contains__(self, person: str) -> bool:
        return _hash(self.salt, person) in self.hashes

    def less_than(self, people: Iterable[str]) -> bool:
        """Whether all of them are among `people`, and others too."""
        return self.hashes < {_hash(self.salt, person) for person in people}

    def write(self, folder: Path) -> str:
        """Write them to `chosen_on.json` in `folder`; returns its SHA-256."""
        recorded = [{"salt": one.salt, "people": sorted(one.hashes)} for one in self.recorded]
        text = json.dumps({"salt": self.salt, "people": sorted(self.hashes), "recorded": recorded})
        (folder / files.CHOSEN_ON).write_text(text, encoding="utf-8")
        return hashlib.sha256(text.encode()).hexdigest()


def read_chosen_on(path: Path, sha256: str) -> ChosenOn:
    """What `ChosenOn.write` wrote. Raises `ValueError` where the file is gone, or another than the one with `sha256`."""
    try:
        content = path.read_bytes()
        if hashlib.sha256(content).hexdigest() != sha256:
            raise ValueError("it was changed after it was written")
        stored = json.loads(content)
        recorded = tuple(_stored(one) for one in stored.get("recorded", []))
        return dataclasses.replace(_stored(stored), recorded=recorded)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{path.name} cannot be read: {error}") from error


def chosen_on_then(study: Path, holdout: str) -> ChosenOn | None:
    """Whom the study in the folder `study` chose on when its holdout had the hash `holdout` (`holdout_hash`).

    By its splits and the faces they are of; `None` where these are gone from its home.
    """
    for path in (study / files.SPLITS, *sorted(study.glob(files.FORMER_SPLITS.format(fingerprint="*")))):
        if path.exists():
            splits = load_splits(path)
            prepared = prepared_then(study.parent, splits.fingerprint)
            if prepared is not None and holdout_hash(prepared, splits) == holdout:
                return ChosenOn.of(chosen_names(prepared, splits), splits.fingerprint)
    return None


def holdout_hash(prepared: Prepared, splits: Splits) -> str:
    """Names the clips that are locked away: 16 hexadecimal digits."""
    locked = sorted(prepared.clip_ids[index] for index in splits.holdout)
    return hashlib.sha256("\n".join(locked).encode()).hexdigest()[:16]


def chosen_names(prepared: Prepared, splits: Splits) -> set[str]:
    """The names of everybody who is not locked away."""
    return _names(prepared, set(range(len(prepared))).difference(splits.holdout))


def _names(prepared: Prepared, indices: Iterable[int]) -> set[str]:
    """Everything that the people of these clips are called."""
    people, names = people_of(prepared), prepared.names
    return {name for index in indices for name in (people[index], *names[index])}


def _hash(salt: str, person: str) -> str:
    return hashlib.sha256(json.dumps([salt, same(person)]).encode()).hexdigest()[:12]


def _stored(said: Mapping[str, Any]) -> ChosenOn:
    return ChosenOn(said["salt"], frozenset(said["people"]))
