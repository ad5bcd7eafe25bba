"""What a field may be: every range, every type, and every field of every trainable's config."""

import dataclasses
import math
import re
from typing import Annotated

import numpy as np
import pytest
import torch
from torch import nn

from trainables import deep_residual_attention, res_rbg, static_cnn, tdrag
from trainables.core import lookup
from trainables.core.config import TrainerConfig, make_config
from trainables.core.ranges import Above, AtLeast, OneOf, Share, Within, check_fields, ranges_of

NO_NUMBERS = (math.nan, math.inf, -math.inf, "fast", None, True)
CONFIGS = [lookup.load("trainables", name, "trainable").Config for name in lookup.names("trainables")]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Fields:
    rate: Annotated[float, Above(0)] = 0.5
    least: Annotated[float, AtLeast(0)] = 0.0
    share: Annotated[float, Share()] = 0.0
    turn: Annotated[float, Within(0, 180)] = 10.0
    count: Annotated[int, AtLeast(1)] = 1
    depth: Annotated[int, Within(0, 3)] = 1
    way: Annotated[str, OneOf("even", "odd")] = "even"
    note: str = ""
    is_on: bool = True
    any_number: float = 0.0

    def __post_init__(self) -> None:
        check_fields(self)


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("rate", -1, "rate was given as -1; above 0 is allowed."),
        ("rate", 0, "rate was given as 0; above 0 is allowed."),
        ("least", -1e-9, "least was given as -1e-09; at least 0 is allowed."),
        ("share", 1, "share was given as 1; 0 (off) up to below 1 is allowed."),
        ("turn", 181, "turn was given as 181; 0 to 180 is allowed."),
        *(("rate", value, f"rate was given as {value!r}; a finite number above 0 is allowed.") for value in NO_NUMBERS),
        ("least", math.nan, "least was given as nan; a finite number of at least 0 is allowed."),
        ("turn", math.inf, "turn was given as inf; a finite number from 0 to 180 is allowed."),
        ("any_number", math.nan, "any_number was given as nan; a finite number is allowed."),
        *(
            ("count", value, f"count was given as {value!r}; a whole number of at least 1 is allowed.")
            for value in (0, -1, True, 1.5, 2.0, "2", None)
        ),
        ("depth", 4, "depth was given as 4; a whole number from 0 to 3 is allowed."),
        *(
            ("is_on", value, f"is_on was given as {value!r}; True or False is allowed.")
            for value in (1, 0, "yes", None)
        ),
        ("way", "evn", "There is no way named 'evn'. Did you mean 'even'? There are: even, odd."),
        ("way", None, "There is no way named 'None'. There are: even, odd."),
        ("rate", np.bool_(True), "rate was given as True; a finite number above 0 is allowed."),
        ("count", np.float64(2.0), "count was given as 2.0; a whole number of at least 1 is allowed."),
        ("is_on", np.int64(1), "is_on was given as 1; True or False is allowed."),
        ("note", 3, "note was given as 3; text is allowed."),
    ],
)
def test_what_is_not_allowed_is_refused_by_name_value_and_range(field, value, message):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        Fields(**{field: value})


def test_what_stands_for_a_type_is_taken_as_the_plain_value():
    taken = Fields(
        rate=np.float32(0.5), count=np.int64(3), is_on=np.bool_(False), turn=np.int32(7), way=np.str_("odd"), least=2
    )
    assert [type(value) for value in dataclasses.asdict(taken).values()] == [
        *(float, int, float, int, int, int, str, str, bool, float)
    ]
    assert taken == Fields(rate=0.5, count=3, is_on=False, turn=7, way="odd", least=2)


def test_another_default_keeps_the_range():
    @dataclasses.dataclass(frozen=True, kw_only=True)
    class Narrow(Fields):
        rate: float = 0.1
        count: Annotated[int, Within(1, 2)] = 2

    assert ranges_of(Narrow)["rate"] == (float, (Above(0),))
    with pytest.raises(ValueError, match="rate was given as 0; above 0"):
        Narrow(rate=0)
    with pytest.raises(ValueError, match="count was given as 3; a whole number from 1 to 2"):
        Narrow(count=3)


# By field: what cannot train, and the ends of what can.
TRAINER = {
    "num_classes": ([0, -1, 2.5, True], [1, 7]),
    "num_frames": ([0, 1.5, False], [1]),
    "image_size": ([0, -32, 32.5], [1]),
    "frame_selection": (["odd"], ["even", "keyframes"]),
    "redundancy_threshold": ([-0.1, 1.5, math.nan], [0, 1]),
    "epochs": ([0, 1.5, "3"], [1]),
    "batch_size": ([0, 1.5], [1]),
    "batch_by": (["person"], ["clip", "subject", "class"]),
    "optimizer": (["adam"], ["adamw", "sgd"]),
    "lr": ([0, -1, math.nan, math.inf, "1e-3", True], [1e-9, 1]),
    "weight_decay": ([-1e-9, math.nan, math.inf], [0, 1]),
    "warmup_epochs": ([-1, math.nan, math.inf], [0, 0.5, 10]),
    "label_smoothing": ([-0.1, 1, 2, math.nan], [0, 0.9]),
    "gradient_clip": ([0, -1, math.nan, math.inf], [1e-3, 1e9]),
    "masking_rate": ([-0.1, 1, math.nan], [0, 0.9]),
    "augmentation": (["x41"], ["random", "x14", "none"]),
    "flip": ([1, "no", None], [True, False]),
    "max_rotation_deg": ([-1, 181, math.nan], [0, 180]),
    "max_shift": ([-0.1, 1.1, math.nan], [0, 1]),
    "max_zoom": ([-0.1, 1, math.inf], [0, 0.9]),
    "max_brightness": ([-0.1, 1.1, math.nan], [0, 1]),
    "max_drift": ([-0.1, 1.1, math.nan], [0, 1]),
    "ramp_epochs": ([-1, math.nan], [0, 1e3]),
    "loss": (["mse"], ["cross_entropy", "focal"]),
    "focal_gamma": ([0, -1, math.nan, math.inf], [0.5, 5]),
    "class_balance_beta": ([-0.1, 1, math.nan], [0, 0.9999]),
    "logit_adjustment": ([-1, math.nan, math.inf], [0, 1]),
    "soft_labels": ([1, "votes"], [True, False]),
    "mixup_alpha": ([-1, math.nan, math.inf], [0, 0.2, 8]),
    "ema_decay": ([-0.1, 1, math.nan], [0, 0.999]),
    "frozen_stages": ([-1, 0.5, True], [0]),
    "layer_decay": ([0, -0.5, 1.1, math.nan], [1e-9, 0.65, 1]),
    "probe_epochs": ([-1, math.nan, math.inf], [0, 0.5, 3]),
    "unfreeze_epochs": ([-1, math.nan, math.inf], [0, 0.5, 3]),
    "batch_norm": (["frozen"], ["adapted", "kept"]),
    "precision": (["float16"], ["auto", "float32", "bfloat16"]),
}


def test_every_field_of_the_trainer_is_in_the_table():
    assert TRAINER.keys() == {field.name for field in dataclasses.fields(TrainerConfig)}


@pytest.mark.parametrize("config_type", CONFIGS, ids=lambda one: one.__module__)
@pytest.mark.parametrize("field", TRAINER)
def test_a_setting_of_the_trainer_that_cannot_train_is_refused_by_every_config(config_type, field):
    refused, allowed = TRAINER[field]
    for value in refused:
        with pytest.raises(ValueError, match=field):
            make_config(config_type, {field: value})
    for value in allowed:
        given = {field: value, **({"input_size": 64} if field == "image_size" and "static" in str(config_type) else {})}
        assert getattr(make_config(config_type, given), field) == value


@pytest.mark.parametrize("config_type", CONFIGS, ids=lambda one: one.__module__)
def test_every_number_and_name_of_a_config_has_a_range(config_type):
    without = [
        name
        for name, (kind, ranges) in ranges_of(config_type).items()
        if kind is not bool and not any(str(one) or isinstance(one, OneOf) for one in ranges)
    ]
    assert without == []


@pytest.mark.parametrize(
    ("config_type", "field", "value"),
    [
        *((res_rbg.Config, "rbg_depth", value) for value in (-1, 4, True)),
        *((res_rbg.Config, "gru_hidden", value) for value in (0, 1.5)),
        *((tdrag.Config, "temporal_halvings", value) for value in (-1, 4, True)),
        *((tdrag.Config, field, 0) for field in ("gru_hidden", "gru_layers", "width")),
        *((deep_residual_attention.Config, "mlp_hidden", value) for value in (0, "8")),
        *((static_cnn.Config, "input_size", value) for value in (-1, 64.5, True)),
        *((one.Config, "dropout", value) for one in (res_rbg, tdrag) for value in (1, -0.1, math.nan)),
    ],
)
def test_a_setting_of_a_network_that_cannot_train_is_refused(config_type, field, value):
    with pytest.raises(ValueError, match=f"{field} was given as {value!r}"):
        make_config(config_type, {field: value})


def test_the_largest_clip_changes_no_gradient():
    parameter = nn.Parameter(torch.zeros(3))
    parameter.grad = torch.tensor([1e6, -2.0, 1e-7])
    before = parameter.grad.clone()
    nn.utils.clip_grad_norm_([parameter], TrainerConfig(gradient_clip=1e9).gradient_clip)
    assert torch.equal(parameter.grad, before)
