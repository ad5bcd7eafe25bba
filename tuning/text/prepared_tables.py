"""Who and what was found in a data set, by name: its classes and its people with their clips."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from trainables.core.prepared.stored import Prepared
from trainables.core.wording import counted
from trainables.data.core.finding import natural

MOST_PEOPLE = 10  # that are shown on a screen


def classes(prepared: Prepared) -> dict[str, int]:
    """How many clips each class has, in the order of the classes."""
    found = Counter(prepared.labels.tolist())
    return {name: found[label] for label, name in enumerate(prepared.classes)}


def people(prepared: Prepared) -> dict[str, int]:
    """How many clips there are of each person, in natural order; of nobody where the data set names no people."""
    found = Counter(subject for subject in prepared.subjects if subject)
    return {name: found[name] for name in natural(found)}


def clusters(prepared: Prepared) -> dict[str, int]:
    """How many clips there are of each cluster of clips that name nobody, in natural order; of none where nobody asked."""
    found = Counter(cluster for cluster in prepared.clusters if cluster)
    return {name: found[name] for name in natural(found)}


def clips(prepared: Prepared) -> list[dict[str, Any]]:
    """What is told of each clip that was kept; of data that an earlier version prepared, nothing."""
    return [{"clip_id": name} | told for name, told in zip(prepared.clip_ids, prepared.told, strict=False)]


def lines(prepared: Prepared) -> Iterator[str]:
    """Both tables as lines of text: all classes, and the first people."""
    yield "Classes:"
    yield from _rows(classes(prepared))
    for title, found in (("People:", people(prepared)), ("Clusters:", clusters(prepared))):
        if found:
            yield title
            yield from _rows(dict(list(found.items())[:MOST_PEOPLE]))
        if len(found) > MOST_PEOPLE:
            yield f"  and {len(found) - MOST_PEOPLE:,} more; --json names all"


def _rows(counts: Mapping[str, int]) -> Iterator[str]:
    width = max(map(len, counts))
    for name, count in counts.items():
        yield f"  {name:<{width}}  {counted(count, 'clip')}"
