"""Whether a study can go to work: all that can be in its way and is known before its faces are prepared."""

from __future__ import annotations

import json
from collections.abc import Callable

from search_spaces.core.freezing import told_of_frozen
from search_spaces.core.starting import starting_weights
from search_spaces.core.study import Study
from tuning.execution.devices.placement import Placement, slots_of
from tuning.execution.seeds import require_study_seed
from tuning.execution.session import look_ahead, session_ahead
from tuning.records.ledger import Ledger
from tuning.records.mlflow_client import shown_uri, silence
from tuning.records.projection.artifact_store import require_bucket


def require_ready(
    study: Study, ledger: Ledger, tracking_uri: str, placement: Placement, *, tell: Callable[[str], None], trains: bool
) -> None:
    """Raises `ValueError` or `ConnectionError` for what would end the work of `study` later; Ray counts where it `trains`.

    A server of MLflow that does not answer is told, and no more: the ledger keeps what MLflow lacks. What weights the trials
    start from is told, once for each file and backbone, and what of it they do not train.
    """
    if study.design is None or study.design.tune_each:
        require_study_seed(study.seed, ledger)
    require_bucket(tracking_uri)
    if reason := silence(tracking_uri):
        tell(f"MLflow at {shown_uri(tracking_uri)} does not answer ({reason}): the ledger keeps what it misses.")
    if trains:
        require_unchanged(study, ledger)
        for loaded in starting_weights(study):
            tell(loaded.sentence())
        for sentence in told_of_frozen(study):
            tell(sentence)
        slots_of(placement, session_ahead(look_ahead()), 1)


def require_unchanged(study: Study, ledger: Ledger) -> None:
    """Trials of one study are comparable: only the space may change between its runs, not what all trials share."""
    before = ledger.study.get("settings", study.settings)
    now = json.loads(json.dumps(dict(study.settings)))
    changed = sorted(key for key in before.keys() | now.keys() if before.get(key) != now.get(key))
    if changed:
        was = ", ".join(f"{key} was {before.get(key)!r} and is {now.get(key)!r}" for key in changed)
        raise ValueError(
            f"The settings of study {study.name} changed since it was begun: {was}. Its trials would not be "
            "comparable; change them back, or save the study under another name."
        )
    _require_whole_batch(study, ledger)


def _require_whole_batch(study: Study, ledger: Ledger) -> None:
    """Raises `ValueError` where each of several workers had a batch of its own, as in earlier versions."""
    most = max((len(trial.workers) for trial in ledger.trials.values()), default=1)
    if most > 1 and not ledger.study.get("whole_batch"):
        raise ValueError(
            f"Study {study.name} was begun when each of several workers had batches of `batch_size` clips, and its trials ran "
            f"on {most} workers. Now `batch_size` is the whole batch, whatever the number of workers, so new "
            f"trials would not be comparable. Save the study under another name; {most} times the `batch_size` is the batch "
            "that it had."
        )
