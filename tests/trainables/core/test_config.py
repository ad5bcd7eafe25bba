"""The canonical form of a config: what has no effect is no part of it."""

import dataclasses
from typing import ClassVar

import pytest

from tests.support.builders import make_spec, train, untimed
from trainables import res_rbg, static_cnn, tdrag
from trainables.core.config import TrainerConfig, has_effect, only_if_of, with_effect

OTHER = {
    "redundancy_threshold": 0.5,
    "flip": False,
    "max_rotation_deg": 20.0,
    "max_shift": 0.2,
    "max_zoom": 0.3,
    "max_brightness": 0.5,
    "max_drift": 0.5,
    "ramp_epochs": 3.0,
    "focal_gamma": 0.5,
}
WITHOUT = {"redundancy_threshold": [{"frame_selection": "even"}], "focal_gamma": [{"loss": "cross_entropy"}]}
WITHOUT |= {key: [{"augmentation": "none"}, {"augmentation": "x14"}] for key in OTHER if key not in WITHOUT}


@pytest.mark.parametrize(
    ("config_type", "base", "without_effect"),
    [
        (TrainerConfig, {"augmentation": "x14"}, {"flip": False, "max_shift": 0.3, "max_drift": 0.5}),
        (TrainerConfig, {"frame_selection": "even"}, {"redundancy_threshold": 0.5}),
        (TrainerConfig, {"loss": "cross_entropy"}, {"focal_gamma": 0.5}),
        (res_rbg.Config, {"rbg_depth": 0}, {"shortcut": "linear", "recurrent": "bi_gru"}),
        (res_rbg.Config, {"recurrent": "bi_gru"}, {"shortcut": "linear"}),
        (
            res_rbg.Config,
            {"temporal": "mean"},
            {"shortcut": "linear", "recurrent": "bi_gru", "rbg_depth": 0, "gru_hidden": 8},
        ),
        (tdrag.Config, {"temporal": "mean"}, {"gru_hidden": 8, "gru_layers": 2}),
        (static_cnn.Config, {"image_size": 64}, {"input_size": 64}),
        (TrainerConfig, {}, {"layer_decay": 0.5, "probe_epochs": 1.0, "unfreeze_epochs": 1.0, "batch_norm": "kept"}),
        (
            res_rbg.Config,
            {"backbone": "expression_net", "frozen_stages": 4},
            {"layer_decay": 0.5, "probe_epochs": 1.0, "unfreeze_epochs": 1.0, "batch_norm": "kept"},
        ),
    ],
)
def test_configs_that_differ_without_effect_are_one(config_type, base, without_effect):
    plain, changed = config_type(**base), config_type(**base, **without_effect)
    assert plain != changed
    assert plain.canonical() == changed.canonical()
    assert hash(plain.canonical()) == hash(changed.canonical())
    assert plain.effective() == changed.effective()
    assert plain.canonical().canonical() == plain.canonical()


def test_what_has_an_effect_stays():
    linear = res_rbg.Config(shortcut="linear", rbg_depth=1, max_shift=0.2)
    assert linear.canonical() == dataclasses.replace(linear, redundancy_threshold=0.98)
    assert {"shortcut", "recurrent", "gru_hidden", "max_shift"} <= linear.effective().keys()
    assert "redundancy_threshold" not in linear.effective()
    assert res_rbg.Config().canonical() == res_rbg.Config(), "the defaults are what they were"
    tuned = res_rbg.Config(frozen_stages=4, layer_decay=0.5, probe_epochs=1.0, unfreeze_epochs=1.0, batch_norm="kept")
    assert tuned.canonical() == tuned, "of five stages one is trained"


def test_a_config_needs_to_say_its_own_alone():
    @dataclasses.dataclass(frozen=True, kw_only=True)
    class Config(TrainerConfig):
        ONLY_IF: ClassVar = {"slope": {"activation": ("leaky",)}}
        activation: str = "relu"
        slope: float = 0.1

    assert only_if_of(Config) == {**only_if_of(TrainerConfig), "slope": {"activation": ("leaky",)}}
    assert Config(slope=0.2).canonical() == Config()
    assert Config(slope=0.2, activation="leaky").canonical().slope == 0.2


def test_what_needs_something_without_effect_has_none():
    only_if = {"b": {"a": (1,)}, "c": {"b": (2, 3)}}
    assert has_effect("c", {"a": 1, "b": 2}, only_if)
    assert not has_effect("c", {"a": 0, "b": 2}, only_if)
    assert not has_effect("c", {"a": 1, "b": 4}, only_if)
    assert with_effect({"c": 0, "b": 2, "a": 0}, {"a": 0, "b": 2}, only_if) == {"a": 0}


@pytest.mark.slow
@pytest.mark.usefixtures("tiny")
@pytest.mark.parametrize("key", sorted(only_if_of(TrainerConfig)))
def test_a_training_is_the_same_to_the_last_bit_whatever_a_field_without_effect_is(key, prepared, tmp_path):
    def run(name, **parameters):
        return train(make_spec(prepared, tmp_path / name, **parameters))

    for number, base in enumerate(WITHOUT[key]):
        curve, metrics = run(f"plain-{number}", **base)
        other_curve, other_metrics = run(f"changed-{number}", **base, **{key: OTHER[key]})
        assert curve == other_curve
        assert untimed(metrics) == untimed(other_metrics)
