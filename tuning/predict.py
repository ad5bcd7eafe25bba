"""`predict`: classifying clips with a registered model."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from pathlib import Path

from tuning.records import registry, served
from tuning.records.home import home_of
from tuning.records.moved_home import open_store


@dataclasses.dataclass(frozen=True, kw_only=True)
class Prediction:
    """What `model` says of the clip at `path`; `error` where it could not be read, and then no label."""

    path: str
    label: str | None
    probabilities: dict[str, float]  # by class name
    error: str | None
    model: str


def predict(
    paths: str | Path | Sequence[str | Path], *, model: str | None = None, home: str | Path | None = None
) -> Iterator[Prediction]:
    """Classify videos, frame folders, images, or every clip below a folder; each prediction as it comes.

    `model` is `models:/NAME@champion` or `models:/NAME/VERSION`; without it the only champion there is answers.
    Raises `ValueError` where there is no such model: of a `model` that is named, with the first answer.
    """
    uri = open_store(home_of(home))
    chosen = model or registry.only_champion(uri)
    several = [paths] if isinstance(paths, str | Path) else paths
    return (
        Prediction(**{key: row[key] for key in ("path", "label", "probabilities", "error")}, model=chosen)
        for row in served.predict(chosen, uri, [Path(path) for path in several])
    )
