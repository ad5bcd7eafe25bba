"""Who is held out follows from a hash of each person: whoever joins moves nobody."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trainables.data.core.dataset import DataError
from trainables.data.core.holdout import FEWEST_HELD, held_out, lowest, place_of, seed_of

NAMES = [f"P{number:03d}" for number in range(300)]


def clips_of(people, labels=(0, 1, 2)):
    """A clip of each class from each of `people`."""
    return [person for person in people for _ in labels], list(labels) * len(people)


def test_a_place_is_a_fact_of_the_salt_and_the_name_alone():
    assert place_of("smiles", "anna") == place_of("smiles", "anna") == 0.20078230018440213
    assert place_of("other", "anna") != place_of("smiles", "anna")
    assert len({place_of("smiles", name) for name in ("Anna", "anna ", "ANNA", "Ａｎｎａ")}) == 1
    assert 0 <= place_of("smiles", "\udce9 not UTF-8") < 1
    assert seed_of("smiles") != seed_of("other")


def test_about_a_fifth_of_many_people_is_held_out_and_another_salt_holds_others_out():
    shares = [len(held_out(*clips_of(NAMES), salt=f"task {number}")) / len(NAMES) for number in range(50)]
    assert np.mean(shares) == pytest.approx(0.2, abs=0.01)
    assert np.std(shares) == pytest.approx((0.2 * 0.8 / len(NAMES)) ** 0.5, rel=0.3)
    assert len({tuple(held_out(*clips_of(NAMES), salt=f"task {number}")) for number in range(50)}) == 50


@settings(max_examples=100, deadline=None)
@given(st.sets(st.sampled_from(NAMES), min_size=60, max_size=150), st.text(max_size=8))
def test_ten_people_who_join_change_the_side_of_nobody(people, salt):
    joined = people | set([name for name in NAMES if name not in people][:10])
    before, after = (set(held_out(*clips_of(sorted(some)), salt=salt)) for some in (people, joined))
    assert before == {person for person in people if place_of(salt, person) < 0.2} or len(before) == FEWEST_HELD
    assert before == after & people or len(before) == FEWEST_HELD


def test_few_people_are_topped_up_by_the_next_in_the_order_of_their_hashes():
    people = [name for name in NAMES if place_of("task", name) >= 0.2][:40]
    held = held_out(*clips_of(people), salt="task")
    assert held == sorted(people, key=lambda person: place_of("task", person))[:FEWEST_HELD]
    assert len(held_out(*clips_of(people[:10]), salt="task")) == 2
    assert len(held_out(*clips_of(people[:4]), salt="task")) == 1


def test_the_highest_are_released_where_few_would_be_left():
    below = sorted((name for name in NAMES if place_of("task", name) < 0.2), key=lambda one: place_of("task", one))
    assert held_out(*clips_of(below[:8]), salt="task") == below[:5]
    assert held_out(*clips_of(below[:8]), salt="task", fewest_left=6) == below[:2]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 12), st.integers(0, 3)), min_size=8, max_size=60), st.text(max_size=4))
def test_each_class_keeps_two_people_where_anybody_can_be_spared(clips, salt):
    people, labels = [NAMES[person] for person, _ in clips], [label for _, label in clips]
    showing = {label: {who for who, shows in zip(people, labels, strict=True) if shows == label} for label in labels}
    if len(set(people)) < 4:
        with pytest.raises(DataError, match=r"[123] people: a holdout needs at least 4"):
            held_out(people, labels, salt=salt)
        return
    held = set(held_out(people, labels, salt=salt))
    assert held
    assert len(set(people) - held) >= 3
    if all(len(who) > 2 for who in showing.values()):
        assert all(len(who - held) >= 2 for who in showing.values())


def test_whoever_alone_shows_a_class_is_not_held_out_unless_everybody_does():
    for number in range(20):
        assert "e" not in held_out(list("abcde"), [0, 0, 0, 0, 1], salt=str(number), share=0.5)
    assert len(held_out(list("abcde"), [0, 1, 2, 3, 4], salt="task")) == 1


def test_sides_that_are_fixed_stay():
    order = held_out(*clips_of(NAMES), salt="task", share=0.99)
    held = held_out(*clips_of(NAMES), salt="task", held=order[-3:], free=order[:3])
    assert set(order[-3:]) < set(held)
    assert not set(order[:3]) & set(held)
    assert set(held) - set(order[-3:]) == {name for name in order[3:] if place_of("task", name) < 0.2}


def test_a_share_that_is_none_is_refused():
    with pytest.raises(ValueError, match="between 0 and 1"):
        held_out(["a", "b"], [0, 1], salt="task", share=1.0)


def test_the_lowest_leave_somebody_of_each_of_their_classes_where_they_can():
    people, labels = list("abcde"), [0, 0, 0, 0, 1]
    for number in range(20):
        assert "e" not in lowest(people, labels, 2, salt=str(number))
    assert len(lowest(people, labels, 4, salt="task")) == 4
    assert len(lowest(people, labels, 9, salt="task")) == 4


@pytest.mark.slow
def test_as_many_clips_as_the_largest_set_has_are_held_out_one_by_one():
    labels = np.random.default_rng(0).choice(7, 35_887, p=[0.14, 0.02, 0.14, 0.25, 0.17, 0.11, 0.17])
    held = held_out([f"clip {number}" for number in range(len(labels))], labels.tolist(), salt="fer2013")
    counts = Counter(int(labels[int(name.split()[1])]) for name in held)
    for label, count in Counter(labels.tolist()).items():
        assert counts[label] == pytest.approx(0.2 * count, abs=4 * (0.16 * count) ** 0.5)
