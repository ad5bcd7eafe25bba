"""MLflow as it is reached: its address, a client that gives up in seconds, and what to say where it does not answer."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from trainables.core import files
from trainables.core.wording import first_line


def default_uri(home: Path) -> str:
    """`$MLFLOW_TRACKING_URI`, else a SQLite file under `home`."""
    return os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{home.absolute()}/{files.DATABASE}"


def give_up_in_seconds() -> None:
    """A server that is away is to be said in seconds, unless the environment says otherwise."""
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "10")


def make_client(uri: str) -> Any:
    """An `MlflowClient` that gives up on a silent server after seconds, and keeps its chatter to itself."""
    give_up_in_seconds()
    os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")
    import mlflow  # seconds of imports: only those who track pay for them

    for noisy in ("mlflow", "alembic", "urllib3"):
        logging.getLogger(noisy).setLevel(logging.ERROR)
    return mlflow.MlflowClient(tracking_uri=uri)


def shown_uri(uri: str) -> str:
    """`uri` without a password, fit for a terminal or a log."""
    parts = urlsplit(uri)
    return uri.replace(f"{parts.username}:{parts.password}@", "", 1) if parts.password else uri


def without_password(text: str, uri: str) -> str:
    """`text`, such as an error message, without the password of `uri`."""
    password = urlsplit(uri).password
    for written in {password, unquote(password)} if password else ():
        text = text.replace(written, "***")
    return text


def trouble(error: Exception, uri: str) -> str:
    """What MLflow at `uri` does where it raised `error`: the rest of a sentence that begins with it; no password is told."""
    if is_silence(error):
        return "does not answer"
    return without_password(f"fails ({type(error).__name__}: {first_line(error)})", uri)


def is_silence(error: Exception) -> bool:
    """Whether MLflow raised `error` because nobody answered."""
    import requests  # there with MLflow; whoever only wants links does not wait for it

    return isinstance(error.__cause__ or error.__context__ or error, requests.ConnectionError | requests.Timeout)
