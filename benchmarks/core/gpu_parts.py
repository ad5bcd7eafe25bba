"""The table of all checks and measures of `benchmarks.gpu`, in the order in which they run."""

from __future__ import annotations

from benchmarks.core import gpu_checks, gpu_measures, gpu_memory
from benchmarks.core.gpu_bench import Part

PARTS: dict[str, Part] = {
    "recurrent_types": Part(run=gpu_checks.recurrent_types, is_check=True, limit_s=30),
    "zero_gradients": Part(run=gpu_checks.zero_gradients, is_check=True, limit_s=30),
    "equality_with_cpu": Part(run=gpu_checks.equality_with_cpu, is_check=True, limit_s=30, needs_gpu=True),
    "synchronisations": Part(run=gpu_checks.synchronisations, is_check=True, limit_s=30, needs_gpu=True),
    "memory_given_back": Part(run=gpu_checks.memory_given_back, is_check=True, limit_s=30),
    "exact_resume": Part(run=gpu_checks.exact_resume, is_check=True, limit_s=60),
    "loss_curve": Part(run=gpu_checks.loss_curve, is_check=True, limit_s=60),
    "two_trials": Part(run=gpu_checks.two_trials, is_check=True, limit_s=60),
    "recomputed_numbers": Part(run=gpu_memory.recomputed_numbers, is_check=True, limit_s=60),
    "memory_foreseen": Part(run=gpu_memory.memory_foreseen, is_check=True, limit_s=60),
    "sticky_error": Part(run=gpu_checks.sticky_error, is_check=True, limit_s=60, needs_gpu=True),
    "matmul_peak": Part(run=gpu_measures.matmul_peak, is_check=False, limit_s=30),
    "feeds": Part(run=gpu_measures.feeds, is_check=False, limit_s=120),
    "memory": Part(run=gpu_measures.memory, is_check=False, limit_s=30, needs_gpu=True),
    "precision": Part(run=gpu_measures.precision, is_check=False, limit_s=60),
    "memory_layout": Part(run=gpu_measures.memory_layout, is_check=False, limit_s=60),
    "optimiser": Part(run=gpu_measures.optimiser, is_check=False, limit_s=60),
    "sharing": Part(run=gpu_measures.sharing, is_check=False, limit_s=120, needs_gpu=True),
    "graph_breaks": Part(run=gpu_measures.graph_breaks, is_check=False, limit_s=60),
    "compiled": Part(run=gpu_measures.compiled, is_check=False, limit_s=120, needs_gpu=True),
}
