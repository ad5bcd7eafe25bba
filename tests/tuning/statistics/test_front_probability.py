"""How probable a place on the front is: where it must be certain, where even, and that what is said comes true."""

import numpy as np
import pytest
from scipy import stats

from tuning.statistics.front_probability import (
    Noise,
    attainment,
    draw,
    draws_for,
    front_probability,
    influences,
    of_clips,
    shares_left,
)
from tuning.statistics.intervals import SEED_SD, seed_sd
from tuning.statistics.pareto import non_dominated
from tuning.statistics.selection import Rule, choose

WAYS = ("max", "min")


def own(*sd):
    return Noise(own=np.array(sd), by_people=np.zeros((len(sd), 1)))


def test_influences_have_the_variance_of_the_bootstrap_of_a_mean():
    right = np.random.default_rng(0).integers(0, 5, (3, 20)).astype(float)
    without = (right.sum(axis=1, keepdims=True) - right) / 19
    expected = right.var(axis=1, ddof=1) / 20
    assert (influences(without) ** 2).sum(axis=1) == pytest.approx(expected)


def test_people_are_drawn_for_all_trials_together():
    """Two trials that every person answers alike differ by the same in each draw, however much people vary."""
    people = np.random.default_rng(0).normal(0, 0.02, 30)
    noise = Noise(own=np.zeros(2), by_people=np.stack([people, people]))
    draws = draw([[0.8, 2.0], [0.79, 2.0]], [noise, None])
    assert draws[:, 0, 0].std() > 0.05
    assert draws[:, 0, 0] - draws[:, 1, 0] == pytest.approx(0.01)
    assert (draws[:, :, 1] == 2.0).all(), "a count is exact"
    assert front_probability(draws, WAYS).tolist() == [1.0, 0.0]


def test_the_first_draw_is_what_was_measured_so_that_the_front_is_never_ruled_out():
    values = [[0.80, 5.0], [0.79, 5.0], [0.2, 9.0]]
    draws = draw(values, [own(0.0, 0.0, 0.0), None])
    assert draws[0].tolist() == values
    probability = front_probability(draws, WAYS)
    assert probability[0] > 0
    assert probability[2] == 0


def test_same_seed_same_draws():
    noises = [own(0.1, 0.1, 0.1), Noise(own=np.array([1.0, 1.0, 1.0]))]
    one, same, other = (draw([[0.8, 5], [0.7, 4], [0.6, 3]], noises, seed=seed) for seed in (1, 1, 2))
    assert (one == same).all()
    assert (one[1:] != other[1:]).all()


def test_what_noise_explains_of_the_differences_is_taken_from_them():
    rates, rng = np.array([0.70, 0.74, 0.78, 0.82]), np.random.default_rng(0)
    assert shares_left(rates, own(*[1e-4] * 4), 500, rng).min() > 0.99
    explained = shares_left(rates, own(*[1.0] * 4), 4000, rng)
    assert explained.mean() == pytest.approx(1 - 1.5 / 2.5, abs=0.02), "what four rates leave open"
    assert shares_left(rates, own(*[0.04] * 4), 500, rng).mean() < 0.6
    assert shares_left(rates[:2], own(1.0, 1.0), 3, rng).tolist() == [1.0] * 3, "two do not tell how much trials differ"
    assert shares_left(np.array([0.7] * 4), own(*[0.1] * 4), 3, rng).tolist() == [0.0] * 3
    draws = draw(np.column_stack([rates, np.ones(4)]), [own(*[1.0] * 4), None])
    assert np.ptp(draws[1:, :, 0].mean(axis=0)) < 0.12, "towards the mean of the search"


def test_two_alike_are_as_probable_as_each_other_and_a_time_counts_with_its_spread():
    draws = draw([[0.8, 10.0], [0.8, 10.0], [0.8, 20.0]], [None, Noise(own=np.array([1.0, 1.0, 1.0]))], num_draws=4000)
    probability = front_probability(draws, WAYS)
    assert probability[:2] == pytest.approx([0.5, 0.5], abs=0.03)
    assert probability[2] == 0


def test_few_seeds_change_little_of_what_is_known_of_seeds():
    assert seed_sd([]) == SEED_SD
    assert SEED_SD < seed_sd([(0.04**2, 1)]) < 0.03
    assert seed_sd([(0.04**2, 400)]) == pytest.approx(0.04, abs=0.001)


def test_no_rate_is_certain_on_any_number_of_clips():
    assert of_clips([0.5], 100)[0] == pytest.approx(0.05, abs=0.001)
    assert of_clips([1.0], 100)[0] > 0


def searches(rng, spread, num=12, people=16, clips=4):
    """A search of configurations that truly differ by `spread`: true values, measured ones and their noise."""
    true, costs = np.clip(rng.normal(0.75, spread, num), 0.3, 0.97), rng.lognormal(0, 0.3, num)
    ability = np.clip(true + rng.normal(0, SEED_SD, num), 0.05, 0.98)
    person, each = 0.6 * rng.normal(size=people), 0.4 * rng.normal(size=(num, people))
    rates = stats.norm.cdf(stats.norm.ppf(ability)[:, None] * np.sqrt(1 + 0.6**2 + 0.4**2) + person + each)
    right = rng.binomial(clips, rates)
    measured = right.mean(axis=1) / clips
    by_people = influences((right.sum(axis=1, keepdims=True) - right) / (clips * (people - 1)))
    beyond = np.maximum(of_clips(measured, people * clips) ** 2 - (by_people**2).sum(axis=1), 0)
    noise = Noise(own=np.sqrt(SEED_SD**2 + beyond), by_people=by_people)
    return np.column_stack([true, costs]), np.column_stack([measured, costs]), noise


@pytest.mark.slow
@pytest.mark.parametrize("spread", [0.02, 0.04, 0.08])
def test_what_is_said_to_be_probable_comes_true_as_often(spread):
    rng, said, true, sure, best = np.random.default_rng(0), [], [], [], []
    for number in range(100):
        real, measured, noise = searches(rng, spread)
        found = choose(measured, WAYS, num_objectives=2, noises=[noise, None], rule=Rule(kind="accuracy"), seed=number)
        said += found.probability.tolist()
        true += non_dominated(real, WAYS).tolist()
        sure.append(found.chosen_in[found.recommended])
        best.append(int(real[:, 0].argmax()) == found.recommended)
    said, true = np.array(said), np.array(true)
    for low, high in ((0, 0.2), (0.2, 0.5), (0.5, 0.8), (0.8, 1.01)):
        within = (said >= low) & (said < high)
        assert true[within].mean() == pytest.approx(said[within].mean(), abs=0.15), (low, high)
    assert np.mean(best) == pytest.approx(np.mean(sure), abs=0.15)


def test_of_very_many_trials_fewer_draws_are_made():
    assert [draws_for(number) for number in (1, 12, 1000, 2000, 100_000)] == [2000, 2000, 2000, 1000, 500]


def test_surfaces_of_exact_values_are_the_front_at_every_level():
    values = np.array([[0.8, 20.0], [0.7, 10.0], [0.6, 15.0]])
    found = attainment(draw(values, [None, None], num_draws=20), WAYS)
    assert found.keys() == {5, 50, 95}
    for corners in found.values():
        assert corners.tolist() == [[0.7, 10.0], [0.8, 20.0]]


def test_half_of_the_draws_reach_the_median_surface():
    draws = draw([[0.8, 20.0]], [Noise(own=np.array([0.05])), None], num_draws=1001)
    found = attainment(draws, WAYS)
    expected = np.quantile(draws[:, 0, 0], [0.95, 0.5, 0.05])
    assert [found[level][0, 0] for level in (5, 50, 95)] == pytest.approx(expected, abs=0.005)
    with pytest.raises(ValueError, match="two objectives; 3 were given"):
        attainment(np.zeros((5, 2, 3)), ("max", "min", "min"))
