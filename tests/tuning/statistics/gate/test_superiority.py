"""Who may replace the champion: clear cases, the refusals' sentences, and what more people or seeds would change."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

from tuning.statistics.gate.savings import Costs
from tuning.statistics.gate.superiority import Candidate, gain_of, needed, superiority

LEVEL, SIZES = 0.05, {"test_over_train": 0.25}


def candidate(name, right, *, param_count=100.0, train_time_s=10.0):
    """`right` `(I, C, S)`: what each seed got right of each person's clips, in five folds."""
    subjects, clips, seeds = right.shape
    rows = np.arange(subjects).repeat(clips)
    table = pd.DataFrame(
        {
            "clip_id": [f"{subject}-{clip}" for subject in range(subjects) for clip in range(clips)],
            "subject": [f"P{subject:02}" for subject in rows],
            "fold": rows % 5,
            "label": 1,
        }
    )
    answers = pd.DataFrame(right.reshape(-1, seeds).astype(float), columns=list(range(seeds)))
    costs = Costs(param_count=param_count, train_times_s=(train_time_s, train_time_s))
    return Candidate(name=name, answers=pd.concat([table, answers], axis=1), costs=costs)


def verdict_on(new, old, *, level=LEVEL, **given):
    return superiority(new, old, level=level, **given, **SIZES)


def drawn(accuracy, *, subjects=20, seeds=3, seed=0):
    return np.random.default_rng(seed).random((subjects, 6, seeds)) < accuracy


def subjects_differ(gain, *, subjects=20, seeds=2, seed=0):
    """A challenger whose gain over the champion varies from person to person; both answer alike under every seed."""
    rng = np.random.default_rng(seed)
    skill = np.stack([np.full(subjects, 0.7), 0.7 + gain + rng.normal(0, 0.15, subjects)])
    old, new = np.repeat((rng.random((2, subjects, 6)) < skill[:, :, None])[..., None], seeds, axis=-1)
    return candidate("new", new), candidate("old", old)


def test_a_clearly_better_challenger_is_superior():
    verdict = verdict_on(candidate("new", drawn(0.9)), candidate("old", drawn(0.6, seed=1)))
    assert verdict.promoted
    assert verdict.superior
    assert 0 < verdict.low < verdict.difference
    assert verdict.reason.startswith("new is superior")
    assert "95 % confidence, on 20 people (120 clips) in 5 folds" in verdict.reason


def test_a_slightly_better_challenger_is_refused_with_what_is_missing():
    new, old = subjects_differ(0.05)
    verdict = verdict_on(new, old)
    assert verdict.difference > 0
    assert not verdict.promoted
    assert verdict.low < 0 == verdict.required
    assert f"{-100 * verdict.low:.1f} points are missing" in verdict.reason
    assert "saves too little" in verdict.reason
    assert verdict.people_needed > 20
    assert verdict.seeds_needed is None  # all seeds agree already


def test_an_equal_and_cheaper_challenger_is_let_in_on_the_margin():
    champion = candidate("old", drawn(0.8, subjects=150, seed=1))
    same = drawn(0.8, subjects=150, seed=1)
    same[0, 0] = ~same[0, 0]
    for saving in ({"param_count": 89.0}, {"train_time_s": 8.9}):
        verdict = verdict_on(candidate("new", same, **saving), champion)
        assert verdict.promoted
        assert verdict.cheaper
        assert not verdict.superior
        assert verdict.required == -0.02
    verdict = verdict_on(candidate("new", same, param_count=91.0, train_time_s=9.1), champion)
    assert not verdict.promoted
    assert not verdict.cheaper


def test_an_equal_network_saves_nothing_even_where_no_saving_is_asked_for():
    same = drawn(0.8, subjects=150)
    verdict = verdict_on(candidate("new", same), candidate("old", same), saving=0.0)
    assert (verdict.promoted, verdict.cheaper) == (False, False)


def test_a_cheaper_challenger_that_loses_the_margin_is_refused():
    new = candidate("new", drawn(0.7), param_count=10.0)
    verdict = verdict_on(new, candidate("old", drawn(0.9, seed=1)))
    assert not verdict.promoted
    assert verdict.people_needed is verdict.seeds_needed is None
    assert "-2.0 points, the margin" in verdict.reason


def test_few_clips_that_all_agree_do_not_prove_that_nothing_is_lost():
    right = np.ones((10, 4, 2), bool)
    verdict = verdict_on(candidate("new", right, param_count=10.0), candidate("old", right))
    assert verdict.difference == 0
    assert not verdict.promoted  # 40 clips without an error are compatible with 2 % of errors
    assert verdict.people_needed > 10


def test_a_lucky_seed_of_a_fold_is_no_superiority():
    """All people of a fold gain, but only under one of two seeds: people alone would be convinced, seeds are not."""
    base = drawn(0.5, seeds=2)
    lucky = base.copy()
    lucky[:, :, 0] = drawn(0.95, seeds=1, seed=2)[:, :, 0]
    lucky[:, :, 1] = drawn(0.3, seeds=1, seed=3)[:, :, 0]
    by_subject = lucky.mean(axis=(1, 2)) - base.mean(axis=(1, 2))
    assert by_subject.mean() / (by_subject.std(ddof=1) / 20**0.5) > 3
    verdict = verdict_on(candidate("new", lucky), candidate("old", base))
    assert not verdict.promoted
    assert verdict.seeds_needed > 2


def test_what_is_said_to_be_needed_is_about_enough():
    new, old = subjects_differ(0.05)
    copies = -(-verdict_on(new, old).people_needed // 20)
    assert copies > 1

    def grown(one, times):
        tables = [
            one.answers.assign(**{key: one.answers[key] + f"-{copy}" for key in ("clip_id", "subject")})
            for copy in range(times)
        ]
        return dataclasses.replace(one, answers=pd.concat(tables, ignore_index=True))

    assert verdict_on(grown(new, copies), grown(old, copies)).promoted
    assert not verdict_on(grown(new, copies // 2), grown(old, copies // 2)).promoted


def test_one_of_a_family_is_asked_more_of():
    new, old = candidate("new", drawn(0.85, seed=3)), candidate("old", drawn(0.7, seed=9))
    alone, of_four = verdict_on(new, old), verdict_on(new, old, family=4)
    assert alone.p_value == of_four.p_value
    assert of_four.p_adjusted == pytest.approx(min(4 * alone.p_value, 1))
    assert of_four.low < alone.low
    assert of_four.confidence == pytest.approx(1 - LEVEL / 4)
    for one in (alone, of_four, verdict_on(new, old, family=4000)):
        assert one.promoted == (one.low > one.required) == (one.p_adjusted <= one.level)
    assert not verdict_on(new, old, family=10**9).promoted


def test_less_of_the_level_asks_more():
    new, old = candidate("new", drawn(0.85, seed=3)), candidate("old", drawn(0.7, seed=9))
    lows = [verdict_on(new, old, level=level).low for level in (0.025, 0.0125, 0.001)]
    assert lows == sorted(lows, reverse=True)


def test_where_the_margin_is_spent_it_is_said_to_be():
    new = candidate("new", drawn(0.7), param_count=10.0)
    verdict = verdict_on(new, candidate("old", drawn(0.7, seed=1)), margin=0.0)
    assert verdict.cheaper
    assert "more than 0, as nothing is left of the margin for a cheaper one" in verdict.reason
    assert "-0.0" not in verdict.reason


def test_units_are_called_what_they_are():
    new, old = subjects_differ(0.08)
    verdict = verdict_on(dataclasses.replace(new, subjects_are="clusters"), old)
    assert "on 20 clusters (120 clips)" in verdict.reason
    assert "people" not in verdict.reason


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda table: table.drop(columns=[1, 2]), "There is 1 seed; at least 2"),
        (lambda table: table[table["clip_id"] != "3-1"], "other clips or people"),
        (lambda table: table.assign(fold=0), "or in other folds"),
        (lambda table: table.assign(label=2), "other clips or people"),
    ],
)
def test_what_cannot_be_tested_gets_a_message(change, message):
    new = candidate("new", drawn(0.8))
    with pytest.raises(ValueError, match=message):
        verdict_on(dataclasses.replace(new, answers=change(new.answers)), candidate("old", drawn(0.8)))


def test_margin_and_saving_are_checked():
    with pytest.raises(ValueError, match="allowed"):
        verdict_on(candidate("new", drawn(0.8)), candidate("old", drawn(0.8)), margin=5)


def test_the_seeds_that_are_needed_are_those_of_a_difference_that_seeds_alone_make():
    """The new one is right in 9 or in 7 of 10, by the seed, the old one in 6: nothing but the seed varies."""
    clip = np.arange(10)[None, :, None]
    new, old = np.broadcast_to(clip < [9, 7], (100, 10, 2)), np.broadcast_to(clip < [6, 6], (100, 10, 2))
    found = gain_of(candidate("new", new), candidate("old", old), **SIZES)
    people, seeds = needed(found, 0.0, 1e-12)
    assert seeds > 2
    assert people is None or people > 100
    assert needed(found, 0.3, LEVEL) == (None, None), "the estimate is below what is required"
