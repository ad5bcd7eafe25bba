"""The checks of `benchmarks.gpu`: whether a GPU gives the numbers that it should. Each is a function that stands alone."""

from __future__ import annotations

import gc
import io
import warnings
import weakref
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_leaves

from benchmarks.core.gpu_bench import (
    Bench,
    Finding,
    deterministic,
    digest,
    forward,
    gradients,
    make_training,
    release,
    row,
)
from benchmarks.core.gpu_children import call
from benchmarks.core.gpu_trial import one_trial, trained
from trainables.core.training.trainer import Training

RECURRENT = ("gru", "lstm", "rnn_tanh", "rnn_relu")  # what torch's recurrent layers call
MORE_ZEROS = 0.02  # share of a layer's gradient that mixed precision may zero beyond float32
SAME_CURVE = 0.1  # of the first loss: how far the ends of the two curves may lie apart
HAS_LEARNT = 0.9  # of the first loss: what float32 must reach, or the curves say nothing
LOGIT_TOLERANCE = 1e-3  # of the largest logit
GRADIENT_TOLERANCE = 1e-2  # of a layer's norm, and a hundredth of that of the largest layer's norm
KEPT_BYTES = 2**20  # that a trial may leave on the device
CHILD_LIMIT_S = 90.0


def recurrent_types(bench: Bench) -> Finding:
    """Every recurrent input, weight, output and gradient is float32 under mixed precision, outside autocast."""
    training = make_training(bench, bench.checked, precision="bfloat16")
    seen = _Recurrent()
    with seen:
        _, loss = forward(training)
    loss.backward()
    layers = [module for module in training.bare.modules() if isinstance(module, torch.nn.RNNBase)]
    for layer in layers:
        for parameter in layer.parameters():
            seen.note("weight's gradient", parameter.grad)
    wrong = {kind: count for kind, count in seen.types.items() if not kind.endswith("float32")}
    right = not wrong and not seen.under_autocast and seen.calls == len(layers) > 0
    words = f"{seen.calls} calls of {len(layers)} layers: " + ", ".join(f"{n} {kind}" for kind, n in seen.types.items())
    if seen.under_autocast:
        words += f"; {seen.under_autocast} under autocast, where cuDNN computes in half precision"
    return Finding(words=words, passed=right)


class _Recurrent(TorchFunctionMode):
    """Notes the type of each tensor that goes into a recurrent layer, comes out, or flows back."""

    def __init__(self) -> None:
        super().__init__()
        self.types: Counter[str] = Counter()
        self.calls = self.under_autocast = 0

    def note(self, what: str, tensor: Any) -> None:
        kind = str(tensor.dtype).removeprefix("torch.") if isinstance(tensor, torch.Tensor) else "missing"
        self.types[f"{what} {kind}"] += 1

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if getattr(func, "__name__", "") not in RECURRENT:
            return func(*args, **(kwargs or {}))
        given = [leaf for leaf in tree_leaves(args) if isinstance(leaf, torch.Tensor)]
        self.calls += 1
        self.under_autocast += torch.is_autocast_enabled(given[0].device.type)
        answered = func(*args, **(kwargs or {}))
        for what, tensors in (("input or weight", given), ("output", tree_leaves(answered))):
            for tensor in tensors:
                self.note(what, tensor)
        for tensor in (given[0], answered[0]):
            if tensor.requires_grad:
                tensor.register_hook(lambda grad: self.note("gradient", grad))
        return answered


def zero_gradients(bench: Bench) -> Finding:
    """No layer has clearly more zeros in its gradient under mixed precision than in float32."""
    shares = {}
    for precision in ("float32", "bfloat16"):
        _, _, found = gradients(make_training(bench, bench.checked, precision=precision))
        shares[precision] = {name: float((gradient == 0).float().mean()) for name, gradient in found.items()}
    more = {name: shares["bfloat16"].get(name, 1.0) - share for name, share in shares["float32"].items()}
    worst = max(more, key=lambda name: more[name])
    words = f"{len(more)} layers; at most {100 * more[worst]:.2f} points more zeros than float32 (in {worst})"
    rows = [row("checked", f"zeros more, {worst}", more[worst], "share")]
    return Finding(words=words, passed=more[worst] <= MORE_ZEROS, rows=rows)


def loss_curve(bench: Bench) -> Finding:
    """200 steps of training under mixed precision end at the loss at which float32 ends."""
    plain, mixed = (curve(bench, precision) for precision in ("float32", "bfloat16"))
    quarter = max(1, len(plain) // 4)
    ends = [float(np.mean(losses[-quarter:])) for losses in (plain, mixed)]
    apart = abs(ends[1] - ends[0]) / plain[0]
    learnt = ends[0] <= HAS_LEARNT * plain[0]
    steps = bench.checked.steps * len(plain)
    words = f"{steps} steps: {plain[0]:.3f} to {ends[0]:.3f} in float32, to {ends[1]:.3f} mixed"
    if not learnt:
        words += "; float32 did not learn, so this says nothing"
    rows = [
        row("checked", f"end of the loss curve, {name}", end, "loss")
        for name, end in zip(("float32", "mixed"), ends, strict=True)
    ]
    return Finding(words=words, passed=learnt and apart <= SAME_CURVE, rows=rows)


def curve(bench: Bench, precision: str) -> list[float]:
    """The training loss of each epoch of the whole schedule."""
    training = make_training(bench, bench.checked, precision=precision, augmentation="none", masking_rate=0.0)
    for _ in range(training.config.epochs):
        training.run_epoch()
    return [found["train_loss"] for found in training.curve]


def equality_with_cpu(bench: Bench) -> Finding:
    """In float32 without TF32 the device gives the CPU's logits and gradients, but for rounding."""
    allowed = torch.backends.cudnn.allow_tf32
    torch.backends.cudnn.allow_tf32 = False
    try:
        mine = gradients(make_training(bench, bench.checked, precision="float32"))
    finally:
        torch.backends.cudnn.allow_tf32 = allowed
    theirs = cpu_gradients(bench)
    logits = float((mine[0] - theirs[0]).abs().max() / theirs[0].abs().max())
    norms = {name: float(gradient.norm()) for name, gradient in theirs[2].items()}
    floor = max(norms.values()) / 100
    off = {name: float((mine[2][name] - theirs[2][name]).norm()) / (norms[name] + floor) for name in norms}
    worst = max(off, key=lambda name: off[name])
    words = (
        f"logits differ by {logits:.1e} of the largest ({LOGIT_TOLERANCE:g} allowed), gradients by at most "
        f"{off[worst]:.1e} of a layer's norm ({GRADIENT_TOLERANCE:g} allowed), in {worst}"
    )
    rows = [
        row("checked", "logits, off the CPU's", logits, "share"),
        row("checked", "gradients, off the CPU's", off[worst], "share"),
    ]
    return Finding(words=words, passed=logits <= LOGIT_TOLERANCE and off[worst] <= GRADIENT_TOLERANCE, rows=rows)


def cpu_gradients(bench: Bench) -> tuple[torch.Tensor, torch.Tensor, dict[str, torch.Tensor]]:
    """Logits, loss and gradients of the same network on the CPU."""
    on_cpu = Bench(device="cpu", folder=bench.folder, seed=bench.seed, frames=bench.frames, toy=bench.toy)
    return gradients(make_training(on_cpu, on_cpu.checked, precision="float32"))


def exact_resume(bench: Bench) -> Finding:
    """A training that was saved after one epoch and taken up again ends with the bits of one that was not."""
    with deterministic():
        whole, again = (trained(bench, 2) for _ in range(2))
        halted = trained(bench, 1)
        content = io.BytesIO()
        torch.save(halted.state(), content)
        content.seek(0)
        resumed = make_training(bench, bench.checked)
        resumed.load_state(torch.load(content, map_location="cpu", weights_only=True))
        resumed.run_epoch()
    repeatable = digest(whole) == digest(again)
    usual = repeatable
    if bench.where.type == "cuda":  # a CPU has no other algorithms
        usual = digest(trained(bench, 2)) == digest(trained(bench, 2))
    same = digest(resumed) == digest(whole) and resumed.curve == whole.curve
    words = (
        f"resumed and whole are {'equal to' if same else 'not equal in'} the last bit, with deterministic algorithms; "
    )
    words += f"two equal runs are {'also' if usual else 'not'} equal with the usual ones"
    if not repeatable:
        words = "two equal runs differ even with deterministic algorithms, so nothing can be said about resuming"
    return Finding(words=words, passed=repeatable and same, figures={"repeatable_by_default": usual})


def two_trials(bench: Bench) -> Finding:
    """A trial after another one in the same process gives the numbers that it gives alone in a new process."""
    alone = call("trial", bench, limit_s=CHILD_LIMIT_S)
    with deterministic():
        trained(bench, 1, optimizer="sgd", augmentation="none", precision="bfloat16")
    second = one_trial(bench)
    same = second == alone
    words = f"after another trial {second['weights']} {second['curve']}, alone {alone['weights']} {alone['curve']}"
    return Finding(words="equal to the last bit" if same else words, passed=same)


def sticky_error(bench: Bench) -> Finding:
    """An index out of range in a kernel makes the device useless to its process, which sees it; a new one works."""
    broken = call("break_device", bench, limit_s=CHILD_LIMIT_S)
    fresh = call("use_device", bench, limit_s=CHILD_LIMIT_S)
    words = (
        f"the error {'came back' if broken['comes_back'] else 'did not come back'} from the next call, "
        f"{'was' if broken['recognised'] else 'was not'} recognised, and a new process "
        f"{'works' if fresh['works'] else 'does not work'} ({broken['error']})"
    )
    return Finding(words=words, passed=broken["comes_back"] and broken["recognised"] and fresh["works"])


def memory_given_back(bench: Bench) -> Finding:
    """Nothing of a trial that is over is kept: neither its network nor, on a GPU, memory."""
    trained(bench, 1)  # what libraries keep for good is taken in the first trial
    release(bench.where)
    before = _allocated(bench)
    training = trained(bench, 1)
    left = [weakref.ref(parameter) for parameter in training.bare.parameters()]
    del training
    release(bench.where)
    alive = sum(reference() is not None for reference in left)
    kept = _allocated(bench) - before
    words = f"{alive} of {len(left)} parameters are still there"
    if bench.where.type == "cuda":
        words += f", {kept / 2**20:.1f} MiB more than before"
    return Finding(words=words, passed=alive == 0 and kept <= KEPT_BYTES)


def _allocated(bench: Bench) -> int:
    gc.collect()
    return torch.cuda.memory_allocated(bench.where) if bench.where.type == "cuda" else 0


def synchronisations(bench: Bench) -> Finding:
    """No step waits for the device; the epoch's report, once at its end, is all that does.

    The small network suffices, as the code of a step is the same for every network.
    """
    training = make_training(bench, bench.checked)
    training.train_epoch()
    waits = waits_in_epoch(training)
    per_step = (sum(waits.values()) - 1) / training.steps_per_epoch
    words = f"{sum(waits.values())} in an epoch of {training.steps_per_epoch} steps"
    if waits:
        words += f" ({', '.join(f'{place} {count} times' for place, count in waits.items())})"
    figures = {"synchronisations_per_step": max(0.0, per_step)}
    return Finding(words=words, passed=sum(waits.values()) <= 1, figures=figures)


def waits_in_epoch(training: Training) -> Mapping[str, int]:
    """Where the processor waited for the device in one epoch, and how often, by file and line."""
    torch.cuda.set_sync_debug_mode("warn")
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            training.train_epoch()
    finally:
        torch.cuda.set_sync_debug_mode("default")
    return Counter(
        f"{Path(warning.filename).name}:{warning.lineno}" for warning in caught if "synchroniz" in str(warning.message)
    )
