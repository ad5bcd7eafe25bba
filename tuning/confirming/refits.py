"""The trainings of what is registered: the chosen configuration on everybody but the holdout, once or with several seeds."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Generator, Mapping, Sequence
from pathlib import Path
from typing import Any

from trainables.core.serving.averaged import write_averaged
from trainables.core.wording import counted
from tuning.evidence.contest import Refused
from tuning.execution.runner import Runner
from tuning.execution.seeds import refit_seeds
from tuning.records.ledger import Trial
from tuning.records.trial import identity


class NotRefitted(ValueError):
    """A refit did not finish; the message says which and why."""


def refits(runner: Runner, *, of: str, parameters: Mapping[str, Any], num_epochs: int, count: int) -> list[Trial]:
    """The configuration of trial `of`, trained for `num_epochs` with the first `count` seeds of refits, in their order.

    Side by side where slots allow; those that finished already are not run again. Raises `NotRefitted`.
    """
    asked = [
        Trial(
            phase="refit",
            parameters=dict(parameters),
            seed=seed,
            folds=runner.study.search_folds[:1],
            of=of,
            num_epochs=num_epochs,
        )
        for seed in refit_seeds(count)
    ]
    runner.run_listed("refit", asked)
    begun = sorted(
        runner.ledger.of_phase("refit"), key=lambda trial: trial.state == "FINISHED"
    )  # which comes last counts
    known = {identity(runner.study, trial): trial for trial in begun}
    trained = [known.get(identity(runner.study, trial), trial) for trial in asked]
    if lacking := [trial for trial in trained if trial.state != "FINISHED"]:
        named = "; ".join(f"{trial.trial_id}: {trial.error or trial.state}" for trial in lacking)
        raise NotRefitted(f"{len(lacking)} of {counted(count, 'refit')} did not finish. {named}")
    return trained


@contextlib.contextmanager
def model_folder(runner: Runner, trained: Sequence[Trial]) -> Generator[Path]:
    """The folder of the one model that `trained` make, to be registered from; that of several is gone afterwards.

    Raises `Refused` where they cannot be put together.
    """
    first = runner.ledger.trial_folder(trained[0].trial_id)
    if len(trained) == 1:
        yield first
        return
    with tempfile.TemporaryDirectory(prefix="averaged.", suffix=".tmp", dir=first) as place:
        folder = Path(place) / "averaged"
        try:
            write_averaged(folder, [runner.ledger.trial_folder(trial.trial_id) for trial in trained])
        except ValueError as error:
            raise Refused(
                f"The refits cannot be averaged into one model, and nothing was registered. {error}"
            ) from error
        yield folder
