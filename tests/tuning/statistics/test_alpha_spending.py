"""What each further look at the same people may spend of the level."""

import pytest

from tuning.statistics.alpha_spending import describe_look, look_number


@pytest.mark.parametrize(
    ("again", "ending"), [(True, "The next test, with more seeds, has 0.4 %."), (False, "of 2 % (alpha spending).")]
)
def test_another_look_is_promised_only_where_more_seeds_could_help(again, ending):
    assert describe_look(1, 0.02, again=again).endswith(ending)


def test_the_same_evidence_is_the_same_look_and_more_of_it_the_next():
    first, second = ({"configuration": "a", "against": "b", "seeds": seeds} for seeds in ([1, 2], [1, 2, 3]))
    assert look_number(first, []) == 1
    assert look_number(first, [first, first]) == 1
    assert look_number(second, [first, first]) == 2
    assert look_number(second, [first, second]) == 2
    assert look_number({**second, "against": "c"}, [first, second]) == 1
