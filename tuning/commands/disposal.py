"""The commands that take away what a home holds: they say what will go, and ask."""

from __future__ import annotations

from typing import Any

import fertune
from tuning.commands.working import command
from tuning.records.home import default_home
from tuning.text import arguments as arg


def remove(
    study: arg.Begun, force: arg.Force = False, yes: arg.Yes = False,
    as_json: arg.AsJson = False, verbose: arg.Verbose = False,
) -> None:  # fmt: skip
    """Remove a study for good, with its runs in MLflow; asks first. Registered models and prepared faces stay."""
    with command(verbose, goes_on="Some of the study may be left; the same command goes on."):
        from tuning.text import disposal_tables

        planned = fertune.plan_removal(study)
        if force or not planned.models:  # else it is refused at once
            disposal_tables.show_parts(planned.parts, as_json, title=f"Removing {study} frees")
            disposal_tables.ask(yes, f"Remove {study}?")
        disposal_tables.show_done(f"Removed {study}", fertune.remove(study, force=force).num_bytes, as_json)


def prune(yes: arg.Yes = False, as_json: arg.AsJson = False, verbose: arg.Verbose = False) -> None:
    """List what a home holds and nothing needs any more, with what it frees; ask, and free it."""
    with command(verbose, goes_on="Some of it may be left; the same command goes on."):
        from tuning.text import disposal_tables

        planned = fertune.plan_prune()
        if disposal_tables.show_pruning(planned, default_home(), as_json):
            disposal_tables.ask(yes, "Free it?")
            disposal_tables.show_done("Freed", fertune.prune(planned).num_bytes, as_json)


def forget(
    subject: arg.Subject, dataset: arg.OfDataset = None, keep_spelling: arg.ThisSpelling = False, yes: arg.Yes = False,
    as_json: arg.AsJson = False, verbose: arg.Verbose = False,
) -> None:  # fmt: skip
    """Erase a person who withdraws from all that a home holds, name the models that were trained on them; asks first."""
    with command(verbose, goes_on="Some of it may be left; the same command goes on."):
        from tuning.text import disposal_tables, withdrawal_tables

        of: dict[str, Any] = {"dataset": dataset, "keep_spelling": keep_spelling}
        withdrawal_tables.show(fertune.plan_forgetting(subject, **of), as_json)
        disposal_tables.ask(yes, f"Forget {subject}?")
        withdrawal_tables.show_erased(fertune.forget(subject, **of), as_json)
