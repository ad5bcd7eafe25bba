"""What the panels read of a study whose trials go on after it has chosen."""

import pytest

from dashboards import front, recommendation, trials
from dashboards.core.data import read_report_data
from tests.support.builders import make_trial
from tests.support.sample_study import write_sample
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


def report_of(tmp_path, **changes):
    """The report of the sample study; `changes` replace what its selection says."""
    write_sample(tmp_path, confirmed=False)
    with Ledger.write(tmp_path / "smiles") as ledger:
        ledger.select(**(ledger.selection | changes))
    return read_report_data(tmp_path, "smiles")


def test_the_front_is_drawn_as_surfaces_and_listed_by_probability(tmp_path):
    data = report_of(tmp_path)
    panel = front.panel(data)
    for figure in panel.figures:
        names = [trace.name for trace in figure.plot.data if trace.name]
        assert names == [f"reached in {level} % of the draws" for level in (5, 50, 95)]
        low, high = (figure.plot.data[position].y[-1] for position in (2, 0))
        assert high > low
    probabilities = [data.front_probability(trial) for trial in data.members]
    assert probabilities == sorted(probabilities, reverse=True)
    assert len(data.members) > len(data.front)
    assert f"The {len(data.front)} members of the front, and 1 that may be" in panel.body
    order = [panel.body.index(f'data-trial="{trial.trial_id}"') for trial in data.members]
    assert order == sorted(order)
    assert "on the front, %" in trials.panel(data).body


def test_the_recommendation_says_by_what_it_is_chosen_and_how_sure_it_is(tmp_path):
    shares = {"search-0007": 0.62, "search-0005": 0.21}
    data = report_of(tmp_path, recommended="search-0007", prefer="accuracy", sureness=shares, unmet="")
    written = recommendation.panel(data).lead
    assert "It is the best accuracy: chosen in 62\u202f% of the draws; next: search-0005, 21\u202f%." in written
    assert "one standard error" not in front.panel(data).reading, "that is no part of this preference"


def test_of_an_earlier_ledger_the_measured_front_is_drawn(tmp_path):
    data = report_of(tmp_path)
    data.ledger.selection = {key: data.ledger.selection[key] for key in ("front", "recommended")}
    panel = front.panel(data)
    assert not [trace.name for figure in panel.figures for trace in figure.plot.data if trace.name]
    assert "on the front" not in panel.body
    assert "of the draws" not in recommendation.panel(data).lead
    assert data.members == data.front
