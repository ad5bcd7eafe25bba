"""Turns of studies on one cluster: all of it to one, shares by weight to several, and nobody waits for ever."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.tuning.execution.sharing.simulated_cluster import START_S, Cluster, Simulated, longest_wait
from tuning.execution.sharing.shares import WEIGHTS, Amount, Claim, SlotNeed, fair_shares
from tuning.execution.sharing.turns import ASIDE_S, GRACE_S, SETTLE_S, SILENT_S, STRETCH_S, STUCK_S, Beat, Turns
from tuning.execution.sharing.usage import WINDOW_S

TWO = Amount(cpus=2)


def mean(values):
    return sum(values) / len(values)


def beat(study="demo", *, token="a", held=0, wanted=1, **of):
    return Beat(home="home", study=study, token=token, held=held, wanted=wanted, **of)


def test_a_study_alone_has_all_that_it_wants():
    alone = Simulated("demo", 4)
    Cluster([alone], Amount(cpus=4)).run(600)
    assert alone.held_at[START_S + 1 :] == [4] * (600 - START_S - 1)
    assert not alone.waits_for


def test_a_study_alone_may_ask_for_more_than_there_is_so_that_a_cluster_can_grow():
    turns = Turns(0.0)
    assert turns.beat(beat(wanted=8), TWO, 10.0).allowed == 8
    turns.beat(beat("smiles"), TWO, 11.0)
    assert turns.beat(beat(wanted=8, held=2), TWO, 12.0).allowed == 1


def test_two_studies_that_fit_beside_each_other_do_not_meet():
    studies = [Simulated("demo", 1), Simulated("smiles", 3)]
    Cluster(studies, Amount(cpus=4)).run(100)
    assert [one.held for one in studies] == [1, 3]


def test_the_second_of_two_gets_its_half_when_trials_of_the_first_end():
    """Without turns the second waits until the first has ended."""
    first, second = Simulated("demo", 4, trial_s=(30, 60)), Simulated("smiles", 4, begins=100)
    Cluster([first, second], Amount(cpus=4)).run(300)
    assert longest_wait(second) <= 60 + START_S + 2
    assert [first.held, second.held] == [2, 2]
    assert max(second.held_at) == 2


def test_the_last_of_three_on_two_slots_begins_within_one_trial():
    studies = [Simulated(name, 2, trial_s=(80, 100), begins=number) for number, name in enumerate("abc")]
    Cluster(studies, TWO).run(1200)
    assert next(second for second, held in enumerate(studies[2].held_at) if held) <= 100 + 2 * START_S + 5
    for study in studies:
        assert max(study.held_at[2 * 100 + 2 * START_S :]) <= 1
        assert longest_wait(study) <= 2 * (100 + START_S) + STRETCH_S


@pytest.mark.slow
def test_slots_go_by_weight_where_there_are_fewer_than_studies():
    studies = [Simulated(name, 2, priority=name) for name in WEIGHTS]
    Cluster(studies, TWO).run(3000)
    held = [mean(one.held_at[600:]) for one in studies]
    assert held == pytest.approx([sum(held) / 7, 2 * sum(held) / 7, 4 * sum(held) / 7], rel=0.2)
    assert sum(held) > 1.8  # the start of slots takes less than a tenth


def test_a_turn_lasts_longer_than_a_short_trial():
    studies = [Simulated(name, 1, trial_s=(2, 4)) for name in "ab"]
    Cluster(studies, Amount(cpus=1)).run(1800)
    held = studies[0].held_at[600:]
    turns = sum(now and not before for before, now in itertools.pairwise(held))
    assert turns <= 1200 / (2 * STRETCH_S)
    assert mean(held) == pytest.approx(mean(studies[1].held_at[600:]), rel=0.15)


def test_what_one_study_leaves_is_taken_by_the_other_at_once():
    first, second = Simulated("demo", 4, ends=200), Simulated("smiles", 4)
    cluster = Cluster([first, second], Amount(cpus=4)).run(201)
    cluster.turns.leave("home", "demo", "driver")
    cluster.run(60)
    assert second.held == 4


def test_a_study_that_falls_silent_leaves_its_slots():
    turns = Turns(0.0)
    turns.beat(beat(wanted=2, held=2), TWO, 10.0)
    assert turns.beat(beat("smiles", wanted=2), TWO, 11.0).allowed == 0
    assert turns.beat(beat("smiles", wanted=2), TWO, 10.0 + SILENT_S + 1).allowed == 2


def test_a_large_slot_gets_its_turn_among_small_ones():
    large, small = Simulated("large", 2, slot=SlotNeed(cpus_per_worker=6)), Simulated("small", 100)
    Cluster([large, small], Amount(cpus=10)).run(2400)
    assert longest_wait(large) <= 2 * STRETCH_S + 30 + START_S
    assert longest_wait(small) <= 30 + START_S
    assert max(small.held_at[600:]) > 4  # and what is left of it is not idle meanwhile


def test_a_gpu_study_and_one_of_cpus_have_each_their_own():
    gpus = Simulated("gpus", 4, slot=SlotNeed(cpus_per_worker=1, gpus_per_worker=1))
    cpus = Simulated("cpus", 6)
    Cluster([gpus, cpus], Amount(cpus=8, gpus=2)).run(200)
    assert [gpus.held, cpus.held] == [2, 6]


def test_a_slot_that_free_bits_of_several_machines_cannot_place_is_given_room():
    """A slot of two CPUs fits one of two machines; the small ones lie on both as long as there are more than two of them."""
    large, small = Simulated("large", 1, slot=SlotNeed(cpus_per_worker=2)), Simulated("small", 4)
    cluster = Cluster([large, small], Amount(cpus=4))
    free = cluster.fits
    cluster.fits = lambda study: free(study) and (study is not large or small.held < 2)
    cluster.run(1800)
    assert longest_wait(large) <= 4 * STUCK_S + 30 + START_S
    assert mean(small.held_at) > 1


def test_others_go_on_beside_a_slot_that_ray_never_places():
    never, other = Simulated("never", 1), Simulated("other", 2)
    cluster = Cluster([never, other], TWO)
    cluster.fits = lambda study: study is other and study.slot.amount.fits(cluster.free())
    cluster.run(1200)
    assert never.allowed == 1
    assert never.waits_for.startswith("waits for a slot (1 CPU), which Ray does not place")
    assert mean(other.held_at[-int(ASIDE_S) :]) > 1.3


def test_what_does_not_fit_the_cluster_is_asked_for_and_is_in_nobodys_way():
    large, small = Simulated("large", 3, slot=SlotNeed(workers=2, cpus_per_worker=4)), Simulated("small", 4)
    Cluster([large, small], Amount(cpus=4)).run(100)
    assert [large.allowed, small.held] == [1, 4]
    expected = "waits for a slot (2 workers of 4 CPUs each) until the cluster is larger: it has 4 CPUs for studies now"
    assert large.waits_for == expected


def test_who_waits_is_told_for_what_and_behind_whom():
    turns = Turns(0.0)
    turns.beat(beat("demo", held=1, user="anna", priority="high"), TWO, 10.0)
    turns.beat(beat("smiles", held=1, user="ben"), TWO, 10.0)
    turn = turns.beat(beat("mine"), TWO, 11.0)
    assert turn.waits_for == "waits for a slot (1 CPU) behind demo (anna, high) and smiles (ben)"
    assert turns.beat(beat("demo", held=1, user="anna", priority="high"), TWO, 12.0).waits_for == ""


def test_after_a_restart_nobody_is_given_more_before_all_have_spoken():
    turns = Turns(100.0)
    assert turns.beat(beat("waiting", wanted=2, for_s=50), TWO, 100.5).allowed == 0
    assert turns.beat(beat("working", wanted=2, held=2, for_s=50), TWO, 101.0).allowed == 2
    later = 100.0 + SETTLE_S
    assert turns.beat(beat("waiting", wanted=2), TWO, later).allowed == 0
    assert turns.beat(beat("working", wanted=2, held=2), TWO, later).allowed == 1


def test_a_new_slot_is_left_to_a_study_until_a_trial_has_begun_in_it():
    turns, one = Turns(-9.0), Amount(cpus=1)
    assert turns.beat(beat("a"), one, 0.0).allowed == 1
    turns.beat(beat("b"), one, 1.0)
    turns.beat(beat("a", held=1), one, 9.0)
    assert turns.beat(beat("a", held=1), one, 9.0 + GRACE_S - 1).allowed == 1
    assert turns.beat(beat("b"), one, 9.0 + GRACE_S).waits_for == "waits for a slot (1 CPU) behind a"
    assert turns.beat(beat("a", held=1), one, 9.0 + GRACE_S + 1).allowed == 0


def test_a_second_driver_of_a_study_is_told_of_the_first_until_it_is_silent():
    turns = Turns(0.0)
    first = beat(user="anna", host="node1")
    turns.beat(first, TWO, 10.0)
    turn = turns.beat(beat(token="b"), TWO, 12.0)
    assert (turn.taken_by, turn.silent_s, turn.allowed) == (first, 2.0, 0)
    assert not turns.leave("home", "demo", "b")
    assert turns.beat(beat(token="b"), TWO, 10.0 + SILENT_S).taken_by is None
    assert turns.beat(beat(token="c"), TWO, 41.0, instead_of="b").taken_by is None


def test_studies_of_one_name_in_two_homes_are_two():
    turns = Turns(0.0)
    turns.beat(beat(held=2, wanted=2), TWO, 10.0)
    other = Beat(home="other", study="demo", token="b", held=0, wanted=2)
    assert turns.beat(other, TWO, 10.0).taken_by is None
    assert [one.home for one, _ in turns.standing(TWO, 10.0)] == ["home", "other"]


def test_the_last_to_leave_is_told():
    turns = Turns(0.0)
    turns.beat(beat(), TWO, 10.0)
    turns.beat(beat("smiles"), TWO, 10.0)
    assert not turns.leave("home", "demo", "a")
    assert turns.leave("home", "smiles", "a")


studies = st.lists(
    st.tuples(st.integers(1, 6), st.integers(2, 120), st.sampled_from(list(WEIGHTS)), st.integers(0, 200)),
    min_size=2,
    max_size=5,
)


@pytest.mark.slow
@settings(max_examples=6, deadline=None)
@given(studies, st.integers(1, 5), st.integers(0, 1000))
def test_shares_are_kept_and_waits_are_bounded_for_any_studies(drawn, num_cpus, seed):
    """Of any number of slots, trial lengths, priorities and arrivals."""
    running = [
        Simulated(f"s{number}", wants, trial_s=(1, longest), priority=priority, begins=begins)
        for number, (wants, longest, priority, begins) in enumerate(drawn)
    ]
    cluster = Cluster(running, Amount(cpus=num_cpus), seed=seed).run(1500)
    asked = [Claim(weight=WEIGHTS[one.priority], slot=one.slot.amount, wanted=one.wants) for one in running]
    longest = max(one.trial_s[1] for one in running)
    settled = 200 + longest + START_S + int(GRACE_S) + 5
    for one, share, claim in zip(running, fair_shares(asked, cluster.whole), asked, strict=True):
        assert max(one.held_at[settled:]) <= share + 1
        window = one.held_at[-int(WINDOW_S) :]
        assert abs(mean(window) - share) <= 1
        turns = sum(other.weight for other in asked) / claim.weight
        assert longest_wait(one) <= WINDOW_S + turns * (longest + STRETCH_S + START_S)
    if sum(one.wants for one in running) >= num_cpus:  # no slot is idle but while it starts
        held = [sum(one.held_at[second] for one in running) for second in range(settled, 1500)]
        assert mean(held) >= num_cpus * 0.7
