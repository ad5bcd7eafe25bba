"""Whom the studies without a Ray compare variants on."""

import pytest

from tests.support.ablation_driver import prepare_subjects


@pytest.fixture(scope="session")
def prepared(tmp_path_factory):
    """Random clips of twelve people in four folds, prepared once."""
    return prepare_subjects(tmp_path_factory.mktemp("prepared"))
