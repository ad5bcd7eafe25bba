"""A trial as the ledger tells it, and when two of one phase are the same work: by what they train, not how it is written."""

from __future__ import annotations

import dataclasses
from collections.abc import Hashable
from typing import TYPE_CHECKING, Any, Literal

from trainables.core import lookup
from trainables.core.config import TrainerConfig, make_config
from trainables.core.phases import Phase

if TYPE_CHECKING:  # whoever reads a ledger needs no Ray
    from search_spaces.core.study import Study

State = Literal["RUNNING", "FINISHED", "FAILED", "KILLED", "INTERRUPTED"]


@dataclasses.dataclass(kw_only=True)
class Trial:
    """One logical trial, however often it was retried or resumed. `trial_id` is empty until it starts.

    `of` names the trial whose configuration this one re-trains; `variant` is `""`, the name of a control, or of a design's
    variant. `num_epochs` ends a refit before its schedule does. `trainable` is `""` for the study's own; where it names
    one (a champion from elsewhere), `parameters` is all that is given, and the study's settings play no part.
    `data_version` counts the data that the study had until then, the first as 1 (`Ledger.data_version`).
    `curve` has one row per epoch, `metrics` what was logged once at the chosen epoch, `workers` host, device and GPUs.
    `deaths` counts how often what ran it died by its own doing, `other_deaths` how often otherwise, as with a lost node.
    `proposed` is what a search expected of it when it was proposed, and why it was (`tuning/text/proposals.py`).
    `taken_from` says of one that was not trained here, but taken from those kept of champions, where it was (`Origin`).
    """

    trial_id: str = ""
    phase: Phase
    parameters: dict[str, Any]
    seed: int
    folds: tuple[int, ...]
    of: str = ""
    variant: str = ""
    num_epochs: int | None = None
    trainable: str = ""
    data_version: int = 1
    state: State = "RUNNING"
    started_at: float = 0.0
    ended_at: float | None = None
    curve: list[dict[str, float]] = dataclasses.field(default_factory=list)
    metrics: dict[str, float] = dataclasses.field(default_factory=dict)
    error: str = ""
    workers: list[dict[str, str]] = dataclasses.field(default_factory=list)
    taken_from: dict[str, Any] = dataclasses.field(default_factory=dict)
    proposed: dict[str, Any] = dataclasses.field(default_factory=dict)
    deaths: int = 0
    other_deaths: int = 0

    @property
    def halted(self) -> bool:
        """Whether it began and has not ended, so that a resumed study goes on with it."""
        return self.state in ("RUNNING", "INTERRUPTED")

    @property
    def ended(self) -> bool:
        """Whether it came to an end of its own, so that nothing goes on with it."""
        return self.state in ("FINISHED", "FAILED")

    @property
    def epochs_told(self) -> int:
        """How many epochs from the first have a row each; what comes after a gap is told again by whoever goes on."""
        return sum(row["epoch"] == number for number, row in enumerate(self.curve, 1))

    @property
    def deaths_told(self) -> str:
        """How often what ran it died, and how many of these deaths were its own; `""` where none did."""
        total = self.deaths + self.other_deaths
        return f"{total}, {self.deaths or 'none'} of its own" if total else ""

    @property
    def device(self) -> str:
        """The kind of device it ran on, or kinds; `""` before it ended."""
        return ", ".join(sorted({worker["device"] for worker in self.workers}))


def identity(study: Study, trial: Trial) -> Hashable:
    """Equal for trials of one phase of `study` that are the same work."""
    return (
        *(trial.of, trial.variant, trial.trainable, configuration_of(study, trial)),
        *(trial.seed, tuple(trial.folds), trial.num_epochs),
    )


def as_written(study: Study, trial: Trial) -> Trial:
    """`trial` as the ledger of `study` has it: without parameters that have no effect."""
    return trial if trial.trainable else dataclasses.replace(trial, parameters=study.effective(trial.parameters))


def refusal_of(study: Study, trial: Trial) -> str:
    """Why the configuration of `trial`, of an earlier version, cannot be trained today; `""` where it can."""
    try:
        _config(study, trial)
    except (TypeError, ValueError) as error:
        return str(error)
    return ""


def configuration_of(study: Study, trial: Trial) -> Hashable:
    """Equal for trials of `study` that train the same configuration."""
    try:
        return _config(study, trial)
    except (TypeError, ValueError):  # of an earlier version, or bound to fail
        return tuple(sorted(trial.parameters.items()))


def _config(study: Study, trial: Trial) -> TrainerConfig:
    if not trial.trainable:
        return study.config(trial.parameters)
    config_type = lookup.load("trainables", trial.trainable, "trainable").Config
    return make_config(config_type, trial.parameters).canonical()
