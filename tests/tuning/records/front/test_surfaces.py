"""The surfaces that a report draws: of the first objective with each of the others."""

import numpy as np

from tests.tuning.records.front.test_noise import begun
from tuning.records.front.surfaces import surfaces
from tuning.records.ledger import Ledger

OBJECTIVES = [("accuracy", "max"), ("train_time_s", "min"), ("param_count", "min")]


def test_there_is_one_for_each_other_objective_and_it_rises_with_what_it_costs(tmp_path):
    with Ledger.write(tmp_path) as ledger:
        trials = begun(ledger, 0.6, 0.75, 0.9)
        found = surfaces(ledger, trials, OBJECTIVES, 64)
        assert len(found) == 2
        for lines in found:
            assert list(lines) == [5, 50, 95]
            for corners in lines.values():
                assert (np.diff(corners[:, 0]) > 0).all()
                assert (np.diff(corners[:, 1]) > 0).all()
            assert lines[5][-1, 0] > lines[50][-1, 0] > lines[95][-1, 0], "the fewer draws reach it, the better it is"
        assert surfaces(ledger, trials[:1], OBJECTIVES, 64) == []
        assert surfaces(ledger, trials, [("param_count", "min"), ("weights_mb", "min")], 64) == [], "nothing varies"
