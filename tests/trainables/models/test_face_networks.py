"""The two networks of real faces, against their files computed step by step as `../shared/weights/README.md` says."""

import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import Tensor

from trainables.core.starting import loaded_into
from trainables.core.training.augmentation.augment import to_input
from trainables.core.training.costs import param_count
from trainables.models.attention import frame_gates
from trainables.models.backbones import frame_network
from trainables.models.padding import pad_as_tensorflow

FILES = {
    "mobilenet_tf": "face_mobilenet_v1",
    "mobilenet_tf_12": "face_mobilenet_v1",
    "expression_net": "face_expression",
}
STRIDES = (1, 2, 1, 2, 1, 2, 1, 1, 1, 1, 1, 2, 1)


def pictures(size: int) -> Tensor:
    """Stored frames of two clips, uint8 (2, 3, size, size, 3)."""
    return torch.randint(0, 256, (2, 3, size, size, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


def same(x: Tensor, stride: int) -> Tensor:
    """TensorFlow's SAME for a kernel of 3: as many places as pixels by stride, rounded up; an odd zero at the end."""
    height, width = (max((-(-size // stride) - 1) * stride + 3 - size, 0) for size in x.shape[2:])
    return F.pad(x, (width // 2, width - width // 2, height // 2, height - height // 2))


def face_mobilenet(file: dict[str, Tensor], rgb: Tensor, num_blocks: int) -> Tensor:
    x = rgb.flip(1) - torch.tensor([103.9, 116.8, 123.7])[:, None, None]
    x = F.relu6(F.conv2d(same(x, 2), file["stem.weight"], file["stem.bias"], stride=2))
    for number, stride in enumerate(STRIDES[:num_blocks]):
        block = {key.split(".", 2)[2]: value for key, value in file.items() if key.startswith(f"blocks.{number}.")}
        depthwise = {"stride": stride, "groups": x.shape[1]}
        x = F.relu6(F.conv2d(same(x, stride), block["depthwise.weight"], block["depthwise.bias"], **depthwise))
        x = F.relu6(F.conv2d(x, block["pointwise.weight"], block["pointwise.bias"]))
    return x.mean((2, 3))


def face_expression(file: dict[str, Tensor], rgb: Tensor) -> Tensor:
    def conv(name: str, x: Tensor, stride: int = 1) -> Tensor:
        if name == "blocks.0.conv0":
            return F.conv2d(same(x, stride), file[f"{name}.weight"], file[f"{name}.bias"], stride=stride)
        x = F.conv2d(same(x, stride), file[f"{name}.depthwise.weight"], stride=stride, groups=x.shape[1])
        return F.conv2d(x, file[f"{name}.pointwise.weight"], file[f"{name}.bias"])

    x = (rgb - torch.tensor([122.782, 117.001, 104.298])[:, None, None]) / 255
    for number in range(4):
        a = F.relu(conv(f"blocks.{number}.conv0", x, stride=2))
        b = conv(f"blocks.{number}.conv1", a)
        c = conv(f"blocks.{number}.conv2", F.relu(a + b))
        d = conv(f"blocks.{number}.conv3", F.relu(a + b + c))
        x = F.relu(a + b + c + d)
    return F.avg_pool2d(x, 7).flatten(1)


@pytest.mark.parametrize("gate", frame_gates())
@pytest.mark.parametrize("name", FILES)
def test_features_are_those_of_the_file_to_the_last_bit_under_every_fresh_gate(name, gate, face_weights):
    path = face_weights / f"{FILES[name]}.safetensors"
    network, num_features = frame_network(name, gate, str(path))
    frames = pictures(112)
    rgb = frames.flatten(0, 1).float().permute(0, 3, 1, 2)
    with torch.inference_mode():
        file = load_file(path)
        if name == "expression_net":
            expected = face_expression(file, rgb)
        else:
            expected = face_mobilenet(file, rgb, 12 if name == "mobilenet_tf_12" else 13)
        found = network.eval()(to_input(frames, 112).flatten(0, 1))
    assert found.shape == (6, num_features)
    assert found.std() > 0.01
    assert torch.equal(found, expected)


def test_what_is_not_used_of_the_file_is_told(face_weights):
    for name, left_out in (
        ("mobilenet_tf", ()),
        ("mobilenet_tf_12", ("blocks.12.depthwise", "blocks.12.pointwise")),
        ("expression_net", ("fc",)),
    ):
        loaded = loaded_into(frame_network(name, "none", str(face_weights / f"{FILES[name]}.safetensors"))[0])
        assert (loaded.left_out, loaded.fresh) == (left_out, ())


@pytest.mark.parametrize(("name", "count"), [("mobilenet_tf", 3_196_032), ("expression_net", 323_687 - 7 * 257)])
def test_parameter_counts_are_the_published_ones(name, count):
    with torch.device("meta"):
        assert param_count(frame_network(name, "none")[0]) == count


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("size", [32, 47, 112])
def test_from_nothing_frames_of_any_size_pass_and_train(name, size):
    torch.manual_seed(0)
    network, num_features = frame_network(name, "se")
    features = network(torch.randn(3, 3, size, size))
    assert features.shape == (3, num_features)
    assert 1e-2 < features.std() < 10  # neither fades nor bursts on its way, though gates begin as one half
    features.square().sum().backward()
    assert all(parameter.grad.isfinite().all() for parameter in network.parameters())


@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("size", [5, 6, 7, 8, 9])
def test_padding_is_tensorflows(size, stride):
    x = torch.ones(1, 1, size, size + 1)
    padded = pad_as_tensorflow(x, kernel=3, stride=stride)
    assert torch.equal(padded, same(x, stride))
    assert F.conv2d(padded, torch.ones(1, 1, 3, 3), stride=stride).shape[2] == -(-size // stride)
