"""Where MLflow's files lie: beside the home's own store, or in a bucket that `$FERTUNE_ARTIFACTS` names."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import urlsplit

from trainables.core import files

VARIABLE = "FERTUNE_ARTIFACTS"


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
        raise ValueError(
            f"${VARIABLE} is {named}, and boto3, which MLflow reaches a bucket with, is missing here: `make setup` installs it "
            "in .venv, `pip install boto3` elsewhere."
        ) from None
    patience = Config(connect_timeout=5, read_timeout=10, retries={"max_attempts": 1})
    endpoint = os.environ.get("MLFLOW_S3_ENDPOINT_URL") or None
    try:
        boto3.client("s3", endpoint_url=endpoint, config=patience).head_bucket(Bucket=urlsplit(named).netloc)
    except (BotoCoreError, ClientError) as error:
        at = f" at {endpoint}" if endpoint else ""
        raise ConnectionError(
            f"The bucket of ${VARIABLE} ({named}) cannot be reached{at}: {error} Its key comes from AWS_ACCESS_KEY_ID and "
            "AWS_SECRET_ACCESS_KEY, its address, if it is not Amazon's, from MLFLOW_S3_ENDPOINT_URL."
        ) from error


def _named() -> str:
    """The value of `$FERTUNE_ARTIFACTS` without a slash at its end; `""` where it is not set."""
    named = os.environ.get(VARIABLE, "").rstrip("/")
    if named and not (named.startswith("s3://") and urlsplit(named).netloc):
        raise ValueError(f"${VARIABLE} is {named!r}; allowed is s3://BUCKET or s3://BUCKET/PREFIX.")
    return named
