"""A disk that refuses the worker of a trial stops the study, and fails no trial."""

import errno

import pytest

from tests.support.builders import make_trial
from tests.support.tiny_study import Quiet
from trainables.core.training.trial import TrialSpec
from tuning.execution.bookkeeper import Bookkeeper
from tuning.execution.search.searcher import ListSearcher
from tuning.records.ledger import Ledger


def test_the_trial_is_interrupted_and_the_error_is_the_disks(tmp_path):
    def spec(trial):
        given = {"parameters": {}, "prepared": "", "splits": "", "folds": (0,), "seed": 0, "folder": "/full"}
        return TrialSpec(trial_id=trial.trial_id, study="s", phase="search", trainable="tiny", **given)

    with Ledger.write(tmp_path) as ledger:
        books = Bookkeeper(ledger, ListSearcher([make_trial(0)]), Quiet(), spec)
        books.suggest("a")
        failed = {"failed": "RuntimeError: unexpected pos 576 vs 534", "refused": errno.ENOSPC}
        books.on_trial_complete("a", {"done": True, **failed})
        assert ledger.trials["search-0000"].state == "INTERRUPTED"
        assert books.stopper.stop_all()
        with pytest.raises(OSError, match="No space left") as raised:
            books.close()
    assert raised.value.filename == "/full"
