"""How a study ended, in the words of MLflow: the state of its parent run until somebody goes on with it."""

from __future__ import annotations

from typing import Literal

from tuning.records.ledger import Ledger

Status = Literal["FINISHED", "FAILED", "KILLED"]


def outcome(ledger: Ledger, error: BaseException | None = None) -> Status:
    """`FINISHED`, `KILLED` for one that was stopped and can go on, or `FAILED`, as its ledger and `error` tell.

    `error` is what ended its driver, `None` for nothing or where nobody knows, as of a driver that was killed. Trials of all
    phases count: those on the present data, and before the first of them those on the data before.
    A refusal that comes after the trials, such as a gate's, ends no study in another state.
    """
    trials = tuple(ledger.trials.values())
    present = [trial for trial in trials if trial.data_version == ledger.data_version] or list(trials)
    if error is not None and not isinstance(error, Exception):
        return "KILLED"
    if any(trial.halted for trial in present) or isinstance(error, OSError):
        return "KILLED" if error is None else "FAILED"
    return "FINISHED" if any(trial.state == "FINISHED" for trial in present) else "FAILED"
