"""The disk that the rest of a study takes, at most, against what is free."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from search_spaces.core.extremes import extremes
from search_spaces.core.freezing import bytes_of_features
from search_spaces.core.starting import configs
from search_spaces.core.study import Study
from trainables.core import lookup
from trainables.core.config import TrainerConfig
from trainables.core.prepared.stored import margin_size, open_prepared, prepared_folders
from trainables.core.training.checkpoint import COPIES
from trainables.core.training.costs import planned_costs, shapes_network
from trainables.core.wording import counted, size
from trainables.data.core.dataset import DataError

_ROW, _FILE = 40, 4000  # bytes of a row of predictions beside its logits, and of the file beside its rows
_COPIES_OF_PREDICTIONS = 2  # MLflow has one
_FRAMES_OF_A_CLIP = 16


@dataclasses.dataclass(frozen=True, kw_only=True)
class Disk:
    """What the rest of a study takes on the disk, in bytes, at most; `free` is what is free where its home lies.

    `num_weights` trials leave a network of `weights_each`, and `weights` in all; with `keeps_all` all of them stay, else those
    that something needs. `checkpoints` are those of `num_at_once` trials while each is written anew. `prepared` are faces that
    are to be prepared yet, and what is derived of them for smaller networks; `None` where that is not known before. `features`
    are those of frozen trunks that trials share.
    `peak` is the sum.
    """

    weights_each: int
    num_weights: int
    weights: int
    keeps_all: bool
    num_at_once: int
    checkpoints: int
    predictions: int
    prepared: int | None
    features: int
    peak: int
    free: int

    def lines(self) -> list[str]:
        """The forecast in sentences; the last warns where the disk may not hold it."""
        if not self.num_at_once:
            return [f"Disk: nothing more. {size(self.free)} are free."]
        parts = [f"checkpoints of {counted(self.num_at_once, 'trial')} at once {size(self.checkpoints)}"]
        if self.num_weights:
            parts.insert(0, f"weights {size(self.weights)} ({self.num_weights:,} x {size(self.weights_each)})")
        parts.append(f"predictions {size(self.predictions)}")
        if self.prepared:
            parts.append(f"prepared faces {size(self.prepared)}")
        if self.features:
            parts.append(f"features of frozen trunks {size(self.features)}")
        lines = [f"Disk: up to {size(self.peak)} while it runs: {', '.join(parts)}. {size(self.free)} are free."]
        if self.num_weights:
            stay = (
                "All weights stay." if self.keeps_all else "The weights of the front, and of what may be on it, stay."
            )
            lines.append(f"At its end: {stay} Checkpoints go with their trials.")
        if self.prepared is None:
            each = margin_size(128) ** 2 * 3
            lines.append(f"Prepared faces come on top: {size(each)} for a frame, of networks that read up to 128 px.")
        if self.peak > self.free:
            lines.append(f"The disk may fill: {self.way_out()}")
        return lines

    @property
    def refusal(self) -> str:
        """Why not even the trials that run at once can be trained; `""` where they can."""
        least = self.checkpoints + min(self.num_at_once, self.num_weights) * self.weights_each
        if least <= self.free:
            return ""
        return (
            f"{counted(self.num_at_once, 'trial')} at once may take {size(least)} of the disk, and {size(self.free)} are free: "
            f"{self.way_out()}"
        )

    def way_out(self) -> str:
        """What to do where the disk is too small."""
        return "free some (`prune` lists what nothing needs), set $FERTUNE_HOME to a larger disk, or --max-concurrent to fewer."


def require_room(found: Disk, tell: Callable[[str], None]) -> None:
    """Raises `ValueError` where not even the trials that run at once can be trained; tells where the disk may fill later."""
    if found.refusal:
        raise ValueError(found.refusal)
    if found.peak > found.free:
        tell(f"Up to {size(found.peak)} of the disk are needed, and {size(found.free)} are free: {found.way_out()}")


def disk_forecast(
    study: Study,
    home: Path,
    facts: Mapping[str, Any],
    *,
    num_trials: int,
    num_weights: int,
    num_at_once: int,
    num_clips: float = 0,
    num_clips_in_all: float = 0,
    keep_weights: str | None = None,
) -> Disk:
    """What `num_trials` more trials take, of which `num_weights` leave a network and `num_at_once` run at a time.

    Each is scored on `num_clips` of `num_clips_in_all`. `facts` are those of the study's ledger. All is that of the largest
    configuration.
    """
    largest, weights_mb = largest_configuration(study)
    each = round(weights_mb * 2**20)
    folds = 1 if study.design is not None and not study.design.tune_each else len(study.search_folds)
    copies = COPIES + bool(largest.ema_decay or "ema_decay" in study.parameters)
    checkpoints = 2 * copies * each * folds * num_at_once  # the one before goes when the new one is written
    predictions = round(_COPIES_OF_PREDICTIONS * num_trials * (_FILE + num_clips * (_ROW + 4 * largest.num_classes)))
    prepared = _to_prepare(study, home, facts)
    features = round(num_clips_in_all * bytes_of_features(study)) if num_trials else 0
    return Disk(
        weights_each=each,
        num_weights=num_weights,
        weights=num_weights * each,
        keeps_all=(keep_weights or facts.get("keep_weights")) == "all",
        num_at_once=num_at_once,
        checkpoints=checkpoints,
        predictions=predictions,
        prepared=prepared,
        features=features,
        peak=num_weights * each + checkpoints + predictions + (prepared or 0) + features,
        free=_free(home),
    )


def largest_configuration(study: Study) -> tuple[TrainerConfig, float]:
    """The configuration of most weights that a trial of `study` may have, and their MiB, from shapes alone."""
    build_model = lookup.load("trainables", study.trainable, "trainable").build_model
    sizes: dict[tuple[Any, ...], float] = {}

    def measured(config: TrainerConfig) -> float:
        network = tuple(value for key, value in vars(config).items() if shapes_network(key))
        if network not in sizes:
            sizes[network] = planned_costs(build_model, config)["weights_mb"]
        return sizes[network]

    _, largest = extremes(study, measured)
    return largest, measured(largest)


def _to_prepare(study: Study, home: Path, facts: Mapping[str, Any]) -> int | None:
    sides = {margin_size(config.image_size) for config in configs(study, ("image_size",))}
    fingerprint = facts.get("dataset_fingerprint")
    if fingerprint and (folders := prepared_folders(home, fingerprint)):
        try:
            prepared = open_prepared(folders[0])
        except DataError:  # whoever trains on it is told
            return 0
        lacking = [side for side in sides if not prepared.has_size(side)]
        return len(prepared.frames) * 3 * sum(side**2 for side in lacking)
    drawing = study.drawing
    if study.dataset != "drawn_faces" or not {"num_subjects", "classes"} <= drawing.keys():
        return None
    clips = drawing["num_subjects"] * len(drawing["classes"]) * drawing.get("clips_per_class", 1)
    stored = margin_size(128)
    derived = sum(side**2 for side in sides if side < stored)
    return clips * drawing.get("num_frames", _FRAMES_OF_A_CLIP) * 3 * (stored**2 + derived)


def _free(home: Path) -> int:
    there = next(place for place in (home.absolute(), *home.absolute().parents) if place.exists())
    return shutil.disk_usage(there).free
