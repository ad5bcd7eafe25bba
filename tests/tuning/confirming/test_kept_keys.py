"""Whatever a training's numbers depend on: where it is another, the champion is trained again."""

import dataclasses

import pytest

from tests.support.hand_runner import DEVICE
from tests.tuning.confirming.beside_champion import FOLDS, trained
from tuning.confirm import confirm_search
from tuning.confirming import race as racing
from tuning.execution.devices.placement import Placement
from tuning.records.kept import key as key_module
from tuning.records.kept.key import Installation
from tuning.records.kept.told import taken

pytestmark = pytest.mark.usefixtures("next_device")


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

    def code(runner, patch, device):
        patch.setattr(key_module, "_code", lambda folder: "other code")

    def weights(runner, patch, device):
        patch.setattr(key_module, "digest_of", lambda weights: "other weights")

    return [kind, unknown, workers, threads, idle, data, clips, order, packages, code, weights]


@pytest.mark.parametrize("change", others(), ids=lambda change: change.__name__)
def test_another_part_of_the_key_is_another_training(beside, monkeypatch, next_device, change):
    runner = beside()
    change(runner, monkeypatch, next_device)
    confirm_search(runner)
    assert sorted(trial.folds[0] for trial in trained(runner) if trial.phase == "race") == list(range(FOLDS))
    assert not taken(runner.ledger)


def test_another_seed_is_another_training(beside, monkeypatch):
    runner = beside()
    monkeypatch.setattr(racing, "champion_seeds", lambda count: [100_000_277 + number for number in range(count)])
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
