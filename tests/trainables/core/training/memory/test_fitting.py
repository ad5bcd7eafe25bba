"""What is done where a training does not fit: as little as is needed, told, or a refusal that says what helps."""

import dataclasses

import pytest
import torch

from trainables import res_rbg
from trainables.core.training.memory.fitting import DoesNotFit, fitting, gib, how_it_fits
from trainables.core.training.memory.forecast import GIB, forecast

SETTINGS = {"gru_hidden": 16, "rbg_depth": 0, "num_frames": 4, "image_size": 112, "batch_size": 64}
LARGE = res_rbg.Config(backbone="resnet18", **SETTINGS)
FACES = res_rbg.Config(backbone="mobilenet_tf", **SETTINGS)


def taken(config, parts, gaps=None):
    return forecast("res_rbg", config, "cpu", parts=parts).num_bytes(gaps)


def test_what_fits_keeps_everything_and_nothing_is_said():
    room = taken(LARGE, 0)
    found = fitting("res_rbg", LARGE, "cpu", room)
    assert found.parts == 0
    assert how_it_fits("res_rbg", LARGE, found, room) == ""


def test_what_does_not_fit_computes_again_and_says_so():
    room = taken(LARGE, 0) - 1
    found = fitting("res_rbg", LARGE, "cpu", room)
    assert found.parts == 1
    assert found.num_bytes() <= room
    told = how_it_fits("res_rbg", LARGE, found, room)
    assert "res_rbg resnet18 on batches of 64 clips of 4 frames of 112 px" in told
    assert gib(room) in told
    assert "Its numbers stay the same." in told


def test_what_takes_each_frame_by_itself_takes_them_in_as_few_parts_as_fit():
    room = taken(FACES, 8)
    assert room < taken(FACES, 2)
    found = fitting("res_rbg", FACES, "cpu", room)
    assert found.parts == 8
    told = how_it_fits("res_rbg", FACES, found, room)
    assert "in 8 parts" in told
    assert told.endswith("Its numbers stay the same but for rounding.")


def test_what_never_fits_is_refused_with_what_helps():
    with pytest.raises(DoesNotFit) as refused:
        fitting("res_rbg", LARGE, "cpu", GIB)
    words = str(refused.value)
    assert f"batches of 64 clips of 4 frames of 112 px takes {gib(taken(LARGE, 0))}" in words
    assert f"{gib(taken(LARGE, 1))}; its worker may take 1.0 GiB" in words
    for field in ("batch_size 32", "num_frames 2", "image_size 56"):
        assert f"ith {field} it would take" in words


def test_what_was_measured_decides():
    room = taken(LARGE, 0, 1.4)
    assert fitting("res_rbg", LARGE, "cpu", room, gaps=1.0).parts == 0
    assert fitting("res_rbg", LARGE, "cpu", room, gaps=1.5).parts == 1


def test_a_forecast_leaves_no_trace_in_random_numbers():
    torch.manual_seed(0)
    expected = torch.rand(())
    torch.manual_seed(0)
    forecast("res_rbg", dataclasses.replace(LARGE, num_frames=3), "cpu")
    assert torch.rand(()) == expected
