"""Who may replace the champion: clear cases, the refusals' sentences, and repetition where nothing differs."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from tuning.statistics.savings import Costs
from tuning.statistics.superiority import Candidate, superiority


def candidate(name, right, *, param_count=100.0, train_time_s=10.0):
    """`right` `(I, C, S)`: what each seed got right of each person's clips."""
    subjects, clips, seeds = (index.ravel() for index in np.indices(right.shape))
    table = pd.DataFrame(
        {
            "clip_id": [f"{subject}-{clip}" for subject, clip in zip(subjects, clips, strict=True)],
            "subject": [f"P{subject:02}" for subject in subjects],
            "seed": seeds,
            "label": 1,
            "predicted": right.ravel().astype(int),
        }
    )
    costs = Costs(param_count=param_count, train_times_s=(train_time_s, train_time_s))
    return Candidate(name=name, predictions=table, costs=costs)


def drawn(accuracy, *, subjects=20, seeds=3, seed=0):
    return np.random.default_rng(seed).random((subjects, 6, seeds)) < accuracy


def test_a_clearly_better_challenger_is_superior():
    (verdict,) = superiority([candidate("new", drawn(0.9))], candidate("old", drawn(0.6, seed=1)))
    assert verdict.promoted
    assert verdict.superior
    assert 0 < verdict.low < verdict.difference
    assert verdict.reason.startswith("new is superior")


def subjects_differ(gain, *, subjects=20, seeds=2, seed=0):
    """A challenger whose gain over the champion varies from person to person; both answer alike under every seed."""
    rng = np.random.default_rng(seed)
    skill = np.stack([np.full(subjects, 0.7), 0.7 + gain + rng.normal(0, 0.15, subjects)])
    old, new = np.repeat((rng.random((2, subjects, 6)) < skill[:, :, None])[..., None], seeds, axis=-1)
    return candidate("new", new), candidate("old", old)


def test_a_slightly_better_challenger_is_refused_with_what_is_missing():
    new, old = subjects_differ(0.05)
    (verdict,) = superiority([new], old)
    assert verdict.difference > 0
    assert not verdict.promoted
    assert verdict.low < 0 == verdict.required
    assert f"{-100 * verdict.low:.1f} points are missing" in verdict.reason
    assert "saves too little" in verdict.reason
    assert f"about {verdict.people_needed} people (now 20)" in verdict.reason
    assert verdict.people_needed > 20
    assert verdict.seeds_needed is None  # all seeds agree already


def test_an_equal_and_cheaper_challenger_is_let_in_on_the_margin():
    champion = candidate("old", drawn(0.8, subjects=150, seed=1))
    same = drawn(0.8, subjects=150, seed=1)
    same[0, 0] = ~same[0, 0]
    for saving in ({"param_count": 89.0}, {"train_time_s": 8.9}):
        (verdict,) = superiority([candidate("new", same, **saving)], champion)
        assert verdict.promoted
        assert verdict.cheaper
        assert not verdict.superior
        assert verdict.required == -0.02
    (verdict,) = superiority([candidate("new", same, param_count=91.0, train_time_s=9.1)], champion)
    assert not verdict.promoted
    assert not verdict.cheaper


def test_an_equal_network_saves_nothing_even_where_no_saving_is_asked_for():
    same = drawn(0.8, subjects=150)
    champion = candidate("old", same)
    assert not superiority([candidate("new", same)], champion, saving=0.0)[0].cheaper
    assert superiority([candidate("new", same, param_count=99.0)], champion, saving=0.0)[0].cheaper


def test_where_nobody_is_named_clips_are_told_and_not_subjects():
    new, old = (dataclasses.replace(one, predictions=nameless(one.predictions)) for one in subjects_differ(0.08))
    (verdict,) = superiority([new], old)
    assert f"about {verdict.people_needed} clips (now 120)" in verdict.reason
    assert "people" not in verdict.reason


def nameless(predictions):
    return predictions.assign(subject=None)


def test_a_cheaper_challenger_that_loses_the_margin_is_refused():
    new = candidate("new", drawn(0.7), param_count=10.0)
    (verdict,) = superiority([new], candidate("old", drawn(0.9, seed=1)))
    assert not verdict.promoted
    assert verdict.people_needed is verdict.seeds_needed is None
    assert "The estimate itself falls short" in verdict.reason
    assert "-2.0 points, the margin" in verdict.reason


def test_few_clips_that_all_agree_do_not_prove_that_nothing_is_lost():
    right = np.ones((10, 4, 2), bool)
    (verdict,) = superiority([candidate("new", right, param_count=10.0)], candidate("old", right))
    assert verdict.difference == 0
    assert not verdict.promoted  # 40 clips without an error are compatible with 2 % of errors
    assert verdict.people_needed > 10


def test_a_lucky_seed_is_no_superiority():
    """All people gain, but only under one of two seeds: people alone would be convinced, seeds are not."""
    base = drawn(0.5, seeds=2)
    lucky = base.copy()
    lucky[:, :, 0] = drawn(0.9, seeds=1, seed=2)[:, :, 0]
    lucky[:, :, 1] = drawn(0.55, seeds=1, seed=3)[:, :, 0]
    by_subject = lucky.mean(axis=(1, 2)) - base.mean(axis=(1, 2))
    assert by_subject.mean() / (by_subject.std(ddof=1) / 20**0.5) > 4
    (verdict,) = superiority([candidate("new", lucky)], candidate("old", base))
    assert not verdict.promoted
    assert verdict.seeds_needed > 2


@pytest.mark.slow
def test_what_is_said_to_be_needed_is_about_enough():
    new, old = subjects_differ(0.05)
    (verdict,) = superiority([new], old)
    copies = -(-verdict.people_needed // 20)
    assert copies > 1

    def grown(one, times):
        tables = [
            one.predictions.assign(**{key: one.predictions[key] + f"-{copy}" for key in ("clip_id", "subject")})
            for copy in range(times)
        ]
        return dataclasses.replace(one, predictions=pd.concat(tables))

    assert superiority([grown(new, copies)], grown(old, copies))[0].promoted
    assert not superiority([grown(new, copies // 2)], grown(old, copies // 2))[0].promoted


def test_holm_asks_more_of_each_of_several():
    champion = candidate("old", drawn(0.7, seed=9))
    names = "abcd"
    challengers = [candidate(name, drawn(0.72 + 0.06 * index, seed=index)) for index, name in enumerate(names)]
    alone = [superiority([one], champion)[0] for one in challengers]
    together = superiority(challengers, champion)
    assert [one.name for one in together] == list(names)
    for one, other in zip(alone, together, strict=True):
        assert one.p_value == pytest.approx(other.p_value)
        assert other.p_adjusted >= one.p_adjusted
        assert other.low <= one.low
        assert other.promoted == (other.low > other.required) == (other.p_adjusted <= 0.05)
    assert together[3].promoted
    assert together[3].level == pytest.approx(0.8 * 0.05 / 4)
    assert superiority([], champion) == []


def test_a_later_look_has_less_of_the_level_left():
    champion, right = candidate("old", drawn(0.7, seed=9)), drawn(0.85, seed=3)
    looked = [dataclasses.replace(candidate("new", right), look=look) for look in (1, 2, 3)]
    verdicts = [superiority([one], champion)[0] for one in looked]
    assert [verdict.look for verdict in verdicts] == [1, 2, 3]
    assert [verdict.level for verdict in verdicts] == pytest.approx([0.04, 0.008, 0.0016])
    assert len({verdict.p_value for verdict in verdicts}) == 1
    assert verdicts[0].low > verdicts[1].low > verdicts[2].low
    for verdict in verdicts:
        assert verdict.promoted == (verdict.low > 0) == (verdict.p_adjusted <= 0.05)
    first, again = superiority([candidate("first", right), dataclasses.replace(looked[1], name="again")], champion)
    assert first.level == pytest.approx(0.8 * 0.05 / 2), "whoever was asked about before takes nothing from the others"
    assert again.level == pytest.approx(0.16 * 0.05), "by Holm's second step"


def test_where_the_margin_is_spent_it_is_said_to_be():
    new = candidate("new", drawn(0.7), param_count=10.0)
    (verdict,) = superiority([new], candidate("old", drawn(0.7, seed=1)), margin=0.0)
    assert verdict.cheaper
    assert "not shown to be superior" in verdict.reason
    assert "more than 0, as nothing is left of the margin for a cheaper one" in verdict.reason
    assert "-0.0" not in verdict.reason


def test_a_subject_with_more_clips_weighs_more():
    right = drawn(0.8, subjects=12)
    old, new = candidate("old", right), candidate("new", right)
    lost = old.predictions["clip_id"].isin(["0-0", "0-1", "1-5"])
    thin = [dataclasses.replace(one, predictions=one.predictions[~lost]) for one in (new, old)]
    change = thin[0].predictions["subject"] == "P03"
    thin[0] = dataclasses.replace(
        thin[0], predictions=thin[0].predictions.assign(predicted=thin[0].predictions["predicted"].where(~change, 1))
    )
    (verdict,) = superiority([thin[0]], thin[1])
    rows = [one.predictions["predicted"].mean() for one in thin]
    assert verdict.difference == pytest.approx(rows[0] - rows[1])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda table: table[table["seed"] == 0], "confirmed with 1 seed; at least 2"),
        (lambda table: table[table["subject"] == "P00"], "1 person; at least 2"),
        (lambda table: table[table["clip_id"] != "3-1"], "other clips or people"),
        (lambda table: table.iloc[1:], "Not every seed of new"),
        (lambda table: pd.concat([table, table[:1]]), "judge a clip twice"),
        (lambda table: table.drop(columns="seed"), "name no seed"),
        (lambda table: table.drop(columns="label"), "lack the columns label"),
    ],
)
def test_what_cannot_be_tested_gets_a_message(change, message):
    new = candidate("new", drawn(0.8))
    with pytest.raises(ValueError, match=message):
        superiority([dataclasses.replace(new, predictions=change(new.predictions))], candidate("old", drawn(0.8)))


def test_alpha_and_margin_are_checked():
    with pytest.raises(ValueError, match="allowed"):
        superiority([candidate("new", drawn(0.8))], candidate("old", drawn(0.8)), alpha=5)


@pytest.mark.slow
def test_it_rarely_promotes_where_seeds_alone_differ():
    """Two seeds of two equal configurations whose seeds differ a lot: ignoring seeds promotes one in four."""
    promoted = 0
    for number in range(25):
        rng = np.random.default_rng(number)
        level = rng.normal(0, 0.07, (2, 1, 1, 2))
        skill = rng.normal(0, 0.1, (16, 1, 1))
        new, old = rng.random((2, 16, 4, 2)) < 0.7 + level + skill
        promoted += superiority([candidate("new", new)], candidate("old", old))[0].promoted
    assert promoted <= 5  # 1 expected; more than 5 has probability 0.1 %


def test_the_seeds_that_are_needed_are_those_for_the_next_look_at_its_level():
    """The new one is right in 9 or in 7 of 10, by the seed, the old one in 6: nothing but the seed varies."""
    clip = np.arange(10)[None, :, None]
    new, old = np.broadcast_to(clip < [9, 7], (100, 10, 2)), np.broadcast_to(clip < [6, 6], (100, 10, 2))
    (verdict,) = superiority([candidate("new", new)], candidate("old", old))
    assert (verdict.promoted, verdict.level) == (False, pytest.approx(0.04))
    assert verdict.difference == pytest.approx(0.2)
    needed = next(n for n in range(2, 99) if stats.t.isf(0.2 * 0.04, n - 1) * (0.02 / n) ** 0.5 < 0.2)
    assert verdict.seeds_needed == needed == 7
    assert verdict.people_needed is None, "nobody else changes what a seed does to all"


def test_more_seeds_help_where_subjects_answer_each_seed_differently():
    """All clips are drawn anew for each seed, so that with n times the seeds the variance is an n-th."""
    for seed in range(5):
        new, old = (
            drawn(0.70, subjects=30, seeds=2, seed=2 * seed),
            drawn(0.62, subjects=30, seeds=2, seed=2 * seed + 1),
        )
        (verdict,) = superiority([candidate("new", new)], candidate("old", old))
        if not verdict.promoted and verdict.difference > 0.05:
            assert verdict.seeds_needed is not None
            assert 2 < verdict.seeds_needed < 20
            break
    else:
        pytest.fail("no refusal among five")
