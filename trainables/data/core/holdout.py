"""Who is held out: it follows from a salted hash of each person, so that newcomers only add (docs/decisions/0014)."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Collection, Iterable, Sequence

from trainables.data.core.dataset import DataError
from trainables.data.core.spelling import same

FEWEST_HELD = 5  # people, where the share gives as many: fewer tell next to nothing about others
FEWEST_LEFT = 3  # people: one each to train, validate and test


def place_of(salt: str, person: str) -> float:
    """Where `person` falls in [0, 1), by SHA-256 of `salt` and the name; all spellings of a name fall in one place."""
    digest = hashlib.sha256(json.dumps([salt, same(person)]).encode()).digest()
    return (int.from_bytes(digest[:8]) >> 11) / 2**53


def seed_of(salt: str) -> int:
    """The seed of whatever is dealt at random under `salt`."""
    return int.from_bytes(hashlib.sha256(salt.encode()).digest()[:4])


def held_out(
    people: Sequence[str],
    labels: Sequence[int],
    *,
    salt: str,
    share: float = 0.2,
    fewest_left: int = FEWEST_LEFT,
    held: Collection[str] = (),
    free: Collection[str] = (),
) -> list[str]:
    """The people who are held out, in the order of their hashes; `people[i]` shows the class `labels[i]` in clip i.

    Whoever's `place_of` is below `share` is held out, so the side of one person does not depend on who else is there.
    Three rules bend that in small sets. At least `FEWEST_HELD` people are held out (the share of all where that is fewer,
    and one at any rate): the next in the order of the hashes join. `fewest_left` people are left, and of each class two to
    learn from (all, where fewer show it): the highest hashes are released. Where that leaves nobody held out, one person
    of a class is left, and in the end none.

    Those in `held` are held out and those in `free` are not, whatever their hashes: a study that goes on with grown data
    keeps its sides. Raises `DataError` where there are too few people, and `ValueError` for a share outside (0, 1).
    """
    if not 0 < share < 1:
        raise ValueError(f"The holdout's share of the people is {share}; it must lie between 0 and 1, exclusively.")
    shown = _shown(people, labels)
    order = _in_order(shown, salt)
    fewest_held = max(1, min(FEWEST_HELD, round(share * len(order))))
    before = [person for person in order if person in held]
    below = {person for person in order if place_of(salt, person) < share}
    for kept in (2, 1, 0):
        chosen = set(before)
        left = _Left(shown, without=chosen, kept=kept, fewest=fewest_left)
        for person in order:
            wanted = person in below or len(chosen) < fewest_held
            if wanted and person not in chosen and person not in free and left.spares(person):
                chosen.add(person)
        if chosen:
            return [person for person in order if person in chosen]
    raise DataError(
        f"{len(order)} people: a holdout needs at least {fewest_left + 1}, of whom {fewest_left} are left to train, validate "
        "and test."
    )


def lowest(people: Sequence[str], labels: Sequence[int], count: int, *, salt: str) -> set[str]:
    """The `count` people whose hashes are lowest among those who leave somebody of each of their classes, if there are any.

    One person at least is left.
    """
    shown = _shown(people, labels)
    order = _in_order(shown, salt)
    found: dict[str, None] = {}
    for kept in (1, 0):
        left = _Left(shown, without=found, kept=kept, fewest=1)
        for person in order:
            if len(found) < count and person not in found and left.spares(person):
                found[person] = None
    return set(found)


class _Left:
    """The people who are left of those who show the classes in `shown`, while some are taken."""

    def __init__(self, shown: dict[str, set[int]], *, without: Collection[str], kept: int, fewest: int) -> None:
        self._shown, self._fewest = shown, fewest
        showing = Counter(label for classes in shown.values() for label in classes)
        self._needed = {label: min(kept, count) for label, count in showing.items()}
        self._of_class, self._people = showing, len(shown)
        for person in without:
            self._take(person)

    def spares(self, person: str) -> bool:
        """Takes `person` where enough people are left then, in all and of each class that he shows."""
        enough = all(self._of_class[label] > self._needed[label] for label in self._shown[person])
        if found := enough and self._people > self._fewest:
            self._take(person)
        return found

    def _take(self, person: str) -> None:
        self._people -= 1
        self._of_class.subtract(self._shown[person])


def _shown(people: Sequence[str], labels: Sequence[int]) -> dict[str, set[int]]:
    """The classes that each person shows."""
    shown: dict[str, set[int]] = {}
    for person, label in zip(people, labels, strict=True):
        shown.setdefault(person, set()).add(int(label))
    return shown


def _in_order(people: Iterable[str], salt: str) -> list[str]:
    return sorted(people, key=lambda person: (place_of(salt, person), person))
