"""What a study that waits is told."""

from tuning.execution.sharing.shares import Amount, SlotNeed
from tuning.execution.sharing.words import waits_for

WHOLE = Amount(cpus=8, gpus=2)


def test_those_before_it_are_named_and_many_are_counted():
    before = [(f"study{number}", "", "normal") for number in range(5)]
    assert waits_for(SlotNeed(), before[:1], whole=WHOLE) == "waits for a slot (1 CPU) behind study0"
    told = waits_for(SlotNeed(), before, whole=WHOLE)
    assert told == "waits for a slot (1 CPU) behind study0, study1, study2 and 2 more"


def test_work_that_is_no_study_is_in_the_way_too():
    assert (
        waits_for(SlotNeed(), [], whole=WHOLE) == "waits for a slot (1 CPU) that other work on the cluster leaves free"
    )


def test_what_is_larger_than_the_cluster_is_told_what_there_is():
    slot = SlotNeed(cpus_per_worker=4, gpus_per_worker=4)
    told = waits_for(slot, [("demo", "", "normal")], whole=WHOLE)
    expected = (
        "waits for a slot (4 CPUs and 4 GPUs) until the cluster is larger: it has 8 CPUs and 2 GPUs for studies now"
    )
    assert told == expected
