"""Options of the command line: parsed, or refused with what was given and what is allowed. Nothing heavy is imported."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    from search_spaces.core.study import Study


def folds_of(text: str | None) -> tuple[int, ...] | None:
    """The folds of `--folds`; `None` for all of them."""
    if text is None or text == "all":
        return None
    parts = text.split(",")
    if not all(part.strip().isdecimal() for part in parts):
        raise ValueError(f"--folds was given as {text!r}; allowed are `all` and numbers such as 0,1.")
    return tuple(int(part) for part in parts)


def seconds_of(text: str | None) -> float | None:
    """A length of time such as 90s, 30m, 2h or 1d; `None` for none."""
    if text is None:
        return None
    units = {"s": 1, "m": 60, "h": 3600, "d": 86400}
    number, unit = text[:-1], text[-1:]
    if unit not in units or not number.replace(".", "", 1).isdecimal() or not float(number):
        raise ValueError(
            f"{text!r} is no length of time; allowed are numbers above 0 with a unit, such as 90s, 30m, 2h or 1d."
        )
    return float(number) * units[unit]


def missing_packages(missing: ModuleNotFoundError) -> str:
    """What to say of a Python that lacks what fertune needs."""
    return (
        f"fertune's packages are missing in this Python ({sys.executable} has no {missing.name}): run `make setup`, then "
        ".venv/bin/python tune.py ..."
    )


def require_study(name: str) -> None:
    """An unknown name is answered before anything heavy is imported."""
    from trainables.core.lookup import UnknownName, names, unknown

    if name not in names("search_spaces"):
        raise UnknownName(unknown("study", name, names("search_spaces")))


def load(name: str, *, smoke: bool = False) -> Study:
    """The study of that name, or its smoke run."""
    require_study(name)
    from search_spaces.core.study import as_study  # seconds

    return as_study(name, smoke=smoke)


def require_compared(study: Study, table: Path | None) -> None:
    """A `table` compares the variants of an ablation; its format is known before hours of training, not after."""
    if table is None:
        return
    if study.design is None:
        raise ValueError(f"Study {study.name} is a search; --table is an option of an ablation.")
    from tuning.text.sheets import require_format  # seconds

    require_format(table)


def require_all_alone(study: str | None, everybody: bool) -> None:
    """`status --all` is of all studies."""
    if everybody and study is not None:
        raise ValueError("STUDY and --all were both given; --all shows every study. Give one of them.")


def require_spread(sd: float | None, pilot: str | None, dry_run: bool) -> None:
    """A spread is what a plan is made from."""
    for option, value in (("--sd", sd), ("--pilot", pilot)):
        if value is not None and not dry_run:
            raise ValueError(f"{option} was given without --dry-run; it sets the spread that a plan is made from.")


def require_preference(prefer: str | None) -> None:
    """Words that state no preference are refused before anything heavy is imported."""
    if prefer is not None:
        from search_spaces.core.preference import preference_of

        preference_of(prefer)


def require_one_way(
    nested: int | None, top: int | None, trial: str | None, dry_run: bool, prefer: str | None = None
) -> None:
    """An option of another way to confirm would be passed over in silence; a preference has to be one."""
    require_preference(prefer)
    if nested is None and dry_run:
        raise ValueError("--dry-run was given without --nested; only nested cross-validation is planned.")
    for option, value in (("--top", top), ("--trial", trial), ("--prefer", prefer)):
        if nested is not None and value is not None:
            raise ValueError(
                f"{option} and --nested were both given; {option} chooses what to test on the holdout, --nested tests the "
                "search. Give one of them."
            )


def promotion_of(rollback: bool, *, trial: str | None, **others: Any) -> dict[str, Any]:
    """What `fertune.promote` is given, of those options that were.

    Options that do not go together, and words that state no preference or no reason, are refused before heavy imports.
    """
    require_rollback_alone(rollback, trial=trial, **others)
    require_preference(others["prefer"])
    if others["override"] is not None:
        from tuning.evidence.model.override import override_of

        override_of(others["override"])
    return {key: value for key, value in {"trial_id": trial, **others}.items() if value is not None}


def require_rollback_alone(rollback: bool, **others: Any) -> None:
    """A rollback restores a champion as it was: nothing is chosen or trained, so other options have no use."""
    for name, value in others.items():
        if rollback and value is not None:
            option = name.replace("_", "-")
            raise ValueError(f"--{option} and --rollback were both given; --rollback takes no other option.")
