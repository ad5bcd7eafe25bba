"""What the tests of trainables train on."""

from pathlib import Path

import pytest
import torch

from tests.support.builders import prepare_random


@pytest.fixture(scope="session")
def prepared(tmp_path_factory):
    """Random clips of ten people in three folds, prepared once: who changes them takes a copy."""
    return prepare_random(tmp_path_factory.mktemp("prepared"))


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of published weights, with none in it."""
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path / "hub"))
    (tmp_path / "hub" / "checkpoints").mkdir(parents=True)
    return tmp_path / "hub" / "checkpoints"
