"""The recorded set: people whom choices behind a challenger or a champion saw before the race, closed under ancestry.

Those people flatter what was chosen by them, so the gate leaves them out (docs/decisions/0031). They are the people a search
validated on, on its present data and all before, and those of the studies it was begun from.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from search_spaces.core.study import Study
from trainables.core import files
from trainables.core.prepared.splits import Splits, load_splits, people_of, prepared_then
from trainables.core.prepared.stored import Prepared
from tuning.evidence.chosen_on import ChosenOn
from tuning.records.ledger import Ledger

EVENT = "recorded_set"  # of a study that another one was begun from


def recorded_names(study: Study, folder: Path, prepared: Prepared, splits: Splits) -> set[str]:
    """Everything that the people are called whom the search of `study` in `folder` validated on, on any of its data."""
    names = _validated(study, prepared, splits)
    for path in sorted(folder.glob(files.FORMER_SPLITS.format(fingerprint="*"))):
        former = load_splits(path)
        if (data := prepared_then(folder.parent, former.fingerprint)) is not None:
            names |= _validated(study, data, former)
    return names


def carry(ledger: Ledger, source: ChosenOn, *, of: str) -> None:
    """Write into `ledger` that its study was begun from study `of`, whose recorded set is `source`: once for each."""
    ledger.note(EVENT, of=of, salt=source.salt, people=sorted(source.hashes))


def carried(ledger: Ledger) -> list[ChosenOn]:
    """The recorded sets of the studies that this one was begun from."""
    events = [event for event in ledger.events if event["event"] == EVENT]
    return [ChosenOn(event["salt"], frozenset(event["people"])) for event in events]


def recorded_clips(names: Iterable[str], others: Iterable[ChosenOn], prepared: Prepared) -> frozenset[str]:
    """The clips of `prepared` that show somebody of `names`, or of a recorded set among `others`."""
    known, others, people = set(names), list(others), people_of(prepared)
    seen = {
        person
        for person, called in zip(people, prepared.names, strict=True)
        if (who := {person, *called}) & known or any(name in one for one in others for name in who)
    }
    return frozenset(clip for clip, person in zip(prepared.clip_ids, people, strict=True) if person in seen)


def _validated(study: Study, prepared: Prepared, splits: Splits) -> set[str]:
    people, names = people_of(prepared), prepared.names
    seen = {index for fold in study.search_folds for index in splits.view("search", fold).validation}
    return {name for index in seen for name in (people[index], *names[index])}
