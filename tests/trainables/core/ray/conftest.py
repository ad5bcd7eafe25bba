"""What tests of the queue share."""

import asyncio

import pytest


@pytest.fixture
def scene():
    """Runs a coroutine, and not for ever."""
    return lambda coroutine: asyncio.run(asyncio.wait_for(coroutine, 20))
