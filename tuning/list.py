"""`list`: what there is of each kind: every file of an extension folder, or the registered models (`models` tells of those)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from trainables.core.lookup import UnknownName, names, unknown

PACKAGES = {"studies": "search_spaces", "trainables": "trainables", "datasets": "trainables.data"}


def list(what: str, *, home: str | Path | None = None) -> Sequence[str]:
    """The names of all `studies`, `trainables`, `datasets` or `models`, these of the registry that `home` uses.

    Raises `UnknownName` for anything else.
    """
    if what == "models":
        from tuning.models import models  # MLflow takes seconds

        return [model.name for model in models(home=home)]
    if what not in PACKAGES:
        raise UnknownName(unknown("list", what, [*PACKAGES, "models"]))
    return names(PACKAGES[what])
