"""The settings with which a variant is compared: those of its best trial, whichever way the first objective runs."""

import math

import pytest

from search_spaces.core.study import Objective
from tests.support.ablation_driver import tuned_study
from tests.support.builders import make_trial
from tuning.records.ledger import Ledger
from tuning.records.selection import best_by_variant


@pytest.mark.parametrize(("metric", "direction", "best"), [("accuracy", "max", 0.003), ("train_time_s", "min", 0.001)])
def test_it_is_the_largest_of_what_is_to_be_large_and_the_smallest_of_what_is_to_be_small(
    tmp_path, metric, direction, best
):
    ended = [("FINISHED", 2.0), ("FINISHED", 1.0), ("FINISHED", 3.0), ("FINISHED", math.nan), ("FAILED", None)]
    study = tuned_study(objectives=(Objective(metric=metric, direction=direction),))
    with Ledger.write(tmp_path) as ledger:
        for number, (state, value) in enumerate(ended):
            parameters = {"rbg_depth": 0, "lr": (0.002, 0.001, 0.003, 0.004, 0.005)[number]}
            ledger.start(make_trial(number, variant="rbg_depth=0", parameters=parameters))
            ledger.end(f"search-{number:04d}", state, {} if value is None else {metric: value})
        ledger.start(make_trial(9, variant="rbg_depth=1", parameters={"rbg_depth": 1, "lr": 0.001}))
        assert best_by_variant(ledger, study) == {"rbg_depth=0": {"rbg_depth": 0, "lr": best}}
