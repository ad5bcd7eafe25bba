"""`forget` tells what goes and what stays, asks, and ends with the commands that replace what knew the person."""

import json

import pytest

from tests.support.command import call
from tests.support.hand_runner import GONE, faces


@pytest.fixture
def home(people_home, monkeypatch):
    monkeypatch.setenv("FERTUNE_HOME", str(people_home))
    return people_home


def test_nothing_goes_unasked(home):
    done = call("forget", "anna")
    assert done.exit_code == 1
    assert done.stderr == "Nothing was removed; --yes does it without asking.\n"
    assert f"Of anna under {home}" in done.stdout
    assert "2 clips of 12 (7 frames), 1 unusable clip in the list" in done.stdout
    assert "smiles version 2 (champion) was trained on anna.\n" in done.stdout
    assert "Weights cannot forget: they stay until they are replaced or removed.\n" in done.stdout
    assert f"delete the clips in {GONE} yourself" in done.stdout
    assert "Anna" in faces(home).subjects


def test_what_is_to_be_done_afterwards_is_said(home):
    done = call("forget", "anna", "--yes")
    assert done.exit_code == 0
    said = done.stdout[done.stdout.index("Forgot anna.") :]
    assert "tune.py run smiles --new-data\n" in said
    assert "Then replace smiles version 1, smiles version 2 (champion), or delete it in MLflow:" in said
    assert said.index("run smiles --new-data") < said.index("promote smiles") < said.index("remove smiles")
    assert "Anna" not in faces(home).subjects


def test_rows_for_a_script(home):
    done = call("forget", "anna", "--yes", "--json")
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert {"what", "holds", "fate", "dataset"} == set(rows[0])
    assert rows[-1] == {
        "title": "smiles version 2 (champion)",
        "study": "smiles",
        "role": "trained",
        "is_champion": True,
    }
    assert "Forgot anna." in done.stderr


def test_a_name_that_nobody_has_ends_in_one_message(home):
    done = call("forget", "ana", "--yes")
    assert done.exit_code == 2
    assert done.stdout == ""
    assert done.stderr.startswith("Error: Nothing under ")
