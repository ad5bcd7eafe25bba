"""Every command that reads works on a home that was moved, and `run --resume` and `promote` go on in it."""

import json
import math
from types import SimpleNamespace
from typing import Any

import pytest

from dashboards.core.page import report
from drawing.media import save_image
from drawing.scenes import draw_scene
from tests.support.hand_runner import GONE, NAME, write_home
from tests.support.tiny_study import Quiet
from tuning.cross_validate import plan_cross_validation
from tuning.doctor import doctor
from tuning.execution.runner import Runner
from tuning.export import FORMATS, export
from tuning.logs import logs
from tuning.plan import plan
from tuning.predict import predict
from tuning.promote import promote
from tuning.records.home import known_studies
from tuning.records.ledger import Ledger
from tuning.records.mlflow_client import default_uri
from tuning.records.registry import champions
from tuning.status import status

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def study_and_home(tmp_path_factory):
    """A study, and its home after the move: nothing is left where it was."""
    place = tmp_path_factory.mktemp("place")
    study = write_home(place / "laptop" / "runs")
    home = (place / "laptop" / "runs").rename(place / "moved runs")
    yield study, home
    assert not any((place / "laptop").iterdir())  # nobody wrote to where it was


@pytest.fixture
def home(study_and_home, monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setenv("FERTUNE_HOME", str(study_and_home[1]))
    return study_and_home[1]


@pytest.fixture
def study(study_and_home):
    return study_and_home[0]


def test_what_needs_the_ledger_alone_reads_it(home, study, tmp_path):
    assert known_studies(home) == [NAME]
    champion = {"name": NAME, "version": 1, "of": "search-0000", "num_members": 1, "override": None}
    assert status(NAME, home=home)[0].promoted == [champion]
    assert "promoted: smiles version 1 of search-0000" in "\n".join(map(str, logs(NAME, home=home)))
    assert logs(NAME, "search-0000", home=home)[0].text.startswith("search-0000: finished")
    assert "search-0000" in report(NAME, tmp_path / "smiles.html", home=home).read_text()
    assert plan(study, home=home).num_done == 2


def test_doctor_says_where_the_home_was_and_changes_nothing(tmp_path, monkeypatch):
    write_home(tmp_path / "laptop", promoted=False)
    home = (tmp_path / "laptop").rename(tmp_path / "moved")
    monkeypatch.setenv("FERTUNE_HOME", str(home))
    before = (home / "mlflow.db").read_bytes()
    found = {finding.name: finding.found for finding in doctor()}
    assert f"was moved here from {tmp_path / 'laptop'}" in found["mlflow database"]
    assert (home / "mlflow.db").read_bytes() == before


def test_the_champion_answers_and_is_exported_with_the_clips_of_its_study(home, tmp_path, monkeypatch):
    save_image(tmp_path / "face.png", draw_scene("stands", num_frames=1, height=120).frames[0, :, 45:165])
    (row,) = predict([tmp_path / "face.png"], home=home)
    assert (row.model, row.error) == (f"models:/{NAME}@champion", None)
    assert math.isclose(sum(row.probabilities.values()), 1, abs_tol=1e-5)
    given: dict[str, Any] = {}

    def write(folder, out, **clips):
        assert (folder / "model.safetensors").is_file()
        given.update(clips)
        costs = dict.fromkeys(("size_mb", "latency_ms", "max_difference", "agreement", "accuracy_change"), 1.0)
        return SimpleNamespace(**costs, int8=SimpleNamespace(**costs))

    monkeypatch.setitem(FORMATS, "onnx", write)
    export(tmp_path / "faces.onnx", home=home)
    assert given["prepared"].folder.is_relative_to(home)
    assert given["indices"]


def test_a_study_goes_on(home, study):
    """As `run --resume` opens it: with the faces that were prepared from clips which are elsewhere."""
    listener = Quiet()
    with Runner(study, listener, home=home, begun=True) as runner:
        assert len(runner.ledger.finished("search")) == 2
        assert len(runner.prepared) == listener.num_clips
        assert runner._facts()["data_root"] == GONE
        runner.ledger.note("noted", trial_id="search-0000", words="it was moved")
    assert listener.notes == [f"{GONE} is not here: the faces that were prepared from it are."]
    tracked = json.loads((home / NAME / "tracked.json").read_text())
    assert (tracked["uri"], tracked["position"]) == ("mlflow.db", len(Ledger.read(home / NAME).events))


def test_a_promotion_finds_its_champion_and_a_nested_test_is_planned(home, study):
    assert promote(study, home=home).already
    assert champions(default_uri(home)) == [(NAME, 1, f"models:/{NAME}@champion")]
    assert plan_cross_validation(study, num_samples=2, home=home).num_folds == 3
