"""The script for a GPU, tried without one: it runs whole at toy size, and each check fails on the fault that it is for."""

import contextlib
import dataclasses
import json
import multiprocessing
import subprocess
import sys
import warnings
from pathlib import Path

import pytest
import torch

from benchmarks.core import gpu_checks, gpu_children, gpu_measures, gpu_memory, gpu_worker
from benchmarks.core.gpu_bench import TOY_NETWORKS, Bench, Finding, Part, make_training
from benchmarks.core.gpu_feeds import OnDevice, Prefetched, Resident
from benchmarks.core.gpu_parts import PARTS
from benchmarks.gpu import Outcome, main, run, summary
from tests.benchmarks.gpu_parts import dies, hangs, never_ready, raises, works
from tests.conftest import ROOT
from trainables.core.training.memory import recomputed as module_of_recomputed
from trainables.core.training.trainer import Training
from trainables.models import rbg

NEEDED = {"device", "checks_passed", "checks_failed", "share_of_on_device_rate", "share_of_peak"}


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield Bench(device="cpu", folder=str(tmp_path_factory.mktemp("gpu")), toy=True)
    torch.set_num_threads(threads)


@pytest.mark.long
@pytest.mark.timeout(900)  # beside other work it takes many times as long as alone
def test_the_toy_run_ends_with_the_json_line_and_claims_nothing_that_a_cpu_cannot_tell(tmp_path, capfd):
    code = main(["--device", "cpu", "--out", str(tmp_path / "rows.csv")])
    lines = capfd.readouterr().out.splitlines()
    told = json.loads(lines[-1])
    assert set(told) >= NEEDED
    assert code == 0, told
    assert told["toy"] is True
    assert told["failed"] == []
    assert told["not_run"] == [name for name, part in PARTS.items() if part.needs_gpu]
    checks = [name for name, part in PARTS.items() if part.is_check and not part.needs_gpu]
    assert (told["checks_passed"], told["checks_failed"]) == (len(checks), 0)
    assert told["share_of_on_device_rate"] > 0
    assert 0 < told["share_of_peak"] < 1
    assert {name: count > 0 for name, count in told["graph_breaks"].items()} == dict.fromkeys(TOY_NETWORKS, True)
    written = (tmp_path / "rows.csv").read_text().splitlines()
    assert written[0] == "part,state,seconds,network,variant,value,unit,words"
    assert {line.split(",")[0] for line in written[1:]} == set(PARTS)


def test_it_runs_where_there_is_neither_ray_nor_what_reads_data_sets(tmp_path):
    missing = ("ray", "mlflow", "optuna", "natsort", "facenet_pytorch", "sklearn", "pandas", "pyarrow", "scipy")
    code = (
        f"import sys\nfor name in {missing}: sys.modules[name] = None  # importing it raises\n"
        "import benchmarks.gpu\nfrom benchmarks.core import gpu_checks, gpu_children\n"
        f"bench = benchmarks.gpu.Bench(device='cpu', folder={str(tmp_path)!r}, toy=True)\n"
        "print(gpu_checks.recurrent_types(bench).passed)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.stdout.split() == ["True"], done.stderr


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        (lambda layer, x: layer(x)[0], "under autocast"),
        (lambda layer, x: layer.bfloat16()(x.bfloat16())[0], "weight's gradient bfloat16"),
    ],
)
def test_a_recurrent_layer_in_half_precision_is_found(bench, monkeypatch, fault, told):
    monkeypatch.setattr(rbg, "in_float32", fault)
    finding = gpu_checks.recurrent_types(bench)
    assert finding.passed is False
    assert told in finding.words


def test_gradients_that_underflow_are_found(bench, monkeypatch):
    def underflowing(training):
        logits, loss, found = real(training)
        if training.config.precision == "bfloat16":
            found["head.head.weight"] = (found["head.head.weight"] * 1e-7).half()
        return logits, loss, found

    real = gpu_checks.gradients
    monkeypatch.setattr(gpu_checks, "gradients", underflowing)
    finding = gpu_checks.zero_gradients(bench)
    assert finding.passed is False
    assert "head.head.weight" in finding.words


def test_a_loss_curve_of_another_learning_rate_is_found_and_one_that_learns_nothing_proves_nothing(bench, monkeypatch):
    shown = {"float32": [1.4, 1.0, 0.8, 0.4], "bfloat16": [1.4, 1.0, 0.8, 0.45]}
    monkeypatch.setattr(gpu_checks, "curve", lambda bench, precision: shown[precision])
    assert gpu_checks.loss_curve(bench).passed is True
    shown["bfloat16"] = [1.4, 1.3, 1.2, 1.1]
    assert gpu_checks.loss_curve(bench).passed is False
    shown["float32"] = shown["bfloat16"] = [1.4, 1.4, 1.4, 1.4]
    finding = gpu_checks.loss_curve(bench)
    assert finding.passed is False
    assert "says nothing" in finding.words
    monkeypatch.undo()
    slow = lambda bench, network, **changes: make_training(bench, network, **changes, lr=1e-9, epochs=3)  # noqa: E731
    monkeypatch.setattr(gpu_checks, "make_training", slow)
    steady = gpu_checks.curve(bench, "bfloat16")
    assert max(steady) - min(steady) < 0.1, "the curve is that of the learning rate that was set"


def test_numbers_other_than_the_cpus_are_found(bench, monkeypatch):
    assert gpu_checks.equality_with_cpu(bench).passed is True
    real = gpu_checks.cpu_gradients(bench)
    monkeypatch.setattr(gpu_checks, "cpu_gradients", lambda bench: (real[0] * 1.01, *real[1:]))
    assert gpu_checks.equality_with_cpu(bench).passed is False
    wrong = {name: gradient.flip(0) if name == "head.head.weight" else gradient for name, gradient in real[2].items()}
    monkeypatch.setattr(gpu_checks, "cpu_gradients", lambda bench: (*real[:2], wrong))
    finding = gpu_checks.equality_with_cpu(bench)
    assert finding.passed is False
    assert "head.head.weight" in finding.words


def test_a_resume_that_loses_the_optimisers_state_is_found(bench, monkeypatch):
    def forgetful(training, state):
        real(training, state | {"optimizer": training.optimizer.state_dict()})

    real = Training.load_state
    monkeypatch.setattr(Training, "load_state", forgetful)
    assert gpu_checks.exact_resume(bench).passed is False


def test_what_one_trial_leaves_to_the_next_is_found(bench, monkeypatch):
    def leaking(training):
        with torch.no_grad():
            for parameter in training.bare.parameters() if left else ():
                parameter.mul_(1 + 1e-6)
        left.append(training)
        return real(training)

    left, real = [], Training.train_epoch
    monkeypatch.setattr(Training, "train_epoch", leaking)
    alone = gpu_checks.one_trial(bench)
    left.clear()
    monkeypatch.setattr(gpu_checks, "call", lambda name, bench, limit_s: alone)
    assert gpu_checks.two_trials(bench).passed is False


@pytest.mark.parametrize("fault", ["", "recognised", "comes_back", "works"])
def test_an_error_that_stays_must_be_recognised_and_a_new_process_must_work(bench, monkeypatch, fault):
    answers = {"error": "AcceleratorError: device-side assert", "recognised": True, "comes_back": True, "works": True}
    monkeypatch.setattr(gpu_checks, "call", lambda name, bench, limit_s: {**answers, fault: False})
    assert gpu_checks.sticky_error(bench).passed is (not fault)


def test_memory_that_is_kept_is_found(bench, monkeypatch):
    def keeping(training, *arguments, **named):
        kept.append(training)
        real(training, *arguments, **named)

    kept, real = [], Training.__init__
    monkeypatch.setattr(Training, "__init__", keeping)
    finding = gpu_checks.memory_given_back(bench)
    assert finding.passed is False
    kept.clear()
    monkeypatch.setattr(gpu_checks, "_allocated", lambda bench: len(kept) * 2**21)
    monkeypatch.setattr(
        Training, "__init__", lambda training, *given, **named: (kept.append(0), real(training, *given, **named))[1]
    )
    assert gpu_checks.memory_given_back(bench).passed is False


def test_running_statistics_that_move_twice_are_found(bench, monkeypatch):
    monkeypatch.setattr(module_of_recomputed, "_unmoved", lambda unit: contextlib.nullcontext())
    assert gpu_memory.recomputed_numbers(bench).passed is False


@pytest.mark.parametrize("off", [0.5, 2.0])
def test_a_forecast_that_is_off_is_found(bench, monkeypatch, off):
    right = gpu_memory.forecast

    def wrong(*given, **named):
        found = right(*given, **named)
        return dataclasses.replace(found, step=int(off * found.step))

    monkeypatch.setattr(gpu_memory, "forecast", wrong)
    assert gpu_memory.memory_foreseen(bench).passed is False


@pytest.mark.filterwarnings("ignore:called a synchronizing")
def test_a_step_that_waits_for_the_device_is_found(bench, monkeypatch):
    def waiting(training):
        for _ in range(count):
            warnings.warn("called a synchronizing CUDA operation", stacklevel=1)  # as torch does

    monkeypatch.setattr(torch.cuda, "set_sync_debug_mode", lambda mode: None)
    monkeypatch.setattr(Training, "train_epoch", waiting)
    count = 1
    assert gpu_checks.synchronisations(bench).passed is True
    count = 3
    finding = gpu_checks.synchronisations(bench)
    assert finding.passed is False
    assert finding.figures == {"synchronisations_per_step": 2 / bench.checked.steps}
    assert "test_gpu.py" in finding.words


def test_a_part_that_hangs_dies_or_raises_does_not_stop_the_others(bench, capsys):
    limits = {raises: 60, hangs: 2, dies: 60, works: 60}
    parts = {part.__name__: Part(run=part, is_check=True, limit_s=limit) for part, limit in limits.items()}
    outcomes = {outcome.name: outcome for outcome in run(bench, parts)}
    assert [outcome.state for outcome in outcomes.values()] == ["failed", "failed", "failed", "passed"]
    assert outcomes["raises"].words == "ValueError: a fault"
    assert outcomes["hangs"].words == "it took longer than 2 s"
    assert outcomes["dies"].words == "its process died (exit code 7)"
    child = int((Path(bench.folder) / "child").read_text())
    assert not Path(f"/proc/{child}").exists() or "zombie" in Path(f"/proc/{child}/status").read_text()
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == ["failed"] * 3 + ["passed"]


def test_a_process_that_is_never_ready_is_told_apart_from_one_that_died_and_is_ended(bench, monkeypatch):
    monkeypatch.setattr(gpu_worker, "START_S", 1.0)
    monkeypatch.setattr(gpu_worker, "_serve", never_ready)
    worker = gpu_worker.Worker(bench)
    finding, seconds = worker.run(Part(run=works, is_check=True, limit_s=60), 60)
    left = multiprocessing.active_children()
    worker.close()
    assert finding == "its process was not ready after 1 s"
    assert seconds < 10
    assert left == []


@pytest.mark.parametrize("said", ["loading", "ready"])
def test_a_process_that_dies_beside_others_says_why(bench, monkeypatch, said):
    code = f"print({said!r}, flush=True); raise SystemExit('out of memory')"
    monkeypatch.setattr(gpu_children, "_command", lambda name, bench: [sys.executable, "-c", code])
    with pytest.raises(RuntimeError, match=r"share gave no answer \(exit code 1\)\. Its last words: .*out of memory"):
        gpu_children.call_together("share", bench, 2, limit_s=60)


def test_processes_that_share_the_device_are_added_up(bench, monkeypatch):
    answer = {"clips_per_s": 10.0, "reserved_bytes": 2**29}
    monkeypatch.setattr(gpu_measures, "call_together", lambda name, bench, count, limit_s: [answer] * count)
    finding = gpu_measures.sharing(bench)
    told = [(found["variant"], found["value"], found["unit"]) for found in finding.rows]
    assert told[:2] == [("1 processes together", 10.0, "clips/s"), ("1 processes together, memory", 0.5, "GiB")]
    assert [value for _, value, _ in told[2:]] == [20.0, 1.0, 40.0, 2.0]


def test_what_no_time_is_left_for_is_not_run(bench, capsys):
    assert [outcome.state for outcome in run(bench, {"works": PARTS["feeds"]}, budget_s=0)] == ["not run"]


def test_the_summary_says_null_for_what_was_not_measured_and_takes_the_smaller_share(bench):
    told = summary(
        bench, [Outcome(name="feeds", state="failed", words="no"), Outcome(name="memory", state="not run", words="")]
    )
    assert (told["share_of_on_device_rate"], told["share_of_peak"], told["failed"]) == (None, None, ["feeds"])
    feeds = {
        "clips_per_s": {"small": 100.0, "large": 10.0},
        "shares_of_on_device_rate": {"small": 0.7, "large": 0.9},
        "flop_per_clip": {"small": 10, "large": 400},
    }
    outcomes = [
        Outcome(name="feeds", state="measured", words="", finding=Finding(words="", figures=feeds)),
        Outcome(
            name="matmul_peak", state="measured", words="", finding=Finding(words="", figures={"peak_flop_per_s": 1e4})
        ),
        Outcome(name="loss_curve", state="failed", words="", finding=Finding(words="", passed=False)),
    ]
    told = summary(bench, outcomes)
    assert (told["share_of_on_device_rate"], told["share_of_peak"]) == (0.7, 0.4)
    assert (told["checks_passed"], told["checks_failed"]) == (0, 1)


def test_every_feed_gives_batches_as_the_trainer_wants_them(bench):
    training = make_training(bench, bench.checked)
    clips, indices = training.clips, [3, 1, 2]
    frames, lengths = clips.batch(indices)
    same, also = Resident(clips, bench.where).batch(indices)
    assert torch.equal(same, frames)
    assert torch.equal(also, lengths)
    prefetched = Prefetched(clips, bench.where, 4)
    for feed in (OnDevice(clips, bench.where, 4), prefetched):
        assert feed.batch(indices)[0].shape == frames.shape
    prefetched.close()
    assert not prefetched._thread.is_alive()


def test_without_a_gpu_it_says_so(monkeypatch, capsys):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert main([]) == 2
    assert "--device cpu" in capsys.readouterr().err
