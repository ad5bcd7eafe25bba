"""Twins: clips whose files are the same, byte for byte, under two names. They may never lie on both sides of a split."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from trainables.core.wording import counted
from trainables.data.core.dataset import Fold, Sample
from trainables.data.core.finding import natural
from trainables.data.core.layout import listed

MOST_NAMED = 3  # of one group
ONE_PERSON = "they count as one person, on one side of every split"
TOO_MANY = (
    "a part of the published folds would be empty without them, so the folds stay as they are: WHAT IS TESTED MAY HAVE BEEN "
    "TRAINED ON, and no accuracy says anything about new people"
)

Twins = list[list[int]]  # each the indices of clips that are the same


def twins_of(samples: Sequence[Sample], content: Mapping[Path, str]) -> Twins:
    """Which clips have files of the same content. The rows of one table are no twins of each other."""
    same: dict[tuple[str, ...], dict[tuple[Path, ...], int]] = {}
    for index, sample in enumerate(samples):
        same.setdefault(tuple(content[path] for path in sample.paths), {}).setdefault(sample.paths, index)
    return [list(group.values()) for group in same.values() if len(group) > 1]


def notes(samples: Sequence[Sample], classes: Sequence[str], twins: Twins, *, joined: bool) -> list[str]:
    """What is told of twins: those of several people, and whether these were `joined`, of several classes, and the rest."""
    then = ONE_PERSON if joined else TOO_MANY
    several = [{samples[index].subject or "" for index in group} for group in twins]
    people = [group for group, names in zip(twins, several, strict=True) if len(names) > 1]
    labels = [group for group in twins if len({samples[index].label for index in group}) > 1]
    rest = [group for group in twins if group not in people and group not in labels]
    found = (
        (people, "the same clip under several people", then),
        (labels, "the same clip under several classes", "one of them is wrong"),
        (rest, "the same clip twice", "one of them may go"),
    )
    if not joined and any(names == {""} for names in several):  # clips that name nobody, who are on both sides
        found = tuple(
            (groups, what, then if groups is people else f"{then}; {TOO_MANY}") for groups, what, then in found
        )
    return [
        f"{counted(len(groups), 'time')} {what}, byte for byte "
        f"({listed([_named(group, samples, classes) for group in groups])}); {then}"
        for groups, what, then in found
        if groups
    ]


def notes_apart(num_clips: int) -> list[str]:
    """What is told of clips that `apart` took out of a part."""
    if num_clips == 0:
        return []
    return [
        f"{counted(num_clips, 'clip')} taken out of a part of the published folds: the same people are in one that comes later"
    ]


def groups_of(people: Sequence[str], twins: Iterable[Sequence[int]]) -> list[str]:
    """The person of each clip, where people whom twins connect are one, called by the first of them in natural order."""
    leader = {person: person for person in people}

    def first(person: str) -> str:
        while leader[person] != person:
            person = leader[person]
        return person

    for group in twins:
        leaders = natural({first(people[index]) for index in group})
        leader.update(dict.fromkeys(leaders, leaders[0]))
    return [first(person) for person in people]


def apart(folds: Sequence[Fold], groups: Sequence[str]) -> tuple[list[Fold], int]:
    """Published folds without the clips of people whose twin is in a part that comes later, and how many clips that are.

    What is tested stays as it was published: train gives way to validation and test, validation to test.
    """
    left, gone = [], set()
    for fold in folds:
        test = {groups[index] for index in fold.test}
        validation = tuple(index for index in fold.validation if groups[index] not in test)
        later = test | {groups[index] for index in validation}
        train = tuple(index for index in fold.train if groups[index] not in later)
        gone |= {*fold.train, *fold.validation} - {*train, *validation}
        left.append(Fold(train=train, validation=validation, test=fold.test))
    return left, len(gone)


def _named(group: Sequence[int], samples: Sequence[Sample], classes: Sequence[str]) -> str:
    """The first clips of a group of twins, each with its person and class."""
    first = [samples[index] for index in group[:MOST_NAMED]]
    names = [f"{one.clip_id} ({', '.join(filter(None, [one.subject, classes[one.label]]))})" for one in first]
    more = len(group) - len(first)
    return " = ".join([*names, *([f"{more} more"] if more else [])])
