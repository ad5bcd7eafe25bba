"""A queue of trials for tests, and whoever asks it."""

import asyncio

ONE, TWO, THREE = {"trial_id": "search-0000"}, {"trial_id": "search-0001"}, {"trial_id": "search-0002"}
DONE = {"metrics": {}, "done": True}


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
