"""`status --all`: who runs on the cluster, and every study of a home in a line."""

import json

import pytest

from tests.support.builders import make_trial
from tests.support.command import call
from tuning.execution.sharing.key import home_identity
from tuning.execution.sharing.messages import message, turn_message
from tuning.execution.sharing.shares import SlotNeed
from tuning.execution.sharing.turns import Beat, Turn
from tuning.execution.sharing.waits import write_waits
from tuning.overview import Known, OnCluster, Overview, as_told, overview
from tuning.records.ledger import Ledger
from tuning.status import status
from tuning.text.listing import overview_lines

WAITS = "waits for a slot (2 CPUs) behind demo (anna, high)"


@pytest.fixture(autouse=True)
def no_cluster(monkeypatch):
    monkeypatch.delenv("RAY_ADDRESS", raising=False)


def write_study(home, name, *states):
    with Ledger.write(home / name) as ledger:
        ledger.open_study(leaky=False)
        for number, state in enumerate(states):
            ledger.start(make_trial(number))
            ledger.epoch(f"search-{number:04d}", {"epoch": 1, "val_loss": 0.5})
            if state != "RUNNING":
                ledger.end(f"search-{number:04d}", state)
    return ledger


def test_each_study_of_a_home_is_told_with_its_trials_and_last_event(tmp_path):
    write_study(tmp_path, "ended", "FINISHED", "FAILED")
    last = write_study(tmp_path, "killed", "FINISHED", "RUNNING").events[-2]  # before an epoch
    (tmp_path / "torn").mkdir()
    (tmp_path / "torn" / "ledger.jsonl").write_text("{}\n{}\n")
    found = {one.study: one for one in overview(home=tmp_path).studies}
    assert found["ended"].state == "idle"
    assert found["ended"].trials == {"FINISHED": 1, "FAILED": 1}
    assert found["killed"] == Known(
        study="killed",
        state="interrupted",
        trials={"FINISHED": 1, "RUNNING": 1},
        last_event="started search-0001",
        last_event_at=last["time"],
    )
    assert found["torn"].state == "damaged"
    assert "is damaged in line 1" in found["torn"].told
    assert not (tmp_path / "home-id").exists()  # it only looks


def test_a_study_that_waits_says_so_to_other_processes_as_long_as_it_runs(tmp_path):
    with Ledger.write(tmp_path / "smiles") as ledger:
        ledger.open_study(leaky=False)
        assert overview(home=tmp_path).studies[0].state == "running"
        write_waits(ledger.folder, WAITS)
        known = overview(home=tmp_path).studies[0]
        assert (known.state, known.told) == ("waiting", WAITS)
        assert status("smiles", home=tmp_path)[0].waits_for == WAITS
    assert status("smiles", home=tmp_path)[0].waits_for == ""  # a driver that was killed leaves the file
    assert overview(home=tmp_path).studies[0].state == "idle"


def test_status_tells_what_a_study_waits_for(tmp_path, monkeypatch):
    monkeypatch.setenv("FERTUNE_HOME", str(tmp_path))
    with Ledger.write(tmp_path / "smiles") as ledger:
        ledger.open_study(leaky=False)
        write_waits(ledger.folder, WAITS)
        assert f"  {WAITS}\n" in call("status", "smiles").stdout
        assert json.loads(call("status", "smiles", "--json").stdout)["waits_for"] == WAITS


def on_cluster(**of):
    told = {"user": "anna", "host": "node1", "job": "", "priority": "high", "held": 2, "allowed": 2, "wanted": 4}
    return OnCluster(**({"study": "demo", "slot": "1 CPU", "waits_for": "", "here": True} | told | of))


def test_a_person_reads_a_line_for_each():
    waits = on_cluster(study="smiles", user="ben", priority="low", held=0, here=False, waits_for=WAITS)
    known = Known(
        study="demo", state="running", trials={"FINISHED": 3}, last_event="ended search-0002", last_event_at=40.0
    )
    lines = overview_lines(Overview(on_cluster=[on_cluster(), waits], studies=[known]), now=40.0 + 7200)
    assert lines == [
        "On the cluster:",
        "  demo (anna, high): 2 of 4 slots of 1 CPU",
        f"  smiles (ben, low, another home): {WAITS}",
        "Of this home:",
        "  demo: running, 3 finished; ended search-0002, 2 h ago",
    ]


def test_studies_of_the_cluster_are_told_apart_by_home(tmp_path):
    identity = home_identity(tmp_path)
    beats = [
        Beat(home=home, study="demo", token="t", held=1, wanted=2, slot=SlotNeed(cpus_per_worker=2), user=user)
        for home, user in ((identity, "anna"), ("other", "ben"))
    ]
    found = [as_told(message(beat) | turn_message(Turn(allowed=1)), identity) for beat in beats]
    assert [(one.user, one.here, one.slot, one.held, one.wanted) for one in found] == [
        ("anna", True, "2 CPUs", 1, 2),
        ("ben", False, "2 CPUs", 1, 2),
    ]


def test_a_cluster_that_does_not_answer_does_not_hide_the_home(tmp_path, monkeypatch):
    write_study(tmp_path, "smiles", "FINISHED")
    monkeypatch.setenv("FERTUNE_HOME", str(tmp_path))
    monkeypatch.setenv("RAY_ADDRESS", "127.0.0.1:9")
    done = call("status", "--all")
    assert "No cluster was asked" not in done.stdout
    assert "The cluster: Ray at 127.0.0.1:9 ($RAY_ADDRESS) does not answer" in done.stdout
    assert "  smiles: idle, 1 finished; ended search-0000, " in done.stdout
    rows = [json.loads(line) for line in call("status", "--all", "--json").stdout.splitlines()]
    assert [(row["of"], row.get("study")) for row in rows] == [("home", "smiles"), ("cluster", None)]


def test_a_home_without_studies_says_so(tmp_path, monkeypatch):
    monkeypatch.setenv("FERTUNE_HOME", str(tmp_path))
    told = call("status", "--all").stdout
    assert f"No study was begun under {tmp_path}." in told
    assert told.endswith(
        "No cluster was asked: $RAY_ADDRESS names none. RAY_ADDRESS=auto finds the one on this machine.\n"
    )
