"""A slot whose workers are gone: it says why before it ends."""

import threading
from types import SimpleNamespace

import pytest

from trainables.core.ray import slot as module
from trainables.core.ray.slot import Slot


@pytest.fixture
def slot(monkeypatch):
    """One whose trainer has ended, on a mailbox that nobody writes to."""
    found = Slot.__new__(Slot)
    found._mailbox = SimpleNamespace(next_report=SimpleNamespace(remote=lambda *given: None))
    found._fit, found._error, found._ended = threading.Thread(), RuntimeError("the storage is read-only"), False
    found._number, found._seen = 1, 0
    monkeypatch.setattr(module.ray, "get", lambda waiting: None)
    return found


def test_it_gives_the_reason_as_a_report_and_ends_when_asked_again(slot):
    reason = "The workers of this trial ended: the storage is read-only"
    assert slot.step() == {"workers_ended": reason}
    with pytest.raises(RuntimeError, match=reason):
        slot.step()


def test_without_a_reason_it_says_so(slot):
    slot._error = None
    assert slot.step()["workers_ended"].endswith("Ray Train gave no reason")
