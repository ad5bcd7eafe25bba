"""A home that was moved or copied: MLflow's database names its artifacts by absolute path, and is told where they lie now.

Everything else in a home is found from the home that is read. What lies outside of it, such as data roots and a tracking
server, stays what it was.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Generator
from pathlib import Path
from urllib.parse import unquote, urlsplit

from trainables.core import files
from tuning.records.home import known_studies
from tuning.records.mlflow_client import database_path, default_uri
from tuning.records.owner import Owner, is_written, read_owner

# Where MLflow keeps paths of artifacts; a database of an earlier MLflow lacks some of these.
PLACES = {
    "experiments": ("artifact_location",),
    "runs": ("artifact_uri",),
    "logged_models": ("artifact_location",),
    "model_versions": ("source", "storage_location"),
}
PATIENCE_S = 30.0  # for another process that writes the database


def open_store(home: Path) -> str:
    """The address of MLflow's store for `home`, as `default_uri` has it, once its paths are those of today.

    Raises `ValueError` where `home` was moved while a study in it runs, and `ConnectionError` where the database cannot be
    written.
    """
    uri = default_uri(home)
    if is_own_store(uri, home):
        follow_home(home)
    return uri


def is_own_store(uri: str, home: Path) -> bool:
    """Whether `uri` names the database that lies in `home` itself."""
    return database_path(uri) == home.absolute() / files.DATABASE


def moved_from(home: Path) -> list[Path]:
    """The folders in which the database of `home` still looks for artifacts that lie in `home`; none where all is well.

    The experiments of a home lie in its `artifacts`. One that names another folder was written before a move, unless its
    study lies beside that folder and not here: then it is of another home that tracks into this database.
    """
    home = home.absolute()
    with _opened(home) as database:
        return [] if database is None else _former(database, home)


def follow_home(home: Path) -> list[Path]:
    """Tell the database of `home` where its artifacts lie now, in one transaction; the folders where they were."""
    home = home.absolute()
    if not (former := moved_from(home)):
        return []
    _require_idle(home, former)
    with _opened(home) as database:
        assert database is not None
        database.execute("BEGIN IMMEDIATE")  # whoever comes second finds nothing left to do
        former = _former(database, home)
        for old in former:
            _rewrite(database, old / files.ARTIFACTS, home / files.ARTIFACTS)
        database.execute("COMMIT")
    return former


@contextlib.contextmanager
def _opened(home: Path) -> Generator[sqlite3.Connection | None]:
    """The database of `home`; `None` where there is none, or what is there is no database: MLflow will say so."""
    path = home / files.DATABASE
    if not path.is_file():
        yield None
        return
    address = f"{path.as_uri()}?mode=rw"  # never made here
    with contextlib.closing(sqlite3.connect(address, uri=True, isolation_level=None, timeout=PATIENCE_S)) as database:
        try:
            yield database if _is_database(database) else None
        except sqlite3.OperationalError as error:
            raise ConnectionError(
                f"MLflow's database {path} cannot be used ({error}). Give this user write access to it, or wait until no "
                "other process holds it."
            ) from error


def _is_database(database: sqlite3.Connection) -> bool:
    try:
        database.execute("SELECT name FROM sqlite_master").fetchone()
    except sqlite3.OperationalError:
        raise
    except sqlite3.DatabaseError:
        return False
    return True


def _former(database: sqlite3.Connection, home: Path) -> list[Path]:
    if not _columns(database, "experiments"):
        return []
    rows = database.execute("SELECT name, artifact_location FROM experiments WHERE name LIKE 'fertune/%'")
    former = []
    for name, location in rows.fetchall():
        artifacts = local_path(location or "")
        if artifacts is None or artifacts.name != files.ARTIFACTS or _is_same(artifacts.parent, home):
            continue
        ledger = Path(name.removeprefix("fertune/"), files.LEDGER)
        if (home / ledger).exists() or not (artifacts.parent / ledger).exists():
            former.append(artifacts.parent)
    return list(dict.fromkeys(former))


def _rewrite(database: sqlite3.Connection, old: Path, new: Path) -> None:
    """Let every path under `old` lie under `new`, whether it is written as a path or as a URI."""
    for table, columns in PLACES.items():
        for column in columns:
            if column not in _columns(database, table):
                continue
            for was, now in ((old.as_uri(), new.as_uri()), (str(old), str(new))):
                database.execute(
                    f"UPDATE {table} SET {column} = ? || substr({column}, ?) "
                    f"WHERE {column} = ? OR substr({column}, 1, ?) = ?",
                    (now, len(was) + 1, was, len(was) + 1, f"{was}/"),
                )


def _columns(database: sqlite3.Connection, table: str) -> set[str]:
    return {row[1] for row in database.execute(f"PRAGMA table_info({table})")}


def local_path(location: str) -> Path | None:
    """The folder that an artifact location names; `None` where it is not a folder of this machine."""
    parts = urlsplit(location)
    if parts.scheme == "file":
        return Path(unquote(parts.path))
    return Path(location) if location.startswith("/") else None


def _is_same(one: Path, other: Path) -> bool:
    """Whether two paths name one folder, also by a link."""
    if one == other:
        return True
    try:
        return one.samefile(other)
    except OSError:
        return False


def _require_idle(home: Path, former: list[Path]) -> None:
    """While a study of `home` runs elsewhere, under another path of the same folder, its runs must not be moved away."""
    for study in known_studies(home):
        folder = home / study
        if is_written(folder) and (owner := read_owner(folder)) != Owner.this():
            raise ValueError(
                f"Study {study} is running in {home} ({owner or 'another process'}), and its runs in MLflow name "
                f"{_listed(former)} as the home. A home has one path while a study runs: use that one, or wait until it ended."
            )


def _listed(folders: list[Path]) -> str:
    return ", ".join(map(str, folders))
