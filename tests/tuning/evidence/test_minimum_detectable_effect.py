"""What an ablation will be able to detect from the spread of a pilot on folds of another size."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from search_spaces.core.designs import sweep
from tests.tuning.statistics.test_comparison import simulated
from tuning.evidence import minimum_detectable_effect as module
from tuning.evidence.fold_sizes import FoldSize
from tuning.evidence.minimum_detectable_effect import detectable

PILOT = 24  # clips that a fold of `simulated` tests


def folds(num_test):
    """Five folds of 8 people each, whatever they are tested on."""
    tested = [frozenset(f"P{fold}-{number}" for number in range(8)) for fold in range(5)]
    return [FoldSize(num_train=4 * num_test, num_test=num_test, subjects=subjects) for subjects in tested]


@pytest.mark.parametrize(("num_test", "factor"), [(PILOT, 1.0), (PILOT / 4, 2.0), (4 * PILOT, 1.0)])
def test_a_quarter_of_the_clips_spreads_twice_as_much_and_more_of_them_promise_nothing(monkeypatch, num_test, factor):
    monkeypatch.setattr(module, "runs_of", lambda ledger: ledger.runs)
    design = sweep("rbg_depth", [0, 1])
    facts = {"variants": dict(design.variants), "reference": design.reference}
    runs = simulated({"rbg_depth=0": 0.7, "rbg_depth=1": 0.6})
    pilot = SimpleNamespace(runs=runs, folder=Path("pilot"), study={"design": facts})
    new = SimpleNamespace(runs=[])
    same, _ = detectable(new, design, folds(PILOT), 2, pilot=pilot)
    effect, source = detectable(new, design, folds(num_test), 2, pilot=pilot)
    assert effect == pytest.approx(factor * same)
    assert ("scaled from its 24 clips to 6 tested in a fold" in source) == (factor == 2.0)
