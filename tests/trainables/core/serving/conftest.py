"""What the tests of this folder share."""

import pytest

from tests.support.networks import write_model


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_model(tmp_path_factory.mktemp("trial"))
