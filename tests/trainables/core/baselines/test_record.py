"""A baseline as a ledger keeps it and as people read it."""

from trainables.core.baselines.record import Baseline, best_of, figures, told

ROWS = (
    {"name": "majority", "accuracy": 0.25, "uar": 0.25, "folds": [0]},
    {"name": "logistic_regression", "accuracy": 0.78, "uar": 0.77, "folds": [0], "of_a_later_version": 1},
    {"name": "plain_network", "error": "ValueError: no clip", "accuracy": None},
)


def test_a_row_is_read_whatever_a_later_version_added():
    assert Baseline.of(ROWS[1]) == Baseline(name="logistic_regression", accuracy=0.78, uar=0.77, folds=(0,))


def test_the_best_is_among_those_that_were_measured():
    found = [Baseline.of(row) for row in ROWS]
    assert best_of(found) == found[1]
    assert best_of(found[2:]) is None


def test_a_sentence_has_each_and_why_one_is_missing():
    assert told(map(Baseline.of, ROWS)) == (
        "Baselines: majority class 25.0 %; logistic regression 78.0 %; plain network not measured (ValueError: no clip)."
    )


def test_mlflow_has_what_was_measured_under_the_names_of_a_trial():
    assert figures(ROWS) == {
        "accuracy/majority": 0.25,
        "uar/majority": 0.25,
        "accuracy/logistic_regression": 0.78,
        "uar/logistic_regression": 0.77,
    }
