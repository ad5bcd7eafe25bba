"""Published weights by name and by path: names of layers, colours, places; conformance/test_weights.py tests every entry."""

import pytest
import torch
from torch import nn
from torchvision.models import resnet18

from trainables.core.config import MEAN, STD
from trainables.models.backbones import frame_network
from trainables.models.colours import AsTrained
from trainables.models.sources import (
    HALVES,
    IMAGENET,
    Colours,
    check_weights,
    colours_of,
    path_of,
    source_of,
)


def test_torchvision_states_the_first_digits_of_the_checksum_in_the_name():
    assert source_of("imagenet", "resnet18").sha256 == "f37072fd"
    assert source_of("imagenet", "shufflenet_v2").sha256 == "5666bf0f80"
    assert source_of("imagenet", "resnet18").file == "resnet18-f37072fd.pth"


def in_caffe(key: str) -> str:
    """torchvision's name of a ResNet-50's layer as Caffe's authors named it, written from their figure of it."""
    if not key.startswith("layer"):
        return key.replace("conv1.", "conv1_7x7_s2.").replace("bn1.", "conv1_7x7_s2_bn.")
    stage, block, layer = key.removeprefix("layer").split(".", 2)
    names = {
        "downsample.0": "1x1_proj", "downsample.1": "1x1_proj_bn", "conv1": "1x1_reduce", "bn1": "1x1_reduce_bn",
        "conv2": "3x3", "bn2": "3x3_bn", "conv3": "1x1_increase", "bn3": "1x1_increase_bn",
    }  # fmt: skip
    layer, _, value = layer.rpartition(".")
    return f"conv{int(stage) + 1}_{int(block) + 1}_{names[layer]}.{value}"


def test_every_layer_of_caffes_resnet_is_named_and_has_its_strides():
    with torch.device("meta"):
        backbone, _ = frame_network("resnet50_caffe", "none")
    rename = source_of("vggface2", "resnet50_caffe").rename
    keys = list(backbone.state_dict())
    assert in_caffe("layer2.0.bn1.weight") == "conv3_1_1x1_reduce_bn.weight"
    assert [rename(in_caffe(key)) for key in keys] == keys
    assert (backbone.layer2[0].conv1.stride, backbone.layer2[0].conv2.stride) == ((2, 2), (1, 1))
    assert (backbone.layer1[0].conv1.stride, backbone.layer4[1].conv1.stride) == ((1, 1), (1, 1))
    assert (backbone.maxpool.padding, backbone.maxpool.ceil_mode) == (0, True)


def test_a_resnet_put_into_a_sequence_is_named_as_it_was():
    network = resnet18()
    features = nn.Sequential(*list(network.children())[:-2])
    rename = source_of("affectnet7", "resnet18").rename
    keys = [f"features.{key}" for key in features.state_dict()]
    assert [rename(key) for key in keys] == [key for key in network.state_dict() if not key.startswith("fc.")]


def test_weights_of_another_backbone_are_refused_by_its_name():
    for weights in ("none", "imagenet", "msceleb", "folder/any.pth", "any.safetensors"):
        check_weights(weights, "resnet18")
    with pytest.raises(
        ValueError, match=r"'kinetics', which fits r3d_18, and not resnet18\. Allowed there are: none, imag"
    ):
        check_weights("kinetics", "resnet18")
    with pytest.raises(ValueError, match="Did you mean 'vggface2'"):
        check_weights("vggface", "mobilenet_tf")


def test_a_path_is_known_by_the_name_of_its_file():
    assert source_of("/data/face_mobilenet_v1.safetensors", "mobilenet_tf") is source_of("vggface2", "mobilenet_tf")
    assert source_of("/data/face_mobilenet_v1.safetensors", "resnet18") is None
    assert str(path_of("/data/own.pth", "resnet18")) == "/data/own.pth"
    assert path_of("../shared/own.pth", "resnet18") == path_of("./../shared/own.pth", "resnet18")
    assert path_of("../shared/own.pth", "resnet18").is_absolute()


def test_an_unknown_file_has_the_colours_that_are_usual_for_its_backbone():
    assert colours_of("own.pth", "resnet18") == IMAGENET
    assert colours_of("own.pth", "mobilenet_v1") == HALVES
    assert colours_of("own.pth", "mobilenet_tf").order == "BGR"
    assert colours_of("a/Resnet18_MS1M_pytorch.pth.tar", "resnet18").scale == (255, 255, 255)


def test_colours_are_those_of_the_training_and_a_frame_is_its_bytes():
    levels = torch.arange(256.0).expand(1, 3, 1, 256) + torch.tensor([0.0, 1.0, 2.0])[:, None, None]
    mean, std = (torch.tensor(values)[:, None, None] for values in (MEAN, STD))
    normalised = (levels / 255 - mean) / std
    show = AsTrained(Colours(order="BGR", mean=(1.0, 2.0, 3.0), scale=(1.0, 1.0, 2.0)))
    expected = torch.stack((levels[:, 2] - 1, levels[:, 1] - 2, (levels[:, 0] - 3) / 2), 1)
    assert torch.equal(show(normalised), expected)
    assert torch.equal(show(normalised[None]), expected[None])
    assert torch.allclose(AsTrained(IMAGENET)(normalised), normalised, atol=1e-5)
