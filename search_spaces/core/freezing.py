"""What the trials of a study leave as it is of their backbones, and whether they share its features: told before the first."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ray.tune.search.sample import Categorical

from search_spaces.core.starting import DECIDING, configs
from search_spaces.core.study import Study
from trainables.core import lookup
from trainables.core.config import TrainerConfig
from trainables.core.starting import built
from trainables.core.training.augmentation.augment import num_copies
from trainables.core.training.costs import features_shape
from trainables.core.training.features import hindrances

# The fields that decide what is frozen, and whether its features are shared.
_FIELDS = (*DECIDING, "frozen_stages", "attention", "augmentation", "masking_rate", "mixup_alpha")
# By the field that forbids to share features, what allows it.
_WAYS_OUT = {
    "augmentation": "set augmentation to none or x14",
    "masking_rate": "set masking_rate to 0",
    "mixup_alpha": "set mixup_alpha to 0",
}


def told_of_frozen(study: Study) -> list[str]:
    """A sentence for each backbone whose stages are not all trained, and one on shared features where a trunk is frozen."""
    frozen: dict[str, dict[int, TrainerConfig]] = {}
    found, networks = [], _Networks(study)
    for config in configs(study, _FIELDS):
        name = getattr(config, "backbone", None) or getattr(config, "architecture", None) or "the backbone"
        frozen.setdefault(name, {})[config.frozen_stages] = config
        if config.frozen_stages and config.frozen_stages == config.num_stages():
            found.append(hindrances(networks.of(config), config) or [])
    told = [
        f"Of the {counts[max(counts)].num_stages()} stages of {name} {_listed(study, counts)} are not trained."
        for name, counts in frozen.items()
        if any(counts)
    ]
    return [*told, *([_of_features(found)] if found else [])]


def shares_features(study: Study, config: TrainerConfig) -> bool:
    """Whether trials of `config` share the features of their frozen trunk."""
    is_frozen = bool(config.frozen_stages) and config.frozen_stages == config.num_stages()
    return is_frozen and hindrances(_Networks(study).of(config), config) == []


def bytes_of_features(study: Study) -> int:
    """What the shared features of one clip take on the disk, of all frozen trunks and ways to show it, as float32."""
    networks, found = _Networks(study), {}
    for config in configs(study, (*_FIELDS, "num_frames", "image_size", "frame_selection", "redundancy_threshold")):
        if not config.frozen_stages or config.frozen_stages != config.num_stages():
            continue
        if hindrances(network := networks.of(config), config) != []:
            continue
        shown = tuple(
            getattr(config, key) for key in ("num_frames", "image_size", "frame_selection", "redundancy_threshold")
        )
        key = (*(getattr(config, field, None) for field in (*DECIDING, "attention")), *shown)
        for augmentation in {"none", config.augmentation}:
            if (*key, augmentation) not in found:
                found[*key, augmentation] = 4 * num_copies(augmentation) * features_shape(network, config).numel()
    return sum(found.values())


def _of_features(hindered: list[list[str]]) -> str:
    """Of the configurations that freeze a whole trunk, what forbids each to share its features."""
    words = list(dict.fromkeys(one for some in hindered for one in some))
    if not words:
        return "The features of a frozen trunk are computed once, before the first epoch, and all trials share them."
    elsewhere = " Elsewhere they are computed once and shared." if [] in hindered else ""
    known = [next((way for key, way in _WAYS_OUT.items() if one.startswith(key)), "") for one in words]
    out = f" To share them, {' and '.join(dict.fromkeys(known))}." if all(known) else ""
    return f"Trials compute the features of a frozen trunk in every epoch where {' or '.join(words)}.{elsewhere}{out}"


class _Networks:
    """The networks of a study, each built once: which gates are fresh depends on the file of weights."""

    def __init__(self, study: Study) -> None:
        self._build = lookup.load("trainables", study.trainable, "trainable").build_model
        self._found: dict[tuple[Any, ...], Any] = {}

    def of(self, config: TrainerConfig) -> Any:
        key = tuple(getattr(config, field, None) for field in (*DECIDING, "attention"))
        if key not in self._found:
            self._found[key] = built(self._build, config)
        return self._found[key]


def _listed(study: Study, counts: Iterable[int]) -> str:
    """Which stages are frozen, of `counts` that a study tries; of a range these are the ends."""
    domain, (*others, last) = study.parameters.get("frozen_stages"), sorted(counts)
    if others and not isinstance(domain, Categorical | None):
        return f"the first {others[0]} to {last}" if others[0] else f"up to {last}"
    words = [f"the first {count}" if count else "none" for count in (*others, last)]
    return f"{', '.join(words[:-1])} or {words[-1]}" if others else words[0]
