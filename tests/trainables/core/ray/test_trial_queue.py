"""The trials between Tune and the slots: who gets which, what a death costs, and when one is over."""

import asyncio

import pytest

from trainables.core.ray.trial_queue import TrialQueue

ONE, TWO, THREE = {"trial_id": "search-0000"}, {"trial_id": "search-0001"}, {"trial_id": "search-0002"}
DONE = {"metrics": {}, "done": True}


@pytest.fixture
def scene():
    """Runs a coroutine, and not for ever."""
    return lambda coroutine: asyncio.run(asyncio.wait_for(coroutine, 20))


async def submitted(queue, *specs):
    for spec in specs:
        await queue.submit(spec["trial_id"], spec)


async def started(coroutine):
    """A task that has come as far as it can."""
    task = asyncio.create_task(coroutine)
    for _ in range(5):
        await asyncio.sleep(0)
    return task


async def given(queue, slot, group, node=""):
    """The trial that a rank which has had none is given."""
    _, spec = await queue.take(slot, group, "", node)
    return spec


async def said(queue, trial_id, payload):
    """What the queue answers to whoever trains that trial now."""
    job = queue._jobs.get(trial_id)
    return await queue.report(trial_id, job.turn if job else "", payload)


async def heard(queue, spec):
    """All that was said of a trial, without the slot."""
    found = []
    while report := await queue.next_report(spec["trial_id"], len(found), 0.01):
        report.pop("slot")
        found.append(report)
    return found


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


def test_a_trial_whose_group_died_is_taken_first_by_whoever_comes(scene):
    async def told():
        queue = TrialQueue(max_attempts=3)
        await submitted(queue, ONE, TWO)
        await queue.take("s", "a", "")
        assert await queue.ended("s", "It died.", own=True), "the group was of use"
        assert await given(queue, "t", "b") == ONE
        assert await heard(queue, ONE) == [{"died": "It died.", "own": True}]
        assert not await queue.ended("never", "It died.", own=True)

    scene(told())


def test_whoever_takes_a_trial_again_is_told_what_was_heard_of_it(scene):
    async def told():
        queue = TrialQueue(max_attempts=2)
        await submitted(queue, {**ONE, "epochs_told": 1})
        assert (await given(queue, "s", "a"))["epochs_told"] == 1
        for epoch in (2, 3):
            await said(queue, "search-0000", {"epoch": epoch})
        await queue.ended("s", "It died.", own=True)
        assert (await given(queue, "s", "b"))["epochs_told"] == 3

    scene(told())


def test_a_worker_that_was_silent_while_another_took_its_trial_is_stopped_and_not_heard(scene):
    async def told():
        queue = TrialQueue(max_attempts=2)
        await submitted(queue, ONE)
        former, _ = await queue.take("s", "a", "")
        await queue.ended("s", "It does not answer.", own=False)
        assert not await queue.report("search-0000", former, DONE), "nor while its trial waits"
        present, _ = await queue.take("t", "b", "")
        assert not await queue.report("search-0000", former, {"epoch": 9})
        assert await queue.report("search-0000", present, {"epoch": 1})
        assert await heard(queue, ONE) == [{"died": "It does not answer.", "own": False}, {"epoch": 1}]

    scene(told())


def test_one_that_killed_as_many_groups_as_are_allowed_is_failed_and_the_slot_goes_on(scene):
    async def told():
        queue = TrialQueue(max_attempts=2)
        await submitted(queue, ONE, TWO)
        for group in "ab":
            assert await given(queue, "s", group) == ONE
            await queue.ended("s", f"Group {group} died.", own=True)
        assert await given(queue, "s", "c") == TWO
        last = (await heard(queue, ONE))[-1]
        assert last["failed"].startswith("Its worker died 2 times")
        assert last["failed"].endswith("Group b died.")
        assert last["done"]

    scene(told())


def test_deaths_of_an_earlier_run_count_and_those_by_no_fault_of_its_own_do_not(scene):
    async def told():
        queue = TrialQueue(max_attempts=2)
        await queue.submit("search-0000", ONE, deaths=1)
        for group in "abcd":
            assert await given(queue, "s", group) == ONE
            await queue.ended("s", "The machine is gone.", own=False)
        await queue.take("s", "e", "")
        await queue.ended("s", "It died.", own=True)
        assert (await heard(queue, ONE))[-1]["failed"].startswith("Its worker died 2 times")

    scene(told())


def test_a_death_is_not_its_own_where_a_machine_of_the_group_is_gone(scene):
    async def told():
        queue = TrialQueue(max_attempts=1, is_gone=lambda node: node == "y")
        await submitted(queue, ONE)
        for node in "xy":
            await queue.take("s", "a", "", node)
        await queue.ended("s", "Its worker died.", own=True)
        (report,) = await heard(queue, ONE)
        assert not report["own"]
        assert "machine" in report["died"]

    scene(told())


def test_a_group_that_follows_another_of_its_slot_takes_its_trial_though_nobody_told_of_the_death(scene):
    async def told():
        queue = TrialQueue(max_attempts=2)
        await submitted(queue, ONE, TWO)
        await queue.take("s", "a", "")
        assert await given(queue, "s", "b") == ONE
        assert (await heard(queue, ONE))[0]["own"]

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


def test_whoever_submits_a_trial_that_is_trained_already_follows_it_from_what_he_has_heard(scene):
    """Not from what was handed on: whoever asked for that may have died with it."""

    async def told():
        queue = TrialQueue(max_attempts=3)
        assert await queue.submit("search-0000", ONE) == 0
        await queue.take("s", "a", "")
        for epoch in (1, 2, 3):
            await said(queue, "search-0000", {"epoch": epoch})
        for seen in range(3):
            await queue.next_report("search-0000", seen, 5.0)
        assert await queue.submit("search-0000", ONE | {"epochs_told": 0}) == 0
        assert await queue.submit("search-0000", ONE | {"epochs_told": 2}) == 2
        waiting = await started(queue.take("t", "b", ""))
        assert not waiting.done(), "nobody trains it a second time"
        await said(queue, "search-0000", DONE)
        assert await queue.submit("search-0000", ONE | {"epochs_told": 3}) == 3, "the end, if nobody heard of it"
        waiting.cancel()

    scene(told())


def test_a_death_that_he_has_heard_of_is_told_to_nobody_twice(scene):
    async def told():
        queue = TrialQueue(max_attempts=3)
        await queue.submit("search-0000", ONE, deaths=1)
        await queue.take("s", "a", "")
        await said(queue, "search-0000", {"epoch": 1})
        await queue.ended("s", "It died.", own=True)
        heard_of_epoch = ONE | {"epochs_told": 1}
        assert await queue.submit("search-0000", heard_of_epoch, deaths=1) == 1
        assert await queue.submit("search-0000", heard_of_epoch, deaths=2) == 2

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


def test_one_that_was_begun_anew_knows_nothing_stops_whoever_trains_and_says_so(scene):
    async def told():
        queue = TrialQueue(max_attempts=1)
        assert await queue.next_report("search-0000", 3, 5.0) == {"unknown": True}
        assert not await said(queue, "search-0000", {"epoch": 4})
        await queue.submit("search-0000", ONE)
        turns = {(await queue.take("s", "a", "the turn before", node))[0] for node in "xy"}
        assert len(turns) == 1, "the group that had it takes it again, every rank"

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


def test_one_that_dies_while_it_is_stopped_is_not_taken_again(scene):
    async def told():
        queue = TrialQueue(max_attempts=3)
        await submitted(queue, ONE)
        await queue.take("s", "a", "")
        await queue.cancel(["search-0000"])
        await queue.ended("s", "It died.", own=True)
        assert (await heard(queue, ONE))[-1] == {"stopped": True, "done": True}

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
