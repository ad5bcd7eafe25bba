"""A person who withdraws goes from all of a home; others stay, and what cannot be erased is named."""

import json

import mlflow
import pyarrow.parquet as pq
import pytest

from search_spaces.core.study import load_study
from tests.support.builders import PEOPLE, prepare_people
from tests.support.hand_runner import CLIP, FAILED_AT, faces, locked_away, write_people_study
from tests.support.tracked_study import runs_of
from tuning import forget as verb
from tuning.evidence.withdrawal import people_in
from tuning.execution.study_data import cut
from tuning.forget import forget, plan_forgetting
from tuning.load import load
from tuning.prune import plan_prune
from tuning.records.home import known_studies
from tuning.records.home_check import home_looks
from tuning.records.ledger import Ledger
from tuning.records.mlflow_client import default_uri


@pytest.fixture
def home(people_home):
    return people_home


def naming(home, *names):
    """The files of a home that hold one of `names` anywhere, tables of predictions by their rows."""
    found = set()
    for path in home.rglob("*"):
        if path.suffix == ".parquet":
            rows = pq.read_table(path).to_pylist()
            content = json.dumps([row["subject"] for row in rows] + [row["clip_id"] for row in rows])
        elif path.is_file() and path.suffix != ".npy":
            content = path.read_bytes().decode(errors="replace")
        else:
            continue
        if any(name in content for name in names):
            found.add(path.relative_to(home).as_posix())
    return found


def traces(found):
    return {trace.what: (trace.holds, trace.fate) for trace in found.traces}


@pytest.mark.parametrize("name", PEOPLE)
def test_nobody_is_left_but_in_weights(name, home):
    found = forget(name.upper(), home=home)
    assert naming(home, f"{name}_", f'"{name}"') == set()
    others = [one for one in PEOPLE if one != name]
    assert set(faces(home).subjects) == set(others)
    predicted = {person for path in (home / "smiles").rglob("*.parquet") for person in people_in(path)}
    assert predicted <= set(others)
    assert predicted
    was = traces(plan_forgetting(others[0], home=home))
    assert was  # and the next one can go
    assert found.traces


def test_copies_in_mlflow_go_with_the_originals(home):
    tested = locked_away(home)
    found = forget(tested, home=home)
    assert traces(found)["artifacts"] == ("4 rows in 2 copies of predictions", "rewritten")
    client = mlflow.MlflowClient(default_uri(home))
    runs = runs_of(client, home / "smiles")
    assert "Anna" in runs["search-0002"].data.tags["fertune.error"]
    forget("anna" if tested != "Anna" else "ben", home=home)
    error = runs_of(client, home / "smiles")["search-0002"].data.tags["fertune.error"]
    assert "(a forgotten clip)" in error


def test_where_all_rows_of_a_file_were_of_one_person_it_goes_and_the_study_can_be_read(home):
    assert len(load("smiles", home=home).evidence) == 1
    forget(locked_away(home), home=home)
    assert not list((home / "smiles").glob("trials/confirm-*/predictions.parquet"))
    assert len(load("smiles", home=home).evidence) == 0
    assert len(load("smiles", home=home).front) > 0


def test_the_ledger_is_the_same_but_for_the_words(home):
    before = Ledger.read(home / "smiles")
    forget("anna", home=home)
    after = Ledger.read(home / "smiles")
    assert after.uid == before.uid
    assert after.trials["search-0002"].error == FAILED_AT.replace(CLIP, "(a forgotten clip)")
    before.trials["search-0002"].error = after.trials["search-0002"].error
    assert after.trials == before.trials


def test_no_study_goes_on_with_other_indices(home):
    forget("anna", home=home)
    with pytest.raises(ValueError, match="was begun on other data"):
        cut(load_study("smiles"), faces(home), home / "smiles" / "splits.json")


def test_the_data_without_a_person_still_counts_as_that_of_its_study(home):
    forget("anna", home=home)
    assert not any(part.what.startswith("prepared/") for part in plan_prune(home=home).parts)
    assert "`run smiles --new-data`, as somebody withdrew" in home_looks(home)["prepared faces"]()["fix"]


def test_forgetting_twice_changes_nothing(home):
    forget("anna", home=home)
    before = {path: path.read_bytes() for path in home.rglob("*") if path.is_file()}
    with pytest.raises(ValueError, match=r"Nothing under .* is of anybody named 'anna'"):
        forget("anna", home=home)
    assert {path: path.read_bytes() for path in home.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize("dies_in", ["erase", "drop_rows", "take_out"])
def test_whoever_dies_on_the_way_calls_again(dies_in, home, monkeypatch):
    def die(*_):
        raise KeyboardInterrupt

    name = locked_away(home)
    with monkeypatch.context() as patch:
        patch.setattr(verb, dies_in, die)
        with pytest.raises(KeyboardInterrupt):
            forget(name, home=home)
    assert forget(name, home=home).traces
    assert naming(home, f"{name}_", f'"{name}"') == set()


def test_a_name_in_several_data_sets_is_told_of_all_and_one_can_be_named(home):
    other = prepare_people(home, name="clips_csv")
    assert plan_forgetting("anna", home=home).datasets == ("clip_folder", "clips_csv")
    found = forget("anna", dataset="clips_csv", home=home)
    assert [trace.what for trace in found.traces] == [f"prepared/{other.folder.name}"]
    assert (found.datasets, found.studies, found.models) == (("clips_csv",), (), ())
    assert plan_forgetting("anna", home=home).datasets == ("clip_folder",)


def test_drawn_faces_are_nobodys(home):
    drawn = prepare_people(home, name="drawn_faces", people=("zoe", *PEOPLE))
    index = json.loads((drawn.folder / "index.json").read_text())
    (drawn.folder / "index.json").write_text(json.dumps(index | {"drawn": True}))
    write_people_study(home, drawn, name="demo", drawn=True)
    before = (drawn.folder / "index.json").read_bytes()
    assert forget("anna", home=home).studies == ("smiles",)
    assert (drawn.folder / "index.json").read_bytes() == before
    with pytest.raises(ValueError, match="Nothing under"):
        forget("zoe", home=home)


def test_an_unfinished_preparation_may_hold_anybody_and_goes(home):
    draft = home / "prepared" / ".clip_folder-0123456789ab.abcd1234.tmp"
    draft.mkdir()
    other = home / "prepared" / ".ck_plus-0123456789ab.abcd1234.tmp"
    other.mkdir()
    found = forget("anna", home=home)
    assert traces(found)[f"prepared/{draft.name}"] == (
        "an unfinished preparation, which may hold the person",
        "deleted",
    )
    assert (draft.exists(), other.exists()) == (False, True)


def test_a_home_without_mlflow_stays_without(tmp_path, monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    prepare_people(tmp_path)
    forget("anna", home=tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["prepared"]
    assert known_studies(tmp_path) == []
