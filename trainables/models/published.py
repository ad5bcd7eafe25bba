"""Starting a network from a file of weights: read where it lies, never downloaded, and told layer by layer."""

from __future__ import annotations

import functools
import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from trainables.core import files
from trainables.core.starting import Loaded
from trainables.models.attention import start_as_identity
from trainables.models.colours import AsTrained
from trainables.models.sources import IMAGENET, ROOT, SOURCES, Source, colours_of, is_path, path_of, source_of

# Where trainers put the state dict among other things.
WRAPPERS = ("state_dict", "model_state_dict", "model", "net", "network", "weights", "params")


@runtime_checkable
class GatedBlock(Protocol):
    """A block of a network that rescales its maps by a gate, which is none where it has no parameters."""

    gate: nn.Module

    def before_gate(self) -> tuple[Tensor, ...]:
        """The weights and biases of the linear layer whose output is the gate's input."""
        ...


def start(
    network: nn.Module,
    backbone: str,
    weights: str,
    *,
    own: Callable[[str], bool] = lambda key: False,
    without: Callable[[str], bool] = lambda key: False,
    colours: nn.Module | None = None,
) -> None:
    """Start `network` from `weights`, a name or a path (`trainables/models/sources.py`), and note in it what was loaded.

    `own` tells the keys of the state dict that start afresh, such as a classifier's; `without` those of the file that
    `network` does not have. The gate of a `GatedBlock` that is not in the file starts as the identity. `colours` are told by
    the file where this is one of fertune's. A network on the meta device is left without values.
    Raises `ValueError` naming file and place where there is no such file, and the keys that misfit in another network's.
    """
    if weights == "none" or next(network.parameters()).is_meta:
        return
    source, path = source_of(weights, backbone), path_of(weights, backbone)
    if not path.is_file():
        raise ValueError(_missing(weights, backbone, source, path))
    stored = _read(path, source)
    if isinstance(colours, AsTrained):
        _tell_colours(colours, stored, path)
    ours = {key: value for key, value in network.state_dict().items() if not key.startswith("colours.")}
    state, others = _stripped({source.rename(key) if source else key: value for key, value in stored.items()}, ours)
    fits = {key: value for key, value in state.items() if _shape(ours, key) == value.shape and not own(key)}
    blocks = {name: block for name, block in network.named_modules() if isinstance(block, GatedBlock)}
    fresh = {name: block for name, block in blocks.items() if not _has_gate(fits, name, block)}
    fits = {key: value for key, value in fits.items() if key.partition(".gate.")[0] not in fresh or ".gate." not in key}
    left_out = [key for key in state if key not in fits]

    def spare(key: str) -> bool:
        return own(key) or ".gate." in key

    lacking = [key for key in ours if key not in fits and not spare(key) and not _is_counter(key)]
    parts = {key.split(".")[0] for key in ours}
    misfits = [key for key in left_out if key.split(".")[0] in parts and not spare(key) and not without(key)]
    if lacking or misfits:
        raise ValueError(_misfit(path, backbone, source, lacking, misfits, ours, state))
    network.load_state_dict(fits, strict=False)
    for block in fresh.values():
        start_as_identity(block.gate, *block.before_gate())
    vars(network)["loaded"] = Loaded(
        weights=weights,
        backbone=backbone,
        file=str(path),
        **_facts(path, source),
        loaded=_layers(fits),
        left_out=_layers([*left_out, *others]),
        fresh=_layers(key for key in ours if key not in fits),
    )


def colours_for(weights: str, backbone: str) -> nn.Module:
    """What shows the backbone of `weights` the colours that it was trained on; nothing where these are given anyway."""
    if weights == "none" or (not is_path(weights) and colours_of(weights, backbone) == IMAGENET):
        return nn.Identity()
    return AsTrained(colours_of(weights, backbone))  # of a path always, as its file may tell others


def _missing(weights: str, backbone: str, source: Source | None, path: Path) -> str:
    if source is None:
        return (
            f"weights was given as {weights!r}, and there is no file {path}. Every machine that trains reads it there: on "
            f"several, put it into a folder that all of them share. Paths count from {ROOT} where they are not whole."
            f"{files.without_weights(path.parent)}"
        )
    shared = " Every machine that trains reads it there." if is_path(weights) else ""
    return (
        f"The published weights {weights!r} of {backbone} are not at {path}, and nothing is downloaded during training. Put "
        f"the file there, {source.how_to_get(path)}, or set weights to its path or to 'none'.{shared}"
    )


def _misfit(
    path: Path,
    backbone: str,
    source: Source | None,
    lacking: list[str],
    misfits: list[str],
    ours: Mapping[str, Tensor],
    state: Mapping[str, Tensor],
) -> str:
    def shown(keys: list[str]) -> str:
        more = f" and {len(keys) - 3} more" if len(keys) > 3 else ""
        return f"{', '.join(_with_shapes(key, ours, state) for key in keys[:3])}{more}"

    missing = [key for key in lacking if key not in state]
    told = [f"missing {shown(missing)}"] if missing else []
    told += [f"not expected {shown(misfits)}"] if misfits else []
    published = f" The file is expected as published at {source.url}." if source else ""
    return f"{path} does not hold the weights of {backbone}: {'; '.join(told)}.{published}"


def _with_shapes(key: str, ours: Mapping[str, Tensor], state: Mapping[str, Tensor]) -> str:
    if key in ours and key in state:
        return f"{key} {tuple(state[key].shape)} for {tuple(ours[key].shape)}"
    return key


def _read(path: Path, source: Source | None) -> dict[str, Tensor]:
    """The tensors of the state dict in `path`, found among what else is stored there. Raises `ValueError` for another file."""
    again = f"fetch it from {source.url} once more" if source else "save it again"
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        stored = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # any damage shows as another exception type
        raise ValueError(
            f"{path} cannot be read ({type(error).__name__}); {again}. Allowed are safetensors, and state dicts as "
            "torch.save(model.state_dict(), path) writes them: no whole models, which would run code."
        ) from error
    found = _unwrapped(stored)
    if not found:
        raise ValueError(f"{path} holds no state dict, also none under {', '.join(WRAPPERS)}; {again}.")
    return found


def _unwrapped(stored: object) -> dict[str, Tensor]:
    if not isinstance(stored, Mapping):
        return {}
    inner = next((stored[name] for name in WRAPPERS if isinstance(stored.get(name), Mapping)), None)
    if inner is not None:
        return _unwrapped(inner)
    return {str(key): value for key, value in stored.items() if isinstance(value, Tensor)}


def _stripped(state: Mapping[str, Tensor], ours: Mapping[str, Tensor]) -> tuple[dict[str, Tensor], list[str]]:
    """The entries below the prefix (`module.`, `backbone.`) under which most of `ours` are found, and the other keys."""
    counts = Counter({"": 0})
    for key in state:
        starts = [0, *(place + 1 for place, letter in enumerate(key) if letter == ".")]
        counts.update(key[:at] for at in starts if key[at:] in ours)
    prefix = counts.most_common(1)[0][0]
    return (
        {key.removeprefix(prefix): value for key, value in state.items() if key.startswith(prefix)},
        [key for key in state if not key.startswith(prefix)],
    )


def _tell_colours(colours: AsTrained, stored: Mapping[str, Tensor], path: Path) -> None:
    """Take those of a model of fertune's: as it stores them or, where it stores none, as all networks are given them."""
    told = {key.rpartition(".")[2]: value for key, value in stored.items() if "colours." in key}
    if told.keys() >= colours.state_dict().keys():
        colours.load_state_dict({key: told[key] for key in colours.state_dict()})
    elif _described(path):
        colours.load_state_dict(AsTrained(IMAGENET).state_dict())


def _described(path: Path) -> dict[str, Any]:
    """What fertune wrote beside a model of its own; empty for other files."""
    beside = path.with_name(files.MODEL)
    if path.name != files.WEIGHTS or not beside.is_file():
        return {}
    return json.loads(beside.read_text(encoding="utf-8"))


def _facts(path: Path, source: Source | None) -> dict[str, Any]:
    digest = _sha256(path, path.stat().st_mtime_ns)
    if source:
        told = {"trained_on": source.trained_on, "licence": source.licence}
        return told | {"sha256": digest, "published": digest.startswith(source.sha256) if source.sha256 else None}
    described = _described(path)
    before = described.get("starts_from")
    trained_on = f"data set {described['dataset']}" if described else "pictures that are not known here"
    if before:
        trained_on += f", after {before['trained_on']}"
    licence = before["licence"] if before else "not known"
    return {"trained_on": trained_on, "licence": licence, "sha256": digest, "published": None}


def digest_of(weights: str) -> str:
    """Names what `weights`, a name or a path, are by what the files hold; `""` for `none`, and where no file is there.

    A name is of several files, of which a backbone takes one: all that are there count.
    """
    if is_path(weights):
        paths = [path_of(weights, "")]
    else:
        paths = [path_of(weights, one.backbones[0]) for one in SOURCES.get(weights, ())]
    return " ".join(sorted({_sha256(path, path.stat().st_mtime_ns) for path in paths if path.is_file()}))


@functools.lru_cache(maxsize=8)
def _sha256(path: Path, changed_ns: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _has_gate(fits: Mapping[str, Tensor], name: str, block: GatedBlock) -> bool:
    return all(f"{name}.gate.{key}" in fits for key in block.gate.state_dict())


def _shape(tensors: Mapping[str, Tensor], key: str) -> torch.Size | None:
    return tensors[key].shape if key in tensors else None


def _is_counter(key: str) -> bool:
    return key.endswith("num_batches_tracked")  # older than some files, and of no use here


def _layers(keys: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(key.rpartition(".")[0] or key for key in keys if not _is_counter(key)))
