"""The measures of `benchmarks.gpu`: how fast a GPU trains, and what each setting is worth. Each function stands alone.

A rate is in clips per second, the median of repeated blocks; what is compared is timed in turn.
"""

from __future__ import annotations

import logging
import statistics
import time
from collections.abc import Callable, Mapping
from typing import Any

import torch

from benchmarks.core.gpu_bench import (
    FEW_BLOCKS,
    NUM_BLOCKS,
    TOY_BLOCKS,
    Bench,
    Finding,
    Network,
    make_training,
    one_batch,
    rates,
    release,
    row,
)
from benchmarks.core.gpu_children import call_together
from benchmarks.core.gpu_feeds import OnDevice, Prefetched, Resident
from trainables.core.training.costs import train_flops
from trainables.core.training.precision import autocast
from trainables.core.training.trainer import Training

PEAK_SIZE = {False: 8192, True: 256}  # of a square matrix; at toy size
SHARED_BY = (1, 2, 4)  # processes
SHARING_LIMIT_S = 60.0

Variants = Mapping[str, Callable[[Bench, Network], Training]]


def feeds(bench: Bench) -> Finding:
    """The trainer as it is, against data that lie on the device already, and two other ways to feed it."""
    found: dict[str, dict[str, float]] = {}
    flops: dict[str, int] = {}
    for name, network in bench.networks.items():
        trainings = {
            way: make_training(bench, network) for way in ("as it is", "on the device", "resident", "prefetched")
        }
        clips, size = trainings["as it is"].clips, trainings["as it is"].config.batch_size
        prefetched = Prefetched(clips, bench.where, size)
        try:
            _feed(trainings["on the device"], OnDevice(clips, bench.where, size))
            _feed(trainings["resident"], Resident(clips, bench.where))
            _feed(trainings["prefetched"], prefetched)
            found[name] = rates(trainings, TOY_BLOCKS if bench.toy else NUM_BLOCKS)
        finally:
            prefetched.close()
        flops[name] = train_flops(trainings["as it is"].bare, trainings["as it is"].config)
        trainings.clear()
        release(bench.where)
    shares = {name: rate["as it is"] / rate["on the device"] for name, rate in found.items()}
    words = ", ".join(
        f"{name} {rate['as it is']:.1f} clips/s, {100 * shares[name]:.0f} % of the rate on the device"
        for name, rate in found.items()
    )
    figures = {
        "clips_per_s": {name: rate["as it is"] for name, rate in found.items()},
        "shares_of_on_device_rate": shares,
        "flop_per_clip": flops,
    }
    return Finding(words=words, rows=_rows(found), figures=figures)


def _feed(training: Training, feed: Any) -> None:
    training.clips = feed


def memory_layout(bench: Bench) -> Finding:
    """Channels last, as the trainer has it, against channels first."""
    return _compared(bench, {"channels last": make_training, "channels first": _channels_first})


def _channels_first(bench: Bench, network: Network) -> Training:
    training = make_training(bench, network)
    for parameter in training.bare.parameters():
        parameter.data = parameter.data.contiguous()
    training.bare.register_forward_pre_hook(lambda _, given: (given[0].contiguous(), *given[1:]))
    return training


def optimiser(bench: Bench) -> Finding:
    """AdamW in one fused pass, as the trainer has it, against one pass for each of its operations."""
    return _compared(bench, {"fused": make_training, "by operation": _by_operation})


def _by_operation(bench: Bench, network: Network) -> Training:
    training = make_training(bench, network)
    groups = [{key: group[key] for key in ("params", "weight_decay")} for group in training.optimizer.param_groups]
    training.optimizer = torch.optim.AdamW(groups, lr=training.config.lr, foreach=True)
    training.schedule = torch.optim.lr_scheduler.LambdaLR(training.optimizer, lambda step: 1.0)  # costs what any does
    return training


def precision(bench: Bench) -> Finding:
    """bfloat16, as the trainer has it on a GPU, against float32 with TF32 in its convolutions (torch's default)."""
    return _compared(
        bench,
        {
            name: lambda bench, network, name=name: make_training(bench, network, precision=name)
            for name in ("bfloat16", "float32")
        },
    )


def graph_breaks(bench: Bench) -> Finding:
    """How often `torch.compile` has to leave the graph of each network in training."""
    from torch import _dynamo  # seconds of import that the other parts do without

    torch._logging.set_logs(dynamo=logging.ERROR)  # it warns of each break, which are counted here
    breaks, words = {}, []
    for name, network in bench.networks.items():
        training = make_training(bench, network, precision="bfloat16")
        inputs, lengths, _ = one_batch(training)
        training.model.train()
        with autocast(training.config, bench.where):
            explained = _dynamo.explain(training.model)(inputs, lengths)
        breaks[name] = explained.graph_break_count
        words.append(f"{name} {explained.graph_break_count} breaks, {explained.graph_count} graphs")
        del training, inputs, explained
        release(bench.where)
    rows = [row(name, "graph breaks", count, "breaks") for name, count in breaks.items()]
    return Finding(words="; ".join(words), rows=rows, figures={"graph_breaks": breaks})


def compiled(bench: Bench) -> Finding:
    """The network under `torch.compile` against the network as it is; the first one only, as compiling takes 100 s."""
    name, network = next(iter(bench.networks.items()))
    trainings = {"as it is": make_training(bench, network), "compiled": make_training(bench, network)}
    for training in trainings.values():
        _feed(training, OnDevice(training.clips, bench.where, training.config.batch_size))
    trainings["compiled"].model.compile()
    began = time.perf_counter()
    trainings["compiled"].train_epoch()
    took = time.perf_counter() - began
    found = {name: rates(trainings, TOY_BLOCKS if bench.toy else FEW_BLOCKS)}
    finding = Finding(words=f"{_words(found)}; compiling took {took:.0f} s", rows=_rows(found))
    torch.compiler.reset()
    return finding


def matmul_peak(bench: Bench) -> Finding:
    """The device's peak: operations per second of one large matrix product of random numbers, bfloat16 on a GPU."""
    size, dtype = PEAK_SIZE[bench.toy], torch.float32 if bench.toy else torch.bfloat16
    one, other = (torch.randn(size, size, device=bench.where, dtype=dtype) for _ in range(2))
    seconds = []
    for _ in range(NUM_BLOCKS + 1):
        began = time.perf_counter()
        for _ in range(20):
            product = one @ other
        product[0, 0].item()  # waits
        seconds.append((time.perf_counter() - began) / 20)
    peak = 2 * size**3 / statistics.median(seconds[1:])
    words = f"{peak / 1e12:.3g} TFLOP/s, a product of {size} x {size} in {str(dtype).removeprefix('torch.')}"
    rows = [row("", f"matrix product {size}", peak / 1e12, "TFLOP/s")]
    return Finding(words=words, rows=rows, figures={"peak_flop_per_s": peak})


def memory(bench: Bench) -> Finding:
    """The most memory that training takes."""
    rows = []
    for name, network in bench.networks.items():
        training = make_training(bench, network)
        torch.cuda.reset_peak_memory_stats(bench.where)
        training.train_epoch()
        most = torch.cuda.max_memory_allocated(bench.where) / 2**30
        rows.append(row(name, f"memory, batch {training.config.batch_size}", most, "GiB"))
        del training
        release(bench.where)
    words = ", ".join(f"{found['network']} {found['value']:.2f} GiB" for found in rows)
    return Finding(words=words, rows=rows, figures={"memory_gib": {found["network"]: found["value"] for found in rows}})


def sharing(bench: Bench) -> Finding:
    """One, two and four processes that train the first network on the device at the same time.

    Only the first, as it is the small network that leaves the card idle. The memory is what the processes reserve
    together; what CUDA itself needs in each of them comes on top.
    """
    name, network = next(iter(bench.networks.items()))
    make_training(bench, network)  # its frames are there before several ask for them
    release(bench.where)
    together, rows = {}, []
    for count in SHARED_BY:
        answers = call_together("share", bench, count, limit_s=SHARING_LIMIT_S)
        together[count] = sum(answer["clips_per_s"] for answer in answers)
        reserved = sum(answer["reserved_bytes"] for answer in answers) / 2**30
        rows.append(row(name, f"{count} processes together", together[count], "clips/s"))
        rows.append(row(name, f"{count} processes together, memory", reserved, "GiB"))
    words = ", ".join(f"{count}: {rate:.1f} clips/s" for count, rate in together.items())
    return Finding(words=words, rows=rows, figures={"sharing_clips_per_s": {str(k): v for k, v in together.items()}})


def _compared(bench: Bench, variants: Variants) -> Finding:
    """The rates of `variants` on every network, with the data on the device so that nothing else decides."""
    found = {}
    for name, network in bench.networks.items():
        trainings = {variant: make(bench, network) for variant, make in variants.items()}
        for training in trainings.values():
            _feed(training, OnDevice(training.clips, bench.where, training.config.batch_size))
        found[name] = rates(trainings, TOY_BLOCKS if bench.toy else FEW_BLOCKS)
        trainings.clear()
        release(bench.where)
    return Finding(words=_words(found), rows=_rows(found))


def _words(found: Mapping[str, Mapping[str, float]]) -> str:
    told = []
    for name, rate in found.items():
        told.append(f"{name} " + ", ".join(f"{variant} {value:.1f}" for variant, value in rate.items()) + " clips/s")
    return "; ".join(told)


def _rows(found: Mapping[str, Mapping[str, float]]) -> list[dict[str, Any]]:
    return [row(name, variant, value, "clips/s") for name, rate in found.items() for variant, value in rate.items()]
