"""MLflow's own functions, pointed at one store of runs and one registry of models, and whose failure it is where one fails."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Generator
from contextlib import contextmanager

import mlflow
from mlflow.exceptions import MlflowException

from tuning.records.mlflow_client import (
    database_path,
    is_silence,
    named_by,
    prepare_to_ask,
    registry_uri,
    shown_uri,
    without_password,
)
from tuning.records.projection import artifact_store

TRANSFER_S = 600  # a server that hands weights on to a store of its own answers when it is through, not before
_ONE_AT_A_TIME = threading.RLock()  # the store that MLflow is pointed at is that of the whole process


@contextmanager
def pointed_at(tracking_uri: str) -> Generator[None]:
    """Point MLflow at the store, without its progress bars and running commentary for as long as the block lasts.

    Models are those of `registry_uri(tracking_uri)`. Raises `ValueError` for what is no address, and `ConnectionError`
    where MLflow does not answer or refuses.
    """
    for uri in (tracking_uri, registry_uri(tracking_uri)):
        prepare_to_ask(uri)
        if database := database_path(uri):  # which MLflow does for some spellings of the address, not for all
            database.parent.mkdir(parents=True, exist_ok=True)
    bar, pointer = "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "MLFLOW_TRACKING_URI"
    loggers = [logging.getLogger(name) for name in ("mlflow", "alembic")]
    with _ONE_AT_A_TIME:
        before = {key: os.environ.get(key) for key in (bar, pointer)}
        levels = [logger.level for logger in loggers]
        os.environ[bar] = "false"
        for logger in loggers:
            logger.setLevel(logging.ERROR)
        mlflow.set_tracking_uri(tracking_uri)
        try:
            with asking(registry_uri(tracking_uri)):
                yield
        finally:
            for logger, level in zip(loggers, levels, strict=True):
                logger.setLevel(level)
            # MLflow writes the address into the environment, where it would be taken for the user's own.
            mlflow.set_tracking_uri(None)  # ty: ignore[invalid-argument-type]
            for key, value in before.items():
                if value is None:
                    os.environ.pop(key, None)
                else:
                    os.environ[key] = value


@contextmanager
def patient(tracking_uri: str = "") -> Generator[None]:
    """Let a call take as long as large weights take, for as long as the block lasts.

    Servers that do not answer at all, as asked first of those for `tracking_uri`, are found out in seconds all the same.
    """
    if tracking_uri.startswith("http"):
        ask(tracking_uri)
    key = "MLFLOW_HTTP_REQUEST_TIMEOUT"
    before = os.environ[key]
    os.environ[key] = str(max(TRANSFER_S, int(before)))
    try:
        yield
    finally:
        os.environ[key] = before


def require_answers(tracking_uri: str) -> None:
    """Raises what `pointed_at` raises where either the registry or the store of runs cannot be asked."""
    with pointed_at(tracking_uri):
        ask(tracking_uri)


def ask(tracking_uri: str) -> None:
    """Ask the registry, and the store of runs where that is another; within `pointed_at`."""
    client = mlflow.MlflowClient()
    client.search_registered_models(max_results=1)
    if registry_uri(tracking_uri) != tracking_uri:
        with asking(tracking_uri):
            client.search_experiments(max_results=1)


def shown_registry(tracking_uri: str) -> str:
    """The address of the registry, for a person."""
    return shown_uri(registry_uri(tracking_uri))


@contextmanager
def asking(uri: str) -> Generator[None]:
    """Raises `ConnectionError` where MLflow at `uri` does not do what it is asked in the block."""
    try:
        yield
    except MlflowException as error:
        if words := artifact_store.refusal(error):
            raise ConnectionError(words) from error
        name = named_by(uri)
        of = "The registry of MLflow" if name == "MLFLOW_REGISTRY_URI" else "MLflow"
        if is_silence(error):
            variable = name or "MLFLOW_TRACKING_URI"
            does = f" does not answer. Start that server, or set {variable} to the address of one that runs."
        else:
            does = f": {without_password(str(error.message), uri)}"
        raise ConnectionError(f"{of} at {shown_uri(uri)}{does}") from error
    except Exception as error:
        if words := artifact_store.refusal(error):
            raise ConnectionError(words) from error
        raise
