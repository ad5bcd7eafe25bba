"""A runner that does all but Ray: its Tune is a loop in this process, its workers a function."""

from types import SimpleNamespace

from ray.tune.search import Searcher

from tests.support.ablation_driver import Driver
from tests.support.tiny_study import Quiet
from tuning.execution.runner import Runner
from tuning.execution.session import Node, Session

METRICS = {"accuracy": 0.8, "uar": 0.8, "train_time_s": 5.0, "param_count": 11e6, "weights_mb": 40.0}


class LoopRunner(Driver):
    """What `Runner.run` begins is told to `train` as a worker would be told it; `specs` keeps it. It ends well."""

    def __init__(self, study, home, prepared, *, train=lambda spec: None):
        super().__init__(study, home, prepared, listener=Quiet())
        self.train, self.specs = train, []

    run = Runner.run

    def _ray(self):
        return Session(nodes=(Node(num_cpus=1),))

    def _tuner(self, phase, bookkeeper, count, slots, gpus):
        def fit():
            for number in map(str, range(count)):
                asked = bookkeeper.suggest(number)
                if asked == Searcher.FINISHED:
                    return
                self.specs.append(asked["spec"])
                self.train(asked["spec"])
                found = {f"metrics/{key}": value for key, value in METRICS.items()}
                bookkeeper.on_trial_complete(number, {"done": True, **found})

        return SimpleNamespace(fit=fit)
