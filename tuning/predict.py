"""`predict`: classifying clips with a registered model."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from tuning.records import registry, served
from tuning.records.moved_home import open_store


def predict(home: Path, paths: Sequence[Path], model: str | None = None) -> Iterator[dict[str, Any]]:
    """One row a clip, as it comes: `path`, `label`, `probabilities` by class name, `error` and the `model` that answered.

    `model` is `models:/NAME@champion` or `models:/NAME/VERSION`; without it the only champion there is answers.
    """
    uri = open_store(home)
    chosen = model or registry.only_champion(uri)
    for row in served.predict(chosen, uri, paths):
        yield row | {"model": chosen}
