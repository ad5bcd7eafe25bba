"""`python tune.py` alone: the whole main job on drawn faces, a search, its confirmation and a promotion, on one Ray."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from trainables.core import files
from tuning.evidence.contest import Promotion
from tuning.execution.runner import Listener, Runner
from tuning.promote import promote_winner
from tuning.records.ran import Ran
from tuning.text.progress import heard

STUDY = "demo"


def demo(
    searched: Callable[[Ran], None] = lambda ran: None,
    *,
    home: str | Path | None = None,
    progress: bool | Listener = False,
    verbose: bool = False,
) -> tuple[Ran, Promotion, Path | None]:
    """Run the study `demo`, or go on with it, and promote its winner; `searched` is called in between.

    Returns the study, what was promoted, and a clip to try it on: `None` where the study began on other data than drawn.
    """
    with Runner(STUDY, heard(progress), home=home, verbose=verbose) as runner:
        runner.search(runner.search_size(None, resume=True, extend=None))
        searched(runner.ran)
        promoted = promote_winner(runner)
    clip = next((runner.home / files.DRAWN / STUDY).glob("*/*"), None)
    return runner.ran, promoted, clip
