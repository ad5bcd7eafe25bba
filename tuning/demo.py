"""`python tune.py` alone: the whole main job on drawn faces, a search, its confirmation and a promotion, on one Ray."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

from trainables.core import files
from tuning.evidence.contest import Promotion
from tuning.execution.runner import Listener, Runner
from tuning.promote import promote_winner, require_registry
from tuning.records.ran import Ran
from tuning.text.progress import heard

STUDY = "demo"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Demonstrated:
    """The study `ran`, what was `promoted`, and a `clip` to try it on: `None` where the study began on data of its own."""

    ran: Ran
    promoted: Promotion
    clip: Path | None


def demo(
    searched: Callable[[Ran], None] = lambda ran: None,
    *,
    home: str | Path | None = None,
    progress: bool | Listener = False,
    verbose: bool = False,
) -> Demonstrated:
    """Run the study `demo`, or go on with it, and promote its winner; `searched` is called in between.

    Raises what `run` and `promote` do; where the registry does not answer, before anything is trained.
    """
    with Runner(STUDY, heard(progress), home=home, verbose=verbose, require=require_registry) as runner:
        runner.search(runner.search_size(None, resume=True, extend=None))
        searched(runner.ran)
        promoted = promote_winner(runner)
    clip = next((runner.home / files.DRAWN / STUDY).glob("*/*"), None)
    return Demonstrated(ran=runner.ran, promoted=promoted, clip=clip)
