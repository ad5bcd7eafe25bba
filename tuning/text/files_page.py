"""`docs/files.md`, the page of what a study leaves in a home, from the code's own definitions: `make docs` writes it."""

from __future__ import annotations

from collections.abc import Iterable

from trainables.core.kept import Kept
from trainables.core.kept_files import KEPT
from tuning.records.home import ROOT

PAGE = ROOT / "docs" / "files.md"

_BEFORE = """\
# What a study leaves

Written by `make docs` from `trainables/core/kept_files.py`: change it there.

Everything lies under the home, `$FERTUNE_HOME` (default `./runs`; `~/fertune-runs` in a Ray job). Paths are relative to it.
Delete only while nothing runs on the study, and read "lost then" before. Where `MLFLOW_TRACKING_URI` names a server, the store
and its files are there and not in the home.
"""
_AFTER = """\
MLflow itself writes `mlflow.db` and `artifacts/` for the modules named here. `mlflow.db.before-upgrade` is the copy that
`doctor` has you make. What ends in `.tmp` or `.removed`, or begins with `.` and holds `.drawing-`, was half done by a process
that died: `prune` frees it. `service/` is not a study's: it holds tokens, users and logs of `make up`;
`slurm/` the logs of jobs of Slurm, and may be deleted.
"""


def page() -> str:
    """The page as Markdown."""
    rows = ["| file | holds | written by | read by | may be deleted | lost then |", "|---|---|---|---|---|---|"]
    return "\n".join([_BEFORE, *rows, *map(_row, KEPT), "", _AFTER])


def _row(kept: Kept) -> str:
    cells = (
        f"`{kept.path}`",
        kept.holds,
        _modules(kept.written_by),
        _modules(kept.read_by) or "nothing",
        "yes" if kept.deletable else "**no**",
        kept.lost,
    )
    return f"| {' | '.join(cells)} |"


def _modules(paths: Iterable[str]) -> str:
    return ", ".join(f"[{path.rpartition('/')[2]}](../{path})" for path in paths)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
