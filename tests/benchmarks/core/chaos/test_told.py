"""What a driver tells of its Optuna is read as it was."""

import pytest

from benchmarks.core.chaos import told
from benchmarks.core.chaos.study import POINTS, chaos_study
from tuning.execution.search import named
from tuning.execution.search.optuna_searcher import OptunaSearcher

METRICS = {"accuracy": 1 / 3, "uar": 0.1 + 0.2, "param_count": 5e5}


@pytest.fixture
def searcher(monkeypatch):
    """One of a driver that watches, which was told of the first of two trials."""
    monkeypatch.setattr(named, "OptunaSearcher", OptunaSearcher)
    monkeypatch.setattr(told.Watched, "last", None)
    told.watch()
    found = named.OptunaSearcher(chaos_study("round-000", num_trials=2), num_samples=2, begun=[])
    trial = found.ask()
    trial.state, trial.metrics = "FINISHED", METRICS
    found.tell(trial)
    return found


def test_the_searcher_of_a_driver_is_known_and_its_table_survives_the_log(searcher, tmp_path):
    assert told.Watched.last is searcher
    table = told.table_of(searcher)
    assert table == ([(POINTS[0], [*METRICS.values()])], 1), "the second was not asked for yet"
    log = tmp_path / "round-000.log"
    log.write_text("\n".join(["Hello", told.line_of(([], 7)), "again", told.line_of(table), "The study has ended."]))
    assert told.read_table(log) == table, "of two drivers that of the last"


def test_no_words_are_no_table(tmp_path):
    assert told.read_table(tmp_path / "none.log") is None
