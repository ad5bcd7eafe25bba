"""`list`: what there is of each kind, every file of an extension folder."""

from __future__ import annotations

from collections.abc import Sequence

from trainables.core.lookup import UnknownName, names, unknown

PACKAGES = {"studies": "search_spaces", "trainables": "trainables", "datasets": "trainables.data"}


def list(what: str) -> Sequence[str]:
    """The names of all `studies`, `trainables` or `datasets`; raises `UnknownName` for anything else."""
    if what not in PACKAGES:
        raise UnknownName(unknown("list", what, [*PACKAGES]))
    return names(PACKAGES[what])
