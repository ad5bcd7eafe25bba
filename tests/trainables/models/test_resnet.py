"""Backbones: torchvision's networks and state dict, plus a gate in every block."""

from pathlib import Path

import pytest
import torch
import torchvision
from torch import nn

from trainables import deep_residual_attention, res_rbg
from trainables.models.attention import EfficientChannelAttention
from trainables.models.resnet import BACKBONES, resnet


@pytest.mark.parametrize(
    ("name", "width", "num_blocks"), [("resnet18", 512, 8), ("resnet34", 512, 16), ("resnet50", 2048, 16)]
)
def test_every_block_has_one_gate_of_its_width(name: str, width: int, num_blocks: int) -> None:
    with torch.device("meta"):
        backbone, num_features = resnet(name, "eca")
    gates = [module for module in backbone.modules() if isinstance(module, EfficientChannelAttention)]
    assert (num_features, len(gates)) == (width, num_blocks)


def test_without_a_gate_it_computes_what_torchvision_computes() -> None:
    torch.manual_seed(0)
    theirs = torchvision.models.resnet18()
    ours, _ = resnet("resnet18", "none")
    state = {key: value for key, value in theirs.state_dict().items() if not key.startswith("fc.")}
    ours.load_state_dict(state)
    theirs.fc = nn.Identity()
    x = torch.randn(2, 3, 32, 32)
    assert torch.allclose(ours(x), theirs(x), atol=1e-6)
    assert torch.allclose(ours.eval()(x), theirs.eval()(x), atol=1e-6)


@pytest.mark.parametrize("name", ["resnet18", "resnet50"])
def test_the_gate_scales_the_residual_branch_alone(name: str) -> None:
    torch.manual_seed(0)
    backbone, _ = resnet(name, "se")
    block = backbone.eval().layer1[1]
    x = torch.rand(1, 64 * block.expansion, 4, 4)
    nn.init.zeros_(block.gate.excite.weight)
    nn.init.constant_(block.gate.excite.bias, -100.0)  # the gate is shut
    assert torch.allclose(block(x), x)


def test_weights_are_read_from_the_local_file(hub: Path) -> None:
    torch.manual_seed(0)
    theirs = torchvision.models.resnet18()
    torch.save(theirs.state_dict(), hub / "resnet18-f37072fd.pth")
    ours, _ = resnet("resnet18", "g_eca", "imagenet")
    assert torch.equal(ours.layer4[1].conv2.weight, theirs.layer4[1].conv2.weight)
    assert torch.equal(ours.layer4[1].bn2.running_var, theirs.layer4[1].bn2.running_var)


def test_a_missing_weight_file_is_an_error_that_says_where_to_put_it(hub: Path) -> None:
    with pytest.raises(ValueError, match=r"resnet18-f37072fd\.pth") as caught:
        resnet("resnet18", "none", "imagenet")
    assert str(hub) in str(caught.value)
    assert "https://download.pytorch.org/models/resnet18-f37072fd.pth" in str(caught.value)


def test_a_file_of_another_network_is_refused(hub: Path) -> None:
    torch.save({"some.weight": torch.zeros(1)}, hub / "resnet18-f37072fd.pth")
    with pytest.raises(ValueError, match="does not hold the weights of resnet18"):
        resnet("resnet18", "none", "imagenet")


def test_no_file_is_needed_to_lay_out_a_network(hub: Path) -> None:
    with torch.device("meta"):
        resnet("resnet18", "none", "imagenet")


@pytest.mark.parametrize(
    "arguments", [("resnet5", "none", "none"), ("resnet18", "ec", "none"), ("resnet18", "eca", "imagnet")]
)
def test_unknown_names_are_refused_with_the_nearest(arguments: tuple[str, str, str]) -> None:
    with pytest.raises(ValueError, match="Did you mean"):
        resnet(*arguments)


@pytest.mark.parametrize("name", BACKBONES)
def test_one_frame_of_one_value_per_channel_trains(name: str) -> None:
    backbone, _ = resnet(name, "eca")
    features = backbone.train()(torch.randn(1, 3, 32, 32))  # the last stage is 1 x 1
    assert features.isfinite().all()


@pytest.mark.parametrize(
    ("stem", "name", "num_parameters", "side"),
    [
        ("imagenet", "resnet18", 11_176_512, 2),  # torchvision's 11,689,512 without the classifier
        ("imagenet", "resnet50", 23_508_032, 2),
        ("small", "resnet18", 11_168_832, 6),  # the usual ResNet-18 for CIFAR-10, 11,173,962, without the classifier
        ("small", "resnet50", 23_500_352, 6),
    ],
)
def test_of_48_px_the_small_stem_leaves_a_map_of_six_by_six(stem, name, num_parameters, side) -> None:
    with torch.device("meta"):
        backbone, _ = resnet(name, "none", stem=stem)
        shapes: list[torch.Size] = []
        backbone.layer4.register_forward_hook(lambda *given: shapes.append(given[-1].shape[2:]))
        backbone(torch.zeros(2, 3, 48, 48))
    assert shapes == [(side, side)]
    assert sum(parameter.numel() for parameter in backbone.parameters()) == num_parameters


def test_the_small_stem_is_a_convolution_without_pooling_that_starts_as_the_others_do() -> None:
    backbone, _ = resnet("resnet18", "none", stem="small")
    x = torch.randn(1, 3, 20, 24)
    first = backbone.relu(backbone.bn1(backbone.conv1(x)))
    assert first.shape == (1, 64, 20, 24)
    assert torch.equal(backbone.maxpool(first), first)
    assert float(backbone.conv1.weight.detach().std()) == pytest.approx((2 / (64 * 9)) ** 0.5, rel=0.1)


@pytest.mark.parametrize("trainable", [res_rbg, deep_residual_attention])
def test_published_weights_do_not_go_with_the_small_stem(trainable) -> None:
    model = trainable.build_model(trainable.Config(**trainable.SMALL, stem="small"))
    assert model.backbone.conv1.kernel_size == (3, 3)
    refusal = r"stem was given as 'small' with weights 'imagenet'.*'imagenet' is allowed"
    with pytest.raises(ValueError, match=refusal):
        trainable.Config(stem="small", weights="imagenet")
    with pytest.raises(ValueError, match=refusal):
        resnet("resnet18", "none", "imagenet", "small")
    with pytest.raises(ValueError, match=r"no stem named 'smal'\. Did you mean 'small'"):
        trainable.Config(stem="smal")
