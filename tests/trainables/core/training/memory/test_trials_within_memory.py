"""A trial on a device that is too small for it: the same numbers from less memory, told, or a refusal."""

import dataclasses

import pytest
import torch

from tests.support.builders import make_spec, train, untimed
from trainables import res_rbg
from trainables.core.training import trial as module
from trainables.core.training.memory import measured
from trainables.core.training.memory.fitting import DoesNotFit
from trainables.core.training.memory.forecast import GIB, forecast
from trainables.core.training.memory.recomputed import recomputed
from trainables.core.training.trainer import Training

SETTINGS = res_rbg.SMALL | {"num_frames": 3, "batch_size": 256, "image_size": 32, "epochs": 3, "gru_hidden": 8}


@pytest.fixture
def spec(prepared, tmp_path):
    return make_spec(prepared, tmp_path / "trial", trainable="res_rbg", **SETTINGS)


@pytest.fixture
def whole(spec, tmp_path):
    """Curve and metrics where nobody asks for memory."""
    return train(dataclasses.replace(spec, folder=str(tmp_path / "whole")))


def has(monkeypatch, num_bytes):
    """The device has that many for a trial that takes all of it."""
    monkeypatch.setattr(measured, "capacity", lambda device: int(num_bytes / 0.85) + 1)


def taken(spec, parts):
    config = res_rbg.Config(**spec.parameters, num_classes=2)
    return forecast("res_rbg", config, "cpu", parts=parts).num_bytes()


def without_note(rows):
    return [{key: value for key, value in row.items() if key != "note"} for row in rows]


def test_where_there_is_room_nothing_is_told(spec, whole, monkeypatch):
    has(monkeypatch, taken(spec, 0))
    curve, metrics = train(dataclasses.replace(spec, memory_share=1.0))
    assert curve == whole[0]
    assert untimed(metrics) == untimed(whole[1])


def test_where_it_does_not_fit_it_computes_again_tells_it_once_and_has_the_same_numbers(spec, whole, monkeypatch):
    has(monkeypatch, taken(spec, 1))
    used = []
    monkeypatch.setattr(
        "trainables.core.training.trainer.recomputed",
        lambda model, parts: used.append(parts) or recomputed(model, parts),
    )
    curve, metrics = train(dataclasses.replace(spec, memory_share=1.0))
    assert set(used) == {1}
    assert ["note" in row for row in curve] == [True, False, False]
    assert "Its numbers stay the same." in curve[0]["note"]
    assert without_note(curve) == whole[0]
    assert untimed(metrics) == untimed(whole[1])


def test_what_never_fits_is_refused_before_it_begins(spec, monkeypatch):
    has(monkeypatch, GIB / 2)
    monkeypatch.setattr(module, "Training", None)
    with pytest.raises(DoesNotFit, match="ith batch_size 128 it would take"):
        train(dataclasses.replace(spec, memory_share=1.0))


def test_a_gpu_that_is_full_all_the_same_is_tried_again_with_less_from_the_last_checkpoint(spec, whole, monkeypatch):
    run_epoch, done = Training.run_epoch, []

    def full(training):
        if training.epoch == 1 and not training.parts:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        done.append((training.epoch, training.parts))
        return run_epoch(training)

    monkeypatch.setattr(Training, "run_epoch", full)
    curve, metrics = train(dataclasses.replace(spec, checkpoint_interval_s=0.0))
    assert done == [(0, 0), (1, 1), (2, 1)]
    assert "no memory left" in curve[1]["note"]
    assert without_note(curve) == whole[0]
    assert untimed(metrics) == untimed(whole[1])


def test_a_gpu_that_is_full_with_the_least_is_the_end_of_the_trial(spec, monkeypatch):
    def full(training):
        raise torch.OutOfMemoryError("CUDA out of memory.")

    monkeypatch.setattr(Training, "run_epoch", full)
    with pytest.raises(torch.OutOfMemoryError):
        train(spec)
