"""Costs: counted right, and nothing of the network or the random state is changed by counting."""

import pytest
import torch
from safetensors.torch import save
from torch import Tensor, nn

from trainables.core.config import TrainerConfig, make_config
from trainables.core.training import precision
from trainables.core.training.costs import (
    costs,
    latency_ms,
    param_count,
    planned_costs,
    shapes_network,
    train_flops,
    weights_mb,
)
from trainables.core.training.metrics import METRICS
from trainables.res_rbg import SMALL, Config, build_model

TINY = TrainerConfig(num_frames=2, image_size=4)


class Toy(nn.Module):
    """48 * 2 inputs to 5 outputs, with dropout and BatchNorm, which betray a run in training mode."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(96, 5)
        self.norm = nn.BatchNorm1d(5)
        self.dropout = nn.Dropout(0.5)
        self.modes: list[bool] = []

    def forward(self, clips: Tensor, lengths: Tensor) -> Tensor:
        self.modes.append(self.training)
        x = self.linear(clips.flatten(1))
        return self.dropout(self.norm(x) if len(x) > 1 else x)


def res_rbg() -> tuple[nn.Module, Config]:
    config = make_config(Config, {"backbone": "resnet18", "gru_hidden": 8, "image_size": 32, "num_frames": 2})
    return build_model(config), config


def test_counts_of_a_known_network() -> None:
    assert param_count(Toy()) == 96 * 5 + 5 + 5 + 5
    assert weights_mb(Toy()) == pytest.approx((495 * 4 + 10 * 4 + 8) / 2**20)


def test_a_shared_parameter_counts_once() -> None:
    layer = nn.Linear(3, 3)
    assert param_count(nn.Sequential(layer, layer)) == 12


def test_weights_are_as_large_as_their_file_whatever_the_precision() -> None:
    model, _ = res_rbg()
    size = weights_mb(model)
    assert size == pytest.approx(len(save(model.state_dict())) / 2**20, rel=0.01)
    assert weights_mb(model.bfloat16()) == size


def test_flops_of_a_linear_layer() -> None:
    # forward and the weights' gradient, 2 * 96 * 5 each; the input wants no gradient
    assert train_flops(Toy(), TINY) == 2 * (2 * 96 * 5)


@pytest.mark.slow
def test_flops_are_those_of_a_real_training_step() -> None:
    model, config = res_rbg()
    with torch.utils.flop_counter.FlopCounterMode(display=False) as counter:
        model.train()(torch.zeros(1, 2, 3, 32, 32), torch.tensor([2])).sum().backward()
    assert train_flops(model, config) == pytest.approx(counter.get_total_flops(), rel=0.01)


@pytest.mark.slow
def test_flops_grow_with_the_number_of_frames_and_need_no_values() -> None:
    with torch.device("meta"):
        model, config = res_rbg()
        longer = make_config(Config, {"image_size": 32, "num_frames": 4})
    assert train_flops(model, longer) == pytest.approx(2 * train_flops(model, config), rel=0.01)


def test_latency_is_a_positive_time_in_evaluation_mode() -> None:
    model = Toy()
    assert 0 < latency_ms(model, TINY, "cpu") < 1000
    assert len(model.modes) >= 2
    assert not any(model.modes)


class Folding(Toy):
    """Deployed without its BatchNorm."""

    def deployed(self) -> nn.Module:
        other = Toy()
        other.norm = nn.Identity()
        return other.eval()


def test_what_is_deployed_in_another_form_is_measured_in_both() -> None:
    found = costs(Folding(), TINY, "cpu")
    assert (found["param_count"], found["deployed_param_count"]) == (495, 485)
    assert found["deployed_weights_mb"] == pytest.approx(485 * 4 / 2**20)
    assert 0 < found["deployed_latency_ms"] < 1000
    assert costs(Toy(), TINY, "cpu").keys() == {"param_count", "weights_mb", "latency_ms"}


@pytest.mark.parametrize("native", [True, False])
def test_latency_is_in_the_precision_that_serves(native: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """A processor without bfloat16 would imitate it, five times as slowly as it computes float32."""
    monkeypatch.setattr(precision, "computes_bfloat16", lambda kind: native)
    seen: list[torch.dtype] = []
    model = Toy()
    model.linear.register_forward_hook(lambda module, inputs, output: seen.append(output.dtype))
    for asked, dtype in (("auto", torch.float32), ("bfloat16", torch.bfloat16 if native else torch.float32)):
        seen.clear()
        latency_ms(model, TrainerConfig(num_frames=2, image_size=4, precision=asked), "cpu")
        assert set(seen) == {dtype}


@pytest.mark.slow
@pytest.mark.parametrize("training", [True, False])
def test_measuring_leaves_no_trace(training: bool) -> None:
    model, config = res_rbg()
    model.train(training)
    model.backbone.layer1.eval()  # a frozen part keeps its own mode
    modes = [module.training for module in model.modules()]
    state = {key: value.clone() for key, value in model.state_dict().items()}
    random = torch.get_rng_state()
    param_count(model), weights_mb(model), latency_ms(model, config, "cpu"), train_flops(model, config)
    assert [module.training for module in model.modules()] == modes
    assert all(torch.equal(value, state[key]) for key, value in model.state_dict().items())
    assert all(parameter.grad is None and parameter.device.type == "cpu" for parameter in model.parameters())
    assert torch.equal(torch.get_rng_state(), random)


def test_a_network_that_fails_still_gets_its_mode_back() -> None:
    model = Toy()
    with pytest.raises(RuntimeError):
        latency_ms(model, TrainerConfig(num_frames=3, image_size=4), "cpu")
    assert model.training


def test_what_is_known_exactly_before_a_trial_is_what_the_trial_measures() -> None:
    config = make_config(Config, {**SMALL, "gru_hidden": 8})
    planned = planned_costs(build_model, config)
    assert planned.keys() == {name for name, metric in METRICS.items() if metric.known == "exactly"}
    measured = costs(build_model(config), config, "cpu")
    assert planned == pytest.approx({name: measured[name] for name in planned})


def test_the_settings_of_the_trainer_alone_shape_no_network() -> None:
    assert [shapes_network(name) for name in ("lr", "epochs", "image_size", "gru_hidden")] == [False, False, True, True]
