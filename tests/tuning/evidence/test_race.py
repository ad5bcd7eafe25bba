"""What a ledger says of a race, and how people read it."""

import dataclasses
import io
import json
import shutil

import pytest
from rich.console import Console

from dashboards import race as race_panel
from dashboards.core.data import read_report_data
from tests.support.sample_study import write_sample
from tuning.evidence.race import course_of, raced, runs_of
from tuning.records.ledger import Ledger
from tuning.text.evidence_tables import race_summary, race_table


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    home = tmp_path_factory.mktemp("home")
    write_sample(home)
    return home


@pytest.fixture(scope="module")
def ledger(home):
    return Ledger.read(home / "smiles")


def test_the_winner_comes_first_and_who_left_last(ledger):
    found = raced(ledger)
    assert found.racers[0].trial_id == found.winner
    assert [racer.left_after for racer in found.racers] == [None, None, 2]
    assert (found.num_folds, found.num_people, found.num_clips, found.num_trainings) == (3, 24, 96, 8)


def test_an_interval_holds_its_accuracy_and_is_wider_on_fewer_people(ledger):
    found = raced(ledger)
    for racer in found.racers:
        assert racer.accuracy.low < racer.accuracy.mean < racer.accuracy.high
        assert min(racer.by_fold) <= racer.accuracy.mean <= max(racer.by_fold)
        assert "seeds" in racer.accuracy.method
    first, last = found.first.accuracy, found.racers[-1].accuracy
    assert last.high - last.low > first.high - first.low


def test_who_is_behind_is_so_on_the_same_people(ledger):
    last = raced(ledger).racers[-1]
    assert raced(ledger).first.behind is None
    assert last.behind.high < 0


def test_a_study_that_did_not_race_and_a_race_whose_predictions_are_gone_say_nothing(home, tmp_path):
    bare = write_sample(tmp_path, "bare", confirmed=False)
    assert raced(Ledger.read(bare)) is None
    shutil.copytree(home / "smiles", tmp_path / "gone")
    ledger = Ledger.read(tmp_path / "gone")
    course = course_of(ledger)
    for trials in runs_of(ledger, course, course.winner).values():
        for trial in trials:
            (ledger.trial_folder(trial.trial_id) / "predictions.parquet").unlink()
    assert raced(ledger) is None


def test_what_a_later_version_writes_beside_is_passed_over(tmp_path):
    folder = write_sample(tmp_path, "later")
    with Ledger.write(folder) as ledger:
        course = course_of(ledger)
        ledger.note("race", **dataclasses.asdict(course), moon="full")
    assert course_of(Ledger.read(folder)) == course


def test_people_read_who_won_who_left_and_what_the_winner_is_worth(ledger):
    found = raced(ledger)
    console = Console(width=150, record=True, file=io.StringIO())
    console.print(race_table(found))
    shown = console.export_text()
    assert "Race over 3 folds outside the holdout (24 people, 96 clips)" in shown
    assert "winner" in shown
    assert "left after 2 folds" in shown
    (line,) = race_summary(found)
    assert line.startswith(f"{100 * found.corrected.mean:.1f} %")
    json.dumps(dataclasses.asdict(found))


def test_the_report_shows_the_race_and_leaves_it_out_where_there_was_none(home, tmp_path):
    panel = race_panel.panel(read_report_data(home, "smiles"))
    assert panel.title == "Race"
    assert "left after 2 folds" in str(panel.body)
    assert panel.figures[0].label.startswith("Accuracy by cross-validation of 3 configurations: ")
    write_sample(tmp_path, "bare", confirmed=False)
    assert race_panel.panel(read_report_data(tmp_path, "bare")) is None
