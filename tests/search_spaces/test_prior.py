"""What the author of a study believes of its parameters."""

import pytest
from ray import tune

from search_spaces.core.prior import weights_of
from search_spaces.core.study import Study

SPACE = {"rbg_depth": tune.choice([0, 1, 2]), "gru_hidden": tune.randint(8, 11), "lr": tune.loguniform(1e-4, 1e-2)}


def make_study(prior):
    given = {"trainable": "res_rbg", "dataset": "drawn_faces", "registered_model": "demo", "parameters": SPACE}
    return Study(**given, prior=prior)


def test_choices_are_weighed_by_the_best_and_those_that_are_not_named_by_a_tenth_of_the_least():
    study = make_study({"rbg_depth": {1: 3, 2: 1}, "gru_hidden": {9: 2}})
    assert weights_of(study.prior, study.parameters) == {
        "rbg_depth": {0: pytest.approx(1 / 30), 1: 1, 2: pytest.approx(1 / 3)},
        "gru_hidden": {8: pytest.approx(0.1), 9: 1, 10: pytest.approx(0.1)},
    }


@pytest.mark.parametrize(
    ("prior", "message"),
    [
        ({"rbg_dept": {1: 1}}, "no searched parameter for a prior named 'rbg_dept'. Did you mean 'rbg_depth'"),
        ({"lr": {0.001: 1}}, "prior of lr was given; allowed are those of choices, and lr is a range"),
        ({"rbg_depth": {3: 1}}, "weighs 3, which is never tried; allowed are 0, 1, 2"),
        ({"rbg_depth": {1: 0}}, "gives 1 the weight 0; finite numbers above 0"),
        ({"rbg_depth": {1: "much"}}, "gives 1 the weight 'much'; finite numbers above 0"),
        ({"rbg_depth": {}}, "given as {}; a weight for one choice at least"),
        ({"rbg_depth": 1}, "given as 1; a weight for one choice at least"),
        (3, "prior was given as 3; weights by parameter are allowed"),
    ],
)
def test_a_prior_that_cannot_be_is_refused_with_what_is_allowed(prior, message):
    with pytest.raises(ValueError, match=message):
        make_study(prior)
