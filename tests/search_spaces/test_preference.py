"""What `--prefer` may say, and what is said of anything else."""

import pytest

from search_spaces.core.preference import Limit, Preference, preference_of


def test_the_knee_is_preferred_where_nothing_is_said():
    assert preference_of(None) == Preference(words="knee", kind="knee")
    assert [preference_of(words).kind for words in ("knee", "accuracy", " small ")] == ["knee", "accuracy", "small"]
    assert preference_of("small").metrics == ("param_count",)


@pytest.mark.parametrize(
    ("words", "limits"),
    [
        ("param_count<=5e6", [("param_count", "<=", 5e6)]),
        ("param_count <= 5M", [("param_count", "<=", 5e6)]),
        ("train_time_s<=60&accuracy>=80%", [("train_time_s", "<=", 60.0), ("accuracy", ">=", 0.8)]),
        ("param_count<=500k, latency_ms<=8", [("param_count", "<=", 5e5), ("latency_ms", "<=", 8.0)]),
    ],
)
def test_limits_stand_in_the_unit_that_is_stored(words, limits):
    found = preference_of(words)
    assert found.kind == "limits"
    assert found.limits == tuple(Limit(metric=metric, sign=sign, value=value) for metric, sign, value in limits)
    assert found.metrics == tuple(metric for metric, *_ in limits)
    assert found.words == words


def test_weights_are_read_in_their_order():
    found = preference_of("accuracy=3, param_count=1")
    assert (found.kind, found.weights) == ("weights", (("accuracy", 3.0), ("param_count", 1.0)))


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("smal", "Did you mean 'small'"),
        ("acuracy=3", "named 'acuracy'. Did you mean 'accuracy'"),
        ("best_epoch<=3", "no metric of search trials named 'best_epoch'"),
        ("param_count<=many", "'many' is no number; a number may end in %, k, M, G"),
        ("param_count<=nan", "'nan' is no number"),
        ("accuracy=3,param_count<=5e6", "limits and weights do not go together"),
        ("accuracy=-1", "each weight is given once and is at least 0, and one of them is above"),
        ("accuracy=0", "one of them is above"),
        ("accuracy=1,accuracy=2", "each weight is given once"),
        ("param_count<5e6", "'param_count<5e6' is no part of one"),
        ("", "'' is no part of one"),
    ],
)
def test_other_words_are_refused_with_what_is_allowed(words, message):
    with pytest.raises(ValueError, match=r"^The preference was given as .*Allowed are knee") as refused:
        preference_of(words)
    assert message in str(refused.value)
