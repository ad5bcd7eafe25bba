"""What a caller asks of a study: it fits the kind of study and is possible, or is refused before anything is done."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from search_spaces.core.preference import preference_of
from search_spaces.core.study import Study
from trainables.core.wording import counted
from tuning.execution.search.named import require_searcher
from tuning.records.ledger import Ledger
from tuning.records.left_over import KEEPS

OF_ABLATIONS = ("folds", "seeds", "sd", "pilot")
OF_SEARCHES = ("num_samples", "extend", "prefer")


def require_fitting(study: Study, **asked: Any) -> None:
    """Raises `ValueError` for what is asked of the other kind of study, and would be passed over in silence.

    A preference can be read (`preference_of`). Numbers of trials and of seeds are whole and at least 1; `None` stands for
    what was not asked for.
    """
    kinds = [("a search", OF_SEARCHES), ("an ablation", OF_ABLATIONS)]
    (kind, _), (other, foreign) = kinds if study.design is None else reversed(kinds)
    given = {name: value for name, value in asked.items() if value is not None}
    for name in given:
        if name in foreign:
            raise ValueError(f"Study {study.name} is {kind}; --{_option(name)} is an option of {other}.")
    if given.keys() >= {"extend", "num_samples"}:
        raise ValueError(
            "--extend and --num-samples were both given; both set the number of trials, so give one of them."
        )
    if given.get("keep_weights", "all") not in KEEPS:
        raise ValueError(f"--keep-weights was given as {given['keep_weights']!r}; allowed are {' and '.join(KEEPS)}.")
    if "keep_weights" in given and study.design is not None and not study.design.tune_each:
        raise ValueError(f"Study {study.name} searches nothing and keeps no weights; --keep-weights is for searches.")
    if "searcher" in given:
        if study.design is not None and not study.design.tune_each:
            raise ValueError(f"Study {study.name} searches nothing; --searcher is for searches.")
        require_searcher(given["searcher"])
    preference_of(given.get("prefer"))
    for name in ("num_samples", "extend", "seeds"):
        if given.get(name, 1) < 1:
            raise ValueError(f"--{_option(name)} was given as {given[name]}; whole numbers of at least 1 are allowed.")


def require_one_spread(sd: float | None, pilot: str | None) -> None:
    """Raises `ValueError` for a spread, `sd` in points of accuracy, that is of two sources or cannot be."""
    if sd is not None and pilot is not None:
        raise ValueError("--sd and --pilot were both given; both set the spread, so give one of them.")
    if sd is not None and not 0 < sd <= 100:
        raise ValueError(f"--sd was given as {sd:g}; points of accuracy above 0 and up to 100 are allowed.")


def require_new(ledger: Ledger, home: Path) -> None:
    """Raises `ValueError` for a study whose search was begun under `home`."""
    name, begun = ledger.folder.name, len(ledger.of_phase("search"))
    if begun:
        raise ValueError(
            f"Study {name} was begun under {home} and has {counted(begun, 'trial')}. Go on with --resume, add trials with "
            f"--extend N, or begin anew after `remove {name}`."
        )


def _option(name: str) -> str:
    return name.replace("_", "-")
