"""What a ledger says of a race, and how people read it."""

import dataclasses
import io
import json
import shutil

import pytest
from rich.console import Console

from dashboards import race as race_panel
from dashboards import trials as trials_panel
from dashboards.core.data import read_report_data
from tests.support.builders import make_trial
from tests.support.sample_study import write_predictions, write_sample
from tuning.evidence import race as module
from tuning.evidence.race import answers_of, raced, runs_of
from tuning.records.front.course import Course, course_of
from tuning.records.ledger import Ledger
from tuning.statistics.pairing import judged
from tuning.statistics.race import paired
from tuning.text.evidence_tables import race_summary, race_table


@pytest.fixture(scope="module")
def ledger(sample_home):
    return Ledger.read(sample_home / "smiles")


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


def test_who_is_behind_is_so_on_the_same_people_and_the_interval_counts_seeds_too(ledger):
    last = raced(ledger).racers[-1]
    assert raced(ledger).first.behind is None
    assert last.behind.high < 0
    course = course_of(ledger)
    answers = {name: answers_of(ledger, runs_of(ledger, course, name)) for name in (last.trial_id, course.winner)}
    by_people = paired(answers[last.trial_id], answers[course.winner]).interval()
    assert "seeds" in last.behind.method
    assert last.behind.low < by_people.low < by_people.high < last.behind.high


def test_each_file_is_read_once(ledger, monkeypatch):
    read = []
    monkeypatch.setattr(module, "judged", lambda path: read.append(path) or judged(path))
    found = raced(ledger)
    assert len(read) == len(set(read)) == found.num_trainings


def test_of_several_seeds_the_accuracy_of_each_is_told_and_how_they_differ_counts(tmp_path):
    with Ledger.write(write_sample(tmp_path, "seeded")) as ledger:
        (of, *_) = [ledger.trials[name] for name in course_of(ledger).members]
        for fold in (0, 1):
            for seed, ability in ((1, 0.95), (2, 0.3)):
                trial = dataclasses.replace(
                    make_trial(0, phase="race", parameters=of.parameters, of=of.trial_id),
                    trial_id=ledger.next_id("race"), seed=seed, folds=(fold,),
                )  # fmt: skip
                ledger.start(trial)
                write_predictions(ledger.folder, trial, ability, num_subjects=8, split="test", first=8 * fold)
                ledger.end(trial.trial_id, "FINISHED", {"best_epoch": 3.0})
        begun = Course(members=(of.trial_id,), folds=(0, 1), seeds=(1, 2), test_over_train=0.25)
        ledger.note("race", **dataclasses.asdict(dataclasses.replace(begun, winner=of.trial_id)))
        found = raced(ledger)
    good, bad = found.first.by_seed
    assert (good > 0.85, bad < 0.5) == (True, True)
    assert found.first.accuracy.high - found.first.accuracy.low > 0.4, "seeds that differ so widen it"
    console = Console(width=150, record=True, file=io.StringIO())
    console.print(race_table(found))
    shown = console.export_text()
    assert "by seed" in shown
    assert f"{100 * bad:.1f} to {100 * good:.1f} %" in shown
    assert "by seed" in str(race_panel.panel(read_report_data(tmp_path, "seeded")).body)


def test_a_study_that_did_not_race_and_a_race_whose_predictions_are_gone_say_nothing(sample_home, tmp_path):
    bare = write_sample(tmp_path, "bare", confirmed=False)
    assert raced(Ledger.read(bare)) is None
    shutil.copytree(sample_home / "smiles", tmp_path / "gone")
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
    assert "by seed" not in shown, "of one there is no spread"
    assert "Intervals, of differences too, are over people and seeds." in shown
    (line,) = race_summary(found)
    assert line.startswith(f"{100 * found.corrected.mean:.1f} %")
    json.dumps(dataclasses.asdict(found))


def test_the_report_shows_the_race_and_leaves_it_out_where_there_was_none(sample_home, tmp_path):
    panel = race_panel.panel(read_report_data(sample_home, "smiles"))
    assert panel.title == "Race"
    assert "left after 2 folds" in str(panel.body)
    assert panel.figures[0].label.startswith("Accuracy by cross-validation of 3 configurations: ")
    write_sample(tmp_path, "bare", confirmed=False)
    assert race_panel.panel(read_report_data(tmp_path, "bare")) is None


def test_the_report_lists_the_trainings_of_the_race_apart(sample_home):
    shown = str(trials_panel.panel(read_report_data(sample_home, "smiles")).body)
    assert "<caption>Race" in shown
    assert "accuracy on the test people of the fold, %" in shown
    assert shown.count("race-000") == 8
    assert "<caption>Confirmations and refits" in shown


def test_the_report_tells_of_a_race_that_runs(tmp_path):
    course = Course(members=("search-0000", "search-0001"), folds=(0, 1, 2), seeds=(7,))
    folders = write_sample(tmp_path, "runs", confirmed=False), write_sample(tmp_path, "again")
    for folder in folders:
        with Ledger.write(folder) as ledger:
            ledger.note("race", **dataclasses.asdict(course))
    told = "A race of 2 configurations over 3 folds is not at its end."
    alone, beside = (race_panel.panel(read_report_data(tmp_path, folder.name)) for folder in folders)
    assert told in str(alone.lead)
    assert not alone.figures
    assert told in str(beside.lead)
    assert beside.figures, "the one before has ended"
