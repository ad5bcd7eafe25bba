"""The curves that a confirmed trial leaves: accuracy under growing occlusion and rotation. No torch."""

from __future__ import annotations

import json
from pathlib import Path

from trainables.core import files
from trainables.core.training.metrics import measured_at

DISTURBED = measured_at("disturbed")


def read_robustness(folder: Path) -> dict[str, dict[int, float]]:
    """Accuracy by strength (per cent of the face, degrees) for each of `DISTURBED`, from a trial's folder.

    Empty where the trial measured none, or its file cannot be read: nothing is decided by it.
    """
    try:
        stored = json.loads((folder / files.ROBUSTNESS).read_text())
        return {
            metric: dict(zip(map(int, stored[metric]["strengths"]), stored[metric]["accuracies"], strict=True))
            for metric in DISTURBED
        }
    except (OSError, ValueError, KeyError, TypeError):
        return {}
