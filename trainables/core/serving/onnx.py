"""A trained model as an ONNX file for devices without PyTorch: checked against PyTorch, timed, and made small as int8.

The file takes `clips` float32 (B, T, 3, R, R) and `lengths` int64 (B,), with any B and T, and gives `logits` float32
(B, K). Its metadata hold what a reader must know besides: classes, image_size, num_frames, how frames are chosen, mean
and std.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import logging
import os
import warnings
from collections.abc import Generator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import torch
from onnxruntime.quantization import QuantType, quantize_dynamic
from torch import Tensor, nn

from trainables.core import files
from trainables.core.config import MEAN, STD, TrainerConfig
from trainables.core.prepared.batches import Clips
from trainables.core.prepared.stored import Prepared
from trainables.core.serving.averaged import NUM_MEMBERS, Averaged, num_members
from trainables.core.serving.classifier import Classifier
from trainables.core.training.costs import Deployable, latency_ms
from trainables.core.training.metrics import scores
from trainables.core.training.trainer import predict
from trainables.core.training.workers import Group
from trainables.core.wording import first_line

# The largest difference of a logit from PyTorch's that is allowed, as a share of the largest logit where that is above 1:
# float32 holds seven digits, and networks of many layers lose some.
TOLERANCE = 1e-4


@dataclasses.dataclass(frozen=True, kw_only=True)
class Quantised:
    """The same network with weights in 8 bits: its file, MiB, and milliseconds for a clip on this CPU.

    On `num_clips` clips: `agreement` is the share to which both files give the same answer, `accuracy_change` the
    accuracy gained or lost. Both are `None` where no clips were given.
    """

    path: Path
    size_mb: float
    latency_ms: float
    num_clips: int = 0
    agreement: float | None = None
    accuracy_change: float | None = None


@dataclasses.dataclass(frozen=True, kw_only=True)
class Exported:
    """An ONNX file: MiB, the median milliseconds for one clip of `num_frames` frames on this CPU, and its int8 twin.

    `max_difference` is the largest difference of a logit from PyTorch's over batches of several sizes, lengths and
    paddings, as `TOLERANCE` counts it. `accuracy` is that on the clips that were given, `None` without. Where `num_members`
    networks are averaged, all of this is of all of them together.
    """

    path: Path
    size_mb: float
    latency_ms: float
    max_difference: float
    accuracy: float | None
    int8: Quantised
    num_members: int = 1


def export_onnx(
    folder: Path, out: Path, *, prepared: Prepared | None = None, indices: tuple[int, ...] = ()
) -> Exported:
    """Write the model in a trial's `folder` to `out`, and its int8 form beside it as `<name>.int8.onnx`.

    A `Deployable` network is exported in the form in which it is deployed, each of several that are averaged likewise. Clips
    `indices` of `prepared` tell what 8 bits cost in answers; choose them from validation data.
    Raises `ValueError` for a folder without a model, for clips of other classes, and, leaving no file, for a network
    that ONNX cannot hold or whose file disagrees with PyTorch.
    """
    classifier = Classifier.load(Path(folder), device="cpu")
    model, config = classifier.model, classifier.config
    if prepared is not None and prepared.classes != classifier.classes:
        raise ValueError(
            f"{prepared.folder} has the classes {', '.join(prepared.classes)}, and the model answers "
            f"{', '.join(classifier.classes)}; clips of the same classes are needed."
        )
    model = _deployed(model)
    described = json.loads((Path(folder) / files.MODEL).read_text())
    out = Path(out)
    out.parent.mkdir(parents=True, exist_ok=True)
    temporary = out.with_name(f"{out.stem}.{os.getpid()}.tmp.onnx")
    try:
        program = _program(model, config, described["trainable"])
        program.model.metadata_props.update(_metadata(classifier, described))
        program.save(temporary)
        difference = _max_difference(model, OnnxModel(temporary), config)
        if not difference <= TOLERANCE:
            raise ValueError(
                f"{described['trainable']} was not exported: a logit differs from PyTorch's by {difference:.2g}; "
                f"up to {TOLERANCE:g} is allowed."
            )
        temporary.replace(out)
    finally:
        temporary.unlink(missing_ok=True)
    small = out.with_name(f"{out.stem}.int8.onnx")
    _quantise(out, small)
    measured = _measured(out, small, difference, config, prepared, indices)
    return dataclasses.replace(measured, num_members=num_members(described))


def _deployed(model: nn.Module) -> nn.Module:
    if isinstance(model, Averaged):
        return Averaged(map(_deployed, model.members)).eval()
    return model.deployed().eval() if isinstance(model, Deployable) else model


class OnnxModel(nn.Module):
    """An ONNX file in a network's place: clips (B, T, 3, R, R) float and lengths (B,) -> logits (B, K), on the CPU.

    It computes in as many threads as PyTorch does in this process. Raises `ValueError` for a file that is no model.
    """

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = torch.get_num_threads()
        options.log_severity_level = 3  # errors
        try:
            self.session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # onnxruntime's errors share no base class
            raise ValueError(f"{path}: onnxruntime cannot read this file. {error}") from error

    def forward(self, clips: Tensor, lengths: Tensor) -> Tensor:
        given = {"clips": clips.float().contiguous().numpy(), "lengths": lengths.numpy()}
        try:
            return torch.from_numpy(self.session.run(["logits"], given)[0])
        except Exception as error:  # as above
            shown = " and ".join(str(tuple(array.shape)) for array in given.values())
            raise ValueError(f"{self.path}: onnxruntime cannot compute clips and lengths {shown}. {error}") from error


def _program(model: nn.Module, config: TrainerConfig, trainable: str) -> torch.onnx.ONNXProgram:
    # Two and more of everything: the exporter takes a dimension of 1 for a constant.
    num_frames = max(2, config.num_frames)
    example = _batch([num_frames, max(1, num_frames // 2)], num_frames, config)
    batch, frames = torch.export.Dim("batch", min=1), torch.export.Dim("frames", min=1)
    try:
        with _quiet():
            program = torch.onnx.export(
                model,
                example,
                dynamo=True,
                dynamic_shapes=({0: batch, 1: frames}, {0: batch}),
                input_names=["clips", "lengths"],
                output_names=["logits"],
                verbose=False,
            )
    except torch.onnx.OnnxExporterError as error:
        reason = first_line(error.__cause__ or error) or type(error).__name__
        raise ValueError(f"{trainable} cannot be exported to ONNX: {reason}") from error
    assert program is not None
    fixed = [str(value.shape) for value in program.model.graph.inputs[:2] if "batch" not in str(value.shape)]
    if fixed or "frames" not in str(program.model.graph.inputs[0].shape):
        raise ValueError(
            f"{trainable} cannot be exported to ONNX: it ties itself to the number of clips or frames that it was tried "
            f"with (`len(x)` and `int(...)` in its forward do that; `x.shape[0]` does not)."
        )
    _forget_sources(program.model)
    return program


def _forget_sources(model: Any) -> None:
    """Remove what the exporter noted of the code that each operation came from: it names folders of this machine."""
    for graph in model.graphs():
        graph.metadata_props.clear()
        for node in graph:
            node.metadata_props.clear()
            for value in node.outputs:
                value.metadata_props.clear()
        for value in (*graph.inputs, *graph.initializers.values()):
            value.metadata_props.clear()


def _quantise(path: Path, small: Path) -> None:
    """Weights of convolutions and matrix products as 8 bits, activations as they come; GRUs stay as they are."""
    model = onnx.load(path)
    # The quantiser turns weights round and stumbles over the shapes that the exporter noted of them.
    weights = {weight.name for weight in model.graph.initializer}
    noted = [value for value in model.graph.value_info if value.name not in weights]
    del model.graph.value_info[:]
    model.graph.value_info.extend(noted)
    with _quiet():
        # Unsigned: onnxruntime has no signed convolution on a CPU.
        quantize_dynamic(model, small, weight_type=QuantType.QUInt8)


def _metadata(classifier: Classifier, described: dict[str, Any]) -> dict[str, str]:
    return {
        "classes": json.dumps(classifier.classes),
        "image_size": str(classifier.config.image_size),
        "num_frames": str(classifier.config.num_frames),
        "frame_selection": classifier.config.frame_selection,
        "redundancy_threshold": str(classifier.config.redundancy_threshold),
        "mean": json.dumps(MEAN),
        "std": json.dumps(STD),
        "input": "clips: frames of the cropped face in time order, RGB in 0 to 1, minus mean, divided by std; "
        "lengths: how many frames of each clip are valid, padding is at the end",
        "trainable": described["trainable"],
        NUM_MEMBERS: str(num_members(described)),
        "dataset": described["dataset"],
        "dataset_fingerprint": described["fingerprint"],
    }


def _max_difference(model: nn.Module, exported: OnnxModel, config: TrainerConfig) -> float:
    """Over batches of one clip and of several, of one frame and of more than usual, full and padded."""
    usual = config.num_frames
    batches = [([usual], usual), ([1], 1), ([usual, 1], usual), ([usual + 3, max(1, usual // 2), 1], usual + 3)]
    differences, largest = [], torch.tensor(1.0)
    with torch.inference_mode():
        for lengths, num_frames in batches:
            given = _batch(lengths, num_frames, config)
            expected = model(*given)
            differences.append((expected - exported(*given)).abs().max())
            largest = torch.maximum(largest, expected.abs().max())
    return float(torch.stack(differences).max() / largest)  # a NaN stays one


def _batch(lengths: list[int], num_frames: int, config: TrainerConfig) -> tuple[Tensor, Tensor]:
    """Noise, in padded frames too: what stands there must not matter."""
    shape = (len(lengths), num_frames, 3, config.image_size, config.image_size)
    return torch.randn(shape, generator=torch.Generator().manual_seed(0)), torch.tensor(lengths)


def _measured(
    out: Path,
    small: Path,
    difference: float,
    config: TrainerConfig,
    prepared: Prepared | None,
    indices: tuple[int, ...],
) -> Exported:
    models = {path: OnnxModel(path) for path in (out, small)}
    sizes = {path: path.stat().st_size / 2**20 for path in models}
    times = {path: latency_ms(model, config, "cpu") for path, model in models.items()}
    eight = Quantised(path=small, size_mb=sizes[small], latency_ms=times[small])
    accuracy = None
    if prepared is not None and indices:
        clips = Clips.of(prepared, config)
        found = [predict(models[path], clips, indices, config, Group()) for path in (out, small)]
        answers = [predictions.logits.argmax(axis=1) for predictions in found]
        accuracy, with_eight = (scores(predictions)["accuracy"] for predictions in found)
        eight = dataclasses.replace(
            eight,
            num_clips=len(indices),
            agreement=float(np.mean(answers[0] == answers[1])),
            accuracy_change=with_eight - accuracy,
        )
    return Exported(
        path=out,
        size_mb=sizes[out],
        latency_ms=times[out],
        max_difference=difference,
        accuracy=accuracy,
        int8=eight,
    )


@contextlib.contextmanager
def _quiet() -> Generator[None]:
    """Keep the exporter's and the quantiser's advice to developers away from users."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)
