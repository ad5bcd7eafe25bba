"""What a model of several trainings costs, and what its card says of it; evidence of before knows of one alone."""

import pytest

from tests.support.builders import make_trial
from tests.tuning.evidence.test_evidence import FACTS
from tuning.evidence.model.members import card_size, num_members, served_costs, told_members
from tuning.evidence.model_card import model_card

THREE = {
    **FACTS,
    "refit": {
        **FACTS["refit"],
        "num_members": 3,
        "trial_ids": ["refit-0000", "refit-0001", "refit-0002"],
        "seeds": [5, 6, 7],
    },
    "served": {"param_count": 42.9e6, "weights_mb": 163.8, "latency_ms": 90.0},
    "by_seed": [0.75, 0.8125],
}


def refit(number, **metrics):
    return make_trial(number, phase="refit", trial_id=f"refit-{number:04d}", seed=5 + number, metrics=metrics)


def test_the_model_costs_what_all_members_cost():
    trained = [refit(0, param_count=10.0, latency_ms=4.0, train_time_s=9.0), refit(1, param_count=10.0, latency_ms=6.0)]
    assert served_costs(trained) == {"param_count": 20.0, "latency_ms": 10.0}
    assert served_costs([refit(0, param_count=10.0), refit(1)]) == {}
    assert served_costs(trained[:1]) is None
    assert told_members(trained) == {"num_members": 2, "trial_ids": ["refit-0000", "refit-0001"], "seeds": [5, 6]}


def test_the_card_tells_how_many_answer_and_what_all_of_them_cost():
    card = model_card(THREE)
    size = "the mean of the probabilities of 3 trainings: 42.90 M parameters, 163.8 MiB of weights, 90.0 ms a clip, all"
    assert size.replace("42.90", "42.900") in card
    assert (
        "averages the answers of 3 more trainings, each on 64 people (256 clips), with seeds 5, 6, 7. It was not"
        in card
    )
    assert "refitted as refit-0000, refit-0001, refit-0002 for 12 epochs" in card
    assert "; 2 trainings, by seed 75.0 to 81.2 %)" in card


def test_evidence_of_before_is_told_as_it_was():
    assert num_members(FACTS) == 1
    card = model_card(FACTS)
    assert "14.300 M parameters." in card
    assert (
        "The registered weights are one more training, on 64 people (256 clips). They were not tested themselves."
        in card
    )
    assert "refitted as refit-0000 for 12 epochs" in card
    assert "by seed" not in card
    assert card_size({**FACTS, "costs": {}}) == ""


@pytest.mark.parametrize(
    ("members", "words"),
    [
        (None, "of version 4, trained again on data that have grown since, and not tested against that version."),
        (1, "on the same data: the answers of 3 trainings are averaged where that version has 1 training. It was not"),
        (2, "averaged where that version has 2 trainings. It was not tested against that version."),
    ],
)
def test_the_card_says_how_it_differs_from_the_version_that_it_follows(members, words):
    assert words in model_card({**THREE, "renews": 4, "renewed_members": members})
