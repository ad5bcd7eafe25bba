"""Seeds of the phases: no two share one, so that what a search saw is never confirmed by itself."""

import pytest

from tests.support.builders import make_trial
from tuning.execution.seeds import CONFIRM_SEED, REFIT_SEED, SEARCH_STRIDE, fresh_seeds, search_seed
from tuning.records.ledger import Ledger


def test_searches_of_studies_with_other_seeds_share_none():
    assert search_seed(0, SEARCH_STRIDE - 1) < search_seed(1, 0) < search_seed(1, 1)
    assert CONFIRM_SEED + 499 < REFIT_SEED


@pytest.mark.parametrize("phase", ["search", "nested_search"])
def test_a_seed_that_any_search_had_confirms_nothing(tmp_path, phase):
    with Ledger.write(tmp_path) as ledger:
        assert fresh_seeds(ledger, 3) == [CONFIRM_SEED, CONFIRM_SEED + 1, CONFIRM_SEED + 2]
        ledger.start(make_trial(1, trial_id="had", phase=phase, seed=CONFIRM_SEED + 1))
        assert fresh_seeds(ledger, 3) == [CONFIRM_SEED, CONFIRM_SEED + 2, CONFIRM_SEED + 3]
        ledger.start(make_trial(2, trial_id="confirmed", phase="confirm", seed=CONFIRM_SEED))
        assert fresh_seeds(ledger, 1) == [CONFIRM_SEED], "the same ones at every call"
