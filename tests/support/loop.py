"""Ray Tune as a loop: the trials of a run are trained one after the other in this process. Earlier versions run in it too."""

import traceback

from ray.tune.search import Searcher


class Loop:
    """Stands for a `tune.Tuner`: `fit` asks `bookkeeper` for up to `count` trials and says what `train` made of each.

    `train(spec, report)` returns Tune's last result; its reports count from that of the first epoch.
    """

    def __init__(self, bookkeeper, count, train):
        self.bookkeeper, self.count, self.train = bookkeeper, count, train

    def fit(self):
        for number in map(str, range(self.count)):
            asked = self.bookkeeper.suggest(number)
            if asked == Searcher.FINISHED:
                return

            if asked["spec"]["trial_id"] == "baselines":  # measured by a slot alone; earlier versions have no such job
                self.bookkeeper.on_trial_complete(number, {"done": True, "stopped": True})
                continue

            def report(row, number=number):
                self.bookkeeper.on_trial_result(number, dict(row))
                return True

            self.bookkeeper.on_trial_complete(number, self.train(asked["spec"], report))


def finished(metrics, **facts):
    """Tune's last result of a trial that gave `metrics`, flattened as Tune does it."""
    return {"done": True, **{f"metrics/{key}": value for key, value in metrics.items()}, **facts}


def tried(train, workers):
    """Tune's last result of a trial on `workers`, as a slot gives it: what `train()` returned, or why it failed."""
    try:
        return finished(train(), workers=workers)
    except Exception as error:  # any error of a trial is the trial's result
        failed = f"{type(error).__name__}: {error}"
        return {"done": True, "failed": failed, "traceback": traceback.format_exc(), "workers": workers}
