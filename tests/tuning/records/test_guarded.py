"""Whoever moves the aliases of a name holds its lock, and lets go of it whatever happens."""

import pytest

from tuning.records import aliases
from tuning.records.aliases import guarded


def test_a_change_that_fails_lets_others_change(tmp_path, monkeypatch):
    monkeypatch.setattr(aliases, "PATIENCE_S", 0.1)
    store = f"sqlite:///{tmp_path / 'mlflow.db'}"
    with pytest.raises(ZeroDivisionError) as kept, guarded(store, "task"):
        raise ZeroDivisionError
    with guarded(store, "task"), guarded(store, "another task"):
        pass
    assert kept.tb, "its frames, and what they hold, live on"


def test_two_change_one_name_in_turn(tmp_path, monkeypatch):
    monkeypatch.setattr(aliases, "PATIENCE_S", 0.1)
    store = f"sqlite:///{tmp_path / 'mlflow.db'}"
    with (
        guarded(store, "task"),
        pytest.raises(TimeoutError, match="changing the champion of task"),
        guarded(store, "task"),
    ):
        pass
