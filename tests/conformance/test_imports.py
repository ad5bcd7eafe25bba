"""Who may import what: the table of the house, enforced whole. A local import, and one for types alone, counts as any other."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

CODE = ("tune.py", "fertune.py", "tuning", "search_spaces", "trainables", "dashboards", "cluster", "drawing")
STATISTICS = {"numpy", "pandas", "scipy", "moocore"}

# Each place, and what of ours it may import beside itself; the first that fits a file counts.
OURS = {
    "tune.py": ("fertune", "tuning.commands", "tuning.text", "tuning.records.home"),
    "fertune.py": (
        "tuning.*",
        "dashboards.core.page",
        "search_spaces.core.study",
        "tuning.execution.devices.placement",
        "trainables.core.lookup",
    ),
    "tuning/commands/": (
        *("fertune", "tuning.submit", "tuning.text", "tuning.records.home"),
        *("tuning.execution.jobs", "tuning.execution.signals"),
    ),
    "tuning/statistics/": (),
    "tuning/records/saved_model.py": (),
    "tuning/records/": ("tuning.statistics", "search_spaces", "trainables"),
    "tuning/evidence/": (
        *("tuning.records", "tuning.statistics", "tuning.text.quantities"),
        *("search_spaces", "trainables"),
    ),
    "tuning/text/": ("tuning.evidence", "tuning.records", "tuning.statistics", "search_spaces", "trainables"),
    "tuning/execution/": ("tuning.records", "tuning.statistics", "search_spaces", "trainables"),
    "tuning/": ("tuning", "search_spaces", "trainables"),
    "dashboards/": (
        *("tuning.evidence", "tuning.records", "tuning.statistics", "tuning.text"),
        *("search_spaces", "trainables"),
    ),
    "cluster/": ("tuning.text", "tuning.execution", "tuning.records"),
    "search_spaces/": ("trainables",),
    "drawing/": ("trainables",),
    "trainables/models/": tuple(
        f"trainables.core.{name}" for name in ("lookup", "config", "ranges", "files", "starting")
    ),
    "trainables/data/core/": ("trainables.core.lookup", "trainables.core.wording"),
    "trainables/data/": ("trainables.data.core", "trainables.core"),
    "trainables/core/faces/": ("trainables.data.core", "trainables.core"),
    "trainables/core/prepared/": ("trainables.data.core", "trainables.core"),
    "trainables/core/training/": ("trainables.data.core", "trainables.core"),
    "trainables/core/": ("trainables",),
    "trainables/": ("trainables",),
}
# A package outside the standard library, and the only places that may import it.
PACKAGES = {
    "ray": ("tune.py", "tuning/execution/", "search_spaces/", "trainables/core/ray/"),
    "mlflow": ("tuning/records/", "trainables/core/serving/mlflow_model.py"),
    "optuna": ("tuning/execution/", "dashboards/"),
    "facenet_pytorch": ("trainables/core/faces/mtcnn.py",),
    "av": ("trainables/data/core/video.py",),
    "torch": ("trainables/", "tuning/plan.py", "tuning/doctor.py", "drawing/"),
}
PRIVATE_RAY = ("trainables/core/ray/", "tuning/execution/session.py")
# Where nothing else from outside may be imported.
ONLY = {
    "tuning/statistics/": STATISTICS,
    "trainables/models/": {"torch", "torchvision", "timm", "safetensors"},
    "trainables/data/core/": {"av", "numpy", "torch", "cv2", "natsort", "openpyxl", "sklearn", "xlrd"},
    "trainables/data/": {"numpy", "torch", "cv2"},
}
# What imports one another within `trainables/core`, downwards.
FLOORS = ("ray", "serving", "training", "prepared", "faces")


def sources() -> list[Path]:
    """Every Python file that is not free to import as it likes."""
    return [
        path
        for name in CODE
        for path in ([ROOT / name] if name.endswith(".py") else sorted((ROOT / name).rglob("*.py")))
    ]


def place_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def imported(source: str) -> set[str]:
    """The modules that `source` imports, anywhere in it; `from a import b` is `a.b` too, as `b` may be a module."""
    names = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative imports are not used here"
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def is_ours(name: str) -> bool:
    return name.split(".")[0] in {"tune", "tests", "benchmarks", *(part.removesuffix(".py") for part in CODE)}


def may(place: str, name: str) -> bool:
    """Whether the file at `place` may import `name`, which is ours."""
    room = next(room for room in OURS if place.startswith(room))
    allowed = [part.removesuffix(".*") for part in OURS[room] if not part.endswith(".*")]
    if room.endswith("/"):
        allowed.append(room.rstrip("/").replace("/", "."))
    # `tuning.*` stands for the verbs: what lies directly in the folder.
    verbs = [part.removesuffix("*") for part in OURS[room] if part.endswith(".*")]
    is_verb = any(
        name.startswith(part) and (ROOT / "/".join(name.split(".")[:2])).with_suffix(".py").exists() for part in verbs
    )
    return is_verb or name in verbs or any(f"{name}.".startswith(f"{part}.") for part in allowed)


def wrong_imports(place: str, source: str) -> list[str]:
    """What the file at `place` imports and may not."""
    names = imported(source)
    packages = {name.split(".")[0] for name in names}
    wrong = [package for package, places in PACKAGES.items() if package in packages and not place.startswith(places)]
    wrong += sorted(name for name in names if is_ours(name) and not may(place, name))
    if not place.startswith(PRIVATE_RAY):
        wrong += sorted(name for name in names if name.startswith("ray.") and "._" in name)
    for part, allowed in ONLY.items():
        if place.startswith(part):
            foreign = {package for package in packages if not is_ours(package)}
            wrong += sorted(foreign - allowed - sys.stdlib_module_names)
            break
    for height, floor in enumerate(FLOORS):
        if place.startswith(f"trainables/core/{floor}/"):
            above = tuple(f"trainables.core.{one}." for one in FLOORS[:height])
            wrong += sorted(name for name in names if name.startswith(above))
    return wrong


def test_every_file_imports_what_its_place_allows():
    wrong = {place_of(path): wrong_imports(place_of(path), path.read_text(encoding="utf-8")) for path in sources()}
    assert {place: names for place, names in wrong.items() if names} == {}


@pytest.mark.parametrize(
    ("place", "line", "name"),
    [
        ("trainables/core/training/trainer.py", "import ray", "ray"),
        ("trainables/core/training/trial.py", "def f():\n    from mlflow.entities import Metric", "mlflow"),
        ("trainables/core/training/trial.py", "from tuning.records.ledger import Trial", "tuning.records.ledger.Trial"),
        (
            "trainables/core/prepared/cache.py",
            "import trainables.core.training.trainer",
            "trainables.core.training.trainer",
        ),
        ("trainables/models/resnet.py", "import numpy", "numpy"),
        ("trainables/data/ck_plus.py", "import pandas", "pandas"),
        ("trainables/data/ck_plus.py", "import natsort", "natsort"),
        ("search_spaces/demo.py", "import optuna", "optuna"),
        ("search_spaces/core/study.py", "from tuning.statistics import pareto", "tuning.statistics.pareto"),
        ("tuning/run.py", "import ray", "ray"),
        ("tuning/run.py", "import mlflow.pyfunc", "mlflow"),
        ("tuning/confirm.py", "from dashboards import front", "dashboards.front"),
        ("tuning/statistics/pareto.py", "from trainables.core import lookup", "trainables.core.lookup"),
        ("tuning/statistics/power.py", "import statsmodels", "statsmodels"),
        (
            "tuning/records/ledger.py",
            "from tuning.execution.search.searcher import InTurn",
            "tuning.execution.search.searcher.InTurn",
        ),
        ("tuning/evidence/holdout.py", "from tuning.execution import seeds", "tuning.execution.seeds"),
        ("tuning/evidence/holdout.py", "from tuning.text.tables import LEAKY", "tuning.text.tables.LEAKY"),
        ("tuning/text/tables.py", "from tuning.execution.session import Session", "tuning.execution.session.Session"),
        ("tuning/execution/runner.py", "from tuning.run import run", "tuning.run.run"),
        ("tuning/execution/runner.py", "from tuning.evidence import holdout", "tuning.evidence.holdout"),
        ("tuning/execution/runner.py", "import ray._private.worker", "ray._private.worker"),
        ("tuning/execution/preparation.py", "from facenet_pytorch import MTCNN", "facenet_pytorch"),
        ("dashboards/front.py", "import tune", "tune"),
        ("dashboards/front.py", "from tuning.status import status", "tuning.status.status"),
        ("tune.py", "from tests.support.builders import train", "tests.support.builders.train"),
        ("tune.py", "from tuning.records.ledger import Ledger", "tuning.records.ledger.Ledger"),
        ("cluster/local/parts.py", "from tuning.run import run", "tuning.run.run"),
    ],
)
def test_the_rule_catches(place, line, name):
    assert wrong_imports(place, line) == [name]


@pytest.mark.parametrize(
    ("place", "line"),
    [
        ("tune.py", "import fertune"),
        ("fertune.py", "from tuning.run import run"),
        ("tuning/execution/search/optuna_searcher.py", "import optuna, ray"),
        ("tuning/execution/session.py", "from ray._private import worker"),
        ("trainables/core/serving/mlflow_model.py", "import mlflow"),
        ("dashboards/importance.py", "import optuna.visualization\nfrom tuning.records.ledger import Ledger"),
        ("trainables/models/rbg.py", "import dataclasses\nimport torch"),
    ],
)
def test_the_rule_lets_pass(place, line):
    assert wrong_imports(place, line) == []


def test_no_module_imports_itself_in_a_circle():
    """Local imports and those for types count: a circle hidden by one is a circle."""
    files = {".".join(path.relative_to(ROOT).with_suffix("").parts): path for path in sources()}
    arrows = {
        name: {one for found in imported(path.read_text()) for one in (found, found.rpartition(".")[0]) if one in files}
        for name, path in files.items()
    }
    seen: dict[str, int] = {}

    def visit(name: str, way: tuple[str, ...]) -> None:
        assert seen.get(name) != 1, f"a circle: {' -> '.join((*way[way.index(name) :], name))}"
        if name not in seen:
            seen[name] = 1  # on the way
            for other in sorted(arrows[name] - {name}):
                visit(other, (*way, name))
            seen[name] = 2

    for name in files:
        visit(name, ())


def test_nobody_edits_sys_path_and_the_session_alone_starts_ray():
    for path in sources():
        tree = ast.parse(path.read_text(encoding="utf-8"))
        named = {ast.unparse(node) for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
        assert "sys.path" not in named, path
        if path != ROOT / "tuning" / "execution" / "session.py":
            assert not named & {"ray.init", "ray.shutdown"}, path


def test_preparation_alone_has_faces_drawn():
    naming = [place_of(path) for path in sources() if "drawing.layouts" in path.read_text(encoding="utf-8")]
    assert [place for place in naming if not place.startswith("drawing/")] == ["tuning/execution/preparation.py"]


def test_a_package_file_holds_a_docstring_and_nothing_else():
    for path in sources():
        if path.name == "__init__.py":
            tree = ast.parse(path.read_text(encoding="utf-8"))
            assert ast.get_docstring(tree), path
            assert len(tree.body) == 1, path


@pytest.mark.parametrize(
    ("modules", "unwanted"),
    [
        # The last two double a worker's start.
        pytest.param(
            "trainables.core.training.trial, trainables.core.serving.classifier, trainables.res_rbg",
            {"ray", "mlflow", "optuna", "tuning", "search_spaces", "sklearn", "pandas"},
            marks=pytest.mark.slow,
        ),
        pytest.param("trainables.core.ray.slots, trainables.core.ray.trainer", {"torch"}, marks=pytest.mark.slow),
        ("tuning.status, tuning.logs", {"torch", "ray", "mlflow"}),
        pytest.param(
            "tuning.statistics.comparison, tuning.statistics.gate.superiority",
            {"torch", "trainables", "statsmodels"},
            marks=pytest.mark.slow,
        ),
        ("tune", {"torch", "ray", "mlflow", "rich.console", "pandas"}),
    ],
)
def test_what_is_not_needed_is_not_loaded(modules, unwanted):
    code = f"import sys, {modules}; print(*sorted(name for name in {unwanted!r} if name in sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == []
