"""Every trainable there is keeps the contract: a file laid into `trainables/` is tested here with no new test code."""

import dataclasses
import itertools
import json
from typing import Any

import pytest
import torch
from safetensors.torch import load, save
from torch import Tensor, nn

from tests.support.builders import make_spec, same_weights, train
from trainables.core import lookup
from trainables.core.config import TrainerConfig, has_effect, make_config, only_if_of
from trainables.core.training import costs
from trainables.core.training.trainer import as_tuple

NAMES = lookup.names("trainables")
NUM_CLASSES = 3


@pytest.fixture(params=NAMES)
def module(request):
    return lookup.load("trainables", request.param, "trainable")


@pytest.fixture
def config(module):
    return make_config(module.Config, module.SMALL | {"num_classes": NUM_CLASSES})


@pytest.fixture
def model(module, config) -> nn.Module:
    torch.manual_seed(0)
    return module.build_model(config)


def clips(config: TrainerConfig, num_clips: int, num_frames: int | None = None) -> Tensor:
    shape = (num_clips, num_frames or config.num_frames, config.image_size, config.image_size, 3)
    noise = torch.rand(shape, generator=torch.Generator().manual_seed(1))
    brightness = torch.linspace(-1, 1, num_clips)[:, None, None, None, None]  # what untrained networks tell apart
    return (noise + brightness).permute(0, 1, 4, 2, 3)


def lived(model: nn.Module, config: TrainerConfig) -> nn.Module:
    """`model` in evaluation, its running statistics no longer those of the first day."""
    for norm in (module for module in model.modules() if hasattr(module, "running_var")):
        norm.momentum = 1.0
    model.train()(clips(config, 3), torch.full((3,), config.num_frames))
    return model.eval()


def values_of(config: TrainerConfig, key: str) -> list[Any]:
    """Values that the field takes beside the others of `config`: the names that it lists, else some beside its own."""
    now = getattr(config, key)
    if isinstance(now, str):
        with pytest.raises(ValueError, match="There are: ") as caught:
            dataclasses.replace(config, **{key: "?"})
        tried: list[Any] = str(caught.value).split("There are: ")[1].rstrip(".").split(", ")
    else:
        tried = [not now] if isinstance(now, bool) else [now + 1, now - 1, now / 2, 0, 1, 2, 3]
    allowed = [now]
    for value in (value for value in tried if type(value) is type(now)):
        try:
            dataclasses.replace(config, **{key: value})
        except ValueError:
            continue
        allowed.append(value)
    return list(dict.fromkeys(allowed))


def answers(module, config: TrainerConfig) -> tuple[dict[str, Tensor], list[Tensor]]:
    """The weights of a new network, and what it answers in training and after it."""
    torch.manual_seed(0)
    model = module.build_model(config)
    weights = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    torch.manual_seed(1)
    batch = clips(config, 3), torch.tensor([config.num_frames, 1, config.num_frames])
    return weights, [*as_tuple(model.train()(*batch)), model.eval()(*batch)]


def are_the_same(one, other) -> bool:
    return same_weights(one[0], other[0]) and all(map(torch.equal, one[1], other[1]))


@pytest.mark.slow
def test_a_field_of_the_network_has_an_effect_where_its_config_says_and_nowhere_else(module, config):
    only_if, own = only_if_of(module.Config), vars(module.Config).get("ONLY_IF", {})
    fields = {field.name for field in dataclasses.fields(config)}
    for key, needs in own.items():
        assert {key, *needs} <= fields, "ONLY_IF names a field that there is not"
        states = set()
        for values in itertools.product(*(values_of(config, other) for other in needs)):
            base = dataclasses.replace(config, **dict(zip(needs, values, strict=True)))
            states.add(expected := has_effect(key, dataclasses.asdict(base), only_if))
            answered = answers(module, base)
            changed = [dataclasses.replace(base, **{key: value}) for value in values_of(base, key)[1:3]]
            assert changed, f"{key} has one value"
            for other in changed:
                assert are_the_same(answered, answers(module, other)) != expected, (key, base, other)
                assert (base.canonical() == other.canonical()) != expected
        assert states == {True, False}, f"what {key} needs is always there, or never"


def test_the_config_is_frozen_by_keyword_flat_and_a_trainers(module):
    config = module.Config()
    assert isinstance(config, TrainerConfig)
    assert all(field.kw_only for field in dataclasses.fields(config))
    with pytest.raises(dataclasses.FrozenInstanceError):
        config.epochs = 1
    values = dataclasses.asdict(config)
    assert json.loads(json.dumps(values)) == values
    assert all(isinstance(value, str | int | float) for value in values.values())
    with pytest.raises(ValueError, match=r"no parameter named 'num_frame'. Did you mean 'num_frames'"):
        make_config(module.Config, {"num_frame": 4})


def test_it_says_what_it_is(module):
    assert all(thing.__doc__ for thing in (module, module.Config, module.build_model))


@pytest.mark.slow
def test_the_defaults_and_every_preset_are_laid_out_and_answer_without_memory(module):
    for changes in ({}, *getattr(module, "PRESETS", {}).values()):
        config = make_config(module.Config, {**changes, "num_classes": 5, "num_frames": 3})
        with torch.device("meta"):
            model = module.build_model(config).eval()
            x = torch.zeros(2, 3, 3, config.image_size, config.image_size)
        assert all(tensor.is_meta for tensor in (*model.parameters(), *model.buffers()))
        assert model(x, torch.tensor([3, 1])).shape == (2, 5)


@pytest.mark.parametrize("lengths", [(1,), (2,), (2, 1, 2)], ids=str)
def test_one_step_reaches_every_parameter_whatever_the_padding(config, model, lengths):
    num_frames = max(2, config.num_frames)
    logits, *auxiliary = as_tuple(model.train()(clips(config, len(lengths), num_frames), torch.tensor(lengths)))
    assert logits.shape == (len(lengths), NUM_CLASSES)
    labels = torch.arange(len(lengths)) % NUM_CLASSES
    loss = sum(nn.functional.cross_entropy(answer, labels) for answer in (logits, *auxiliary))
    loss.backward()
    assert loss.isfinite()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name  # a worker group would wait for it
        assert parameter.grad.isfinite().all(), name


def test_padding_never_changes_the_logits(config, model):
    lengths = torch.tensor([2, 1, 2])
    model = lived(model, config)
    x = clips(config, 3, 2)
    with torch.inference_mode():
        expected = model(x, lengths)
        assert (expected[0] - expected[2]).abs().max() > 1e-2  # there is something to change
        for num_padded, value in ((1, 7.0), (3, float("nan"))):
            padded = torch.cat((x, x.new_full((3, num_padded, *x.shape[2:]), value)), 1)
            padded[1, 1:] = value
            assert torch.allclose(model(padded, lengths), expected, atol=1e-4)
        alone = torch.cat([model(x[i : i + 1, :n], lengths[i : i + 1]) for i, n in enumerate(lengths.tolist())])
    assert torch.allclose(alone, expected, atol=1e-4)


def test_what_is_stored_is_the_whole_model(module, config, model):
    model = lived(model, config)
    stored = load(save({name: tensor.contiguous() for name, tensor in model.state_dict().items()}))
    with torch.device("meta"):
        other = module.build_model(config)
    other.load_state_dict(stored, assign=True)
    assert not any(tensor.is_meta for tensor in (*other.parameters(), *other.buffers()))
    with torch.inference_mode():
        batch = clips(config, 2), torch.full((2,), config.num_frames)
        assert torch.equal(other.eval()(*batch), model(*batch))


@pytest.mark.slow
def test_what_it_costs_can_be_counted(config, model):
    assert costs.train_flops(model, config) > 0
    assert costs.weights_mb(model) > 0


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_a_small_trial_runs_from_the_data_to_the_stored_model(name, prepared, tmp_path, monkeypatch):
    monkeypatch.setattr(costs, "LATENCY_BUDGET_S", 0.0)
    small = lookup.load("trainables", name, "trainable").SMALL
    curve, metrics = train(make_spec(prepared, tmp_path / "trial", trainable=name, **small))
    assert len(curve) == small["epochs"] == 1
    assert curve[0]["train_loss"] > 0
    assert 0 <= metrics["accuracy"] <= 1
    assert (tmp_path / "trial" / "model.safetensors").exists()


def test_recurrent_layers_compute_in_float32_under_mixed_precision(model, config):
    seen = []
    for layer in (part for part in model.modules() if isinstance(part, nn.RNNBase)):
        layer.register_forward_hook(
            lambda layer, given, answered: seen.append((type(layer).__name__, answered[0].dtype))
        )
    with torch.autocast("cpu", dtype=torch.bfloat16):
        model.train()(clips(config, 3), torch.full((3,), config.num_frames))
    wrong = [name for name, dtype in seen if dtype != torch.float32]
    assert not wrong, (
        f"{wrong}: under autocast cuDNN computes these in half precision; see trainables/models/recurrent.py"
    )
