"""How fast trials ran on a kind of device, which tells how long those of a new study will take."""

from __future__ import annotations

from pathlib import Path

from tuning.records.home import study_folders
from tuning.records.ledger import Ledger


def rates_on(device: str, home: Path) -> list[float]:
    """Operations per second, everything included, of the finished trials under `home` on this kind of `device`.

    Not of frozen stages: where features are shared, the operations are few and the time goes elsewhere.
    """
    rates = []
    for folder in study_folders(home):
        try:
            ledger = Ledger.read(folder)
        except ValueError:  # what is damaged elsewhere is told by `status` and `doctor`
            continue
        settings = ledger.study.get("settings", {})
        for trial in ledger.trials.values():
            found, frozen = trial.metrics, {**settings, **trial.parameters}.get("frozen_stages")
            if frozen or trial.state != "FINISHED" or trial.device != device:
                continue
            if found.keys() >= {"train_flops", "wall_time_s"}:
                rates.append(found["train_flops"] / found["wall_time_s"])
    return rates
