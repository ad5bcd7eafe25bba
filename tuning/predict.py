"""`predict`: classifying clips with a registered model."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

from trainables.data.core.dataset import DataError
from trainables.data.core.finding import samples_of
from trainables.data.core.passed_over import passed_over
from tuning.records import registry, served
from tuning.records.home import home_of
from tuning.records.moved_home import open_store
from tuning.text.progress import heard

KEYS = ("path", "label", "probabilities", "error")  # what every saved model answers with


class NoteListener(Protocol):
    """Whoever is told what a person should know."""

    def noted(self, message: str) -> None:
        """One sentence."""
        ...


@dataclasses.dataclass(frozen=True, kw_only=True)
class Prediction:
    """What `model` says of the clip at `path`; `error` where it could not be read, and then no label.

    `clip` is what is told of the clip: frames read and expected, faces, and so on, with `remarks` in words. A model that an
    earlier version registered tells nothing of it.
    """

    path: str
    label: str | None
    probabilities: dict[str, float]  # by class name
    error: str | None
    model: str
    clip: dict[str, Any] | None = None


def predict(
    paths: str | Path | Sequence[str | Path],
    *,
    model: str | None = None,
    every_face: bool = False,
    home: str | Path | None = None,
    progress: bool | NoteListener = False,
) -> Iterator[Prediction]:
    """Classify videos, frame folders, images, or every clip below a folder; each prediction as it comes.

    What lies in a folder and is passed over is told to `progress` at once.
    `model` is `models:/NAME@champion` or `models:/NAME/VERSION`; without it the only champion there is answers. With
    `every_face` each person in a clip has a prediction, and its `clip["box"]` says where that one is.
    Raises `ValueError` where there is no such model and where it answers for one face a clip only: of a `model` that is
    named, with the first answer.
    """
    uri = open_store(home_of(home))
    chosen = model or registry.only_champion(uri)
    several = [paths] if isinstance(paths, str | Path) else paths
    listener = heard(progress)
    clips = [clip for path in several for clip in _clips(Path(path), listener)]
    return (
        Prediction(**{key: row[key] for key in KEYS}, clip=row.get("clip"), model=chosen)
        for row in served.predict(chosen, uri, clips, every_face=every_face)
    )


def _clips(path: Path, listener: NoteListener) -> list[Path]:
    """The clips that a folder stands for, so that each is answered as it comes; any other path is the model's to judge."""
    try:
        samples = samples_of(path)
    except (DataError, OSError):
        return [path]
    if path.is_dir():
        for note in passed_over(path, [file for sample in samples for file in sample.paths]):
            listener.noted(f"not read: {note} in {path}")
    clips = [Path(sample.clip_id) for sample in samples]
    # A folder that holds frames and clips besides is answered for whole, once.
    return clips if path not in clips else [path]
