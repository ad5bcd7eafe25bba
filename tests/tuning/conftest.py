"""Whom the studies without a Ray compare variants on; homes with a sample study, and with people who may withdraw."""

import shutil

import pytest

from tests.support.ablation_driver import prepare_subjects
from tests.support.hand_runner import write_people_home
from tests.support.sample_study import write_sample


@pytest.fixture(scope="session")
def prepared(tmp_path_factory):
    """Random clips of twelve people in four folds, prepared once."""
    return prepare_subjects(tmp_path_factory.mktemp("prepared"))


@pytest.fixture(scope="module")
def sample_home(tmp_path_factory):
    """A home with the study `smiles` of `write_sample`, one for a module."""
    home = tmp_path_factory.mktemp("home")
    write_sample(home)
    return home


@pytest.fixture(scope="session")
def people_home_made(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        return write_people_home(tmp_path_factory.mktemp("people"))


@pytest.fixture
def people_home(people_home_made, tmp_path, monkeypatch):
    """A copy of what `write_people_home` writes."""
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    return shutil.copytree(people_home_made, tmp_path / "home")
