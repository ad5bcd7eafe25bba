"""The clips of the tests of preparing."""

from pathlib import Path

import pytest

from tests.support.stub_faces import write_clips


@pytest.fixture
def root(tmp_path) -> Path:
    return write_clips(tmp_path / "data")
