"""What a training will take: counted on shapes alone, as large as what really lives, and as fields change it."""

import gc

import pytest
import torch

from trainables import res_rbg, static_cnn, tdrag
from trainables.core import lookup
from trainables.core.training.memory.forecast import GIB, Forecast, forecast, one_step, splits_of
from trainables.core.training.memory.live_bytes import LiveBytes

SMALL = {"backbone": "resnet18", "gru_hidden": 16, "image_size": 64, "num_frames": 4, "batch_size": 2}


@pytest.mark.parametrize("parts", [0, 1])
@pytest.mark.parametrize(
    ("trainable", "config"),
    [
        ("res_rbg", res_rbg.Config(**SMALL)),
        ("res_rbg", res_rbg.Config(**SMALL, mixup_alpha=0.4, attention="se")),
        ("res_rbg", res_rbg.Config(**SMALL, frozen_stages=3, batch_norm="kept")),
        ("tdrag", tdrag.Config(width=16, gru_hidden=16, image_size=64, num_frames=4, batch_size=2)),
        ("static_cnn", static_cnn.Config(architecture="mobilenet_v1", image_size=64, batch_size=4)),
    ],
)
def test_a_step_takes_what_is_foreseen(trainable, config, parts):
    """Within a tenth, which a GRU's own way of computing on a processor makes out."""
    model = lookup.load("trainables", trainable, "trainable").build_model(config).train()
    gc.collect()
    with LiveBytes("cpu") as alive:
        one_step(model, config, torch.device("cpu"), config.batch_size, parts=parts)
    assert forecast(trainable, config, "cpu", parts=parts).step == pytest.approx(alive.peak, rel=0.1)


def test_it_grows_with_what_makes_a_step_large_and_with_nothing_else():
    def step(**settings):
        return forecast("res_rbg", res_rbg.Config(**SMALL | settings), "cpu").step

    twice = pytest.approx(2 * step(batch_size=64), rel=0.1)
    assert step(batch_size=128) == twice
    assert step(batch_size=64, num_frames=8) == twice
    assert step(batch_size=64, image_size=128) == pytest.approx(4 * step(batch_size=64), rel=0.2)
    assert step(lr=0.1, epochs=3, label_smoothing=0.1) == step()


def test_what_is_kept_is_the_weights_and_what_is_made_of_them():
    def keeps(device, **settings):
        return forecast("res_rbg", res_rbg.Config(**SMALL | settings), device).keeps / weights

    weights = forecast("res_rbg", res_rbg.Config(**SMALL), "cpu").gradients
    assert keeps("cuda") == pytest.approx(3, rel=0.01)  # with two moments
    assert keeps("cuda", optimizer="sgd") == pytest.approx(2, rel=0.01)
    assert keeps("cuda", ema_decay=0.9) == pytest.approx(4, rel=0.01)
    assert keeps("cpu") == pytest.approx(7, rel=0.01)  # a checkpoint's copy, and the chosen weights


def test_half_precision_takes_less_on_a_gpu_that_has_it():
    config = res_rbg.Config(**SMALL | {"batch_size": 64}, attention="none")
    whole = forecast("res_rbg", config, "cpu").step
    assert forecast("res_rbg", config, "cuda").step < 0.7 * whole
    assert forecast("res_rbg", config, "cuda", bfloat16=False).step == whole


def test_what_is_not_trained_takes_less():
    """Neither gradients nor moments, and nothing is kept for them; features that trials share take no step's memory at all."""
    settings = SMALL | {"batch_size": 16, "attention": "none", "augmentation": "none", "masking_rate": 0.0}
    whole, some, none, shared = (
        forecast("res_rbg", res_rbg.Config(**settings | changes), "cpu")
        for changes in (
            {},
            {"frozen_stages": 3},
            {"frozen_stages": 5},
            {"frozen_stages": 5, "weights": "imagenet"},  # without, every seed has another trunk
        )
    )
    assert whole.gradients > some.gradients > 10 * none.gradients
    assert whole.keeps > some.keeps > none.keeps
    assert whole.step > 1.5 * some.step
    assert shared.gradients == none.gradients
    assert shared.step <= none.step
    assert splits_of("res_rbg", res_rbg.Config(**settings, frozen_stages=5, weights="imagenet")) == (0, 1)


def test_a_step_counts_all_stages_that_are_ever_trained():
    def step(**settings):
        return forecast("res_rbg", res_rbg.Config(**SMALL | settings), "cpu")

    assert step(probe_epochs=2.0, unfreeze_epochs=1.0, layer_decay=0.5) == step()


def test_a_whole_batch_is_validated_however_little_a_step_takes():
    config = res_rbg.Config(backbone="mobilenet_tf", gru_hidden=16, image_size=64, num_frames=4, batch_size=64)
    parts, floor = (forecast("res_rbg", config, "cpu", workers=workers, parts=32).step for workers in (1, 64))
    assert floor > 0.5 * parts


def test_workers_share_a_batch_and_folds_stand_side_by_side():
    config = res_rbg.Config(**SMALL | {"batch_size": 128})
    alone, shared = (forecast("res_rbg", config, "cpu", workers=workers, parts=1) for workers in (1, 4))
    assert shared.step < 0.5 * alone.step
    several = forecast("res_rbg", config, "cpu", trainings=3)
    assert several.num_bytes(1.0) - forecast("res_rbg", config, "cpu").num_bytes(1.0) == pytest.approx(
        2 * (several.keeps + several.gradients), rel=0.01
    )


def test_gaps_are_those_that_were_measured():
    found = Forecast(device="cuda", keeps=GIB, gradients=GIB, step=3 * GIB)
    assert found.num_bytes(2.0) - found.num_bytes(1.0) == 4 * GIB
    assert found.num_bytes(1.0) < found.num_bytes() < found.num_bytes(2.0)


def test_only_what_takes_each_frame_by_itself_is_split():
    assert splits_of("res_rbg", res_rbg.Config(**SMALL)) == (0, 1)
    assert splits_of("res_rbg", res_rbg.Config(**SMALL | {"backbone": "mobilenet_tf"})) == (0, 1, 2, 8)
    assert splits_of("res_rbg", res_rbg.Config(**SMALL, batch_norm="kept")) == (0, 1, 2, 8)
    assert splits_of("static_cnn", static_cnn.Config(architecture="vgg16", batch_size=64)) == (0, 1, 2, 8, 32)
