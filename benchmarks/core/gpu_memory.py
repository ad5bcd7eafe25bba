"""What `benchmarks.gpu` asks of memory: whether it is as foreseen, and whether what is computed again has the same numbers."""

from __future__ import annotations

from typing import Any

import torch

from benchmarks.core.gpu_bench import Bench, Finding, deterministic, digest, gradients, make_training, release, row
from trainables import res_rbg
from trainables.core.training.layout import channels_last
from trainables.core.training.memory.forecast import forecast, one_step
from trainables.core.training.memory.live_bytes import LiveBytes
from trainables.core.training.memory.measured import measured_step
from trainables.core.training.memory.recomputed import recomputed

OFF = (0.7, 1.3)  # of the forecast: what a step may take
SPLIT_TOLERANCE = 1e-5  # of the norm of all gradients, where sums are taken in another order


def recomputed_numbers(bench: Bench) -> Finding:
    """Computing again gives the bits of keeping everything, and frames in two parts the gradients but for rounding."""
    with deterministic():
        bits = []
        for parts in (0, 1):
            training = make_training(bench, bench.checked)
            training.parts = parts
            training.train_epoch()
            bits.append(digest(training))
            release(bench.where)
    split = _off(bench)
    words = (
        f"an epoch ends with {'the same' if bits[0] == bits[1] else 'other'} weights ({' and '.join(bits)}); with the frames "
        f"in two parts gradients differ by {split:.1e} of their norm ({SPLIT_TOLERANCE:g} allowed)"
    )
    rows = [row("checked", "gradients in two parts, off the whole ones", split, "share")]
    return Finding(words=words, passed=bits[0] == bits[1] and split <= SPLIT_TOLERANCE, rows=rows)


def memory_foreseen(bench: Bench) -> Finding:
    """A step of each network takes the memory that was foreseen; at toy size what is alive is counted, not what is held."""
    rows, shares = [], {}
    for name, network in bench.networks.items():
        config = res_rbg.Config(**network.parameters)
        for parts in (0, 1):
            foreseen = forecast("res_rbg", config, bench.where.type, parts=parts).step
            taken = _taken(bench, config, parts)
            variant = "computed again" if parts else "kept"
            shares[f"{name}, {variant}"] = taken / foreseen
            rows.append(row(name, f"a step's memory, {variant}", taken / 2**30, "GiB"))
            rows.append(row(name, f"a step's memory, {variant}, foreseen", foreseen / 2**30, "GiB"))
            release(bench.where)
    words = ", ".join(f"{name}: {share:.2f} of the forecast" for name, share in shares.items())
    passed = all(OFF[0] <= share <= OFF[1] for share in shares.values())
    return Finding(words=words, passed=passed, rows=rows, figures={"memory_of_forecast": shares})


def _taken(bench: Bench, config: res_rbg.Config, parts: int) -> int:
    if bench.where.type == "cuda":
        return measured_step("res_rbg", config, bench.where, parts=parts)
    model = channels_last(res_rbg.build_model(config)).train()
    with LiveBytes(bench.where.type) as live:
        one_step(model, config, bench.where, config.batch_size, parts=parts)
    return live.peak


def _off(bench: Bench) -> float:
    """How far the gradients of a network without BatchNorm in its frames are off, in float32, as a share of their norm."""
    allowed = torch.backends.cudnn.allow_tf32
    torch.backends.cudnn.allow_tf32 = False
    changes: dict[str, Any] = {"backbone": "mobilenet_tf", "precision": "float32"}
    try:
        whole, split = (_gradients(bench, parts, changes) for parts in (0, 2))
    finally:
        torch.backends.cudnn.allow_tf32 = allowed
    return float((split - whole).norm() / whole.norm())


def _gradients(bench: Bench, parts: int, changes: dict[str, Any]) -> torch.Tensor:
    training = make_training(bench, bench.checked, **changes)
    with recomputed(training.bare, parts):
        _, _, found = gradients(training)
    return torch.cat([gradient.flatten() for gradient in found.values()])
