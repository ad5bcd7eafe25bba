"""MLflow stores of the tests, without the seconds that MLflow takes to make the tables of one."""

import functools
import tempfile
from pathlib import Path

import mlflow

from trainables.core import files


@functools.cache
def _empty() -> bytes:
    """A database with all of MLflow's tables and nothing in them, made once in a process."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / files.DATABASE
        mlflow.MlflowClient(f"sqlite:///{path}").search_experiments()
        return path.read_bytes()


def new_store(home: Path) -> str:
    """The address of a new store: the file under `home` where a study looks for one."""
    path = home.absolute() / files.DATABASE
    path.write_bytes(_empty())
    return f"sqlite:///{path}"
