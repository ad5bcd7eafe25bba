"""A study at a glance: its trials by phase and state, its front, and who was promoted of what."""

import json

import pytest

from tests.support.builders import make_trial
from trainables.core.baselines.record import Baseline
from tuning.records.ledger import Ledger
from tuning.status import Status, status
from tuning.text.tables import show_status


def test_it_counts_trials_and_names_what_was_promoted_and_not_what_was_refused(tmp_path):
    with Ledger.write(tmp_path / "smiles") as ledger:
        ledger.open_study(leaky=False)
        ledger.note("baselines", phase="search", folds=[0], rows=[{"name": "majority", "accuracy": 0.25, "folds": [0]}])
        for number, state in enumerate(("FINISHED", "FINISHED", "FAILED")):
            ledger.start(make_trial(number))
            ledger.end(f"search-{number:04d}", state)
        ledger.start(make_trial(0, trial_id="confirm-0000", phase="confirm", of="search-0001"))
        ledger.select(["search-0000", "search-0001"], "search-0001")
        ledger.note("refused", of="search-0000", against="models:/task/1", look=1, asked=[])
        ledger.note("promoted", name="task", version=2, of="search-0001")
    owner = sum(path.stat().st_size for path in (tmp_path / "smiles").glob("ledger.[!j]*"))
    assert status("smiles", home=tmp_path) == [
        Status(
            study="smiles",
            trials={"search": {"FINISHED": 2, "FAILED": 1}, "confirm": {"RUNNING": 1}},
            front=["search-0000", "search-0001"],
            members=["search-0000", "search-0001"],
            recommended="search-0001",
            promoted=[{"name": "task", "version": 2, "of": "search-0001", "num_members": 1, "override": None}],
            disk={
                "weights": 0,
                "checkpoints": 0,
                "predictions": 0,
                "other": ledger.path.stat().st_size + owner,
                "prepared": 0,
                "kept_trainings": 0,
            },
            baselines=[Baseline(name="majority", accuracy=0.25, folds=(0,))],
        )
    ]


def test_it_tells_the_disk_that_a_study_takes_by_kind(tmp_path, capsys):
    with Ledger.write(tmp_path / "smiles") as ledger:
        ledger.open_study(dataset_fingerprint="0123456789abcdef")
    before = status("smiles", home=tmp_path)[0].disk["other"]
    trial = tmp_path / "smiles" / "trials" / "search-0000"
    sizes = {"model.safetensors": 900, "last.pt": 50, "best-0-3.pt": 40, "last.7.tmp": 5, "damaged.last.pt": 5}
    for name, count in (sizes | {"predictions.parquet": 30, "model.json": 7, "trained-best.pt": 3}).items():
        trial.mkdir(parents=True, exist_ok=True)
        (trial / name).write_bytes(b"x" * count)
    for name, count in (("clips-0123456789ab", 1000), ("clips-ba9876543210", 2000)):
        (tmp_path / "prepared" / name).mkdir(parents=True)
        (tmp_path / "prepared" / name / "frames.npy").write_bytes(b"x" * count)
    (found,) = status("smiles", home=tmp_path)
    show_status(tmp_path, [found], False)
    said = capsys.readouterr().out
    assert f"disk: weights 900 B, checkpoints 100 B, predictions 30 B, other {before + 10} B, prepared 1000 B" in said
    show_status(tmp_path, [found], True)
    assert json.loads(capsys.readouterr().out)["disk"] == found.disk
    own = {"weights": 900, "checkpoints": 100, "predictions": 30, "other": before + 10}
    assert found.disk == {**own, "prepared": 1000, "kept_trainings": 0}


def test_a_study_that_was_not_begun_is_a_message(tmp_path):
    with pytest.raises(ValueError, match="nothing"):
        status("nothing", home=tmp_path)
