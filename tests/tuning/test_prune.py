"""What nothing needs is listed with its reason and freed; what anything needs, or somebody writes, stays."""

import json
import os
import shutil

import mlflow
import pytest
from filelock import FileLock

from tests.support.builders import make_trial
from tests.support.hand_runner import NAME, write_home
from tests.support.tracked_study import runs_of
from trainables.core.prepared.stored import lock_path
from tuning.prune import plan_prune, prune
from tuning.records.home import known_studies
from tuning.records.ledger import Ledger
from tuning.records.mlflow_client import default_uri

NO_CHANCE = "weights of a trial with no real chance to be on the front, not confirmed"
WEAK = {"accuracy": 0.1, "train_time_s": 99.0, "param_count": 9e9}  # on no front


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    home = tmp_path_factory.mktemp("made")
    write_home(home, promoted=False)
    return home


@pytest.fixture
def home(made, tmp_path, monkeypatch):
    """A home with study `smiles`: two trials on the front, a weak one, one that failed and one that was interrupted."""
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    home = tmp_path / "home"
    shutil.copytree(made, home)
    with Ledger.write(home / NAME) as ledger:
        for number, state in ((2, "FINISHED"), (3, "FAILED")):
            ledger.start(make_trial(number, parameters={"gru_hidden": 16}))
            ledger.end(f"search-{number:04d}", state, WEAK if state == "FINISHED" else None)
    for number in range(4):
        for name in ("model.safetensors", "last.pt"):
            put(home / NAME / "trials" / f"search-{number:04d}" / name)
    return home


def put(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"123")
    return path


def listed(home) -> dict[str, str]:
    return {part.what: part.reason for part in plan_prune(home=home).parts}


def test_a_home_without_studies_has_nothing_to_free(tmp_path):
    assert plan_prune(home=tmp_path).parts == ()  # and makes none of MLflow's
    assert not list(tmp_path.iterdir())


def test_weights_off_the_front_and_checkpoints_of_ended_trials_go(home):
    trials = f"{NAME}/trials"
    put(home / trials / "search-0001" / "best-0-12.pt")
    assert listed(home) == {
        f"{trials}/search-0001/best-0-12.pt": "checkpoint of a trial that ended",
        **{f"{trials}/search-{number:04d}/last.pt": "checkpoint of a trial that ended" for number in range(4)},
        **{f"{trials}/search-{number:04d}/model.safetensors": NO_CHANCE for number in (2, 3)},
    }
    plan = plan_prune(home=home)
    assert prune(plan, home=home).parts == plan.parts
    assert plan.num_bytes == 21
    assert listed(home) == {}
    assert (home / trials / "search-0000" / "model.safetensors").exists()
    assert (home / trials / "search-0000" / "predictions.parquet").exists()


def test_shared_features_go_and_the_faces_that_they_are_of_stay(home):
    (data,) = (home / "prepared").glob("random-*")
    path = put(data / "features_0123.npy")
    what = path.relative_to(home).as_posix()
    assert listed(home)[what] == "features of a frozen trunk, which are computed again where they are asked for"
    with FileLock(lock_path(data)):
        assert what not in {part.what for part in prune(home=home).parts}, "somebody computes"
    assert what in {part.what for part in prune(home=home).parts}
    assert not path.exists()
    assert (data / "frames.npy").exists()


def test_what_was_confirmed_is_kept_off_the_front_too(home):
    with Ledger.write(home / NAME) as ledger:
        ledger.start(make_trial(trial_id="confirm-0009", phase="confirm", of="search-0002"))
    assert f"{NAME}/trials/search-0002/model.safetensors" not in listed(home)


def test_a_search_that_goes_on_keeps_all_weights_and_the_checkpoint_it_goes_on_from(home):
    with Ledger.write(home / NAME) as ledger:
        ledger.start(make_trial(4))
        ledger.end("search-0004", "INTERRUPTED")
    for name in ("last.pt", "best-0-2.pt"):
        put(home / NAME / "trials" / "search-0004" / name)
    assert f"{NAME}/trials/search-0002/model.safetensors" not in listed(home)
    assert not {f"{NAME}/trials/search-0004/{name}" for name in ("last.pt", "best-0-2.pt")} & listed(home).keys()


def test_a_study_that_keeps_all_weights_keeps_them(home):
    with Ledger.write(home / NAME) as ledger:
        ledger.open_study(keep_weights="all")
    assert NO_CHANCE not in listed(home).values()
    with Ledger.write(home / NAME) as ledger:
        ledger.open_study(keep_weights="needed")
    assert NO_CHANCE in listed(home).values()


def test_data_of_no_begun_study_goes(home):
    put(home / "prepared" / "clips-0123456789ab" / "index.json")
    put(home / "drawn" / "tiny" / "clip.mp4")
    put(home / "drawn" / NAME / "clip.mp4")
    found = listed(home)
    assert found["prepared/clips-0123456789ab"] == "prepared faces of no begun study"
    assert found["drawn/tiny"] == "drawn data of no begun study"
    prune(plan_prune(home=home), home=home)
    assert len([path for path in (home / "prepared").iterdir() if path.is_dir()]) == 1  # those of the study
    assert [path.name for path in (home / "drawn").iterdir()] == [NAME]


def test_what_interrupted_work_left_goes_unless_somebody_writes_it(home):
    left = [
        put(home / "prepared" / ".clips-ff.0123.tmp" / "frames.npy").parent,
        put(next((home / "prepared").glob("random-*")) / "frames_32.npy.0123.tmp"),
        put(home / "drawn" / ".tiny.drawing-01" / "clip.mp4").parent,
        put(next((home / "prepared").glob("random-*")) / "features_12ab.npy.0123.tmp"),
        put(home / NAME / "splits.12.tmp"),
        put(home / NAME / "trials" / "search-0000" / "last.12.tmp"),
        put(home / NAME / "trials" / "search-0000" / "damaged.last.pt"),
        put(home / ".gone.removed" / "ledger.jsonl").parent,
        put(home / NAME / "ray" / "tune" / "state.json").parents[1],
    ]
    names = {path.relative_to(home).as_posix() for path in left}
    assert names - listed(home).keys() == {"drawn/.tiny.drawing-01"}  # drawn this very minute, for all one knows
    for path in (left[2], left[2] / "clip.mp4"):
        os.utime(path, (0, 0))
    assert names <= listed(home).keys()
    with FileLock(lock_path(home / "prepared" / "clips-ff")), Ledger.write(home / NAME):
        assert names & listed(home).keys() == {
            left[1].relative_to(home).as_posix(),
            left[3].relative_to(home).as_posix(),
            "drawn/.tiny.drawing-01",
            ".gone.removed",
        }
    prune(plan_prune(home=home), home=home)
    assert not [path for path in left if path.exists()]


def test_nothing_of_a_study_that_runs_by_now_goes_and_nothing_shared(home):
    put(home / "prepared" / "clips-0123456789ab" / "index.json")
    plan = plan_prune(home=home)
    with Ledger.write(home / NAME):
        assert prune(plan, home=home).parts == ()
        assert plan_prune(home=home).parts == ()
        assert plan_prune(home=home).kept == (f"{NAME} is running: nothing of it goes, and nothing that studies share",)
    assert set(prune(plan, home=home).parts) == set(plan.parts)


def test_only_what_was_planned_goes(home):
    plan = plan_prune(home=home)
    later = put(home / NAME / "trials" / "search-0000" / "damaged.last.pt")
    assert prune(plan).parts, "a plan is of its home"
    assert later.exists()


def test_a_study_that_cannot_be_read_keeps_everything(home):
    put(home / "prepared" / "clips-0123456789ab" / "index.json")
    with (home / NAME / "ledger.jsonl").open("a") as ledger:
        ledger.write("[]\n")
    found = plan_prune(home=home)
    assert found.parts == ()
    assert [words.partition(":")[0] for words in found.kept] == [
        f"{NAME} cannot be read, so nothing of it goes",
        "prepared faces and drawn copies stay",
    ]


def test_runs_that_were_deleted_in_mlflow_go_with_their_artifacts(home):
    client = mlflow.MlflowClient(default_uri(home))
    plan_prune(home=home)  # the copy is told where it lies
    run = runs_of(client, home / NAME)["search-0000"]
    client.delete_run(run.info.run_id)
    name = f"MLflow run {run.info.run_id}"
    assert listed(home)[name] == "deleted in MLflow"
    with Ledger.write(home / NAME):
        assert name not in listed(home)
    prune(plan_prune(home=home), home=home)
    assert name not in listed(home)
    assert not (home / "artifacts" / run.info.run_id).exists()
    with pytest.raises(mlflow.MlflowException, match="not found"):
        client.get_run(run.info.run_id)


def test_the_study_is_as_it_was(home):
    before = (home / NAME / "ledger.jsonl").read_text()
    prune(plan_prune(home=home), home=home)
    assert known_studies(home) == [NAME]
    assert (home / NAME / "ledger.jsonl").read_text() == before
    assert json.loads(before.splitlines()[0])["event"] == "study"
