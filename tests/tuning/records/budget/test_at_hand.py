"""What the registry says is read from its file, without MLflow."""

import pytest

from tests.support.mlflow_store import new_store
from tests.tuning.records.budget.test_asking import SALT, asked
from tuning.records.budget.asking import questions
from tuning.records.budget.at_hand import questions_at_hand
from tuning.records.budget.question import people_hash


def test_it_reads_what_was_written_by_mlflow(tmp_path):
    uri = new_store(tmp_path)
    asked(uri, "one")
    asked(uri, "two")
    asked(uri, "one", salt="others task")
    assert questions_at_hand(uri, "task", people_hash(SALT)) == questions(uri, "task", SALT)
    assert questions_at_hand(uri, "nothing", people_hash(SALT)) == []


@pytest.mark.parametrize("uri", ["http://127.0.0.1:9", "postgresql://host/db", "file:///mlruns"])
def test_of_a_registry_elsewhere_it_knows_nothing(uri):
    assert questions_at_hand(uri, "task", people_hash(SALT)) is None


def test_no_file_means_no_question_and_a_damaged_one_that_nobody_knows(tmp_path):
    uri = f"sqlite:///{tmp_path / 'mlflow.db'}"
    assert questions_at_hand(uri, "task", people_hash(SALT)) == []
    assert not list(tmp_path.iterdir())
    (tmp_path / "mlflow.db").write_bytes(b"no database")
    assert questions_at_hand(uri, "task", people_hash(SALT)) is None
