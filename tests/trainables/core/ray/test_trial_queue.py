"""The trials between Tune and the slots: who gets which, and when one is over."""

import asyncio

from tests.trainables.core.ray.queue_scene import DONE, ONE, THREE, TWO, given, heard, said, started, submitted
from trainables.core.ray.trial_queue import TrialQueue


def test_all_ranks_of_a_group_get_the_same_trial_and_then_the_next(scene):
    async def told():
        queue = TrialQueue(max_attempts=1)
        await submitted(queue, ONE, TWO)
        (first, spec), *others = [await queue.take("s", "a", "", node) for node in "xyz"]
        assert spec == ONE
        assert others == [(first, ONE)] * 2
        early = await started(queue.take("s", "a", first, "y"))
        assert not early.done(), "the group is not through with it"
        await said(queue, "search-0000", DONE)
        second, spec = await early
        assert spec == TWO
        assert [await queue.take("s", "a", first, node) for node in "xz"] == [(second, TWO)] * 2

    scene(told())


def test_slots_take_trials_in_their_order_and_none_takes_one_of_another(scene):
    async def told():
        queue = TrialQueue(max_attempts=1)
        await submitted(queue, ONE, TWO)
        assert await given(queue, "s", "a") == ONE
        assert await given(queue, "t", "b") == TWO
        third = await started(queue.take("u", "c", ""))
        assert not third.done()
        await submitted(queue, THREE)
        assert (await third)[1] == THREE

    scene(told())


def test_reports_come_in_order_and_none_is_lost_or_told_twice(scene):
    async def told():
        queue = TrialQueue(max_attempts=1)
        await submitted(queue, ONE)
        assert await queue.next_report("search-0000", 0, 0.01) is None
        await queue.take("s", "a", "")
        for epoch in (1, 2):
            assert await said(queue, "search-0000", {"epoch": epoch})
        assert await said(queue, "search-0000", DONE)
        assert not await said(queue, "search-0000", {"epoch": 3}), "its words are of no use any more"
        assert await heard(queue, ONE) == [{"epoch": 1}, {"epoch": 2}, DONE]
        assert (await queue.next_report("search-0000", 0, 5.0))["slot"] == "s"

    scene(told())


def test_a_trial_that_follows_another_lets_it_be_forgotten(scene):
    async def told():
        queue = TrialQueue(max_attempts=1)
        await submitted(queue, ONE)
        await queue.take("s", "a", "")
        await said(queue, "search-0000", DONE)
        await queue.submit("search-0001", TWO, after="search-0000")
        assert await queue.next_report("search-0000", 0, 0.01) == {"unknown": True}
        assert await queue.submit("search-0001", TWO, after="search-0001") == 0, "not the one that is submitted again"

    scene(told())


def test_a_cancelled_trial_is_stopped_at_its_next_report_and_may_be_submitted_again(scene):
    async def told():
        queue = TrialQueue(max_attempts=1)
        await submitted(queue, ONE, TWO)
        await queue.take("s", "a", "")
        await queue.cancel(["search-0000", "search-0001"])
        waiting = await started(queue.take("t", "b", ""))
        assert not waiting.done(), "one that waited is not begun"
        again = await started(queue.submit("search-0000", ONE))
        assert not again.done(), "while it is trained"
        assert not await said(queue, "search-0000", {"epoch": 1})
        await said(queue, "search-0000", {"stopped": True, "done": True})
        assert await again == 0
        assert (await waiting)[1] == ONE

    scene(told())


def test_of_more_slots_than_are_kept_those_without_a_trial_go_home_with_all_their_ranks(scene):
    async def told():
        queue = TrialQueue(max_attempts=1)
        await submitted(queue, ONE)
        turn, _ = await queue.take("s", "a", "")
        idle = [await started(queue.take("t", "b", "", node)) for node in "xy"]
        assert await queue.keep(1) == ["s", "t"]
        assert [await one for one in idle] == [None, None]
        await said(queue, "search-0000", DONE)
        staying = await started(queue.take("s", "a", turn))
        assert not staying.done()
        await queue.keep(0)
        assert await staying is None

    scene(told())


def test_a_slot_of_former_times_goes_home_after_its_trial(scene):
    async def told():
        queue = TrialQueue(max_attempts=1)
        await submitted(queue, ONE, TWO)
        await queue.take("s", "a", "")
        await queue.keep(5, ["s"])
        assert await said(queue, "search-0000", {"epoch": 1}), "not before"
        await said(queue, "search-0000", DONE)
        assert await queue.take("s", "a", "any turn") is None
        assert await given(queue, "t", "b") == TWO

    scene(told())


def test_one_that_closes_stops_all_and_sends_everybody_home(scene):
    async def told():
        queue = TrialQueue(max_attempts=1)
        await submitted(queue, ONE)
        await queue.take("s", "a", "")
        waiting = await started(queue.take("t", "b", ""))
        await queue.close()
        assert await waiting is None
        assert not await said(queue, "search-0000", {"epoch": 1})
        await said(queue, "search-0000", {"stopped": True, "done": True})
        assert await queue.take("s", "a", "any turn") is None
        await asyncio.wait_for(queue.training("search-0000"), 5)

    scene(told())
