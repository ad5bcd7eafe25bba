"""What a trial had to say, and not what others had."""

import time

import pytest

from tests.support.builders import make_trial
from tuning.evidence.refusals import MAJORITY
from tuning.logs import logs
from tuning.records.ledger import Ledger


def test_a_note_stands_under_its_own_trial_and_in_the_study(tmp_path):
    with Ledger.write(tmp_path / "smiles") as ledger:
        for number in range(2):
            ledger.start(make_trial(number))
            ledger.note("noted", trial_id=f"search-{number:04d}", words=f"words of {number}")
    of_trial = [line.text for line in logs("smiles", "search-0001", home=tmp_path)]
    assert "words of 1" in of_trial
    assert "words of 0" not in of_trial
    told = [line for line in logs("smiles", home=tmp_path) if "words" in line.text]
    assert [line.text for line in told] == ["search-0000: words of 0", "search-0001: words of 1"]
    assert [line.trial_id for line in told] == ["search-0000", "search-0001"]
    assert told[0].at == pytest.approx(time.time(), abs=60)
    assert str(told[0]).endswith("  search-0000: words of 0")


def test_the_baselines_are_a_line(tmp_path):
    with Ledger.write(tmp_path / "smiles") as ledger:
        ledger.note("baselines", phase="search", folds=[0], rows=[{"name": "majority", "accuracy": 0.25}])
    assert [line.text for line in logs("smiles", home=tmp_path)] == ["Baselines: majority class 25.0 %."]


def test_a_refusal_names_the_majority_baseline_whatever_the_ledger_calls_it(tmp_path):
    with Ledger.write(tmp_path / "smiles") as ledger:
        for against in (MAJORITY, "models:/smiles/2"):
            ledger.note("refused", of="search-0003", asked=[], against=against, look=1)
    told = [line.text for line in logs("smiles", home=tmp_path)]
    assert told == [
        f"refused: search-0003 against {against}, test 1" for against in ("the majority baseline", "models:/smiles/2")
    ]


def test_a_trial_says_why_it_was_proposed_and_what_was_expected(tmp_path):
    facts = {"why": "model", "expected": {"accuracy": [0.6, 0.05]}, "gain": 0.01, "num_compared": 12}
    with Ledger.write(tmp_path / "smiles") as ledger:
        ledger.start(make_trial(0, proposed=facts))
        ledger.start(make_trial(1))
    assert [line.text for line in logs("smiles", "search-0000", home=tmp_path)][2:4] == [
        "proposed: 1.00 % more hypervolume expected, the most of 12 points for its time",
        "expected: accuracy 60.0 % (standard deviation 5.0)",
    ]
    assert not [line for line in logs("smiles", "search-0001", home=tmp_path) if "proposed" in line.text]
