"""MLflow stores of the tests, without the seconds that MLflow takes to make the tables of one."""

import functools
import tempfile
from pathlib import Path

import mlflow

from trainables.core import files
from tuning.records import tags
from tuning.records.aliases import CHAMPION
from tuning.records.mlflow_client import default_uri

MODEL = "smiles"


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


def register(home: Path, study: str, fingerprint: str, *, champion: bool = False) -> None:
    """A version of the model `smiles` without files, tagged as a promotion does."""
    client = mlflow.MlflowClient(default_uri(home))
    if not client.search_registered_models():
        client.create_registered_model(MODEL)
    stated = {tags.STUDY: study, tags.DATASET_FINGERPRINT: fingerprint}
    version = client.create_model_version(MODEL, source=str(home), tags=stated).version
    if champion:
        client.set_registered_model_alias(MODEL, CHAMPION, version)
