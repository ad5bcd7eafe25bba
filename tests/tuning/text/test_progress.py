"""What a terminal tells of a study while it runs."""

import io

import pytest
from rich.console import Console

from search_spaces.core.study import PARETO
from tests.support.builders import make_trial
from tuning.text.progress import TerminalListener

METRICS = {"accuracy": 0.8125, "train_time_s": 34.06, "param_count": 11_234_567.0, "latency_ms": 3.14, "uar": 0.75}
ALWAYS = [objective.metric for objective in PARETO]


@pytest.mark.parametrize(
    ("objectives", "told"),
    [
        (ALWAYS, "accuracy 81.2 %, training time 34.1 s, parameters 11.235 M"),
        (["uar", "latency_ms", "accuracy"], "UAR 75.0 %, latency 3.1 ms, accuracy 81.2 %"),
    ],
)
def test_a_trial_is_told_with_every_objective_and_its_unit(objectives, told):
    console = Console(width=80, file=io.StringIO())
    listener = TerminalListener(console)
    listener.phase_began("search", 1, objectives=objectives, num_cpus=2, num_gpus=0, dashboard_url="")
    trial = make_trial()
    trial.state, trial.metrics = "FINISHED", METRICS
    listener.trial_ended(trial)
    assert console.file.getvalue().splitlines()[-1] == f"  [1/1] search-0000 rbg_depth=0 lr=0.001: {told}"
