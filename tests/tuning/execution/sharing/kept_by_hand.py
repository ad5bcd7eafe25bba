"""A keeper of turns in this process, with a clock that a test turns."""

import threading

from tests.support.ray_head import wait_until
from tuning.execution.sharing.messages import beat_of, turn_message
from tuning.execution.sharing.shares import Amount
from tuning.execution.sharing.turns import SETTLE_S, Turns


class HandKeeper:
    """Of a cluster of two CPUs; `fails`: nobody answers."""

    def __init__(self):
        self.now, self.fails, self.asked, self.left = 0.0, False, 0, []
        self.turns, self.lock = Turns(-SETTLE_S), threading.Lock()

    def clock(self):
        self.now += 0.001
        return self.now

    def beat(self, told, instead_of=""):
        self.asked += 1
        if self.fails:
            raise TimeoutError("nobody answers")
        with self.lock:
            return turn_message(self.turns.beat(beat_of(told), Amount(cpus=2), self.now, instead_of=instead_of))

    def leave(self, home, study, token):
        with self.lock:
            self.left.append(study)
            self.turns.leave(home, study, token)

    def said(self, study):
        """The last beat of a study."""
        with self.lock:
            return next(beat for beat, _ in self.turns.standing(Amount(cpus=2), self.now) if beat.study == study)

    @staticmethod
    def wait_until(condition):
        wait_until(condition, 20, every_s=0.01)
