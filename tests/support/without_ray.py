"""Runners that do all but Ray: their Tune is a loop in this process."""

import contextlib

import pytest

from tests.support.ablation_driver import Driver
from tests.support.loop import Loop, finished, tried
from tests.support.tiny_study import Quiet
from trainables.core.training.trial import TrialSpec, run_trial
from trainables.core.training.workers import Group, whereabouts
from tuning.execution.runner import Runner
from tuning.execution.session import Node, Session

METRICS = {"accuracy": 0.8, "uar": 0.8, "train_time_s": 5.0, "param_count": 11e6, "weights_mb": 40.0}


class LoopRunner(Driver):
    """What `Runner.run` begins is told to `train` as a worker would be told it; `specs` keeps it. It ends well, with what
    `train` returns, if anything, as metrics.
    """

    def __init__(self, study, home, prepared, *, train=lambda spec: None):
        super().__init__(study, home, prepared, listener=Quiet())
        self.train, self.specs = train, []

    run = Runner.run

    def session(self):
        return Session(nodes=(Node(num_cpus=1),))

    def _tuner(self, phase, bookkeeper, count, fit):
        def train(spec, report):
            self.specs.append(spec)
            return finished(self.train(spec) or METRICS)

        return Loop(bookkeeper, count, train)


@contextlib.contextmanager
def training_here():
    """Every runner trains its trials in this process, in full, where Ray's workers would: what Ray does is not tested."""

    def train(spec, report):
        group = Group()
        return tried(lambda: run_trial(TrialSpec(**spec), report, group), [whereabouts(group.device)])

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Runner, "session", LoopRunner.session)
        patch.setattr(Runner, "_tuner", lambda self, phase, bookkeeper, count, *_: Loop(bookkeeper, count, train))
        yield
