"""The store of MLflow that a module of tests shares."""

import pytest

from tests.support.mlflow_store import new_store
from tuning.records.mlflow_client import make_client


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def uri(home):
    return new_store(home)


@pytest.fixture(scope="module")
def client(uri):
    return make_client(uri)


@pytest.fixture
def folder(home, request):
    """A study of its own, and so an experiment of its own, for each test."""
    return home / request.node.name
