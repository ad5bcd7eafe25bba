"""The baselines of a study, measured by the first slot before its first trial."""

import os

import pytest

from tests.support.ray_head import WITH_RAY
from tests.support.tiny_study import Quiet, tiny_study
from tuning.execution.placement import Placement
from tuning.execution.runner import Runner


@pytest.fixture
def _alone(monkeypatch):
    """No tracking server and no cluster of the person who runs the tests."""
    for key in ("MLFLOW_TRACKING_URI", "RAY_ADDRESS", "FERTUNE_HOME"):
        monkeypatch.delenv(key, raising=False)
    os.environ["RAY_TMPDIR"] = os.environ.get("RAY_TMPDIR", "/tmp")


@pytest.mark.usefixtures("_alone")
@pytest.mark.ray
@pytest.mark.xdist_group("ray")
@pytest.mark.timeout(900)
def test_a_search_measures_them_once(tmp_path):
    study = tiny_study(num_samples=1, first_points=())
    with Runner(study, listener := Quiet(), home=tmp_path, placement=Placement(max_concurrent=1)) as runner:
        runner.search(1)
        print(runner.ledger.baselines, listener.notes, runner.ledger.events)
