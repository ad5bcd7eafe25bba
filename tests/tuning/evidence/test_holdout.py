"""Evidence is computed once for a promotion, and handed on."""

from collections import Counter

import pandas as pd
import pytest

from tuning.confirm import confirm_search
from tuning.evidence.contest import Refused
from tuning.evidence.holdout import Holdout, evidence
from tuning.promote import promote_winner
from tuning.statistics import intervals

GOOD, FAIR = 0.97, 0.75


@pytest.fixture
def counted(monkeypatch):
    """How often each predictions file is read, and how many bootstraps are made, from now on."""
    count = Counter()
    read, bootstrap = pd.read_parquet, intervals.stats.bootstrap

    def reading(path, *given, **named):
        count[path] += 1
        return read(path, *given, **named)

    def resampling(*given, **named):
        count["bootstraps"] += 1
        return bootstrap(*given, **named)

    monkeypatch.setattr(pd, "read_parquet", reading)
    monkeypatch.setattr(intervals.stats, "bootstrap", resampling)
    return count


@pytest.mark.slow
def test_a_promotion_reads_every_file_once_and_sums_up_every_configuration_once(begin, counted):
    promote_winner(begin({4: FAIR}, name="old").search(4))
    runner = begin({8: GOOD, 4: FAIR, 16: 0.9}).search(8, 16)
    confirm_search(runner)
    confirm_search(runner, trial_id="search-0001")
    counted.clear()
    promoted = promote_winner(runner)
    assert [row.trial_id for row in promoted.rows] == [row.trial_id for row in evidence(runner.ledger)]
    del counted["bootstraps"]
    confirmed = [path for path in counted if "confirm-" in str(path)]
    assert len(confirmed) == 2 * len(promoted.rows)
    counted.clear()
    with pytest.raises(Refused) as caught:
        promote_winner(runner, trial_id="search-0001")
    assert len(caught.value.rows) == len(promoted.rows)
    confirmed = {str(path): times for path, times in counted.items() if "confirm-" in str(path)}
    assert set(confirmed.values()) == {1}
    # Of each configuration the accuracy, and what the search had promised of those that were searched.
    assert counted["bootstraps"] <= 2 * len(promoted.rows) + 1


def test_what_is_confirmed_meanwhile_is_read_when_it_is_asked_for(begin, counted):
    runner = begin({8: GOOD, 4: FAIR}).search(8, 4)
    confirm_search(runner, trial_id="search-0000")
    holdout = Holdout(runner.ledger)
    (first,) = holdout.rows()
    before = counted["bootstraps"]
    confirm_search(runner, trial_id="search-0001")
    assert [row.trial_id for row in holdout.rows()] == ["search-0000", "search-0001"]
    assert holdout.rows()[0] is first
    assert counted["bootstraps"] <= before + 2
    confirm_search(runner, trial_id="search-0000", seeds=4)
    assert len(holdout.row("search-0000").seeds) == 4
