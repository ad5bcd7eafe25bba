"""What a study will cost, and the minimum detectable effect of an ablation, before anything is spent."""

from __future__ import annotations

import dataclasses
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from search_spaces.core.freezing import shares_features
from search_spaces.core.starting import starting_weights
from search_spaces.core.study import Study, as_study
from trainables.core import lookup
from trainables.core.config import TrainerConfig, make_config
from trainables.core.training import costs
from trainables.core.training.workers import device_name
from trainables.core.wording import counted
from tuning.evidence.disk import Disk, disk_forecast, require_room
from tuning.evidence.fold_sizes import FoldSize, fold_sizes, mean_sizes, num_clips, num_subjects
from tuning.evidence.minimum_detectable_effect import detectable
from tuning.evidence.rates import rates_on
from tuning.execution.ahead import Ahead, ahead_of, chosen_folds, default_seeds
from tuning.execution.asked import require_fitting, require_one_spread
from tuning.execution.devices.memory import foreseen
from tuning.execution.devices.placement import Placement, num_at_once, of_study
from tuning.execution.face_sizes import FaceSizes
from tuning.execution.preparation import CLUSTER_BY, kept_clusters, kept_spelling
from tuning.execution.runner import Runner
from tuning.execution.seeds import require_study_seed
from tuning.records.home import home_of, known_studies
from tuning.records.ledger import Ledger

UNKNOWN = "unknown until a trial has finished on this device; a small run tells (one trial, or one fold and seed)"
_MANY = 10**6  # trials, where nobody knows how many
_NUM_POINTS = 4  # of a search space, whose mean cost stands for all


@dataclasses.dataclass(frozen=True, kw_only=True)
class Plan:
    """What is ahead of a study; `None` is what cannot be known yet, and the words beside it say why, or from what.

    `num_trainings` counts models to train (a trial on three folds is three), `num_done` those of them that are done.
    `device_hours`, `disk` and `disk_gb`, its peak, are of the rest. `num_people` are tested in an ablation, and
    `detectable_points` is the smallest true difference of two variants, in points of accuracy, that it finds with a power of
    80 %. `memory_gib` is the forecast of the largest configuration, `memory_room_gib` what a worker may take of its device,
    and `memory_parts` in how many parts a step is computed so that it fits: 0 as a whole, `None` where it does not.
    `device` is the kind that it runs on, in words.
    """

    study: str
    num_trainings: int | None
    trainings_are: str
    num_done: int
    device_hours: float | None
    hours_from: str
    disk_gb: float | None
    disk: Disk | None = None
    num_people: int | None = None
    detectable_points: float | None = None
    detectable_from: str = ""
    memory_gib: float | None = None
    memory_room_gib: float | None = None
    memory_parts: int | None = None
    memory_told: str = ""
    device: str = ""

    def lines(self) -> list[str]:
        """One line for each figure."""
        count = "unknown" if self.num_trainings is None else f"{self.num_trainings:,}"
        done = f"; {self.num_done:,} of them are done" if self.num_done else ""
        hours = "" if self.device_hours is None else f"{_rounded(self.device_hours)}, "
        lines = [
            f"Trainings: {count} ({self.trainings_are}){done}.",
            f"Device-hours: {hours}{self.hours_from}.",
            *(self.disk.lines() if self.disk else ["Disk: unknown."]),
        ]
        if self.detectable_from:
            points = "" if self.detectable_points is None else f"{self.detectable_points:.1f} points of accuracy, "
            lines.append(f"Minimum detectable effect: {points}{self.detectable_from}.")
        return [*lines, *([f"Device: {self.device}"] if self.device else []), f"Memory: {self.memory_told}"]


def plan(
    study: str | Study,
    *,
    home: str | Path | None = None,
    data_root: str | Path | None = None,
    keep_spelling: bool = False,
    cluster_by: str | None = None,
    new_data: bool = False,
    num_samples: int | None = None,
    extend: int | None = None,
    folds: tuple[int, ...] | None = None,
    seeds: int | None = None,
    workers: int = 1,
    placement: Placement | None = None,
    keep_weights: str | None = None,
    sd: float | None = None,
    pilot: str | None = None,
    smoke: bool = False,
    prefer: str | None = None,
    searcher: str | None = None,
) -> Plan:
    """What a study will take: `num_samples` trials of a search or `extend` more, or an ablation over `folds` and `seeds`.

    Time comes from the study's finished trials, else from counted operations and the rate that finished trials of other
    studies under `home` reached on this device. `sd` is the standard deviation, over folds and seeds, of the difference in
    accuracy of two variants on one fold with one seed, in points; without it that of the finished runs, or of the `pilot`.

    The disk is that of the largest configuration, and of as many trials at once as `placement` lets run here; without one a
    trial has so many `workers`. What `run` takes too means the same. Raises `ValueError` for what is asked of the other kind of
    study, and for an `image_size`, weights, a seed, folds and a pilot that it cannot be run with.
    """
    loaded, place = as_study(study, smoke=smoke), home_of(home)
    asked: dict[str, Any] = {"num_samples": num_samples, "extend": extend, "folds": folds, "seeds": seeds}
    require_fitting(loaded, **asked, sd=sd, pilot=pilot, keep_weights=keep_weights, prefer=prefer, searcher=searcher)
    seeds = default_seeds(loaded) if seeds is None else seeds
    ledger = Ledger.read(place / loaded.name)
    _require_possible(loaded, ledger, sd, pilot)
    sizes = _folds(loaded, ledger.study, place, data_root, keep_spelling, cluster_by or "", new_data)
    chosen = None if loaded.design is None else _chosen(loaded, folds, sizes)
    size = ledger.search_size(loaded.num_samples, num_samples, extend)
    ahead = ahead_of(loaded, ledger, search_size=size, folds=chosen, seeds=seeds, searcher=searcher)
    left, most, (seconds, hours_from) = ahead.num_left, ahead.most_at_once, _seconds_each(loaded, ledger, place, sizes)
    placement = of_study(placement or Placement(workers=workers), loaded.name, ledger.study)
    disk = _disk(loaded, ledger, ahead, place, placement, keep_weights, sizes)
    found = Plan(
        study=loaded.name,
        num_trainings=ahead.num_trainings,
        trainings_are=ahead.words,
        num_done=ahead.num_done,
        device_hours=None if seconds is None or left is None else seconds * left * placement.workers / 3600,
        hours_from=hours_from if left is not None or seconds is None else "unknown without the number of folds",
        disk_gb=None if disk is None else disk.peak / 1e9,
        disk=disk,
        **foreseen(loaded, placement, _MANY if most is None else most, ledger.study.get("memory_gaps", {})),
    )
    if loaded.design is None:
        return found
    tested = [sizes[fold] for fold in chosen] if sizes and chosen else []
    spread: dict[str, Any] = {"sd": sd and sd / 100, "pilot": _pilot(place, pilot)}
    return _with_effect(found, tested, *detectable(ledger, loaded.design, tested, seeds, **spread))


def _with_effect(found: Plan, tested: Sequence[FoldSize], points: float | None, points_from: str) -> Plan:
    num_people = num_subjects(tested) if tested else None
    return dataclasses.replace(found, num_people=num_people, detectable_points=points, detectable_from=points_from)


def _require_possible(study: Study, ledger: Ledger, sd: float | None, pilot: str | None) -> None:
    """Raises `ValueError` for a seed that the study may not begin with, weights that are not there or misfit, two spreads."""
    require_one_spread(sd, pilot)
    if study.design is None or study.design.tune_each:
        require_study_seed(study.seed, ledger)
    starting_weights(study)


def _folds(
    study: Study,
    facts: Mapping[str, Any],
    home: Path,
    given: str | Path | None,
    keep_spelling: bool,
    cluster_by: str,
    new_data: bool,
) -> list[FoldSize] | None:
    """The folds as `fold_sizes` has them. Raises `ValueError` for a study that asks for larger faces than it would have."""
    root = None if given is None else Path(given).expanduser()
    stored = Path(facts["data_root"]) if facts.get("data_root") else None
    kept = kept_spelling(study.dataset, facts, keep_spelling)
    clustered = kept_clusters(facts, cluster_by, new_data=new_data)
    asked: dict[str, Any] = {"keep_spelling": kept, "cluster_by": clustered, "new_data": new_data}
    FaceSizes(study=study, facts=facts, home=home, root=root or stored, **asked).require()
    return fold_sizes(study, home, root, clustered)


def _chosen(study: Study, folds: tuple[int, ...] | None, sizes: Sequence[FoldSize] | None) -> tuple[int, ...] | None:
    """The folds as a run takes them; `None` where all are meant and nobody knows how many there are."""
    if sizes:
        return chosen_folds(study, folds, len(sizes))
    if folds is None:
        return chosen_folds(study, None, 2) if study.is_smoke else None
    return chosen_folds(study, folds, max(folds, default=0) + 1)  # whether they are there, only the data can tell


def _pilot(home: Path, name: str | None) -> Ledger | None:
    if name is None:
        return None
    known = known_studies(home)
    if name not in known:
        raise lookup.UnknownName(lookup.unknown("study that was begun", name, known))
    ledger = Ledger.read(home / name)
    if not ledger.study.get("design"):
        raise ValueError(
            f"Study {name} is a search; a pilot is an ablation, whose variants were trained on the same folds."
        )
    return ledger


def _seconds_each(
    study: Study, ledger: Ledger, home: Path, sizes: Sequence[FoldSize] | None
) -> tuple[float | None, str]:
    """Device-seconds of one training, and in words where they are from."""
    finished = [trial for trial in ledger.trials.values() if trial.state == "FINISHED"]
    times = [trial.metrics["wall_time_s"] / len(trial.folds) for trial in finished if "wall_time_s" in trial.metrics]
    if times:
        devices = ", ".join(sorted({trial.device for trial in finished if trial.device}))
        return statistics.fmean(times), f"from {counted(len(times), 'finished trial')} of this study on {devices}"
    device = device_name(torch.device("cuda" if torch.cuda.is_available() else "cpu"))
    rates = rates_on(device, home)
    if not rates or not sizes:
        return None, UNKNOWN
    found = _configs(study)
    if any(shares_features(study, config) for config in found):
        return (
            None,
            f"{UNKNOWN}: the features of a frozen trunk are computed once, and operations tell little of the rest",
        )
    flops = statistics.fmean(_flops_of_a_clip(study, config) * config.epochs for config in found)
    rate = statistics.median(rates)
    words = (
        f"from counted operations and the {rate / 1e12:.3g} TFLOP/s of {len(rates)} trials of other studies on {device}"
    )
    return flops * mean_sizes(sizes)[0] / rate, words


def _configs(study: Study) -> list[Any]:
    """Configs that stand for what will be trained: every variant, or a few points of the space."""
    config_type = lookup.load("trainables", study.trainable, "trainable").Config
    if study.design is not None:
        changes = [dict(found) for found in study.design.variants.values()]
    else:
        changes = [
            {key: domain.sample(random_state=number) for key, domain in study.parameters.items()}
            for number in range(_NUM_POINTS)
        ]
    return [make_config(config_type, {**study.settings, **found}) for found in changes]


def _flops_of_a_clip(study: Study, config: TrainerConfig) -> int:
    module = lookup.load("trainables", study.trainable, "trainable")
    with torch.device("meta"):
        model = module.build_model(config)
    return costs.train_flops(model, config)


def require_disk(
    runner: Runner,
    *,
    num_samples: int | None = None,
    extend: int | None = None,
    folds: tuple[int, ...] | None = None,
    seeds: int = 1,
    keep_weights: str | None = None,
) -> None:
    """Raises `ValueError` where the disk cannot hold the trials of `runner`'s study that run at once; tells where it may fill.

    The other arguments are those of `plan`. Of an ablation whose folds nobody can count yet two are taken to be ahead.
    """
    study, ledger = runner.study, runner.ledger
    sizes = fold_sizes(study, runner.home, runner.data_root, runner.cluster_by or ledger.study.get(CLUSTER_BY, ""))
    chosen = None if study.design is None else _chosen(study, folds, sizes) or (0, 1)
    size = ledger.search_size(study.num_samples, num_samples, extend)
    ahead = ahead_of(study, ledger, search_size=size, folds=chosen, seeds=seeds)
    found = _disk(study, ledger, ahead, runner.home, runner.placement, keep_weights, sizes)
    if found and ahead.num_trials:
        require_room(found, runner.noted)


def _disk(
    study: Study,
    ledger: Ledger,
    ahead: Ahead,
    home: Path,
    placement: Placement,
    keep_weights: str | None,
    sizes: Sequence[FoldSize] | None,
) -> Disk | None:
    if ahead.num_trials is None or ahead.most_at_once is None:
        return None
    return disk_forecast(
        study,
        home,
        ledger.study,
        num_trials=ahead.num_trials,
        num_weights=ahead.num_searched,
        num_at_once=num_at_once(placement, ahead.most_at_once),
        num_clips=mean_sizes(sizes)[1] if sizes else 0,
        num_clips_in_all=num_clips(sizes, study) if sizes else 0,
        keep_weights=keep_weights,
    )


def _rounded(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.2g}"
