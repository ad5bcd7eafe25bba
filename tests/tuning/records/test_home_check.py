"""`doctor` checks a home: what is damaged, gone, older or newer is named with the fix."""

import shlex
import shutil
import sqlite3

import pytest

from tests.support.hand_runner import NAME, write_home
from tuning.records.home_check import home_looks
from tuning.records.mlflow_client import database_path


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    home = tmp_path_factory.mktemp("made") / "home"
    write_home(home, promoted=False)
    return home


@pytest.fixture
def home(made, tmp_path):
    shutil.copytree(made, tmp_path / "home")
    return tmp_path / "home"


def found(home, name):
    return home_looks(home)[name]()["found"]


def fixes(home) -> dict[str, str]:
    return {name: look()["fix"] for name, look in home_looks(home).items() if look()["fix"]}


def write(home, statement, *values):
    with sqlite3.connect(home / "mlflow.db") as database:
        database.execute(statement, values)


def test_a_whole_home_needs_nothing_and_an_empty_one_is_not_looked_at(home, tmp_path):
    assert fixes(home) == {}
    assert found(home, "ledgers") == "1 study, all read"
    assert home_looks(tmp_path / "nowhere") == {}


def test_a_damaged_ledger_is_named(home):
    with (home / NAME / "ledger.jsonl").open("a") as ledger:
        ledger.write("[]\n")
    assert "ledger.jsonl is damaged in line" in found(home, "ledgers")
    assert fixes(home)["ledgers"].startswith("Restore it from a copy")


@pytest.mark.parametrize(
    ("schema", "age", "fix"),
    [
        ("451aebb31d03", "an older MLflow", "mlflow.db.before-upgrade && "),
        ("ffffffffffff", "a newer MLflow", "Go on with the fertune that wrote it"),
    ],
)
def test_a_database_of_another_mlflow_is_named_with_the_command(home, schema, age, fix):
    write(home, "UPDATE alembic_version SET version_num = ?", schema)
    assert age in found(home, "mlflow database")
    assert fix in fixes(home)["mlflow database"]


def test_the_command_that_upgrades_is_one_that_a_shell_takes(home, tmp_path):
    write(home, "UPDATE alembic_version SET version_num = '451aebb31d03'")
    there = home.rename(tmp_path / "a home")
    fix = fixes(there)["mlflow database"]
    assert f"cp '{there}/mlflow.db' '{there}/mlflow.db.before-upgrade' && " in fix
    assert fix.endswith(f"mlflow db upgrade 'sqlite:///{there}/mlflow.db'")


def test_the_command_that_upgrades_names_the_database_of_a_home_of_any_name(home, tmp_path):
    write(home, "UPDATE alembic_version SET version_num = '451aebb31d03'")
    there = home.rename(tmp_path / "100%25 a?b")
    *_, uri = shlex.split(fixes(there)["mlflow database"])
    assert database_path(uri) == there / "mlflow.db"


@pytest.mark.parametrize("damage", [shutil.rmtree, lambda folder: (folder / "index.json").write_text("{}")])
def test_prepared_faces_that_are_gone_or_damaged_are_named(home, damage):
    damage(next((home / "prepared").glob("random-*")))
    assert NAME in found(home, "prepared faces")
    assert fixes(home) == {"prepared faces": "Prepare them again: `prepare clip_folder --data-root /nowhere/clips`."}


def test_a_registered_model_whose_files_are_gone_is_named(home, made):
    """The home is a copy: its models are looked for in it, wherever the database still says they are."""
    columns = "name, version, source, storage_location, current_stage, creation_time, last_updated_time"
    write(home, "INSERT INTO registered_models (name, creation_time, last_updated_time) VALUES ('smiles', 1, 1)")
    for version, state in ((1, "None"), (2, "Deleted_Internal")):
        where = (made / "artifacts" / "models" / f"m-{version}" / "artifacts").as_uri()
        write(
            home,
            f"INSERT INTO model_versions ({columns}) VALUES ('smiles', ?, ?, ?, ?, 1, 1)",
            version,
            where,
            where,
            state,
        )
    assert found(home, "registered models") == "the files of smiles version 1 are gone"
    folder = home / "artifacts" / "models" / "m-1" / "artifacts"
    assert str(folder) in fixes(home)["registered models"]
    folder.mkdir(parents=True)
    (folder / "MLmodel").touch()
    assert found(home, "registered models") == "1 version"


def test_what_was_left_over_is_counted(home):
    assert found(home, "left over") == "nothing of interrupted work"
    (home / NAME / "splits.12.tmp").write_bytes(bytes(2**20))
    assert found(home, "left over") == "1 file or folder of interrupted work, 1.0 MiB: `prune` frees them"
    assert fixes(home) == {}
