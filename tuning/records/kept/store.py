"""The files of kept trainings, `<home>/kept_trainings/<fingerprint>/<key>.parquet`: one training each, whole or not there.

A file is the training's predictions, with its `Key`, its `Origin` and what it measured in the metadata of the table. Reading
needs no lock: a file is renamed into its place. Nothing here needs torch.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import uuid
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from trainables.core import files

if TYPE_CHECKING:  # it reads what torch needs seconds for
    from tuning.records.kept.key import Key

_TOLD = b"fertune"


class Damaged(ValueError):
    """A kept training that cannot be read; the message says which and why."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Origin:
    """Where a kept training was trained: the study and its trial, when it ended, and how many trials could run at once."""

    study: str
    trial_id: str
    ended_at: float
    concurrency: str

    @property
    def told(self) -> str:
        """In words."""
        return f"{self.study} {self.trial_id}"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Training:
    """What a kept training measured, `confusion` as the text of `confusion.json`, and whose it is.

    `champion` is the URI of the version that was champion when it was kept.
    """

    origin: Origin
    champion: str
    dataset: str
    metrics: Mapping[str, float]
    curve: list[dict[str, float]]
    workers: list[dict[str, str]]
    confusion: str


def path_of(home: Path, key: Key) -> Path:
    """Where the training of `key` lies, if it is kept."""
    return files.kept_trainings(home, key.fingerprint) / f"{key.name}.parquet"


def kept_files(home: Path) -> list[Path]:
    """All kept trainings of a home."""
    return sorted((home / files.KEPT_TRAININGS).glob("*/[!.]*.parquet"))


def keep(home: Path, key: Key, training: Training, predictions: Path, tested: Collection[str]) -> bool:
    """Keep a training with its `predictions.parquet`; false where these are not of the clips `tested`, or unreadable.

    Raises `OSError` where it cannot be written. What is there already is written anew, the same.
    """
    try:
        table = pq.read_table(predictions)
    except (OSError, ValueError):
        return False
    if sorted(table["clip_id"].to_pylist()) != sorted(tested):
        return False
    told = json.dumps({"key": dataclasses.asdict(key), "training": dataclasses.asdict(training)})
    stated = json.dumps({"sha256": hashlib.sha256(told.encode()).hexdigest(), "told": told})
    path = path_of(home, key)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}.tmp")
    try:
        pq.write_table(table.replace_schema_metadata({_TOLD: stated}), temporary, write_page_checksum=True)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    return True


def find(home: Path, key: Key, tested: Collection[str]) -> tuple[Training, pa.Table] | None:
    """The training of `key` with its predictions; `None` where it is not kept. Raises `Damaged`."""
    path = path_of(home, key)
    if not path.exists():
        return None
    try:
        table = pq.read_table(path, page_checksum_verification=True)
        told = _told(table.schema.metadata)
        training = dict(told["training"])
        whole = told["key"] == json.loads(json.dumps(dataclasses.asdict(key)))
        if not whole or sorted(table["clip_id"].to_pylist()) != sorted(tested):
            raise ValueError("it is another training than its name says")
        return Training(origin=Origin(**training.pop("origin")), **training), table.replace_schema_metadata()
    except FileNotFoundError:  # somebody deleted it meanwhile
        return None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise Damaged(f"{path} cannot be read ({error})") from error


def facts_of(path: Path) -> dict[str, Any]:
    """What a kept training says of itself: `key` and `training`, as plain values. Raises `Damaged`."""
    try:
        return _told(pq.read_schema(path).metadata)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise Damaged(f"{path} cannot be read ({error})") from error


def discard(path: Path) -> None:
    """Delete a kept training; harmless where it is gone."""
    with contextlib.suppress(OSError):
        path.unlink()


def _told(metadata: Mapping[bytes, bytes] | None) -> dict[str, Any]:
    stated = json.loads((metadata or {})[_TOLD])
    if hashlib.sha256(stated["told"].encode()).hexdigest() != stated["sha256"]:
        raise ValueError("its checksum is another")
    return json.loads(stated["told"])
