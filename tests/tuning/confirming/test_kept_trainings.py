"""What the champion did in a race is taken into the next one where all that its numbers depend on is the same."""

import dataclasses
import shutil

import mlflow
import pandas as pd
import pytest

from tests.support.hand_runner import DEVICE, HandRunner, hand_store
from trainables.core import files
from tuning.confirm import confirm_search
from tuning.confirming import kept_trainings
from tuning.execution.devices.placement import Placement
from tuning.logs import logs
from tuning.promote import promote_winner
from tuning.records import tags
from tuning.records.kept import key as key_module
from tuning.records.kept import store as kept
from tuning.records.kept.key import Installation
from tuning.records.kept.told import taken, taken_told
from tuning.records.ledger import Ledger
from tuning.records.tracking import Tracker

SKILLS = {4: 0.5, 8: 0.8}
FOLDS = 3


@pytest.fixture(autouse=True)
def device(monkeypatch):
    """The kind of device that the next trial gets."""
    kind = {"now": DEVICE}
    monkeypatch.setattr(kept_trainings, "device_kind", lambda *_: kind["now"])
    return kind


@pytest.fixture(scope="module")
def promoted(tmp_path_factory):
    """A home whose champion was promoted by the study `one`."""
    made = hand_store(tmp_path_factory.mktemp("home"))
    with HandRunner("one", SKILLS, registered="task", **made) as runner:
        runner.ledger.open_study(concurrency=3, dataset_fingerprint=runner.prepared.fingerprint)
        runner.splits.save(runner.folder / files.SPLITS)
        promote_winner(runner.search(*SKILLS))
    return made


@pytest.fixture
def begin(promoted, request):
    """Begins studies beside that champion; what they kept is gone afterwards."""
    home = promoted["home"]
    before = {path: path.read_bytes() for path in kept.kept_files(home)}
    opened = []

    def begun(name="two", skills=None, **changes):
        skills = skills or {16: 0.85}
        runner = HandRunner(
            f"{request.node.name}-{name}", {**SKILLS, **skills}, registered="task", **{**promoted, **changes}
        )
        opened.append(runner)
        return runner.search(*skills)

    yield begun
    for runner in opened:
        runner.ledger.close()
    for path in kept.kept_files(home):
        path.unlink()
    for path, content in before.items():
        path.write_bytes(content)


def of_champion(runner):
    return [trial for trial in runner.ledger.of_phase("race") if trial.variant == "champion"]


def trained(runner):
    return [trial for trial in runner.asked if trial.variant == "champion"]


def test_a_promoted_configuration_is_kept_as_the_champion_raced(promoted):
    home, found = promoted["home"], [kept.facts_of(path) for path in kept.kept_files(promoted["home"])]
    assert sorted(one["key"]["fold"] for one in found) == list(range(FOLDS))
    assert {one["training"]["champion"] for one in found} == {"models:/task/1"}
    assert {one["training"]["origin"]["study"] for one in found} == {"one"}
    assert not list((home / files.KEPT_TRAININGS).rglob("*.tmp"))
    assert not list((home / files.KEPT_TRAININGS).rglob(files.WEIGHTS))


def test_the_next_study_takes_them_and_trains_none(begin, promoted):
    runner = begin()
    confirm_search(runner)
    assert trained(runner) == [trial for trial in trained(runner) if trial.phase == "confirm"]
    assert f"{FOLDS} of {FOLDS} trainings of the champion are taken from those kept of one." in runner.notes
    with HandRunner("alone", SKILLS, registered="other", **promoted) as same:
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


def test_the_ledger_mlflow_and_the_log_say_where_they_come_from(begin, promoted):
    runner = begin()
    with Tracker(runner.ledger, promoted["uri"], promoted["home"]) as tracker:
        runner.tracker = tracker
        confirm_search(runner)
        ids = {trial.trial_id: tracker.run_id(trial.trial_id) for trial in of_champion(runner)}
    ledger = Ledger.read(runner.folder)
    assert [trial.taken_from["study"] for trial in taken(ledger)] == ["one"] * FOLDS
    assert taken(ledger)[0].taken_from["concurrency"] == "3"
    assert taken_told(ledger).startswith(f"{FOLDS} of {FOLDS} trainings of the champion are taken")
    for trial_id, run_id in ids.items():
        said = mlflow.MlflowClient(promoted["uri"]).get_run(run_id).data.tags[tags.TAKEN_FROM]
        assert said == f"one {ledger.trials[trial_id].taken_from['trial_id']}"
    first = taken(ledger)[0].trial_id
    assert any("taken from one race-" in line.text for line in logs(runner.folder.name, first, home=promoted["home"]))


def test_what_is_missing_alone_is_trained_and_then_kept(begin, promoted):
    gone = next(path for path in kept.kept_files(promoted["home"]) if kept.facts_of(path)["key"]["fold"] == 1)
    gone.unlink()
    runner = begin()
    confirm_search(runner)
    assert [trial.folds for trial in trained(runner) if trial.phase == "race"] == [(1,)]
    assert gone.exists()
    assert kept.facts_of(gone)["training"]["origin"]["study"] == runner.study.name
    third = begin("three")
    confirm_search(third)
    assert [trial for trial in trained(third) if trial.phase == "race"] == []
    assert taken_told(third.ledger).endswith(f"kept of one, {runner.study.name}.")


def test_a_damaged_one_is_trained_again_and_it_is_said(begin, promoted):
    paths = {kept.facts_of(path)["key"]["fold"]: path for path in kept.kept_files(promoted["home"])}
    content = paths[0].read_bytes()
    paths[0].write_bytes(content[: len(content) // 2])
    middle = bytearray(paths[1].read_bytes())
    middle[40] ^= 0xFF
    paths[1].write_bytes(middle)
    shutil.copyfile(paths[1], paths[2])  # under another's name
    runner = begin()
    confirm_search(runner)
    assert sorted(trial.folds[0] for trial in trained(runner) if trial.phase == "race") == [0, 1, 2]
    assert sum("is damaged, so it is trained again" in note for note in runner.notes) == 3
    assert all(kept.facts_of(path)["key"]["fold"] == fold for fold, path in paths.items())


def test_what_was_half_taken_is_taken_whole(begin):
    runner = begin()
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


def others():
    """Each part of the key, and what makes it another."""

    def kind(runner, patch, device):
        device["now"] = "NVIDIA H200"

    def unknown(runner, patch, device):
        device["now"] = ""

    def workers(runner, patch, device):
        runner.placement = Placement(workers=2)

    def threads(runner, patch, device):
        runner.placement = Placement(cpus_per_worker=2)

    def idle(runner, patch, device):
        runner.ledger.open_study(idle_times_s={f"{DEVICE}, 1 threads": 0.006})

    def data(runner, patch, device):
        runner.prepared = dataclasses.replace(runner.prepared, fingerprint="f" * 64)

    def clips(runner, patch, device):
        def moved(fold):
            return dataclasses.replace(fold, train=fold.train[1:], validation=(*fold.validation, fold.train[0]))

        runner.splits = dataclasses.replace(runner.splits, folds=tuple(map(moved, runner.splits.folds)))

    def order(runner, patch, device):
        def turned(fold):
            return dataclasses.replace(fold, train=fold.train[::-1])

        runner.splits = dataclasses.replace(runner.splits, folds=tuple(map(turned, runner.splits.folds)))

    def packages(runner, patch, device):
        patch.setattr(key_module, "_version", lambda package: f"{package} 0")

    return [kind, unknown, workers, threads, idle, data, clips, order, packages]


@pytest.mark.parametrize("change", others(), ids=lambda change: change.__name__)
def test_another_part_of_the_key_is_another_training(begin, monkeypatch, device, change):
    runner = begin()
    change(runner, monkeypatch, device)
    confirm_search(runner)
    assert sorted(trial.folds[0] for trial in trained(runner) if trial.phase == "race") == list(range(FOLDS))
    assert not taken(runner.ledger)


def test_another_seed_is_another_training(begin, monkeypatch):
    runner = begin()
    from tuning.confirming import race

    monkeypatch.setattr(race, "fresh_seeds", lambda ledger, count: [100_000_077 + number for number in range(count)])
    confirm_search(runner)
    assert len([trial for trial in trained(runner) if trial.phase == "race"]) == FOLDS


def test_the_lock_and_the_code_count_by_content(tmp_path, monkeypatch):
    lock, code = tmp_path / "requirements.lock", tmp_path / "trainables"
    monkeypatch.setattr(key_module, "LOCK", lock)
    monkeypatch.setattr(key_module, "CODE", code)
    (code / "models").mkdir(parents=True)
    network = code / "models" / "network.py"
    network.write_text("width = 1\n")
    without = Installation.here()
    lock.write_text("torch==2\n")
    first = Installation.here()
    assert (without.code, without.lock == first.lock) == (first.code, False)
    network.write_text("width = 1\n")
    assert Installation.here() == first
    (code / "models" / "__pycache__").mkdir()
    (code / "models" / "__pycache__" / "network.pyc").write_bytes(b"built")
    assert Installation.here() == first
    network.write_text("width = 2\n")
    changed = Installation.here()
    assert changed.code != first.code
    network.rename(code / "models" / "other.py")
    assert Installation.here().code not in (first.code, changed.code)
    lock.write_text("torch==3\n")
    assert Installation.here().lock not in (without.lock, first.lock)


def test_code_that_changes_while_it_trains_keeps_nothing(begin, promoted, monkeypatch):
    for path in kept.kept_files(promoted["home"]):
        path.unlink()
    runner, found = begin(), []

    def here():
        found.append(len(found))
        return Installation(lock="same", code=str(found[-1]))

    monkeypatch.setattr(kept_trainings.Installation, "here", staticmethod(here))
    confirm_search(runner)
    assert kept.kept_files(promoted["home"]) == []


def test_what_was_begun_before_is_not_kept(begin, promoted):
    """It may have gone on from a checkpoint of other code."""
    for path in kept.kept_files(promoted["home"]):
        path.unlink()
    runner = begin()
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
    folds = {kept.facts_of(path)["key"]["fold"] for path in kept.kept_files(promoted["home"])}
    assert folds == set(range(FOLDS)) - {begun[0].folds[0]}


def test_two_that_keep_the_same_at_once_leave_one_whole_file(promoted, begin):
    path = kept.kept_files(promoted["home"])[0]
    facts = kept.facts_of(path)
    key = key_module.Key(**facts["key"])
    given = dict(facts["training"])
    training = kept.Training(origin=kept.Origin(**given.pop("origin")), **given)
    clips = pd.read_parquet(path)["clip_id"].tolist()
    copy = promoted["home"] / "copy.parquet"
    shutil.copyfile(path, copy)
    assert kept.keep(promoted["home"], key, training, copy, clips)
    assert kept.keep(promoted["home"], key, training, copy, clips)
    found = kept.find(promoted["home"], key, clips)
    assert found is not None
    assert found[0] == training
    assert not kept.keep(promoted["home"], key, training, copy, clips[1:])  # predictions that lack somebody
    copy.unlink()


def test_a_home_takes_nothing_of_another(promoted, tmp_path, begin):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    runner = begin(home=elsewhere)
    confirm_search(runner)
    assert len([trial for trial in trained(runner) if trial.phase == "race"]) == FOLDS
    assert len(kept.kept_files(elsewhere)) == FOLDS
