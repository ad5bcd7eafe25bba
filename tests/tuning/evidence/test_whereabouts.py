"""What a home holds of a person is told whole, before anything is touched; others ask in vain."""

import dataclasses
import shutil

import pytest
from filelock import FileLock

from tests.support.builders import PEOPLE, prepare_people
from tests.support.hand_runner import CLIP, GONE, NAME, faces, locked_away
from tests.support.mlflow_store import register
from trainables.core import files
from trainables.core.prepared.splits import load_splits
from trainables.core.prepared.stored import lock_path
from tuning.forget import forget, plan_forgetting
from tuning.records import disposal
from tuning.records.ledger import Ledger


def put(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


@pytest.fixture
def home(people_home):
    return people_home


def traces(found):
    return {trace.what: (trace.holds, trace.fate) for trace in found.traces}


def test_what_a_home_holds_is_told_and_nothing_changed(home):
    before = {path: path.stat().st_mtime_ns for path in home.rglob("*") if path.is_file()}
    found = plan_forgetting("anna", home=home)
    told = traces(found)
    assert told[f"prepared/{faces(home).folder.name}"] == (
        "2 clips of 12 (7 frames), 1 unusable clip in the list",
        "rewritten",
    )
    assert told["smiles/ledger.jsonl"] == ("words that name a clip", "rewritten")
    assert told["smiles/trials/search-0002/error.txt"] == ("words that name a clip", "rewritten")
    assert told["smiles/smiles.html"] == told["smiles/ray/result.json"] == ("a page that names a clip", "deleted")
    assert told["fertune/smiles in MLflow"] == ("1 error in words that name a clip", "rewritten")
    assert "smiles/other.html" not in told
    assert (found.datasets, found.studies, found.data_roots) == (("clip_folder",), ("smiles",), (GONE,))
    after = {path: path.stat().st_mtime_ns for path in home.rglob("*") if path.is_file()}
    assert {path for path in after if after[path] != before.get(path) and path.suffix != ".lock"} <= {
        home / "mlflow.db"
    }


def test_a_champion_that_was_trained_on_a_person_is_named(home):
    away = locked_away(home)
    trained = next(name for name in PEOPLE if name != away)
    found = plan_forgetting(trained, home=home)
    assert [(model.title, model.role) for model in found.models] == [
        ("smiles version 1", "trained"),
        ("smiles version 2 (champion)", "trained"),
    ]
    assert found.champions == ("smiles version 2 (champion)",)
    assert ("weights of 2 trials trained on the person", "stays") in traces(found).values()
    tested = forget(away, home=home)
    assert [model.role for model in tested.models] == ["tested", "tested"]
    assert tested.champions == ()
    # Also once another person went, so that the data has another fingerprint than the champion says.
    again = forget(trained, home=home)
    assert again.champions == ("smiles version 2 (champion)",)


def test_of_a_model_whose_study_is_gone_nobody_knows(home):
    register(home, "gone", faces(home).fingerprint)
    roles = {model.title: model.role for model in plan_forgetting("ben", home=home).models}
    assert roles["smiles version 4"] == "unknown"


def test_a_study_that_runs_and_data_that_is_prepared_are_refused(home):
    for call in (plan_forgetting, forget):
        with (
            Ledger.write(home / "smiles"),
            pytest.raises(ValueError, match=r"Study smiles is running: .*End it with `stop smiles` first"),
        ):
            call("anna", home=home)
        with FileLock(lock_path(faces(home).folder)), pytest.raises(ValueError, match="Another process writes"):
            call("anna", home=home)
    assert "Anna" in faces(home).subjects


def test_an_unknown_name_is_answered_with_the_nearest(home):
    with pytest.raises(ValueError, match=r"anybody named 'ana'\. The nearest: 'Anna', 'dan'\. 6 names of people"):
        forget("ana", home=home)
    with pytest.raises(ValueError, match=r"The clip happy/Anna_01\.mp4 is of 'Anna': give that name"):
        forget(CLIP, home=home)
    with pytest.raises(ValueError, match=r"no data set under .* named 'clip_foldr'.*Did you mean 'clip_folder'"):
        forget("anna", dataset="clip_foldr", home=home)


def test_predictions_are_found_where_the_prepared_faces_are_gone(home):
    name = locked_away(home)
    shutil.rmtree(faces(home).folder)
    found = forget(name, home=home)
    assert traces(found)["smiles/trials"] == ("4 rows in 2 files of predictions", "rewritten")
    assert [model.role for model in found.models] == ["unknown", "unknown"]


def test_what_cannot_be_read_is_named(home):
    put(home / "broken" / "ledger.jsonl", "no event\n")
    put(home / "prepared" / "clip_folder-0123456789ab" / "index.json", "no index")
    put(home / "smiles" / "trials" / "search-0001" / "predictions.parquet", "rows")
    found = forget("anna", home=home)
    assert [line.split(":")[0] for line in found.elsewhere] == [
        f"{home}/prepared/clip_folder-0123456789ab",
        "Study broken was not searched",
        f"{home}/smiles/trials/search-0001/predictions.parquet cannot be read",
    ]


def test_the_same_frames_under_another_name_are_told(home):
    other = prepare_people(home, name="clips_csv", copies={"sad/ben_02.mp4": CLIP})
    assert forget("anna", home=home).twins == ((CLIP, "sad/ben_02.mp4"),)
    assert not other.folder.exists()


def test_mlflow_that_is_away_is_asked_first(home, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    with pytest.raises(ConnectionError, match=r"MLflow at http://127\.0\.0\.1:9 does not answer"):
        forget("anna", home=home)
    assert "Anna" in faces(home).subjects


def test_copies_that_are_on_no_disk_of_this_machine_are_named(home, monkeypatch):
    asked = disposal.tracked

    def elsewhere(uri, study):
        tracked = asked(uri, study)
        return dataclasses.replace(tracked, runs=dict.fromkeys(tracked.runs))

    monkeypatch.setattr(disposal, "tracked", elsewhere)
    found = plan_forgetting(locked_away(home), home=home)
    assert "artifacts" not in traces(found)
    assert f"mlflow.db keeps {files.PREDICTIONS} of fertune/smiles out of reach" in found.elsewhere[0]


def test_each_version_of_a_studys_data_tells_of_its_own_models(home):
    """Data that grew: the splits of before lie beside those of today."""
    name = next(name for name in PEOPLE if name != locked_away(home))
    splits = load_splits(home / "smiles" / "splits.json")
    splits.save(home / "smiles" / f"splits-{splits.fingerprint[:12]}.json")
    dataclasses.replace(splits, fingerprint="0" * 64).save(home / "smiles" / "splits.json")
    found = plan_forgetting(name, home=home)
    assert [model.role for model in found.models] == ["trained", "trained"]


def test_each_refit_of_a_model_of_several_is_counted(home):
    trained = next(name for name in PEOPLE if name != locked_away(home))
    with Ledger.write(home / NAME) as ledger:
        (first,) = ledger.of_phase("refit")
        ledger.start(dataclasses.replace(first, trial_id="refit-0001", seed=91, state="RUNNING"))
        ledger.end("refit-0001", "FINISHED")
    for count in (2, 3):
        told = traces(plan_forgetting(trained, home=home)).values()
        assert (f"weights of {count} trials trained on the person", "stays") in told
        put(home / NAME / files.TRIALS / "refit-0001" / files.WEIGHTS, "weights")
