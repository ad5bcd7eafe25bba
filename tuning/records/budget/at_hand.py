"""The questions of a registry that lies in a file here, read in milliseconds without MLflow, for `status` answers at once."""

from __future__ import annotations

import contextlib
import sqlite3

from tuning.records.budget.question import Question, prefix, questions_in
from tuning.records.mlflow_client import database_path


def questions_at_hand(uri: str, name: str, people: str) -> list[Question] | None:
    """The questions to `people` that the registry at `uri` keeps with the model `name`.

    `None` where it is no file here, or cannot be read: others have to be asked then.
    """
    database = database_path(uri)
    if database is None:
        return None
    if not database.is_file():
        return []
    stated = "SELECT key, value FROM registered_model_tags WHERE name = ? AND substr(key, 1, ?) = ?"
    start = prefix(people)
    try:
        with contextlib.closing(sqlite3.connect(f"{database.absolute().as_uri()}?mode=ro", uri=True)) as opened:
            return questions_in(dict(opened.execute(stated, (name, len(start), start)).fetchall()), people)
    except (sqlite3.Error, ValueError):  # without tables yet, of another MLflow, or damaged
        return None
