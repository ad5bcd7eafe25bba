"""Where MLflow's files lie: beside the home's own store, or in a bucket that `$FERTUNE_ARTIFACTS` names."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from trainables.core import files
from trainables.core.wording import first_line

VARIABLE = "FERTUNE_ARTIFACTS"
_MISSING = (
    "boto3, which MLflow reaches it with, is missing here: `make setup` installs it, `pip install boto3` elsewhere."
)
_KEYS = (
    "Its key comes from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, its address, where that is not Amazon's, from "
    "MLFLOW_S3_ENDPOINT_URL."
)


def location_of(uri: str, home: Path) -> str | None:
    """Where the artifacts of a new experiment of the store at `uri` go; `None` where a server decides that.

    An experiment keeps the place that it was made with. Raises `ValueError` as `require_bucket` does.
    """
    if not uri.startswith("sqlite"):
        return None
    if named := _named():
        return named
    # By absolute path: MLflow's own default is relative to whoever reads.
    return (home.absolute() / files.ARTIFACTS).as_uri()


def require_bucket(uri: str) -> None:
    """Raises `ValueError` where `$FERTUNE_ARTIFACTS` names no bucket or boto3 is missing, `ConnectionError` where it cannot be
    reached; nothing is asked where it is not set, or a server at `uri` keeps the artifacts.
    """
    if not uri.startswith("sqlite") or not (named := _named()):
        return
    try:
        import boto3
        from botocore.config import Config
        from botocore.exceptions import BotoCoreError, ClientError
    except ImportError:
        raise ValueError(f"${VARIABLE} is {named}, and {_MISSING}") from None
    patience = Config(connect_timeout=5, read_timeout=10, retries={"max_attempts": 1})
    endpoint = os.environ.get("MLFLOW_S3_ENDPOINT_URL") or None
    try:
        boto3.client("s3", endpoint_url=endpoint, config=patience).head_bucket(Bucket=urlsplit(named).netloc)
    except (BotoCoreError, ClientError) as error:
        at = f" at {endpoint}" if endpoint else ""
        why = first_line(error).rstrip(".")
        raise ConnectionError(f"The bucket of ${VARIABLE} ({named}) cannot be reached{at}: {why}. {_KEYS}") from error


def delete(location: str | None) -> None:
    """Delete what lies in a bucket at `location`; what is elsewhere stays. Raises `ConnectionError` where it is refused."""
    if not (location or "").startswith("s3://"):
        return
    from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

    try:
        get_artifact_repository(str(location)).delete_artifacts()
    except Exception as error:
        raise ConnectionError(refusal(error) or f"{location} cannot be deleted: {first_line(error)}") from error


def refusal(error: BaseException) -> str:
    """A sentence where `error` is that of a bucket that MLflow reads or writes; `""` where it is another's."""
    for one in _causes(error):
        if type(one).__module__.partition(".")[0] in ("botocore", "boto3", "s3transfer"):
            return f"The bucket of MLflow's artifacts refuses or cannot be reached: {first_line(one)} {_KEYS}"
        if isinstance(one, ModuleNotFoundError) and one.name in ("boto3", "botocore"):
            return f"MLflow's artifacts lie in a bucket, and {_MISSING}"
    return ""


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _named() -> str:
    """The value of `$FERTUNE_ARTIFACTS` without a slash at its end; `""` where it is not set."""
    named = os.environ.get(VARIABLE, "").rstrip("/")
    if named and not (named.startswith("s3://") and urlsplit(named).netloc):
        raise ValueError(f"${VARIABLE} is {named!r}; allowed is s3://BUCKET or s3://BUCKET/PREFIX.")
    return named
