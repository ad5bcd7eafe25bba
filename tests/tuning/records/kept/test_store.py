"""A kept training is whole or not there, and is that of its name."""

import dataclasses
import shutil

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.tuning.records.kept.by_hand import ORIGIN, keep, key
from trainables.core import files
from tuning.records.kept import store


@pytest.fixture
def predictions(tmp_path):
    path = tmp_path / files.PREDICTIONS
    rows = {"clip_id": ["a/1", "b/2"], "subject": ["a", "b"], "label": [0, 1], "logits": [[1.0, 0.0], [0.0, 1.0]]}
    pq.write_table(pa.table(rows), path)
    return path


def test_what_was_kept_is_found_as_it_was(tmp_path, predictions):
    path = keep(tmp_path, predictions)
    assert path.parent == files.kept_trainings(tmp_path, key().fingerprint)
    training, table = store.find(tmp_path, key(), ["b/2", "a/1"])
    assert training.origin == ORIGIN
    assert (training.metrics, training.curve) == ({"accuracy": 0.75}, [{"epoch": 1.0, "val_loss": 0.5}])
    assert table.equals(pq.read_table(predictions))
    assert store.kept_files(tmp_path) == [path]


@pytest.mark.parametrize("part", [field.name for field in dataclasses.fields(key())])
def test_every_part_of_the_key_names_another_training(tmp_path, predictions, part):
    keep(tmp_path, predictions)
    now = getattr(key(), part)
    other = {str: "another", int: 11, dict: {"gru_hidden": 11}}.get(type(now), 11)
    assert store.find(tmp_path, key(**{part: other}), ["a/1", "b/2"]) is None


def test_other_clips_than_are_tested_are_not_taken_nor_kept(tmp_path, predictions):
    keep(tmp_path, predictions)
    with pytest.raises(store.Damaged):
        store.find(tmp_path, key(), ["a/1"])
    training, _ = store.find(tmp_path, key(), ["a/1", "b/2"])
    assert not store.keep(tmp_path, key(seed=8), training, predictions, ["a/1", "b/2", "c/3"])
    assert not store.keep(tmp_path, key(seed=8), training, tmp_path / "gone.parquet", ["a/1", "b/2"])


@pytest.mark.parametrize("where", range(0, 1000, 97))
def test_a_byte_that_flipped_is_never_taken_for_an_answer(tmp_path, predictions, where):
    path = keep(tmp_path, predictions)
    whole, content = store.find(tmp_path, key(), ["a/1", "b/2"]), bytearray(path.read_bytes())
    content[where % len(content)] ^= 0x10
    path.write_bytes(content)
    try:
        found = store.find(tmp_path, key(), ["a/1", "b/2"])
    except store.Damaged:
        return
    assert found is not None
    assert found[0] == whole[0]
    assert found[1].equals(whole[1])


def test_a_file_under_the_name_of_another_is_damaged(tmp_path, predictions):
    shutil.copyfile(keep(tmp_path, predictions), store.path_of(tmp_path, key(fold=1)))
    with pytest.raises(store.Damaged, match="another training than its name says"):
        store.find(tmp_path, key(fold=1), ["a/1", "b/2"])


def test_a_full_disk_leaves_no_half_file(tmp_path, predictions, monkeypatch):
    def full(table, path, **_):
        path.write_bytes(b"half")
        raise OSError("No space left on device")

    monkeypatch.setattr(store.pq, "write_table", full)
    with pytest.raises(OSError, match="No space"):
        keep(tmp_path, predictions)
    assert [path for path in (tmp_path / files.KEPT_TRAININGS).rglob("*") if path.is_file()] == []
