"""A head to submit to, and an environment that names no other."""

import os

import pytest

from tests.tuning.execution.jobs.fake_head import FakeHead


@pytest.fixture(autouse=True)
def _of_nobody(monkeypatch, tmp_path):
    """No address, token or store of whoever runs the tests."""
    for name in list(os.environ):
        if name.startswith(("RAY_", "MLFLOW_", "FERTUNE_", "AWS_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))


@pytest.fixture
def head():
    with FakeHead().running() as found:
        yield found
