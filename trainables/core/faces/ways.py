"""The ways to crop a face that is found, by name: a study goes on, and a model answers, with the one that it began with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, cast, get_args

from trainables.data.core.dataset import DataError

Cropping = Literal["path", "fixed_box"]  # along the path of the head, or one box a clip, as versions up to 0.2 cropped
NEWEST: Cropping = "path"
EARLIEST: Cropping = "fixed_box"  # of whatever tells nothing of it
KEY = "cropping"  # in the settings of a finder, the facts of a ledger and model.json


def cropping_of(known: Mapping[str, Any]) -> Cropping:
    """How the faces were cropped of which something is `known`; versions up to 0.2 told nothing of it.

    Raises `DataError` for a way that only a later version knows.
    """
    cropping = known.get(KEY, EARLIEST)
    if cropping not in get_args(Cropping):
        raise DataError(
            f"These faces were cropped in a way ({cropping!r}) that this version does not know; it knows "
            f"{' and '.join(get_args(Cropping))}. Use the version that made them."
        )
    return cast(Cropping, cropping)
