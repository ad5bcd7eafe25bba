"""What a study waits for, in a file of its folder, for whoever asks from another process. Ray is not imported."""

from __future__ import annotations

import contextlib
import json
import os
from pathlib import Path

from trainables.core import files


def write_waits(folder: Path, told: str) -> None:
    """Say what the study in `folder` waits for; `""` where it does not. A disk that refuses is passed over."""
    path = folder / files.WAITS
    with contextlib.suppress(OSError):
        if told:
            draft = path.with_name(f".{path.name}")
            draft.write_text(json.dumps({"waits_for": told}), encoding="utf-8")
            os.replace(draft, path)
        else:
            path.unlink(missing_ok=True)


def read_waits(folder: Path) -> str:
    """What the study in `folder`, which runs, waits for; `""` where it does not."""
    try:
        return str(json.loads((folder / files.WAITS).read_text(encoding="utf-8"))["waits_for"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""
