"""What a study will cost, and what an ablation can resolve, before anything is spent on it."""

from __future__ import annotations

import dataclasses
import json
import math
import statistics
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from search_spaces.core.study import Study
from trainables.core import lookup, measure
from trainables.core.config import make_config
from trainables.core.device import device_name
from tuning.ablation import NUM_SEEDS, runs_of
from tuning.ledger import Ledger, Trial
from tuning.preparing import HOLDOUT_SHARE

UNKNOWN = "unknown until a pilot ran"
_NUM_POINTS = 4  # of a search space, whose mean cost stands for all
_STATES = 4  # what a checkpoint holds of each weight: itself, two moments, the best epoch's


@dataclasses.dataclass(frozen=True, kw_only=True)
class Forecast:
    """What is ahead of a study; `None` is what cannot be known yet, and the words beside it say why, or from what.

    `num_trainings` counts models to train (a trial on three folds is three), `num_done` those of them that are done.
    `device_hours` and `disk_gb` are of the rest. `detectable_points` is the smallest true difference of two variants, in
    points of accuracy, that the ablation finds with a power of 80 %.
    """

    study: str
    num_trainings: int | None
    trainings_are: str
    num_done: int
    device_hours: float | None
    hours_from: str
    disk_gb: float | None
    detectable_points: float | None = None
    detectable_from: str = ""

    def sentences(self) -> list[str]:
        """One line for each figure."""
        count = "unknown" if self.num_trainings is None else f"{self.num_trainings:,}"
        done = f"; {self.num_done:,} of them are done" if self.num_done else ""
        hours = "" if self.device_hours is None else f"{_rounded(self.device_hours)}, "
        disk = "unknown" if self.disk_gb is None else f"{_rounded(self.disk_gb)} GB, beside the prepared faces"
        lines = [
            f"Trainings: {count} ({self.trainings_are}){done}.",
            f"Device-hours: {hours}{self.hours_from}.",
            f"Disk: {disk}.",
        ]
        if self.detectable_from:
            points = "" if self.detectable_points is None else f"{self.detectable_points:.1f} points of accuracy, "
            lines.append(f"Minimum detectable effect: {points}{self.detectable_from}.")
        return lines


@dataclasses.dataclass(frozen=True, kw_only=True)
class Protocol:
    """The size of a data set's folds: how many, the mean number of clips to train and to test on, and people in all."""

    num_folds: int
    num_train: float
    num_test: float
    num_people: int | None = None


def dry_run(
    study: Study,
    home: Path,
    *,
    num_samples: int | None = None,
    folds: tuple[int, ...] | None = None,
    seeds: int = NUM_SEEDS,
    data_root: Path | None = None,
    workers: int = 1,
    sd: float | None = None,
) -> Forecast:
    """What `study` will take: `num_samples` trials of a search, or an ablation over `folds` and `seeds`.

    Time comes from the study's finished trials, else from counted operations and the rate that finished trials of other
    studies under `home` reached on this device. `sd` is the standard deviation of a paired difference between two
    variants (as a share, 0.02 for two points); without it that of the ledger's finished runs is taken.
    """
    ledger = Ledger.read(home / study.name)
    finished = [trial for trial in ledger.trials.values() if trial.state == "FINISHED"]
    protocol = _protocol(study, ledger, home, data_root)
    num_folds = len(folds) if folds is not None else protocol.num_folds if protocol else None
    total, words, done = _trainings(study, finished, num_samples, num_folds, seeds)
    ahead = None if total is None else max(0, total - done)
    seconds, hours_from = _seconds_each(study, finished, home, protocol)
    weights_mb = _mean_metric(finished, "weights_mb") or _weights_mb(study)
    forecast = Forecast(
        study=study.name,
        num_trainings=total,
        trainings_are=words,
        num_done=done,
        device_hours=None if seconds is None or ahead is None else seconds * ahead * workers / 3600,
        hours_from=hours_from if ahead is not None or seconds is None else "unknown without the number of folds",
        disk_gb=None if ahead is None else _disk_gb(study, ahead, weights_mb),
    )
    if study.design is None:
        return forecast
    points, points_from = _detectable(ledger, study, num_folds, seeds, protocol, sd)
    return dataclasses.replace(forecast, detectable_points=points, detectable_from=points_from)


def _trainings(
    study: Study, finished: list[Trial], num_samples: int | None, num_folds: int | None, seeds: int
) -> tuple[int | None, str, int]:
    """How many models will be trained in all, in words, and how many of them are."""
    search_folds = len(study.search_folds)
    searched = sum(trial.phase == "search" for trial in finished) * search_folds
    if study.design is None:
        trials = num_samples or study.num_samples
        return trials * search_folds, f"{_counted(trials, 'trial')} on {_counted(search_folds, 'fold')}", searched
    variants, tuned = len(study.design.variants), study.design.tune_each
    on = "all folds" if num_folds is None else _counted(num_folds, "fold")
    words = f"{variants} variants x {on} x {_counted(seeds, 'seed')}"
    if tuned:
        words += f", after {_counted(tuned, 'search trial')} for each variant"
    if num_folds is None:
        return None, f"{words}; give --data-root to count the folds", searched
    compared = sum(trial.phase == "ablation" for trial in finished)
    return variants * (num_folds * seeds + tuned * search_folds), words, compared + searched


def _seconds_each(
    study: Study, finished: list[Trial], home: Path, protocol: Protocol | None
) -> tuple[float | None, str]:
    """Device-seconds of one training, and in words where they are from."""
    times = [trial.metrics["wall_time_s"] / len(trial.folds) for trial in finished if "wall_time_s" in trial.metrics]
    if times:
        devices = ", ".join(sorted({trial.device for trial in finished if trial.device}))
        return statistics.fmean(times), f"from {_counted(len(times), 'finished trial')} of this study on {devices}"
    device = device_name(torch.device("cuda" if torch.cuda.is_available() else "cpu"))
    rates = _rates(home, device)
    if not rates or protocol is None:
        return None, UNKNOWN
    flops = statistics.fmean(_flops_of_a_clip(study, settings) * settings["epochs"] for settings in _points(study))
    rate = statistics.median(rates)
    words = (
        f"from counted operations and the {rate / 1e12:.3g} TFLOP/s of {len(rates)} trials of other studies on {device}"
    )
    return flops * protocol.num_train / rate, words


def _detectable(
    ledger: Ledger, study: Study, num_folds: int | None, seeds: int, protocol: Protocol | None, sd: float | None
) -> tuple[float | None, str]:
    """The minimum detectable effect in points, and in words from which spread it follows."""
    # statsmodels takes seconds to import, and a search needs none of it.
    from tuning.comparison import minimum_detectable_effect, sd_of_differences, seed_share_of_differences

    assert study.design is not None
    seed_share, words = 0.0, f"from the given spread of {100 * (sd or 0):.1f} points"
    if sd is None:
        runs = [run for run in runs_of(ledger) if math.isfinite(run.accuracy)]
        try:
            sd = sd_of_differences(runs, study.design.reference)
            seed_share = seed_share_of_differences(runs, study.design.reference)
        except ValueError:  # no run yet, or none that can be paired
            return None, f"{UNKNOWN} (two folds of the reference and another variant)"
        words = f"from the spread of {100 * sd:.1f} points among {len(runs)} finished runs"
    if num_folds is None or protocol is None:
        return None, "unknown without the folds; give --data-root"
    if num_folds < 2:
        return None, "none can be given for a single fold"
    effect = minimum_detectable_effect(
        num_folds,
        seeds,
        sd,
        protocol.num_train,
        protocol.num_test,
        len(study.design.variants) - 1,
        num_people=protocol.num_people,
        seed_share=seed_share,
    )
    return (
        100 * effect,
        f"{words}, {_counted(len(study.design.variants) - 1, 'comparison')} at 5 % together, power 80 %",
    )


def _rates(home: Path, device: str) -> list[float]:
    """Operations per second, everything included, of the finished trials under `home` on this kind of device."""
    rates = []
    for path in sorted(home.glob("*/ledger.jsonl")):
        for trial in Ledger.read(path.parent).trials.values():
            found = trial.metrics
            if trial.state == "FINISHED" and trial.device == device and "train_flops" in found:
                rates.append(found["train_flops"] / found["wall_time_s"])
    return rates


def _points(study: Study) -> list[dict[str, Any]]:
    """Settings that stand for what will be trained: every variant, or a few points of the space."""
    config_type = lookup.load("trainables", study.trainable, "trainable").Config
    if study.design is not None:
        changes = [dict(found) for found in study.design.variants.values()]
    else:
        changes = [
            {key: domain.sample(random_state=number) for key, domain in study.parameters.items()}
            for number in range(_NUM_POINTS)
        ]
    return [dataclasses.asdict(make_config(config_type, {**study.settings, **found})) for found in changes]


def _flops_of_a_clip(study: Study, settings: Mapping[str, Any]) -> int:
    module = lookup.load("trainables", study.trainable, "trainable")
    config = make_config(module.Config, dict(settings))
    with torch.device("meta"):
        return measure.train_flops(module.build_model(config), config)


def _weights_mb(study: Study) -> float:
    module = lookup.load("trainables", study.trainable, "trainable")
    sizes = []
    for settings in _points(study):
        with torch.device("meta"):
            sizes.append(measure.weights_mb(module.build_model(make_config(module.Config, settings))))
    return statistics.fmean(sizes)


def _disk_gb(study: Study, ahead: int, weights_mb: float) -> float:
    """A search keeps the weights of every trial, an ablation none; one checkpoint of a running trial comes on top."""
    kept = 0 if study.design is not None else ahead / len(study.search_folds)
    return (kept + _STATES) * weights_mb * 2**20 / 1e9


def _mean_metric(finished: list[Trial], metric: str) -> float | None:
    values = [trial.metrics[metric] for trial in finished if metric in trial.metrics]
    return statistics.fmean(values) if values else None


def _protocol(study: Study, ledger: Ledger, home: Path, data_root: Path | None) -> Protocol | None:
    """The folds as the study has cut them, else as its reader finds them, else as drawn faces will have them."""
    stored = ledger.folder / "splits.json"
    if stored.exists():
        folds = json.loads(stored.read_text())["folds"]
        return _sizes([(len(fold["train"]), len(fold["test"])) for fold in folds])
    share = 1.0 if study.design is not None else 1 - HOLDOUT_SHARE
    drawn = home / "drawn" / study.name
    root = data_root or (drawn if drawn.exists() else None)
    if root is not None:
        found = lookup.load("trainables.data", study.dataset, "data set").load(root)
        people = len({sample.subject or sample.clip_id for sample in found.samples})
        return _sizes([(len(fold.train), len(fold.test)) for fold in found.folds], share, people)
    if study.dataset == "drawn_faces" and {"num_subjects", "classes"} <= study.drawing.keys():
        people, classes = study.drawing["num_subjects"], len(study.drawing["classes"])
        num_folds = min(5, people)  # as its reader cuts them; one fold to test, one to validate
        clips = people * classes * study.drawing.get("clips_per_class", 1)
        return _sizes([(clips * (num_folds - 2) // num_folds, clips // num_folds)] * num_folds, share, people)
    return None


def _sizes(folds: list[tuple[int, int]], share: float = 1.0, num_people: int | None = None) -> Protocol:
    return Protocol(
        num_people=num_people,
        num_folds=len(folds),
        num_train=share * statistics.fmean(train for train, _ in folds),
        num_test=share * statistics.fmean(test for _, test in folds),
    )


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'s' * (number != 1)}"


def _rounded(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.2g}"
