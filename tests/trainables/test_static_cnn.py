"""Ten static architectures: published sizes, small inputs, auxiliary heads, RepVGG before and after deployment."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from torchvision.models import get_model

from tests.support.networks import noisy_clips
from trainables.core.config import MEAN, STD, TrainerConfig, make_config
from trainables.core.prepared.batches import Clips
from trainables.core.training import costs
from trainables.core.training.precision import autocast
from trainables.core.training.trainer import Training, as_tuple
from trainables.core.training.workers import Group
from trainables.data.core.dataset import Fold
from trainables.models.cnn import ARCHITECTURES, FrameNetwork, StaticCNN, static_cnn
from trainables.static_cnn import PRESETS, Config, build_model

# Parameters and MiB of the weight file, counted at 7 classes (fp32); timm's own two have no published size.
PUBLISHED = {
    "vgg16": (134_289_223, 512.3),
    "vgg19": (139_598_919, 532.5),
    "resnet50": (23_522_375, 89.9),
    "resnet101": (42_514_503, 162.6),
    "densenet121": (6_961_031, 26.9),
    "googlenet": (9_951_413, 38.0),
    "mobilenet_v1": (3_214_151, None),
    "efficientnet_v2_s": (20_186_455, 77.6),
    "shufflenet_v2": (1_260_779, 4.9),
    "repvgg_a0": (7_836_935, None),
}


def on_meta(**changes: object) -> nn.Module:
    with torch.device("meta"):
        return build_model(make_config(Config, changes))


def frames_only(network: nn.Module, statistics=(MEAN, STD), input_size: int = 0) -> StaticCNN:
    return StaticCNN(FrameNetwork(network, input_size, statistics))


@pytest.mark.parametrize("architecture", PUBLISHED)
def test_parameters_and_file_size_are_the_published_ones(architecture: str) -> None:
    model = on_meta(architecture=architecture)
    count, size_mb = PUBLISHED[architecture]
    assert costs.param_count(model) == pytest.approx(count, rel=1e-3)
    if size_mb is not None:
        assert round(costs.weights_mb(model), 1) == size_mb


def test_there_are_ten_and_a_preset_for_each() -> None:
    assert PUBLISHED.keys() == ARCHITECTURES.keys() == PRESETS.keys()
    assert all(row == {"architecture": name} for name, row in PRESETS.items())


@pytest.mark.slow
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_small_frames_pass_through_every_architecture(architecture: str) -> None:
    model = on_meta(architecture=architecture, num_classes=5)
    for size in (32, 48):
        x = noisy_clips(3, 2, size).to("meta")
        assert model.eval()(x, torch.tensor([3, 2])).shape == (2, 5)
        answers = as_tuple(model.train()(x[:1, :1], torch.tensor([1])))  # one frame has no batch to be normalised by
        assert [answer.shape for answer in answers] == [(1, 5)] * (3 if architecture == "googlenet" else 1)


def test_frames_enlarged_to_the_size_that_they_have_are_as_they_are() -> None:
    answers = []
    for input_size in (0, 32):
        torch.manual_seed(0)
        config = make_config(Config, {"architecture": "shufflenet_v2", "image_size": 32, "input_size": input_size})
        model = build_model(config)
        answers.append(model.train()(noisy_clips(2), torch.tensor([2, 1, 2])))
    assert torch.equal(*answers)


@pytest.mark.parametrize("architecture", ["mobilenet_v1", "shufflenet_v2"])
def test_a_single_frame_trains_and_leaves_the_norms_in_training(architecture: str) -> None:
    model = static_cnn(architecture, 3).train()
    logits = model(noisy_clips(1, 1), torch.tensor([1]))
    logits.square().sum().backward()
    assert all(parameter.grad.isfinite().all() for parameter in model.parameters())
    assert all(module.training for module in model.modules())


class Brightness(nn.Module):
    """The mean of each colour as logits, and which sizes it was shown."""

    def forward(self, frames: Tensor) -> Tensor:
        self.seen = frames.shape[1:]
        return frames.mean((2, 3))


@pytest.mark.parametrize("training", [False, True])
def test_logits_are_averaged_over_valid_frames(training: bool) -> None:
    model = frames_only(Brightness()).train(training)
    x = noisy_clips(3, 2, 48)
    expected = torch.stack((x[0].mean((0, 2, 3)), x[1, :2].mean((0, 2, 3))))
    x[1, 2] = float("nan")
    assert torch.allclose(model(x, torch.tensor([3, 2])), expected, atol=1e-6)


def test_frames_are_enlarged_inside_the_network() -> None:
    network = Brightness()
    x = torch.zeros(1, 1, 3, 2, 2)
    x[..., 1] = 1.0
    assert torch.allclose(frames_only(network, input_size=8)(x, torch.tensor([1])), torch.tensor(0.5))
    assert network.seen == (3, 8, 8)
    assert on_meta(input_size=64).frames.input_size == 64


def test_published_weights_are_shown_the_colours_they_were_trained_on() -> None:
    halves = ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
    white = ((1 - torch.tensor(MEAN)) / torch.tensor(STD))[:, None, None].expand(1, 1, 3, 4, 4)
    assert torch.allclose(frames_only(Brightness(), halves)(white, torch.tensor([1])), torch.tensor(1.0))
    assert on_meta(architecture="mobilenet_v1", weights="imagenet").frames.statistics == halves
    assert on_meta(architecture="mobilenet_v1").frames.statistics == (MEAN, STD)


@pytest.mark.slow
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_googlenet_answers_with_its_auxiliary_heads_in_training_alone(
    precision: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("trainables.core.training.precision.computes_bfloat16", lambda kind: True)
    model = static_cnn("googlenet", 3)
    x, lengths = noisy_clips(2, 2), torch.tensor([2, 1])
    with autocast(TrainerConfig(precision=precision), torch.device("cpu")):
        answers = model.train()(x, lengths)
        alone = model.eval()(x, lengths)
    assert [answer.shape for answer in answers] == [(2, 3)] * 3
    assert isinstance(alone, Tensor)
    sum(answer.float().square().sum() for answer in answers).backward()
    assert all(p.grad is not None for name, p in model.named_parameters() if "aux" in name)


class TwoHeads(nn.Module):
    """Constant logits from a head and an auxiliary one."""

    def __init__(self) -> None:
        super().__init__()
        self.head, self.auxiliary = nn.Parameter(torch.zeros(2)), nn.Parameter(torch.zeros(2))

    def forward(self, clips: Tensor, lengths: Tensor) -> Tensor | tuple[Tensor, ...]:
        logits, auxiliary = (p.expand(len(clips), 2) for p in (self.head, self.auxiliary))
        return (logits, auxiliary) if self.training else logits


def test_the_trainer_gives_an_auxiliary_loss_three_tenths_of_the_weight(prepared) -> None:
    train = tuple(int(i) for i in range(len(prepared)) if prepared.labels[i] == 0)[:8]
    config = TrainerConfig(num_classes=2, num_frames=2, image_size=32, batch_size=8, epochs=4, optimizer="sgd")
    model = TwoHeads()
    training = Training(
        model,
        Clips(prepared, num_frames=2, image_size=32),
        Fold(train=train, validation=(), test=()),
        config,
        seed=0,
        group=Group(),
    )
    row = training.run_epoch()
    assert model.head[0] > 0
    assert torch.allclose(model.auxiliary, 0.3 * model.head)
    assert row["train_loss"] == pytest.approx(torch.tensor(2.0).log().item())  # of the logits that will be used
    assert costs.train_flops(model, config) == 0


@pytest.mark.slow
def test_repvgg_is_deployed_as_plain_convolutions_with_the_same_answers() -> None:
    torch.manual_seed(0)
    model = static_cnn("repvgg_a0", 3)
    for norm in (module for module in model.modules() if isinstance(module, nn.BatchNorm2d)):
        norm.momentum = 1.0
        nn.init.uniform_(norm.weight, 0.5, 1.5)
    x, lengths = noisy_clips(2, 2, 48), torch.tensor([2, 1])
    model.train()(x, lengths)
    state = {key: value.clone() for key, value in model.state_dict().items()}
    deployed = model.deployed()
    with torch.inference_mode():
        expected = model.eval()(x, lengths)
        assert (expected[0] - expected[1]).abs().max() > 0.1
        assert torch.allclose(deployed(x, lengths), expected, atol=1e-4)
    assert not any(isinstance(module, nn.BatchNorm2d) for module in deployed.modules())
    assert costs.param_count(deployed) < costs.param_count(model)
    assert all(torch.equal(state[key], value) for key, value in model.state_dict().items())
    assert not hasattr(on_meta(architecture="vgg16"), "deployed")


def put(path: Path, state: dict[str, Tensor]) -> None:
    if path.suffix == ".safetensors":
        save_file(state, path)
    else:
        torch.save(state, path)


@pytest.mark.parametrize(
    ("architecture", "file"),
    [
        ("shufflenet_v2", "shufflenetv2_x1-5666bf0f80.pth"),
        ("mobilenet_v1", "mobilenetv1_100.ra4_e3600_r224_in1k.safetensors"),
    ],
)
def test_published_weights_are_read_from_the_local_file(hub: Path, architecture: str, file: str) -> None:
    with pytest.raises(ValueError, match=r"nothing is downloaded") as caught:
        static_cnn(architecture, 7, weights="imagenet")
    assert str(hub / file) in str(caught.value)
    torch.manual_seed(1)
    published = static_cnn(architecture, 1000).frames.network.state_dict()
    put(hub / file, published)
    ours = static_cnn(architecture, 7, weights="imagenet").frames.network.state_dict()
    differing = {key for key in ours if ours[key].shape != published[key].shape}
    assert {key.rsplit(".", 1)[0] for key in differing} == {"fc" if architecture == "shufflenet_v2" else "classifier"}
    assert all(torch.equal(ours[key], published[key]) for key in ours.keys() - differing)


def test_the_old_names_in_the_file_of_densenet_are_understood(hub: Path) -> None:
    torch.manual_seed(1)
    published = get_model("densenet121").state_dict()
    old = {
        key.replace("norm1.", "norm.1.").replace("norm2.", "norm.2.").replace("conv1.", "conv.1.")
        .replace("conv2.", "conv.2."): value
        for key, value in published.items() if "num_batches_tracked" not in key
    }  # fmt: skip
    put(hub / "densenet121-a639ec97.pth", old)
    ours = static_cnn("densenet121", 7, weights="imagenet").frames.network.state_dict()
    key = "features.denseblock4.denselayer16.norm2.running_var"
    assert key not in old
    assert torch.equal(ours[key], published[key])


@pytest.mark.slow
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_the_classifiers_are_all_that_published_weights_lack(architecture: str) -> None:
    source = ARCHITECTURES[architecture]
    with torch.device("meta"):
        ours, theirs = (static_cnn(architecture, count).frames.network.state_dict() for count in (7, 1000))
    differing = {key for key in ours if ours[key].shape != theirs[key].shape}
    assert differing
    assert all(key.startswith(source.classifiers) for key in differing)
    left_out = {key for key in ours if key.startswith(source.classifiers)}
    assert left_out == differing or architecture == "googlenet"  # whose auxiliary heads were published untrained


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"architecture": "vgg_16"}, "Did you mean 'vgg16'"),
        ({"weights": "imagenet1k"}, "Did you mean 'imagenet'"),
        ({"input_size": 40}, "input_size was given as 40 px; 0 .frames as they are. .*image_size, 48 px"),
        ({"input_size": -1}, "given as -1"),
        ({"image_size": 24}, "image_size was given as 24 px; at least 32 px"),
    ],
)
def test_a_value_that_is_not_allowed_is_named_with_what_is(changes: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make_config(Config, changes)
    make_config(Config, {"image_size": 24, "input_size": 48})
