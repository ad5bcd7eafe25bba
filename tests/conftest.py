"""What every test shares: the repository root and the folder of real faces."""

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FACES = ROOT.parent / "shared" / "faces"


@pytest.fixture(scope="session")
def faces() -> Path:
    """The folder of real faces; tests on it say so where it is not beside the clone."""
    if not FACES.is_dir():
        pytest.skip("the real faces are not beside this clone")
    return FACES
