"""What a person reads of a proposal."""

from tuning.text.proposals import proposed

FACTS = {
    "why": "model",
    "expected": {"accuracy": [0.6213, 0.0341]},
    "known": {"train_time_s": 12.31, "param_count": 1210000.0},
    "exact": ["param_count"],
    "gain": 0.0234,
    "seconds": 40.2,
    "num_compared": 214,
}


def test_a_proposal_of_the_model():
    assert list(proposed(FACTS)) == [
        "proposed: 2.34 % more hypervolume expected, the most of 214 points for its time",
        "expected: accuracy 62.1 % (standard deviation 3.4), training time 12.3 s, parameters 1.210 M (exact), 40.2 s in all",
    ]
    assert "for its time, weighed 0.333 by the study's prior" in next(proposed({**FACTS, "prior": 1 / 3}))


def test_the_others_say_why_too():
    assert list(proposed({})) == []
    assert list(proposed({"why": "first"})) == ["proposed: among the first points"]
    assert list(proposed({"why": "random"})) == [
        "proposed: drawn at random, unlike what was tried, as too little is known yet"
    ]
    again = next(proposed({**FACTS, "why": "again", "num_scores": 2}))
    assert again == (
        "proposed: another seed of a promising point, as 2 scores cannot tell it apart; 2.34 % more hypervolume"
    )
