"""What the panels read of a study whose trials go on after it has chosen."""

import pytest

from dashboards.core.data import read_report_data
from tests.support.builders import make_trial
from tuning.records.ledger import Ledger

OBJECTIVES = [["accuracy", "max"], ["param_count", "min"]]


@pytest.mark.parametrize(
    ("later", "front", "current"),
    [
        ((0.9, 2e6), ["search-0000", "search-0001"], False),  # joins it
        ((0.9, 1e6), ["search-0001"], False),  # takes its place
        ((0.7, 2e6), ["search-0000"], True),  # is worse in everything
    ],
)
def test_a_choice_is_current_while_the_front_is_the_one_it_was_made_of(tmp_path, later, front, current):
    with Ledger.write(tmp_path / "smiles") as ledger:
        ledger.open_study(objectives=OBJECTIVES)
        for number, (accuracy, param_count) in enumerate(((0.8, 1e6), later)):
            ledger.start(make_trial(number))
            ledger.end(f"search-{number:04d}", "FINISHED", {"accuracy": accuracy, "param_count": param_count})
        ledger.select(["search-0000"], "search-0000")
    data = read_report_data(tmp_path, "smiles")
    assert [trial.trial_id for trial in data.front] == front
    assert data.selection_is_current is current
