"""How fast trials ran on a kind of device, which tells how long those of a new study will take."""

from __future__ import annotations

from pathlib import Path

from tuning.records.home import study_folders
from tuning.records.ledger import Ledger


def rates_on(device: str, home: Path) -> list[float]:
    """Operations per second, everything included, of the finished trials under `home` on this kind of `device`."""
    rates = []
    for folder in study_folders(home):
        try:
            trials = Ledger.read(folder).trials.values()
        except ValueError:  # what is damaged elsewhere is told by `status` and `doctor`
            continue
        for trial in trials:
            found = trial.metrics
            if trial.state == "FINISHED" and trial.device == device and found.keys() >= {"train_flops", "wall_time_s"}:
                rates.append(found["train_flops"] / found["wall_time_s"])
    return rates
