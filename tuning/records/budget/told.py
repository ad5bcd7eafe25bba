"""What is left of the error level for a study, as far as it can be told at once."""

from __future__ import annotations

import contextlib
from pathlib import Path

from trainables.core.prepared.splits import salt_of
from tuning.records.aliases import champion_name
from tuning.records.budget.at_hand import questions_at_hand
from tuning.records.budget.question import EVENT, Balance, people_hash
from tuning.records.ledger import Ledger
from tuning.records.mlflow_client import default_uri, registry_uri


def balance_of(ledger: Ledger, home: Path) -> Balance | None:
    """What the registry of `home` says now, where it is a file here; else what the `ledger` heard last.

    `None` for a study that can promote nothing, one of before that does not tell its registered model, and where nobody knows.
    """
    study = ledger.study
    model, dataset = study.get("registered_model"), study.get("dataset")
    if not model or not dataset or study.get("design") or ledger.leaky:
        return None
    name = champion_name(model, dataset, drawn=bool(study.get("drawn")))
    with contextlib.suppress(ValueError):  # of a home that MLflow cannot have
        found = questions_at_hand(registry_uri(default_uri(home)), name, people_hash(salt_of(dataset, model)))
        if found is not None:
            return Balance.after(name, found)
    heard = [one for one in ledger.events if one["event"] == EVENT and one["model"] == name]
    if not heard:
        return None
    last = heard[-1]
    told = {key: last[key] for key in ("model", "left", "asked", "promoted", "salt")}
    return Balance(**told, as_of=last["time"])
