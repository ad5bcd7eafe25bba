"""`predict`: classifying clips with a registered model."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from pathlib import Path

from trainables.data.core.dataset import DataError
from trainables.data.core.finding import samples_of
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
    clips = [clip for path in several for clip in _clips(Path(path))]
    return (
        Prediction(**{key: row[key] for key in ("path", "label", "probabilities", "error")}, model=chosen)
        for row in served.predict(chosen, uri, clips)
    )


def _clips(path: Path) -> list[Path]:
    """The clips that a folder stands for, so that each is answered as it comes; any other path is the model's to judge."""
    try:
        clips = [Path(sample.clip_id) for sample in samples_of(path)]
    except (DataError, OSError):
        return [path]
    # A folder that holds frames and clips besides is answered for whole, once.
    return clips if path not in clips else [path]
