"""The trials between Tune and the slots: what a death costs, and what whoever goes on is told."""

from tests.trainables.core.ray.queue_scene import DONE, ONE, TWO, given, heard, said, started, submitted
from trainables.core.ray.trial_queue import TrialQueue


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


def test_one_that_was_begun_anew_knows_nothing_stops_whoever_trains_and_says_so(scene):
    async def told():
        queue = TrialQueue(max_attempts=1)
        assert await queue.next_report("search-0000", 3, 5.0) == {"unknown": True}
        assert not await said(queue, "search-0000", {"epoch": 4})
        await queue.submit("search-0000", ONE)
        turns = {(await queue.take("s", "a", "the turn before", node))[0] for node in "xy"}
        assert len(turns) == 1, "the group that had it takes it again, every rank"

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
