"""The jobs of a slot: who gets which, how often one may kill its workers, and when it is over."""

import asyncio

from trainables.core.ray.mailbox import Mailbox

ONE, TWO = {"trial_id": "search-0000"}, {"trial_id": "search-0001"}


def test_all_ranks_of_a_group_get_the_job_that_is_up_and_it_counts_as_one_attempt():
    async def said():
        mailbox = Mailbox(max_attempts=1)
        assert await mailbox.submit(ONE) == 1
        assert [await mailbox.take(0, "a") for _ in range(4)] == [(1, ONE)] * 4

    asyncio.run(said())


def test_a_job_is_given_to_as_many_groups_as_are_allowed_and_then_failed():
    async def said():
        mailbox = Mailbox(max_attempts=2)
        await mailbox.submit(ONE)
        assert [await mailbox.take(0, group) for group in "ab"] == [(1, ONE)] * 2
        third = asyncio.create_task(mailbox.take(0, "c"))
        report = await mailbox.next_report(1, 0, 5.0)
        assert report is not None
        assert report["failed"].startswith("Its worker died 2 times")
        assert report["done"]
        await mailbox.trial(1)
        assert not third.done()
        await mailbox.submit(TWO)
        assert await third == (2, TWO), "the slot goes on"

    asyncio.run(said())


def test_every_job_has_all_its_attempts():
    async def said():
        mailbox = Mailbox(max_attempts=2)
        for number in (1, 2, 3):
            await mailbox.submit(ONE)
            assert [await mailbox.take(number - 1, f"{number}{again}") for again in "ab"] == [(number, ONE)] * 2
            await mailbox.report(number, {"metrics": {}, "done": True})

    asyncio.run(said())


def test_reports_come_in_order_and_none_is_lost_or_told_twice():
    async def said():
        mailbox = Mailbox(max_attempts=1)
        await mailbox.submit(ONE)
        assert await mailbox.next_report(1, 0, 0.01) is None
        for epoch in (1, 2):
            assert await mailbox.report(1, {"epoch": epoch})
        assert await mailbox.report(1, {"metrics": {}, "done": True})
        found = [await mailbox.next_report(1, seen, 5.0) for seen in range(3)]
        assert found == [{"epoch": 1}, {"epoch": 2}, {"metrics": {}, "done": True}]
        await mailbox.submit(TWO)
        assert await mailbox.next_report(2, 0, 0.01) is None, "nothing of the job before"

    asyncio.run(said())


def test_a_job_that_is_followed_by_another_is_told_to_stop_and_waited_for():
    async def said():
        mailbox = Mailbox(max_attempts=1)
        await mailbox.submit(ONE)
        assert await mailbox.report(1, {"epoch": 1})
        following = asyncio.create_task(mailbox.submit(TWO))
        await asyncio.sleep(0)
        assert not await mailbox.report(1, {"epoch": 2})
        assert not following.done()
        await mailbox.report(1, {"stopped": True, "done": True})
        assert await following == 2
        assert not await mailbox.report(1, {"epoch": 3}), "its words are of no use any more"
        assert await mailbox.report(2, {"epoch": 1})

    asyncio.run(said())


def test_a_slot_that_closes_sends_its_workers_home():
    async def said():
        mailbox = Mailbox(max_attempts=1)
        await mailbox.submit(ONE)
        await mailbox.take(0, "a")
        waiting = asyncio.create_task(mailbox.take(1, "a"))
        await asyncio.sleep(0)
        await mailbox.shut()
        assert await waiting is None
        assert not await mailbox.report(1, {"epoch": 1})

    asyncio.run(said())
