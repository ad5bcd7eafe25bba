"""A study at a glance: its trials by phase and state, its front, and who was promoted of what."""

import pytest

from tests.support.builders import make_trial
from trainables.core.baselines.record import Baseline
from tuning.records.ledger import Ledger
from tuning.status import Status, status


def test_it_counts_trials_and_names_what_was_promoted_and_not_what_was_refused(tmp_path):
    with Ledger.write(tmp_path / "smiles") as ledger:
        ledger.open_study(leaky=False)
        ledger.note("baselines", phase="search", folds=[0], rows=[{"name": "majority", "accuracy": 0.25, "folds": [0]}])
        for number, state in enumerate(("FINISHED", "FINISHED", "FAILED")):
            ledger.start(make_trial(number))
            ledger.end(f"search-{number:04d}", state)
        ledger.start(make_trial(0, trial_id="confirm-0000", phase="confirm", of="search-0001"))
        ledger.select(["search-0000", "search-0001"], "search-0001")
        ledger.note("refused", of="search-0000", against="models:/task/1", look=1, asked=[])
        ledger.note("promoted", name="task", version=2, of="search-0001")
    assert status("smiles", home=tmp_path) == [
        Status(
            study="smiles",
            trials={"search": {"FINISHED": 2, "FAILED": 1}, "confirm": {"RUNNING": 1}},
            front=["search-0000", "search-0001"],
            recommended="search-0001",
            promoted=[{"name": "task", "version": 2, "of": "search-0001"}],
            baselines=[Baseline(name="majority", accuracy=0.25, folds=(0,))],
        )
    ]


def test_a_study_that_was_not_begun_is_a_message(tmp_path):
    with pytest.raises(ValueError, match="nothing"):
        status("nothing", home=tmp_path)
