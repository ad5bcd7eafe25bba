"""A plain network: the same for every study, and trained as any trial is, for as many epochs as there is time for.

A ResNet-18 from scratch on 4 frames of 48 px, then two GRU layers of 64 over them: Res-RBG without gates, bidirectional
layers, masking and augmentation, with label smoothing 0.1 and else the trainer's defaults: what anybody would try first.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from trainables import res_rbg
from trainables.core.baselines.clips import affordable, in_memory, sampled
from trainables.core.prepared.batches import Clips
from trainables.core.prepared.stored import Prepared
from trainables.core.training.epoch import seeded
from trainables.core.training.predictions import Predictions
from trainables.core.training.trainer import Training, predict
from trainables.core.training.workers import Group
from trainables.data.core.dataset import Fold

BUDGET_S = 25.0
FEWEST_EPOCHS = 3  # else it sees fewer clips
TIMED = 32  # clips by which it is known how long an epoch takes
PLAIN: dict[str, Any] = {
    "backbone": "resnet18",
    "attention": "none",
    "rbg_depth": 0,
    "gru_hidden": 64,
    "masking_rate": 0.0,
    "augmentation": "none",  # no clip is seen often enough to be learnt by heart
    "label_smoothing": 0.1,
    "precision": "bfloat16",  # where the device computes it
}
NUM_FRAMES, IMAGE_SIZE = 4, 48


@dataclasses.dataclass(frozen=True, kw_only=True)
class Trained:
    """What a plain network answered, after how many epochs, and on how many clips of which size it was trained."""

    predictions: Predictions
    num_train: int
    config: res_rbg.Config


def plain_network(
    prepared: Prepared,
    fold: Fold,
    scored: tuple[int, ...],
    *,
    num_frames: int,
    image_size: int,
    batch_by: str,
    most_epochs: int,
    seed: int,
    group: Group,
    budget_s: float = BUDGET_S,
) -> Trained:
    """Train on `fold.train`, choose the epoch on `fold.validation` as a trial does, and answer for `scored`.

    It has `num_frames` and `image_size` at most, `batch_by` as a trial, and no more epochs than one, `most_epochs`.
    """
    sizes = {"num_frames": min(num_frames, NUM_FRAMES), "image_size": min(image_size, IMAGE_SIZE)}
    config = res_rbg.Config(**PLAIN, **sizes, batch_by=batch_by, num_classes=len(prepared.classes), epochs=most_epochs)
    clip_s = _seconds_of_clip(prepared, fold, config, seed, group)
    most = affordable(clip_s * min(FEWEST_EPOCHS, most_epochs), budget_s, TIMED)
    train, validation, tested = (
        sampled(part, count, seed) for part, count in ((fold.train, most), (fold.validation, most // 2), (scored, most))
    )
    epochs = num_epochs(clip_s * len(train), budget_s, most_epochs)
    config = dataclasses.replace(config, epochs=epochs)
    training, places = _training(prepared, train, validation, tested, config, seed, group)
    for _ in range(epochs):
        training.run_epoch()
    asked = tuple(places[index] for index in tested)
    found = predict(training.restore_best(), training.clips, asked, config, group)
    predictions = dataclasses.replace(found, indices=np.asarray([*places])[found.indices])
    return Trained(predictions=predictions, num_train=len(train), config=config)


def num_epochs(epoch_s: float, budget_s: float, most: int) -> int:
    """How many epochs of `epoch_s` seconds fit into the budget, 1 at least and `most` at most."""
    return max(1, min(most, int(budget_s / max(epoch_s, 1e-9))))


def _seconds_of_clip(prepared: Prepared, fold: Fold, config: res_rbg.Config, seed: int, group: Group) -> float:
    """How long one clip of an epoch takes, with its share of the validation, once all that is built on first use is."""
    train, validation = sampled(fold.train, TIMED, seed), sampled(fold.validation, TIMED // 2, seed)
    training, _ = _training(prepared, train, validation, (), config, seed, group)
    training.run_epoch()
    began = time.perf_counter()
    training.run_epoch()
    return (time.perf_counter() - began) / len(train)


def _training(
    prepared: Prepared,
    train: Sequence[int],
    validation: Sequence[int],
    tested: Sequence[int],
    config: res_rbg.Config,
    seed: int,
    group: Group,
) -> tuple[Training, dict[int, int]]:
    """A training on these clips alone, and the place of each of them in it, in order of the places."""
    order = sorted({*train, *validation, *tested})
    small = in_memory(prepared, order, num_frames=config.num_frames, image_size=config.image_size)
    places = {index: number for number, index in enumerate(order)}
    parts = {"train": train, "validation": validation, "test": ()}
    fold = Fold(**{name: tuple(places[index] for index in part) for name, part in parts.items()})
    seeded(seed, 0)
    return Training(res_rbg.build_model(config), Clips.of(small, config), fold, config, seed=seed, group=group), places
