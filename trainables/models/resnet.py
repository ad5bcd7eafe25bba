"""ResNets for single frames, with a gate in every block after the last normalisation and before the residual sum.

The state dict is torchvision's plus `gate` entries and without the classifier, so published weights fit.
"""

from __future__ import annotations

from torch import Tensor, nn
from torchvision.models.resnet import BasicBlock, Bottleneck, ResNet

from trainables.core.lookup import unknown
from trainables.models.attention import attention
from trainables.models.padding import BatchNorm2d
from trainables.models.published import colours_for, start
from trainables.models.sources import check_weights

# What a residual branch starts with. Not specified by the source; chosen because a network trained from nothing on a few
# hundred clips leaves chance level some epochs earlier. At 0 (Goyal et al., 2017) gates get no gradient in the first step.
RESIDUAL_SCALE = 0.1


STEMS = ("imagenet", "small")


def resnet(name: str, gate: str, weights: str = "none", stem: str = "imagenet") -> tuple[nn.Module, int]:
    """The backbone `name` with gates `gate`, mapping (N, 3, H, W) to (N, D), and its D.

    `stem` is one of `STEMS`: `imagenet` has a 7 x 7 convolution of stride 2 and a pooling of stride 2, `small` a 3 x 3
    convolution of stride 1 and no pooling, as ResNets for CIFAR have it (He et al., CVPR 2016, section 4.2). Of 48 px the
    last maps are 2 x 2 after the one and 6 x 6 after the other, which takes some 13 times the operations.
    `weights` is `none`, a name of published ones or a path; no file is downloaded. A network under construction on the
    meta device is left without values. Raises `ValueError` for an unknown name, a missing file and one that misfits, and for
    weights with the stem `small`, which they have not.
    """
    if name not in BACKBONES:
        raise ValueError(unknown("backbone", name, list(BACKBONES)))
    check_weights(weights, name)
    require_stem(stem, name, weights)
    block, depths = BACKBONES[name]
    backbone = FrameResNet(block, depths, norm_layer=BatchNorm2d)
    num_features = backbone.fc.in_features
    backbone.register_module("fc", nn.Identity())  # the classifier has no use here
    if name == "resnet50_caffe":
        _as_in_caffe(backbone)
    if stem == "small":
        backbone.conv1 = nn.Conv2d(3, backbone.conv1.out_channels, kernel_size=3, padding=1, bias=False)
        nn.init.kaiming_normal_(backbone.conv1.weight, mode="fan_out", nonlinearity="relu")
        backbone.register_module("maxpool", nn.Identity())
    for module in backbone.modules():
        if isinstance(module, GatedBasicBlock | GatedBottleneck):
            last = module.bn2 if isinstance(module, GatedBasicBlock) else module.bn3
            assert isinstance(last, BatchNorm2d)
            module.gate = attention(gate, last.num_features)
            nn.init.constant_(last.weight, RESIDUAL_SCALE)
    backbone.colours = colours_for(weights, name)
    start(backbone, name, weights, own=lambda key: key.startswith("fc."), colours=backbone.colours)
    return backbone, num_features


def require_stem(stem: str, backbone: str, weights: str) -> None:
    """Raises `ValueError` for an unknown `stem`, and for one that `backbone` or `weights` do not have."""
    if stem not in STEMS:
        raise ValueError(unknown("stem", stem, list(STEMS)))
    if stem != "imagenet" and backbone not in BACKBONES:
        raise ValueError(
            f"stem was given as {stem!r} with backbone {backbone!r}; only {', '.join(BACKBONES)} have a choice."
        )
    if stem != "imagenet" and weights != "none":
        raise ValueError(
            f"stem was given as {stem!r} with weights {weights!r}, whose layers expect the smaller maps of the "
            "stem 'imagenet'; 'imagenet' is allowed with them, or weights 'none'."
        )


class FrameResNet(ResNet):
    """torchvision's, after `colours`, which shows it what its weights were trained on."""

    colours: nn.Module

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(self.colours(x))


def _as_in_caffe(backbone: ResNet) -> None:
    """The first ResNet-50 (He et al., CVPR 2016): strides in the first convolution of a block, pooling that pads nowhere."""
    backbone.maxpool = nn.MaxPool2d(kernel_size=3, stride=2, ceil_mode=True)
    for module in backbone.modules():
        if isinstance(module, GatedBottleneck):
            module.conv1.stride, module.conv2.stride = module.conv2.stride, module.conv1.stride


class GatedBasicBlock(BasicBlock):
    """Two 3 x 3 convolutions; `gate` is set by whoever builds the network, since torchvision fixes the arguments."""

    gate: nn.Module

    def forward(self, x: Tensor) -> Tensor:
        shortcut = x if self.downsample is None else self.downsample(x)
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.gate(self.bn2(self.conv2(out)))
        return self.relu(out + shortcut)

    def before_gate(self) -> tuple[Tensor, ...]:
        """Of the last normalisation."""
        return tuple(self.bn2.parameters())


class GatedBottleneck(Bottleneck):
    """A 1 x 1, a 3 x 3 and a 1 x 1 convolution; `gate` is set by whoever builds the network."""

    gate: nn.Module

    def forward(self, x: Tensor) -> Tensor:
        shortcut = x if self.downsample is None else self.downsample(x)
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.relu(self.bn2(self.conv2(out)))
        out = self.gate(self.bn3(self.conv3(out)))
        return self.relu(out + shortcut)

    def before_gate(self) -> tuple[Tensor, ...]:
        """Of the last normalisation."""
        return tuple(self.bn3.parameters())


BACKBONES: dict[str, tuple[type[GatedBasicBlock | GatedBottleneck], list[int]]] = {
    "resnet18": (GatedBasicBlock, [2, 2, 2, 2]),
    "resnet34": (GatedBasicBlock, [3, 4, 6, 3]),
    "resnet50": (GatedBottleneck, [3, 4, 6, 3]),
    "resnet50_caffe": (GatedBottleneck, [3, 4, 6, 3]),
}
