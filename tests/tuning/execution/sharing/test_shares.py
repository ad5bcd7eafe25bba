"""Each study's part of a cluster: by weight, in the larger of its parts of CPUs and GPUs, and never idle."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuning.execution.sharing.shares import Amount, Claim, SlotNeed, fair_shares, total

CPU, GPU = Amount(cpus=1), Amount(cpus=1, gpus=1)


def claims(*asked):
    return [Claim(weight=weight, slot=slot, wanted=wanted) for weight, slot, wanted in asked]


@pytest.mark.parametrize(
    ("asked", "whole", "shares"),
    [
        ([(2, CPU, 9)], Amount(cpus=4), [4]),
        ([(2, CPU, 3)], Amount(cpus=4), [3]),
        ([(2, CPU, 9), (2, CPU, 9)], Amount(cpus=4), [2, 2]),
        ([(2, CPU, 9), (2, CPU, 1)], Amount(cpus=4), [3, 1]),  # what one does not want is the other's
        ([(1, CPU, 9), (2, CPU, 9), (4, CPU, 9)], Amount(cpus=7), [1, 2, 4]),
        ([(1, CPU, 9), (1, Amount(cpus=3), 9)], Amount(cpus=6), [3, 1]),  # half of the CPUs each
        (
            [(1, CPU, 99), (1, GPU, 9)],
            Amount(cpus=10, gpus=1),
            [100 / 11, 10 / 11],
        ),  # of the CPUs and of the GPUs alike
        ([(1, GPU, 9), (3, GPU, 9)], Amount(cpus=16, gpus=2), [0.5, 1.5]),
        ([(1, Amount(cpus=8), 9), (1, CPU, 9)], Amount(cpus=4), [0, 4]),  # what can never be placed takes nothing
        ([(1, CPU, 0), (1, CPU, 2)], Amount(cpus=1), [0, 1]),
        ([(1, CPU, 2)], Amount(), [0]),
        ([], Amount(cpus=1), []),
    ],
)
def test_a_share_is_what_the_weights_say_of_what_is_wanted(asked, whole, shares):
    assert fair_shares(claims(*asked), whole) == pytest.approx(shares)


amounts = st.builds(Amount, cpus=st.integers(1, 8), gpus=st.sampled_from([0, 0.25, 1, 2]))
asked_for = st.lists(
    st.builds(Claim, weight=st.sampled_from([1, 2, 4]), slot=amounts, wanted=st.integers(0, 20)), max_size=6
)


@given(asked_for, st.builds(Amount, cpus=st.integers(0, 40), gpus=st.integers(0, 8)))
def test_shares_fit_the_cluster_and_leave_nothing_that_somebody_wants(asked, whole):
    shares = fair_shares(asked, whole)
    used = total(Amount().plus(one.slot, share) for one, share in zip(asked, shares, strict=True))
    assert used.fits(whole)
    for one, share in zip(asked, shares, strict=True):
        assert 0 <= share <= one.wanted
        if one.slot.fits(whole) and share < one.wanted - 1e-6:
            exhausted = whole.cpus - used.cpus < 1e-3 or (one.slot.gpus and whole.gpus - used.gpus < 1e-3)
            assert exhausted


def test_a_slot_is_told_by_its_workers():
    assert str(SlotNeed()) == "1 CPU"
    assert str(SlotNeed(cpus_per_worker=4, gpus_per_worker=0.5)) == "4 CPUs and 0.5 GPUs"
    two = SlotNeed(workers=2, cpus_per_worker=2, gpus_per_worker=1)
    assert str(two) == "2 workers of 2 CPUs and 1 GPU each"
    assert two.amount == Amount(cpus=4, gpus=2)
