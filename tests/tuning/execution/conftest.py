"""A bookkeeper at work."""

from types import SimpleNamespace

import pytest

from tests.support.builders import make_trial
from tests.support.tiny_study import Quiet
from trainables.core.training.trial import TrialSpec
from tuning.execution.bookkeeper import Bookkeeper
from tuning.execution.search.searcher import ListSearcher
from tuning.records.ledger import Ledger


@pytest.fixture
def desk(tmp_path):
    """A bookkeeper of two trials, its ledger, its listener; each trial has left a checkpoint."""

    def spec(trial):
        folder = tmp_path / "trials" / trial.trial_id
        folder.mkdir(parents=True, exist_ok=True)
        for name in ("last.pt", "best-0-1.pt", "best-1-2.pt", "model.safetensors"):
            (folder / name).touch()
        given = {"parameters": {}, "prepared": "", "splits": "", "folds": (0,), "seed": 0, "folder": str(folder)}
        return TrialSpec(trial_id=trial.trial_id, study="s", phase="search", trainable="tiny", **given)

    with Ledger.write(tmp_path) as ledger:
        listener = Quiet()
        books = Bookkeeper(ledger, ListSearcher([make_trial(0), make_trial(1)]), listener, spec)
        yield SimpleNamespace(books=books, ledger=ledger, listener=listener)
