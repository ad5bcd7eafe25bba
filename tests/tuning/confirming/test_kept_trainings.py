"""What the champion did in a race is taken into the next one where all that its numbers depend on is the same."""

import dataclasses
import shutil

import mlflow
import pandas as pd
import pytest

from dashboards import race
from dashboards.core.data import read_report_data
from tests.support.hand_runner import DEVICE, HandRunner
from tests.tuning.confirming.beside_champion import FOLDS, SKILLS, of_champion, trained
from trainables.core import files
from tuning.confirm import confirm_search
from tuning.confirming import kept_trainings
from tuning.evidence.contest import Refused
from tuning.evidence.gate.answers import timed_on
from tuning.logs import logs
from tuning.promote import promote_winner
from tuning.records import tags
from tuning.records.kept import key as key_module
from tuning.records.kept import store as kept
from tuning.records.kept.key import Installation
from tuning.records.kept.told import taken, taken_told
from tuning.records.ledger import Ledger
from tuning.records.tracking import Tracker

pytestmark = pytest.mark.usefixtures("next_device")


def test_a_promoted_configuration_is_kept_as_the_champion_raced(champion_home):
    home, found = champion_home["home"], [kept.facts_of(path) for path in kept.kept_files(champion_home["home"])]
    assert sorted(one["key"]["fold"] for one in found) == list(range(FOLDS))
    assert {one["training"]["champion"] for one in found} == {"models:/task/1"}
    assert {one["training"]["origin"]["study"] for one in found} == {"one"}
    assert not list((home / files.KEPT_TRAININGS).rglob("*.tmp"))
    assert not list((home / files.KEPT_TRAININGS).rglob(files.WEIGHTS))


def test_the_next_study_takes_them_and_trains_none(beside, champion_home):
    runner = beside()
    confirm_search(runner)
    assert trained(runner) == [trial for trial in trained(runner) if trial.phase == "confirm"]
    assert f"{FOLDS} of {FOLDS} trainings of the champion are taken from those kept of one." in runner.notes
    with HandRunner("alone", SKILLS, registered="other", **champion_home) as same:
        same.search(8)
        same.run_listed(
            "race", [dataclasses.replace(trial, trial_id="", state="RUNNING") for trial in of_champion(runner)]
        )
        again = {trial.folds: trial for trial in same.ledger.finished("race")}
        for trial in of_champion(runner):
            assert trial.metrics == again[trial.folds].metrics
            assert trial.workers == again[trial.folds].workers
            one = pd.read_parquet(runner.ledger.trial_folder(trial.trial_id) / files.PREDICTIONS)
            other = pd.read_parquet(same.ledger.trial_folder(again[trial.folds].trial_id) / files.PREDICTIONS)
            pd.testing.assert_frame_equal(one, other)


def test_the_ledger_mlflow_the_report_and_the_log_say_where_they_come_from(beside, champion_home):
    runner = beside()
    with Tracker(runner.ledger, champion_home["uri"], champion_home["home"]) as tracker:
        runner.tracker = tracker
        confirm_search(runner)
        ids = {trial.trial_id: tracker.run_id(trial.trial_id) for trial in of_champion(runner)}
    ledger = Ledger.read(runner.folder)
    assert [trial.taken_from["study"] for trial in taken(ledger)] == ["one"] * FOLDS
    assert taken(ledger)[0].taken_from["concurrency"] == "3"
    assert taken_told(ledger).startswith(f"{FOLDS} of {FOLDS} trainings of the champion are taken")
    for trial_id, run_id in ids.items():
        said = mlflow.MlflowClient(champion_home["uri"]).get_run(run_id).data.tags[tags.TAKEN_FROM]
        assert said == f"one {ledger.trials[trial_id].taken_from['trial_id']}"
    shown = race.panel(read_report_data(champion_home["home"], runner.folder.name))
    assert taken_told(ledger) in str(shown.lead)
    first = taken(ledger)[0].trial_id
    assert any(
        "taken from one race-" in line.text for line in logs(runner.folder.name, first, home=champion_home["home"])
    )


def test_what_is_missing_alone_is_trained_and_then_kept(beside, champion_home):
    gone = next(path for path in kept.kept_files(champion_home["home"]) if kept.facts_of(path)["key"]["fold"] == 1)
    gone.unlink()
    runner = beside()
    confirm_search(runner)
    assert [trial.folds for trial in trained(runner) if trial.phase == "race"] == [(1,)]
    assert gone.exists()
    assert kept.facts_of(gone)["training"]["origin"]["study"] == runner.study.name
    third = beside("three")
    confirm_search(third)
    assert [trial for trial in trained(third) if trial.phase == "race"] == []
    assert taken_told(third.ledger).endswith(f"kept of one, {runner.study.name}.")


def test_a_damaged_one_is_trained_again_and_it_is_said(beside, champion_home):
    paths = {kept.facts_of(path)["key"]["fold"]: path for path in kept.kept_files(champion_home["home"])}
    content = paths[0].read_bytes()
    paths[0].write_bytes(content[: len(content) // 2])
    middle = bytearray(paths[1].read_bytes())
    middle[40] ^= 0xFF
    paths[1].write_bytes(middle)
    shutil.copyfile(paths[1], paths[2])  # under another's name
    runner = beside()
    confirm_search(runner)
    assert sorted(trial.folds[0] for trial in trained(runner) if trial.phase == "race") == [0, 1, 2]
    assert sum("is damaged, so it is trained again" in note for note in runner.notes) == 3
    assert all(kept.facts_of(path)["key"]["fold"] == fold for fold, path in paths.items())


def test_what_was_half_taken_is_taken_whole(beside):
    runner = beside()
    started = runner.ledger.start

    def dies(trial):
        started(trial)
        if trial.variant:
            raise KeyboardInterrupt

    runner.ledger.start = dies
    with pytest.raises(KeyboardInterrupt):
        confirm_search(runner)
    runner.ledger.start = started
    assert [trial.state for trial in of_champion(runner)] == ["RUNNING"]
    confirm_search(runner)
    assert [trial for trial in trained(runner) if trial.phase == "race"] == []
    assert len(of_champion(runner)) == FOLDS


def test_code_that_changes_while_it_trains_keeps_nothing(beside, champion_home, monkeypatch):
    for path in kept.kept_files(champion_home["home"]):
        path.unlink()
    runner, found = beside(), []

    def here():
        found.append(len(found))
        return Installation(lock="same", code=str(found[-1]))

    monkeypatch.setattr(kept_trainings.Installation, "here", staticmethod(here))
    confirm_search(runner)
    assert kept.kept_files(champion_home["home"]) == []


def test_what_was_begun_before_is_not_kept(beside, champion_home):
    """It may have gone on from a checkpoint of other code."""
    for path in kept.kept_files(champion_home["home"]):
        path.unlink()
    runner = beside()
    listed = runner.run_listed

    def cut(phase, trials):
        if phase == "race" and (last := [trial for trial in trials if trial.variant])[-1:]:
            last[0].trial_id = runner.ledger.next_id("race")
            runner.ledger.start(last[0])
        raise KeyboardInterrupt

    runner.run_listed = cut
    with pytest.raises(KeyboardInterrupt):
        confirm_search(runner)
    runner.run_listed = listed
    begun = of_champion(runner)
    confirm_search(runner)
    folds = {kept.facts_of(path)["key"]["fold"] for path in kept.kept_files(champion_home["home"])}
    assert folds == set(range(FOLDS)) - {begun[0].folds[0]}


def test_two_that_keep_the_same_at_once_leave_one_whole_file(champion_home, beside):
    path = kept.kept_files(champion_home["home"])[0]
    facts = kept.facts_of(path)
    key = key_module.Key(**facts["key"])
    given = dict(facts["training"])
    training = kept.Training(origin=kept.Origin(**given.pop("origin")), **given)
    clips = pd.read_parquet(path)["clip_id"].tolist()
    copy = champion_home["home"] / "copy.parquet"
    shutil.copyfile(path, copy)
    assert kept.keep(champion_home["home"], key, training, copy, clips)
    assert kept.keep(champion_home["home"], key, training, copy, clips)
    found = kept.find(champion_home["home"], key, clips)
    assert found is not None
    assert found[0] == training
    assert not kept.keep(champion_home["home"], key, training, copy, clips[1:])  # predictions that lack somebody
    copy.unlink()


def test_a_home_takes_nothing_of_another(champion_home, tmp_path, beside):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    runner = beside(home=elsewhere)
    confirm_search(runner)
    assert len([trial for trial in trained(runner) if trial.phase == "race"]) == FOLDS
    assert len(kept.kept_files(elsewhere)) == FOLDS


def test_the_seeds_that_a_gate_asks_for_are_kept_and_taken_too(beside):
    first, second = beside("first", {16: 0.8}), beside("second", {32: 0.8})
    for runner in (first, second):
        with pytest.raises(Refused):
            promote_winner(runner)
    raced = [trial for trial in trained(first) if trial.phase == "race"]
    assert raced  # seeds that the race of the study that champion_home it did not need
    assert [trial for trial in trained(second) if trial.phase == "race"] == []
    assert {trial.seed for trial in taken(second.ledger)} == {trial.seed for trial in of_champion(first)}


def test_the_times_of_a_taken_one_are_told_with_its_own_concurrency(beside):
    runner = beside()
    runner.ledger.open_study(concurrency=7)
    confirm_search(runner)
    assert timed_on(runner.ledger, of_champion(runner)) == f"{DEVICE}, 1 worker a trial, 3 at once"
    members = [trial for trial in runner.ledger.finished("race") if not trial.variant]
    assert timed_on(runner.ledger, members) == f"{DEVICE}, 1 worker a trial, 7 at once"
