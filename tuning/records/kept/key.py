"""All that the numbers of one training depend on: two of the same key are the same work under the same conditions."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

from trainables.core.prepared.splits import Splits
from trainables.core.prepared.stored import Prepared
from trainables.models.published import digest_of
from tuning.records.home import ROOT
from tuning.records.ledger import Trial

LOCK = ROOT / "requirements.lock"
CODE = ROOT / "trainables"
# What a training computes with: their builds (+cpu, +cu130) differ where the lock is the same.
PACKAGES = ("numpy", "opencv-python-headless", "safetensors", "timm", "torch", "torchvision")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Key:
    """What a training in one fold depends on.

    `fingerprint` is that of the prepared data, `clips` a hash of the ids of train, validation and test in their order,
    `configuration` all settings that have an effect, `weights` the hash of the published weights that it starts from (`""`
    for none), `lock` and `code` those of `Installation`, `device` the model of the GPU or CPU, `idle_times_s` what the
    reference of training times takes on such devices when they are idle (docs/decisions/0027).
    """

    fingerprint: str
    phase: str
    fold: int
    clips: str
    seed: int
    num_epochs: int | None
    trainable: str
    configuration: Mapping[str, Any]
    weights: str
    lock: str
    code: str
    device: str
    num_workers: int
    cpus_per_worker: int
    idle_times_s: Mapping[str, float]

    @property
    def name(self) -> str:
        """32 hexadecimal digits of a SHA-256 over all of it."""
        return hashlib.sha256(json.dumps(dataclasses.asdict(self), sort_keys=True).encode()).hexdigest()[:32]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Installation:
    """The code and the packages that train: hashes of `trainables/`, and of the lock with the builds that are installed."""

    lock: str
    code: str

    @classmethod
    def here(cls) -> Installation:
        """Those of this process, read anew at each call."""
        return cls(lock=_lock(), code=_code(CODE))


def key_of(
    prepared: Prepared,
    splits: Splits,
    trial: Trial,
    configuration: Mapping[str, Any],
    *,
    trainable: str,
    installation: Installation,
    device: str,
    num_workers: int,
    cpus_per_worker: int,
    idle_times_s: Mapping[str, float],
) -> Key:
    """The key of `trial`, of one fold and with the whole `configuration` of `trainable`, trained on a `device`."""
    (fold,) = trial.folds
    view = splits.view(trial.phase, fold)
    parts = [[prepared.clip_ids[index] for index in part] for part in (view.train, view.validation, view.test)]
    return Key(
        fingerprint=prepared.fingerprint,
        phase=trial.phase,
        fold=fold,
        clips=_hash(parts),
        seed=trial.seed,
        num_epochs=trial.num_epochs,
        trainable=trainable,
        configuration=dict(configuration),
        weights=digest_of(str(configuration.get("weights", "none"))),
        lock=installation.lock,
        code=installation.code,
        device=device,
        num_workers=num_workers,
        cpus_per_worker=cpus_per_worker,
        idle_times_s={
            kind: one for kind, one in idle_times_s.items() if kind == device or kind.startswith(f"{device}, ")
        },
    )


def tested(prepared: Prepared, splits: Splits, trial: Trial) -> list[str]:
    """The clips that `trial` is tested on, by id."""
    return [prepared.clip_ids[index] for index in splits.view(trial.phase, trial.folds[0]).test]


def _lock() -> str:
    written = LOCK.read_text(encoding="utf-8") if LOCK.is_file() else ""
    return _hash([written, [_version(package) for package in PACKAGES]])


def _version(package: str) -> str:
    try:
        return f"{package} {metadata.version(package)}"
    except metadata.PackageNotFoundError:
        return f"no {package}"


def _code(folder: Path) -> str:
    """A hash over the names and the contents of the modules in `folder`, wherever it lies."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*.py")):
        content = path.read_bytes()
        digest.update(f"{path.relative_to(folder).as_posix()} {len(content)}\n".encode() + content)
    return digest.hexdigest()


def _hash(value: Sequence[Any]) -> str:
    return hashlib.sha256(json.dumps(value).encode()).hexdigest()
