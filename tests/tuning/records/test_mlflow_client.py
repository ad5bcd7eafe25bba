"""MLflow's address: of any home, as people write it, and without its password."""

import os
import socket
from pathlib import Path

import pytest

from tuning.records.mlflow_client import (
    database_path,
    default_uri,
    prepare_to_ask,
    registry_uri,
    require_address,
    shown_uri,
    silence,
    without_password,
)


@pytest.fixture(autouse=True)
def _of_nobody(monkeypatch):
    for name in ("MLFLOW_TRACKING_URI", "MLFLOW_REGISTRY_URI", "MLFLOW_ALLOW_FILE_STORE"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize("name", ["runs", "a b", "é", "a#b", "a:b", "a%zz", "a&b=c", "[x]", "it's", "50%"])
def test_most_homes_are_named_as_they_are(name):
    """The mark of how far MLflow follows a ledger compares it, byte for byte."""
    assert default_uri(Path("/h", name)) == f"sqlite:////h/{name}/mlflow.db"


@pytest.mark.parametrize("name", ["a?b", "a%20b", "a%3Fb?c", "%25", "a b?c#d", "runs"])
def test_the_database_lies_in_its_home(name):
    assert database_path(default_uri(Path("/h", name))) == Path("/h", name, "mlflow.db")


def test_other_stores_are_no_file(monkeypatch):
    assert database_path("http://127.0.0.1:5000") is None
    assert database_path("postgresql:///mlflow") is None
    assert database_path("sqlite:////h/a%20b.db?timeout=5") == Path("/h/a b.db")


def test_variables_that_are_empty_count_as_unset(monkeypatch):
    for name in ("MLFLOW_TRACKING_URI", "MLFLOW_REGISTRY_URI"):
        monkeypatch.setenv(name, "")
    assert registry_uri(default_uri(Path("/h"))) == "sqlite:////h/mlflow.db"
    monkeypatch.setenv("MLFLOW_REGISTRY_URI", "http://models")
    assert registry_uri(default_uri(Path("/h"))) == "http://models"


@pytest.mark.parametrize(
    "uri",
    [
        *(
            "http://127.0.0.1:5000",
            "https://ada:s3cret@mlflow.example/base",
            "http://[::1]:5000",
            "sqlite:///mlflow.db",
        ),
        *(
            "sqlite+pysqlite:////h/a%3Fb/mlflow.db",
            "postgresql+psycopg2://u@db/mlflow",
            "databricks",
            "databricks://profile",
        ),
        "azureml://westeurope.api.azureml.ms/mlflow/v1.0",
    ],
)
def test_what_may_be_an_address_is_taken(uri):
    require_address(uri)


@pytest.mark.parametrize(
    "uri",
    [
        "127.0.0.1:5000",
        "localhost:5000",
        "mlruns",
        "file:///data/mlruns",
        "http:",
        "http://",
        "http://h:99999",
        "http://[::1",
    ],
)
def test_what_can_be_none_is_refused_by_the_name_of_its_variable(monkeypatch, uri):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    with pytest.raises(
        ValueError, match=r"^MLFLOW_TRACKING_URI is '.*', where there can be no MLflow\. Allowed are http://"
    ):
        require_address(uri)


def test_no_refusal_tells_a_password():
    with pytest.raises(ValueError, match="no MLflow") as refused:
        require_address("http://ada:s3/cret@mlflow.example:5000")
    assert "cret" not in str(refused.value)


def test_a_folder_is_taken_where_mlflow_takes_one(monkeypatch):
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    require_address("file:///data/mlruns")


@pytest.mark.parametrize(
    ("uri", "shown"),
    [
        ("http://ada:s3cret@h:5000/base", "http://h:5000/base"),
        ("http://ada@h:5000", "http://ada@h:5000"),
        ("postgresql://db/mlflow?user=ada&password=s3cret", "postgresql://db/mlflow?user=ada"),
        ("sqlite:////home/a:b@c/mlflow.db", "sqlite:////home/a:b@c/mlflow.db"),
    ],
)
def test_an_address_is_shown_without_its_password(uri, shown):
    assert shown_uri(uri) == shown
    assert "s3cret" not in without_password(f"failed at {uri}", "http://other", uri)


def test_a_server_is_asked_at_once():
    with socket.create_server(("127.0.0.1", 0)) as server:
        uri = f"http://127.0.0.1:{server.getsockname()[1]}"
        assert silence(uri) == ""
    assert silence(uri) == "Connection refused"
    assert silence("sqlite:////h/mlflow.db") == ""


def test_a_server_behind_a_proxy_is_left_to_the_proxy_and_one_here_is_not(monkeypatch):
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.setenv(name, "intranet.example")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    assert silence("http://mlflow.invalid:5000") == ""
    assert os.environ["no_proxy"] == "intranet.example"
    prepare_to_ask("http://127.0.0.1:5000")
    prepare_to_ask("http://127.0.0.1:5000")
    assert os.environ["no_proxy"] == os.environ["NO_PROXY"] == "intranet.example,127.0.0.1,localhost,::1"
