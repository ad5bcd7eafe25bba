"""A home that an earlier version made goes on: everything in it is read, served, rolled back and resumed."""

import contextlib
import json
import shutil

import pytest
from typer.testing import CliRunner

import tune
from tests.conftest import ROOT
from tests.support import earlier_home
from tests.support.tiny_study import Quiet, tiny_study
from tests.support.without_ray import training_here
from trainables.core.prepared.stored import open_prepared, prepared_folders
from tuning.cross_validate import plan_cross_validation
from tuning.evidence.holdout import evidence
from tuning.execution.devices.placement import Placement
from tuning.load import load
from tuning.plan import plan
from tuning.prune import plan_prune
from tuning.records.home_check import home_looks
from tuning.records.ledger import Ledger
from tuning.records.mlflow_client import default_uri, make_client
from tuning.records.moved_home import moved_from
from tuning.remove import plan_removal
from tuning.rollback import rollback
from tuning.run import run

pytestmark = pytest.mark.timeout(900)


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    if not earlier_home.is_known():
        pytest.skip("this checkout has no history to make an earlier home from")
    return earlier_home.make(tmp_path_factory.mktemp("earlier"))


def command(home, *arguments):
    """`python tune.py ...` as somebody with that home says it, from another folder."""
    with contextlib.chdir(home):
        return CliRunner().invoke(tune.app, list(map(str, arguments)), env={"FERTUNE_HOME": str(home)})


def test_what_was_written_is_read(home, tmp_path):
    told = command(home, "status", "tiny", "--json")
    found = json.loads(told.stdout)
    assert found["trials"]["search"] == {"FINISHED": 2, "FAILED": 1}
    promoted = {"name": "tiny", "version": 1, "of": found["recommended"], "num_members": 1, "override": None}
    assert found["promoted"] == [promoted]
    assert command(home, "logs", "tiny").stdout.count("promoted: tiny version 1") == 1
    report = tmp_path / "tiny.html"
    assert command(home, "report", "tiny", "--out", report).exit_code == 0
    assert found["recommended"] in report.read_text()
    ledger = Ledger.read(home / "tiny")
    assert evidence(ledger)[0].trial_id == found["recommended"]
    (folder,) = prepared_folders(home, ledger.study["dataset_fingerprint"])
    assert len(open_prepared(folder)) == 30


def test_a_champion_runs_on_the_code_that_was_saved_with_it(home):
    """That code lies where it lay then: no module of today has its name."""
    saved = next((home / "artifacts").rglob("code/trainables/core/classifier.py"))
    assert not (ROOT / "trainables" / "core" / saved.name).exists()
    clip = next((home / "drawn" / "tiny").glob("happiness/*"))
    told = command(home, "predict", clip, "--json")
    assert told.exit_code == 0, told.stderr
    (row,) = map(json.loads, told.stdout.splitlines())
    assert (row["model"], set(row["probabilities"])) == ("models:/tiny@champion", {"happiness", "surprise"})


def test_every_reading_command_passes_on_a_copy_of_it_elsewhere(home, tmp_path, monkeypatch):
    """The original is out of the way meanwhile, and as it was afterwards."""
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    copy, away = shutil.copytree(home, tmp_path / "a copy", symlinks=True), home.with_name("away")
    home.rename(away)
    try:
        clip = next((copy / "drawn" / "tiny").glob("happiness/*"))
        for arguments in (
            ("status",),
            ("status", "tiny", "--json"),
            ("logs", "tiny"),
            ("logs", "halted", "search-0000"),
            ("report", "tiny", "--out", tmp_path / "tiny.html"),
            ("report", "halted", "--out", tmp_path / "halted.html"),
            ("list", "studies"),
            ("predict", clip),
            ("export", "--out", tmp_path / "tiny.onnx"),
        ):
            told = command(copy, *arguments)
            assert told.exit_code == 0, (arguments, told.stderr)
        looked = command(copy, "doctor").stdout  # exits 1 where this machine itself has something to mend
        assert f"ok   home: {copy}" in looked
        assert "cannot be checked" not in looked
        snapshot = load("tiny", home=copy)
        assert [len(table) for table in (snapshot.trials, snapshot.front, snapshot.evidence)] >= [3, 1, 1]
        assert not snapshot.curves.empty
        assert plan(tiny_study(), home=copy).num_done == 2
        assert plan_cross_validation(tiny_study(), num_samples=2, home=copy).num_folds > 1
        assert {name: look()["fix"] for name, look in home_looks(copy).items() if look()["fix"]} == {}
        assert moved_from(copy) == []
        assert plan_removal("tiny", home=copy).models
        plan_prune(home=copy)
        assert not home.exists()
    finally:
        away.rename(home)
    assert moved_from(home) == []


def test_a_study_goes_on_with_its_data_its_splits_and_its_runs(home):
    before, splits = Ledger.read(home / "tiny"), (home / "tiny" / "splits.json").read_text()
    prepared = sorted((home / "prepared").iterdir())
    with training_here():
        ran = run(tiny_study(), home=home, placement=Placement(max_concurrent=1), extend=1)
    assert len(ran.ledger.of_phase("search")) == len(before.of_phase("search")) + 1
    assert (home / "tiny" / "splits.json").read_text() == splits
    assert sorted((home / "prepared").iterdir()) == prepared
    client = make_client(default_uri(home))
    experiment = client.get_experiment_by_name("fertune/tiny").experiment_id
    runs = client.search_runs([experiment], max_results=1000)
    written = [found.data.tags["fertune.trial_id"] for found in runs]
    assert sorted(written) == sorted([*ran.ledger.trials, "study"])
    assert len({found.data.tags["fertune.ledger"] for found in runs}) == 1


def test_a_half_run_trial_goes_on_where_it_stopped(home):
    before = Ledger.read(home / "halted").trials["search-0000"]
    assert before.halted
    assert (home / "halted" / "trials" / "search-0000" / "last.pt").exists()
    settings = {**tiny_study().settings, "epochs": 12}
    halted, listener = tiny_study(name="halted", settings=settings, num_samples=1), Quiet()
    with training_here():
        run(halted, progress=listener, home=home, placement=Placement(max_concurrent=1), resume=True, baselines=False)
    after = Ledger.read(home / "halted").trials["search-0000"]
    assert after.state == "FINISHED"
    assert [row["epoch"] for row in after.curve] == list(range(1, 13))
    assert after.curve[: len(before.curve)] == before.curve
    assert [note for note in listener.notes if not note.startswith("Training times: ")] == []


def test_the_champion_before_is_champion_again(home):
    restored = rollback(tiny_study(), home=home)
    assert (restored.name, restored.version) == ("tiny", 1)
    clip = next((home / "drawn" / "tiny").glob("surprise/*"))
    assert command(home, "predict", clip, "--model", "models:/tiny@champion").exit_code == 0
