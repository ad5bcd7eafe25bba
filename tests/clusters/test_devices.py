"""Devices as Ray hands them out: a head with four logical GPUs, which this machine need not have."""

import os
import time

import pytest
from ray import tune

from tests.support.ray_head import WITH_RAY, ray_head
from tests.support.tiny_study import Quiet, tiny_study
from tuning.execution.devices.placement import Placement
from tuning.execution.runner import Runner
from tuning.records.ledger import Ledger

pytestmark = WITH_RAY


@pytest.fixture(scope="module")
def head():
    with ray_head("--num-cpus=8", "--num-gpus=4") as found:
        before = {key: os.environ.get(key) for key in ("RAY_ADDRESS", "MLFLOW_TRACKING_URI", "FERTUNE_HOME")}
        os.environ["RAY_ADDRESS"] = found.address
        yield found
        for key, value in before.items():
            os.environ.pop(key, None) if value is None else os.environ.update({key: value})


def ran(home, name, count, placement):
    """The trials of a study of `count` nearly alike, on the head with the four GPUs."""
    widths = {"gru_hidden": tune.randint(4, 4 + count)}
    study = tiny_study(name=name, parameters=widths, first_points=(), num_samples=count, controls={}, baselines=False)
    with Runner(study, Quiet(), home=home, placement=placement) as runner:
        runner.search(count)
    trials = Ledger.read(home / name).of_phase("search")
    assert [trial.state for trial in trials] == ["FINISHED"] * count
    return trials


def gpus_of(trials):
    return [worker["gpus"] for trial in trials for worker in trial.workers]


def test_four_trials_of_one_gpu_run_at_once_on_one_each(head, tmp_path):
    trials = ran(tmp_path, "four", 4, Placement())
    assert sorted(gpus_of(trials)) == ["0", "1", "2", "3"]
    assert max(trial.started_at for trial in trials) < min(trial.ended_at for trial in trials)


def test_a_trial_of_two_gpus_gets_two(head, tmp_path):
    (gpus,) = gpus_of(ran(tmp_path, "two", 1, Placement(gpus_per_worker=2)))
    assert len(set(gpus.split(","))) == 2


def test_fractions_of_a_gpu_share_it(head, tmp_path):
    trials = ran(tmp_path, "half", 2, Placement(gpus_per_worker=0.5))
    assert len(set(gpus_of(trials))) == 1
    assert trials[1].started_at < trials[0].ended_at


def test_a_study_that_can_never_be_placed_says_so_at_once(head, tmp_path):
    began = time.monotonic()
    with pytest.raises(ValueError, match=r"5 GPUs each cannot be placed: Ray has 8 CPUs and 4 GPUs in all"):
        ran(tmp_path, "never", 1, Placement(gpus_per_worker=5))
    assert not Ledger.read(tmp_path / "never").of_phase("search")
    assert time.monotonic() - began < 120  # a wait for resources would be without end
