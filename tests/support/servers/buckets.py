"""An S3 of the tests, in this process: moto keeps buckets in memory and serves them on loopback."""

import contextlib
import os
from collections.abc import Generator

import boto3
import pytest
from moto.server import ThreadedMotoServer

BUCKET = "faces-artifacts"


@contextlib.contextmanager
def bucket() -> Generator[dict[str, str]]:
    """One empty bucket, `BUCKET`; the variables that lead to it, which are set for as long as the block lasts."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        environment = {
            "MLFLOW_S3_ENDPOINT_URL": f"http://{host}:{port}",
            "AWS_ACCESS_KEY_ID": "tests",
            "AWS_SECRET_ACCESS_KEY": "tests",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
        }
        with pytest.MonkeyPatch.context() as patch:
            for key, value in environment.items():
                patch.setenv(key, value)
            client().create_bucket(Bucket=BUCKET)
            yield environment
    finally:
        server.stop()


def client():
    """Of the bucket that the environment leads to."""
    return boto3.client("s3", endpoint_url=os.environ["MLFLOW_S3_ENDPOINT_URL"])


def keys() -> list[str]:
    """The names of what lies in `BUCKET`."""
    return [found["Key"] for found in client().list_objects_v2(Bucket=BUCKET).get("Contents", [])]
