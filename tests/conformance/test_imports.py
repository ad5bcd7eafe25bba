"""Who may import what: the networks, the data sets and the trainer run where there is no Ray, and imports run one way."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

OURS = ("tune.py", "tuning", "search_spaces", "trainables", "dashboards")

# A package outside the standard library, and the only places that may import it.
ALLOWED = {
    "ray": ("tune.py", "tuning/", "search_spaces/", "trainables/core/ray/"),
    "mlflow": ("tuning/records/", "trainables/core/serving/mlflow_model.py"),
    "optuna": ("tuning/", "dashboards/"),
    "facenet_pytorch": ("trainables/core/prepared/faces.py",),
}
# What each part may not know: whatever stands above it, and what is not its business.
FORBIDDEN = {
    "trainables/": ("tune", "tuning", "search_spaces", "dashboards", "drawing"),
    "search_spaces/": ("tune", "tuning", "dashboards", "drawing"),
    "tuning/": ("tune", "dashboards"),
    "dashboards/": ("tune",),
    "": ("tests", "benchmarks"),
}
ONLY = {
    "trainables/models/": {"torch", "torchvision", "timm", "safetensors", "trainables"},
    "trainables/data/": {"numpy", "torch", "cv2", "natsort", "openpyxl", "sklearn", "xlrd", "trainables"},
}


def sources() -> list[Path]:
    """Every Python file that is not free to import as it likes."""
    found = [ROOT / "tune.py"]
    for folder in OURS[1:]:
        found += sorted((ROOT / folder).rglob("*.py"))
    return found


def imported(source: str) -> set[str]:
    """The modules that `source` imports, anywhere in it, by their full names."""
    names = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative imports are not used here"
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return names


def wrong_imports(place: str, source: str) -> list[str]:
    """What the file at `place` imports and may not."""
    packages = {name.split(".")[0] for name in imported(source)}
    wrong = [name for name, places in ALLOWED.items() if name in packages and not place.startswith(places)]
    wrong += [name for part, names in FORBIDDEN.items() if place.startswith(part) for name in names if name in packages]
    for part, allowed in ONLY.items():
        if place.startswith(part):
            wrong += sorted(packages - allowed - sys.stdlib_module_names)
    return wrong


@pytest.mark.parametrize("path", sources(), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_a_file_imports_what_its_place_allows(path):
    place = path.relative_to(ROOT).as_posix()
    wrong = wrong_imports(place, path.read_text(encoding="utf-8"))
    assert not wrong, f"{place} may not import {', '.join(wrong)}"


@pytest.mark.parametrize(
    ("place", "line", "name"),
    [
        ("trainables/core/training/trainer.py", "import ray", "ray"),
        ("trainables/core/training/trial.py", "from ray import train", "ray"),
        ("trainables/core/training/trial.py", "def f():\n    from mlflow.entities import Metric", "mlflow"),
        ("tuning/execution/runner.py", "import mlflow.pyfunc", "mlflow"),
        ("search_spaces/demo.py", "import optuna", "optuna"),
        ("tuning/execution/preparation.py", "from facenet_pytorch import MTCNN", "facenet_pytorch"),
        ("trainables/core/training/trial.py", "from tuning.records.ledger import Trial", "tuning"),
        ("search_spaces/core/study.py", "from tuning import pareto", "tuning"),
        ("tuning/confirm.py", "from dashboards import front", "dashboards"),
        ("dashboards/front.py", "import tune", "tune"),
        ("tune.py", "from tests.support.builders import train", "tests"),
        ("trainables/models/resnet.py", "import numpy", "numpy"),
        ("trainables/data/ck_plus.py", "import pandas", "pandas"),
    ],
)
def test_the_rule_catches(place, line, name):
    assert wrong_imports(place, line) == [name]


@pytest.mark.parametrize(
    ("place", "line"),
    [
        ("tuning/execution/searcher.py", "import optuna, ray"),
        ("trainables/core/serving/mlflow_model.py", "import mlflow"),
        ("dashboards/importance.py", "import optuna.visualization\nfrom tuning.records.ledger import Ledger"),
        ("trainables/models/rbg.py", "import dataclasses\nimport torch"),
    ],
)
def test_the_rule_lets_pass(place, line):
    assert wrong_imports(place, line) == []


@pytest.mark.parametrize("path", sources(), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_nobody_edits_sys_path_and_the_session_alone_starts_ray(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    named = {ast.unparse(node) for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    assert "sys.path" not in named
    if path != ROOT / "tuning" / "execution" / "session.py":
        assert not named & {"ray.init", "ray.shutdown"}


def test_a_package_file_holds_a_docstring_and_nothing_else():
    for path in sources():
        if path.name == "__init__.py":
            tree = ast.parse(path.read_text(encoding="utf-8"))
            assert ast.get_docstring(tree), path
            assert len(tree.body) == 1, path


def test_the_trainer_runs_where_there_is_no_ray_no_mlflow_and_no_optuna():
    code = (
        "import sys\n"
        "for name in ('ray', 'mlflow', 'optuna'): sys.modules[name] = None  # importing it raises\n"
        "import trainables.core.training.trial, trainables.core.serving.classifier, trainables.res_rbg\n"
        "loaded = {name.split('.')[0] for name, module in sys.modules.items() if module}\n"
        "print(*sorted(loaded & {'ray', 'mlflow', 'optuna', 'tuning', 'search_spaces', 'sklearn', 'pandas'}))"
    )  # the last two double a worker's start
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == []


def test_a_slot_pays_for_torch_in_its_workers_alone():
    code = "import sys, trainables.core.ray.slot, trainables.core.ray.trainer; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.stdout.split() == ["False"], done.stderr


def test_a_look_at_a_ledger_needs_no_torch():
    code = "import sys, tuning.status; print('torch' in sys.modules, 'ray' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.stdout.split() == ["False", "False"], done.stderr
