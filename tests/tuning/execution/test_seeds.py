"""Seeds of the phases: no two share one, so that what a search saw is never confirmed by itself."""

import pytest

from tests.support.builders import make_trial
from tuning.execution.seeds import (
    CHAMPION_SEED,
    CONFIRM_SEED,
    MOST_CONFIRMED,
    REFIT_SEED,
    SEARCH_STRIDE,
    champion_seeds,
    fresh_seeds,
    require_study_seed,
    search_seed,
)
from tuning.records.ledger import Ledger


def test_searches_of_studies_with_other_seeds_share_none():
    assert search_seed(0, SEARCH_STRIDE - 1) < search_seed(1, 0) < search_seed(1, 1)
    assert CONFIRM_SEED + MOST_CONFIRMED < CHAMPION_SEED < CHAMPION_SEED + MOST_CONFIRMED < REFIT_SEED


def test_what_would_reach_into_the_seeds_of_another_phase_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"^Trial 100,001 of a search was asked for; at most 100,000 are allowed\.$"):
        search_seed(0, SEARCH_STRIDE)
    with Ledger.write(tmp_path) as ledger, pytest.raises(ValueError, match=r"^151 seeds were given; at most 150 are"):
        fresh_seeds(ledger, 151)
    with pytest.raises(ValueError, match=r"^151 seeds were given; at most 150 are"):
        champion_seeds(151)


@pytest.mark.parametrize("phase", ["search", "nested_search"])
def test_a_seed_that_any_search_had_confirms_nothing(tmp_path, phase):
    with Ledger.write(tmp_path) as ledger:
        assert fresh_seeds(ledger, 3) == [CONFIRM_SEED, CONFIRM_SEED + 1, CONFIRM_SEED + 2]
        ledger.start(make_trial(1, trial_id="had", phase=phase, seed=CONFIRM_SEED + 1))
        assert fresh_seeds(ledger, 3) == [CONFIRM_SEED, CONFIRM_SEED + 2, CONFIRM_SEED + 3]
        ledger.start(make_trial(2, trial_id="confirmed", phase="confirm", seed=CONFIRM_SEED))
        assert fresh_seeds(ledger, 1) == [CONFIRM_SEED], "the same ones at every call"


def test_a_study_begins_with_an_allowed_seed_and_goes_on_with_the_one_it_has(tmp_path):
    with Ledger.write(tmp_path) as ledger:
        require_study_seed(999, ledger)
        for seed in (1000, -1):
            with pytest.raises(ValueError, match=rf"^The study's seed is {seed}; 0 to 999 are allowed\.$"):
                require_study_seed(seed, ledger)
        ledger.start(make_trial(1, trial_id="begun", phase="search", seed=search_seed(1000, 7)))
        require_study_seed(1000, ledger)
        with pytest.raises(ValueError, match="seed is 2000"):
            require_study_seed(2000, ledger)
