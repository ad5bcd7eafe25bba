"""MLflow as it is reached: its address, a client that gives up in seconds, and what to say where it does not answer."""

from __future__ import annotations

import logging
import os
import re
import socket
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

from trainables.core import files
from trainables.core.wording import first_line
from tuning.records.home import require_name

SERVERS = {"http": 80, "https": 443}  # and their ports
LOOPBACK = ("127.0.0.1", "localhost", "::1")


def default_uri(home: Path) -> str:
    """`$MLFLOW_TRACKING_URI`, else a SQLite file under `home`.

    Raises `ValueError` for a home whose name MLflow cannot keep.
    """
    if named := os.environ.get("MLFLOW_TRACKING_URI"):
        return named
    require_name(home)
    return database_uri(home.absolute() / files.DATABASE)


def database_uri(file: Path) -> str:
    """The address of a store in SQLite."""
    path = str(file)
    if "?" not in path and unquote(path) == path:
        return f"sqlite:///{path}"
    # What follows `?` would be options, and `%20` a blank. Under `sqlite:` alone MLflow makes a folder of the quoted name.
    return "sqlite+pysqlite:///" + path.replace("%", "%25").replace("?", "%3F")


def registry_uri(tracking_uri: str) -> str:
    """Where models are registered: `$MLFLOW_REGISTRY_URI`, else where runs are tracked."""
    return os.environ.get("MLFLOW_REGISTRY_URI") or tracking_uri


def is_server(uri: str) -> bool:
    """Whether a server keeps the store at `uri`: its trash is its owner's."""
    return uri.startswith("databricks") or urlsplit(uri).scheme in SERVERS


def named_by(uri: str) -> str:
    """The variable that names the MLflow at `uri`, `""` where none does."""
    names = ("MLFLOW_TRACKING_URI", "MLFLOW_REGISTRY_URI")
    return next((name for name in names if os.environ.get(name) == uri), "")


def database_path(uri: str) -> Path | None:
    """The file of a store in SQLite, as SQLAlchemy reads its address; `None` for any other store."""
    scheme, _, rest = uri.partition(":///")
    return Path(unquote(rest.split("?")[0])) if scheme.partition("+")[0] == "sqlite" else None


def require_address(uri: str) -> None:
    """Raises `ValueError` where `uri` can be the address of no MLflow, whatever runs."""
    try:
        parts = urlsplit(uri)
        if parts.scheme in SERVERS:
            well = bool(parts.hostname) and parts.port != 0
        elif parts.scheme in ("", "file"):  # MLflow writes no folders unless it is told to
            well = uri.startswith("databricks") or bool(os.environ.get("MLFLOW_ALLOW_FILE_STORE"))
        else:
            well = not re.fullmatch(r"[\w.-]+:\d+(/.*)?", uri)  # a server's, without its scheme
    except ValueError:  # a port or a bracket
        well = False
    if not well:
        raise ValueError(
            f"{named_by(uri) or 'The address of MLflow'} is {uri.rpartition('@')[2]!r}, where there can be no MLflow. Allowed "
            "are http://HOST:PORT, https://HOST, sqlite:////FULL/PATH.db, postgresql://... and other databases, databricks."
        )


def silence(uri: str) -> str:
    """Why nothing answers at `uri`, asked within seconds; `""` where something does, or where only MLflow can tell.

    A server behind a proxy is not asked.
    """
    prepare_to_ask(uri)
    parts = urlsplit(uri)
    if parts.scheme not in SERVERS:
        return ""
    if {"all", parts.scheme} & getproxies().keys() and not proxy_bypass(str(parts.hostname)):
        return ""
    try:
        with socket.create_connection((parts.hostname, parts.port or SERVERS[parts.scheme]), timeout=5):
            return ""
    except OSError as error:
        return error.strerror or str(error)


def prepare_to_ask(uri: str) -> None:
    """A server that is away is to be said in seconds, unless the environment says otherwise.

    One on this machine is asked directly: no proxy could reach it, and it would be told the password.
    Raises `ValueError` as `require_address` does.
    """
    require_address(uri)
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "10")
    if urlsplit(uri).hostname in LOOPBACK:
        for key in ("no_proxy", "NO_PROXY"):
            given = [*filter(None, os.environ.get(key, "").split(","))]
            os.environ[key] = ",".join([*given, *(host for host in LOOPBACK if host not in given)])


def make_client(uri: str) -> Any:
    """An `MlflowClient` that gives up on a silent server after seconds, and keeps its chatter to itself.

    Raises `ValueError` as `require_address` does.
    """
    prepare_to_ask(uri)
    os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")
    import mlflow  # seconds of imports: only those who track pay for them

    for noisy in ("mlflow", "alembic", "urllib3"):
        logging.getLogger(noisy).setLevel(logging.ERROR)
    return mlflow.MlflowClient(tracking_uri=uri)


def shown_uri(uri: str) -> str:
    """`uri` without a password, fit for a terminal or a log."""
    for password in _passwords(uri):
        uri = re.sub(rf"[^/]*:{re.escape(password)}@|&?password={re.escape(password)}", "", uri, count=1)
    return uri


def without_password(text: str, *uris: str) -> str:
    """`text`, such as an error message, without the passwords of `uris`."""
    for password in (password for uri in uris for password in _passwords(uri)):
        for written in {password, unquote(password)}:
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


def _passwords(uri: str) -> list[str]:
    """Those in `uri` as they are written there: before the host, and as an option of a database."""
    before = uri.partition("://")[2].partition("/")[0].rpartition("@")[0].partition(":")[2]
    return [*filter(None, [before]), *re.findall(r"[?&]password=([^&]+)", uri)]
