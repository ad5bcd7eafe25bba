"""Whether a home is whole, such as after a move, an upgrade or a restored backup: what is to be looked at, and the fixes.

Nothing is changed here, but for runs in MLflow whose driver was killed: they end. MLflow's database is not upgraded unasked
either: there is no way back from an upgrade, and an older MLflow, such as a server that also reads it, could read it no more.
"""

from __future__ import annotations

import contextlib
import shlex
import sqlite3
import sys
from collections.abc import Callable, Generator, Iterator, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

from trainables.core import files
from trainables.core.prepared.remaining import former_data
from trainables.core.prepared.stored import open_prepared, prepared_folders
from trainables.core.wording import counted
from trainables.data.core.dataset import DataError
from tuning.records.home import known_studies
from tuning.records.ledger import Ledger
from tuning.records.left_over import left_over, num_bytes
from tuning.records.mlflow_client import database_uri
from tuning.records.moved_home import local_path, moved_from
from tuning.records.projection.catching_up import catch_up, left_open

Found = dict[str, str]  # `name`, `found` and `fix`, as a finding of `doctor` has them


def home_looks(home: Path) -> dict[str, Callable[[], Found]]:
    """What to look at in `home`, by name; nothing where no study was begun there."""
    looks = {
        "ledgers": _ledgers,
        "mlflow database": _database,
        "prepared faces": _prepared,
        "registered models": _models,
        "left over": _left_over,
        "runs in mlflow": _runs,
    }
    if not known_studies(home):
        return {}
    return {name: lambda name=name, look=look: {"name": name, **look(home)} for name, look in looks.items()}


def _ledgers(home: Path) -> Found:
    damage = [str(error) for _, error in _read(home) if isinstance(error, ValueError)]
    if damage:
        fix = "Restore it from a copy, or go on with the newer fertune that wrote it."
        return {"found": " ".join(damage), "fix": fix}
    return {"found": f"{counted(len(known_studies(home)), 'study', 'studies')}, all read", "fix": ""}


def _database(home: Path) -> Found:
    with _reading(home) as database:
        if database is None:
            return {"found": f"none in {home}", "fix": ""}
        moved = moved_from(home)
        (schema,) = database.execute("SELECT version_num FROM alembic_version").fetchone()
    where = f"; the home was moved here from {', '.join(map(str, moved))}, which is set right when it is next opened"
    installed, newest, known = metadata.version("mlflow"), *_schemas()
    found, fix = f"of MLflow {installed}{where if moved else ''}", ""
    path = home / files.DATABASE
    if schema not in known:
        found = f"{path} was written by a newer MLflow than {installed} (schema {schema})"
        fix = "Go on with the fertune that wrote it: `git pull`, then `make setup`."
    elif schema != newest:
        found = f"{path} was written by an older MLflow than {installed} (schema {schema})"
        mlflow = Path(sys.executable).with_name("mlflow")
        copy, upgrade = [str(path), f"{path}.before-upgrade"], [str(mlflow), "db", "upgrade", database_uri(path)]
        fix = f"While nothing runs: cp {shlex.join(copy)} && {shlex.join(upgrade)}"
    return {"found": found, "fix": fix}


def _prepared(home: Path) -> Found:
    studies = [(name, ledger.study) for name, ledger in _read(home) if isinstance(ledger, Ledger)]
    gone = [(name, facts) for name, facts in studies if not _lies_prepared(home, facts)]
    if not gone:
        return {"found": "those of every study", "fix": ""}
    again = [
        f"`run {name} --new-data`, as somebody withdrew"
        if former_data(home, facts["dataset_fingerprint"])
        else f"`run {name} --resume`, which draws them again"
        if facts.get("drawn") and not facts.get("data_root")
        else f"`prepare {facts.get('dataset')} --data-root {facts.get('data_root') or 'DIR'}`"
        for name, facts in gone
    ]
    found = f"gone, damaged or left by somebody: {', '.join(name for name, _ in gone)} can be read, and not go on"
    return {"found": found, "fix": f"Prepare them again: {'; '.join(dict.fromkeys(again))}."}


def _models(home: Path) -> Found:
    with _reading(home) as database:
        rows = [] if database is None else database.execute(
            "SELECT name, version, storage_location FROM model_versions WHERE current_stage != 'Deleted_Internal'"
        ).fetchall()  # fmt: skip
    former = moved_from(home)
    gone = []
    for name, version, location in rows:
        folder = local_path(location or "")
        for old in former:
            if folder and folder.is_relative_to(old):
                folder = home / folder.relative_to(old)
        if folder and not (folder / "MLmodel").is_file():
            gone.append((f"{name} version {version}", folder))
    if not gone:
        return {"found": counted(len(rows), "version"), "fix": ""}
    return {
        "found": f"the files of {', '.join(model for model, _ in gone)} are gone",
        "fix": f"Restore {', '.join(str(folder) for _, folder in gone)} from a copy, or promote another configuration.",
    }


def _left_over(home: Path) -> Found:
    found = left_over(home)
    if not found:
        return {"found": "nothing of interrupted work", "fix": ""}
    mebibytes = sum(map(num_bytes, found)) / 2**20
    return {
        "found": f"{counted(len(found), 'file or folder', 'files and folders')} of interrupted work, {mebibytes:,.1f} MiB: "
        "`prune` frees them",
        "fix": "",
    }


def _runs(home: Path) -> Found:
    if not (left := left_open(home)):
        return {"found": "none is open that nobody runs", "fix": ""}
    if ended := catch_up(home, left, patience_s=30.0):
        return {
            "found": f"those of {', '.join(ended)} were open, as their driver was killed; they have ended now",
            "fix": "",
        }
    return {
        "found": f"those of {', '.join(left)} may be open, though nobody runs them, and MLflow takes no end of them",
        "fix": "Start MLflow, then run `doctor` again.",
    }


def _read(home: Path) -> Iterator[tuple[str, Ledger | Exception]]:
    """The ledger of every study, or why it cannot be read."""
    for name in known_studies(home):
        try:
            yield name, Ledger.read(home / name)
        except ValueError as error:
            yield name, error


def _lies_prepared(home: Path, facts: Mapping[str, Any]) -> bool:
    """Whether a study's faces are there and whole; also where it does not say which they are."""
    fingerprint = facts.get("dataset_fingerprint")
    for folder in prepared_folders(home, fingerprint or ""):
        with contextlib.suppress(DataError):
            open_prepared(folder)
            return True
    return not fingerprint


@contextlib.contextmanager
def _reading(home: Path) -> Generator[sqlite3.Connection | None]:
    """MLflow's database of `home`; `None` where there is none with tables."""
    path = home / files.DATABASE
    if not path.is_file():
        yield None
        return
    with contextlib.closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as database:
        made = database.execute("SELECT name FROM sqlite_master WHERE name = 'alembic_version'").fetchone()
        yield database if made else None


def _schemas() -> tuple[str, set[str]]:
    """The schema of the installed MLflow, and all that it knows how to upgrade from."""
    import mlflow
    from alembic.script import ScriptDirectory

    scripts = ScriptDirectory(str(Path(mlflow.__file__).parent / "store" / "db_migrations"))
    return str(scripts.get_current_head()), {script.revision for script in scripts.walk_revisions()}
