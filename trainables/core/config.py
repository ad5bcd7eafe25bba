"""The settings that every trainable shares, and the check that turns a flat dict of parameters into a typed config."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterable, Mapping
from typing import Annotated, Any, ClassVar, Self

from trainables.core.lookup import unknown
from trainables.core.ranges import Above, AtLeast, OneOf, Share, UpTo, Within, check_fields

# ImageNet's statistics: what published backbones were trained on, and close enough to faces for the others. A zero
# after normalisation is their mean colour, which is what masking fills in.
MEAN = (0.485, 0.456, 0.406)
STD = (0.229, 0.224, 0.225)

# By field, the values of others under which alone it has an effect: `{"gru_hidden": {"temporal": ("gru",)}}`.
OnlyIf = Mapping[str, Mapping[str, Collection[Any]]]

# Fields that have no effect where no stage of a backbone is trained.
_OF_TRAINED_STAGES = ("layer_decay", "probe_epochs", "unfreeze_epochs", "batch_norm")


@dataclasses.dataclass(frozen=True, kw_only=True)
class TrainerConfig:
    """What the trainer reads. A trainable's `Config` extends it with the fields of its network; all keys are flat.

    `num_frames` frames of `image_size` x `image_size` px are taken from each clip; `epochs` is the full schedule. `batch_size`
    is the whole batch, which the workers of a trial share.
    `frame_selection` takes them `even` in time (in training at random about that), or as `keyframes`, the same ones in
    training, evaluation and serving: those that repeat least of the last frame kept, of which a frame is kept while its
    correlation with it is at most `redundancy_threshold`, 1 for all (`trainables/core/prepared/keyframes.py`).
    `batch_by` `subject` puts the clips of a person into one batch, so that expressions, not faces, tell them apart;
    `clip` mixes all; `class` puts clips of all classes equally often into every batch, rare ones several times an epoch,
    frequent ones not in each. `augmentation` is `random` (every clip under a fresh draw, within the fields from `flip` to
    `ramp_epochs`, which the other two ignore), `x14` (every training clip 14 times an epoch, always under the same two
    flips and seven rotations) or `none`; masking comes on top. `max_drift` is the share of its range by which a change
    moves over a clip. Over the first `ramp_epochs` the ranges grow from nothing: under full changes a network that starts
    from nothing may stay at chance for most of a training.
    `loss` is `cross_entropy` or `focal` with its `focal_gamma`. `class_balance_beta` weighs the classes by their effective
    number of clips, 0 (off) all alike, towards 1 by the inverse of their number; `logit_adjustment` adds as many times the
    logarithm of a class's share in training to its logit. `soft_labels` takes the shares of the annotators' votes for the
    target, where the data have votes. All are in `trainables/core/training/losses.py`; those for rare classes each suppose
    that no other is on. `mixup_alpha` mixes the clips of a batch in pairs, by a share from Beta(alpha, alpha), 0 not at all
    (`trainables/core/training/augmentation/mixup.py`). With `ema_decay` above 0 the network that is validated, chosen and
    served has the average of the weights after each step, which keeps as much of itself at a step
    (`trainables/core/training/averaging.py`).
    Of a backbone that starts from `weights`: the first `frozen_stages` of its stages, counted from the input
    (`trainables/models/stages.py`), are not trained, keep the statistics of their BatchNorm, and are not decayed; all of
    them are a frozen trunk, whose features trials share (`trainables/core/training/features.py`). The last stage is trained
    at `layer_decay` times `lr`, each one before it at `layer_decay` times the rate of the one after it (Howard & Ruder, ACL
    2018; Bao et al., BEiT, ICLR 2022). For `probe_epochs` only what starts afresh is trained, the head and new gates (Kumar
    et al., ICLR 2022); from then on one stage more every `unfreeze_epochs`, the last one first (Howard & Ruder), or with 0
    all at once. `batch_norm` `adapted` lets the backbone's BatchNorm see each batch where its
    stage is trained; `kept` trains with the running statistics that it came with. All in
    `trainables/core/training/fine_tuning.py`.
    `gradient_clip` is the norm that all gradients of a step together are cut to; 1e9, beyond any, is off.
    `precision` is `auto` (bfloat16 on a GPU, float32 on a CPU), `float32` or `bfloat16`; a device that would only imitate
    bfloat16 (a CPU without AVX-512, an old GPU) computes in float32.

    `ONLY_IF` says of each field that can be without effect when it has one (docs/decisions/0013): beside each other field
    that it depends on, the values it needs there. A field that needs another has no effect where that one has none. A
    trainable's `Config` writes down those of its own fields; these hold for it too.
    """

    ONLY_IF: ClassVar[OnlyIf] = {
        "redundancy_threshold": {"frame_selection": ("keyframes",)},
        "flip": {"augmentation": ("random",)},
        "max_rotation_deg": {"augmentation": ("random",)},
        "max_shift": {"augmentation": ("random",)},
        "max_zoom": {"augmentation": ("random",)},
        "max_brightness": {"augmentation": ("random",)},
        "max_drift": {"augmentation": ("random",)},
        "ramp_epochs": {"augmentation": ("random",)},
        "focal_gamma": {"loss": ("focal",)},
    }

    num_classes: Annotated[int, AtLeast(1)] = 7
    num_frames: Annotated[int, AtLeast(1)] = 16
    image_size: Annotated[int, AtLeast(1)] = 112
    frame_selection: Annotated[str, OneOf("even", "keyframes")] = "even"
    redundancy_threshold: Annotated[float, Within(0, 1)] = 0.98
    epochs: Annotated[int, AtLeast(1)] = 30
    batch_size: Annotated[int, AtLeast(1)] = 16
    batch_by: Annotated[str, OneOf("clip", "subject", "class")] = "clip"
    optimizer: Annotated[str, OneOf("adamw", "sgd")] = "adamw"
    lr: Annotated[float, Above(0)] = 1e-3
    weight_decay: Annotated[float, AtLeast(0)] = 1e-2
    warmup_epochs: Annotated[float, AtLeast(0)] = 1.0
    label_smoothing: Annotated[float, Share()] = 0.0
    gradient_clip: Annotated[float, Above(0)] = 1.0
    masking_rate: Annotated[float, Share()] = 0.0
    augmentation: Annotated[str, OneOf("random", "x14", "none")] = "random"
    flip: bool = True
    max_rotation_deg: Annotated[float, Within(0, 180)] = 10.0
    max_shift: Annotated[float, Within(0, 1)] = 0.05
    max_zoom: Annotated[float, Share()] = 0.08
    max_brightness: Annotated[float, Within(0, 1)] = 0.2
    max_drift: Annotated[float, Within(0, 1)] = 0.0
    ramp_epochs: Annotated[float, AtLeast(0)] = 0.0
    loss: Annotated[str, OneOf("cross_entropy", "focal")] = "cross_entropy"
    focal_gamma: Annotated[float, Above(0)] = 2.0
    class_balance_beta: Annotated[float, Share()] = 0.0
    logit_adjustment: Annotated[float, AtLeast(0)] = 0.0
    soft_labels: bool = False
    mixup_alpha: Annotated[float, AtLeast(0)] = 0.0
    ema_decay: Annotated[float, Share()] = 0.0
    frozen_stages: Annotated[int, AtLeast(0)] = 0
    layer_decay: Annotated[float, UpTo(1)] = 1.0
    probe_epochs: Annotated[float, AtLeast(0)] = 0.0
    unfreeze_epochs: Annotated[float, AtLeast(0)] = 0.0
    batch_norm: Annotated[str, OneOf("adapted", "kept")] = "adapted"
    precision: Annotated[str, OneOf("auto", "float32", "bfloat16")] = "auto"

    def __post_init__(self) -> None:
        check_fields(self)
        if self.frozen_stages and self.frozen_stages > (most := self.num_stages()):
            raise ValueError(
                f"frozen_stages was given as {self.frozen_stages!r}; a whole number from 0 to {most}, the stages that this "
                "backbone has, is allowed."
            )

    def num_stages(self) -> int:
        """How many stages the backbone of this network has, which weights may be loaded into; 0 where it has none."""
        return 0

    def canonical(self) -> Self:
        """The same with every field that has no effect at its default: two that are equal train the same network alike."""
        values, only_if = dataclasses.asdict(self), only_if_of(type(self))
        defaults = {field.name: field.default for field in dataclasses.fields(self)}
        of_stages = any(values[name] != defaults[name] for name in _OF_TRAINED_STAGES)
        all_frozen = of_stages and self.frozen_stages == self.num_stages()
        without = {
            field.name: field.default
            for field in dataclasses.fields(self)
            if not has_effect(field.name, values, only_if) or (all_frozen and field.name in _OF_TRAINED_STAGES)
        }
        return dataclasses.replace(self, **without)

    def effective(self) -> dict[str, Any]:
        """The fields that have an effect, by name, as they are in the canonical form."""
        values = dataclasses.asdict(self.canonical())
        return with_effect(values, values, only_if_of(type(self)))


def make_config(config_type: type[TrainerConfig], parameters: dict[str, Any]) -> Any:
    """A `config_type` from flat `parameters`.

    Raises `ValueError` naming the nearest field for a key that the config does not have, and what is allowed for a value that
    is not.
    """
    check_keys(config_type, parameters)
    return config_type(**parameters)


def recorded_config(config_type: type[TrainerConfig], parameters: Mapping[str, Any]) -> Any:
    """The `config_type` of a model that was trained: what its record lacks, of before a field was added, is the default.

    No range is checked: whatever a training may be begun with today, this one has ended. Raises `ValueError` for a key that
    the config does not have.
    """
    check_keys(config_type, parameters)
    config = object.__new__(config_type)
    for field in dataclasses.fields(config_type):
        object.__setattr__(config, field.name, parameters.get(field.name, field.default))
    return config


def check_keys(config_type: type[TrainerConfig], keys: Iterable[str]) -> None:
    """Raises `ValueError` naming the nearest field for a key that `config_type` does not have; values play no part."""
    allowed = [field.name for field in dataclasses.fields(config_type)]
    for key in keys:
        if key not in allowed:
            raise ValueError(unknown("parameter", key, allowed))


def only_if_of(config_type: type[TrainerConfig]) -> dict[str, dict[str, tuple[Any, ...]]]:
    """What `config_type` and those that it extends say of fields without effect, as plain values."""
    stated: dict[str, Mapping[str, Collection[Any]]] = {}
    for one in reversed(config_type.__mro__):
        stated |= vars(one).get("ONLY_IF", {})
    return {key: {other: tuple(values) for other, values in needs.items()} for key, needs in stated.items()}


def has_effect(key: str, values: Mapping[str, Any], only_if: OnlyIf) -> bool:
    """Whether `key` has an effect beside `values`; what it needs and nobody names is taken to be as it should."""
    return all(
        (other not in values or values[other] in allowed) and has_effect(other, values, only_if)
        for other, allowed in only_if.get(key, {}).items()
    )


def with_effect(parameters: Mapping[str, Any], values: Mapping[str, Any], only_if: OnlyIf) -> dict[str, Any]:
    """Those of `parameters` that have an effect beside `values`, in their order."""
    return {key: value for key, value in parameters.items() if has_effect(key, values, only_if)}
