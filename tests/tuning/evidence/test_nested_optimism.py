"""By how much a search promised too much, and how sure that is, worked out by hand."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from tests.support.builders import make_trial
from trainables.data.core.dataset import Fold
from tuning.evidence import nested_cross_validation
from tuning.evidence.nested_cross_validation import nested_results

CLIPS = 4  # of each person, in validation and in test


def answers(rows, *, fold, seed):
    """Of each person in `rows`, so many of the clips right."""
    subjects = np.repeat(list(rows), CLIPS)
    right = np.tile(np.arange(CLIPS), len(rows)) < np.repeat(list(rows.values()), CLIPS)
    clip_ids = [f"{subject}-{number % CLIPS}" for number, subject in enumerate(subjects)]
    columns = {"clip_id": clip_ids, "subject": subjects, "label": 1, "predicted": right.astype(int)}
    return pd.DataFrame({**columns, "fold": fold, "seed": seed})


@pytest.fixture
def optimism(monkeypatch):
    """`optimism(validated, tested)`: the interval, from rows by fold, and from rows by fold and seed."""

    def found(validated, tested):
        tables, chosen, tests = {}, {}, []
        for fold, rows in validated.items():
            chosen[fold] = make_trial(fold, phase="nested_search", folds=(fold,), state="FINISHED")
            tables[chosen[fold].trial_id] = answers(rows, fold=fold, seed=100 + fold)  # no two searches share a seed
        for number, ((fold, seed), rows) in enumerate(tested.items()):
            given = {"trial_id": f"nested-{number:04d}", "phase": "nested", "folds": (fold,), "seed": seed}
            tests.append(make_trial(**given, state="FINISHED"))
            tables[tests[-1].trial_id] = answers(rows, fold=fold, seed=seed)
        monkeypatch.setattr(nested_cross_validation, "predictions_of", lambda ledger, trial: tables[trial.trial_id])
        folds = [Fold(train=(0, 1, 2), validation=(), test=(3,))] * len(validated)
        splits = SimpleNamespace(folds=folds, view=lambda phase, fold: folds[fold], leaky=False)
        ledger = SimpleNamespace(folder=Path("study"), of_phase=lambda phase: list(chosen.values()))
        num_seeds = len({seed for _, seed in tested})
        return nested_results(ledger, splits, chosen, tests=tests, beside=[], num_seeds=num_seeds).optimism

    return found


def t_interval(mean, variance, df):
    half = stats.t.ppf(0.975, df) * variance**0.5
    return pytest.approx((mean, mean - half, mean + half))


def test_subjects_count_once_and_trainings_for_the_search_and_for_its_tests(optimism):
    """Two folds, two people tested in each, two seeds; three of them validate the other fold, and E only validates.

    The mean is 3/4 - 5/8. What the people add to it, in 32nds: A -2 as validated; B 2 as validated and 2 as tested; C 2
    and -1; D -1; E -2. Their squares are 26, so between people there is 5/4 x 26/1024 = 65/2048.

    The seeds of fold 0 differ by 3/4 in all people alike, those of fold 1 in people alone. A mean over folds and seeds
    gets 9/256 from the first, and 4/256 are people's own answers: 5/256 of trainings in the tests, with two seeds, and
    twice that in the search, with one.
    """
    found = optimism(
        {0: {"C": 4, "E": 2}, 1: {"A": 2, "B": 4}},
        {
            (0, 7): {"A": 4, "B": 3},
            (0, 8): {"A": 1, "B": 0},
            (1, 7): {"C": 4, "D": 2},
            (1, 8): {"C": 2, "D": 4},
        },
    )
    subjects, trainings = 65 / 2048, 3 * 5 / 256
    df = (subjects + trainings) ** 2 / (subjects**2 / 4 + trainings**2 / 2)
    assert (found.mean, found.low, found.high) == t_interval(1 / 8, subjects + trainings, df)
    assert found.method == "people and seeds"


def test_where_folds_differ_by_more_than_their_subjects_the_spread_of_the_folds_differences_is_taken(optimism):
    """Ten people; those of a fold validate the other, and all of a fold are judged alike.

    Validation minus test is 1/2 - 1 in fold 0 and 3/4 - 1/2 in fold 1: the mean is -1/8, its variance (3/4)²/2/2 = 81/576.
    A person of fold 0 adds -1/40 as tested and 1/80 as validated, one of fold 1 the opposite: 10/9 x 10/6400 = 1/576.
    """
    ones, others = ([f"{letter}{number}" for number in range(5)] for letter in "pq")
    found = optimism(
        {0: dict.fromkeys(others, 2), 1: dict.fromkeys(ones, 3)},
        {(0, 7): dict.fromkeys(ones, 4), (1, 7): dict.fromkeys(others, 2)},
    )
    df = 81**2 / (1**2 / 9 + 80**2 / 1)
    assert (found.mean, found.low, found.high) == t_interval(-1 / 8, 81 / 576, df)
    assert found.method == "folds"
