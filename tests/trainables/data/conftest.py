"""The trees that readers are tested on."""

from pathlib import Path

import pytest

from tests.support.trees import BUILDERS


@pytest.fixture
def root(request, tmp_path) -> Path:
    """A small tree of the data set that the module of the test is named after."""
    return BUILDERS[request.module.__name__.rpartition("test_")[2]](tmp_path / "my copy (part 2) [1]")
