"""CONTRIBUTING is all that a newcomer needs: its examples are those that are carried out, and its first change trains."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.extension.additions import ADDITIONS
from tests.support.sample_study import write_sample

TEXT = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
# Code under the name of the file that it is written in.
BLOCKS = re.findall(r"^`([\w/]+\.py)`[^\n]*\n\n```python\n(.*?)```", TEXT, re.MULTILINE | re.DOTALL)
NOT_COPIED = shutil.ignore_patterns(".*", "runs", "docs")
FIRST = "search_spaces/my_gates.py"

# In the copy that has the first change: the study as it is smoked, one trial of it with the new gate, without Ray.
_TRAIN = """
import json, sys
from pathlib import Path
from search_spaces.core.study import load_study
from tests.support.builders import make_spec, prepare_random, train
from trainables.core.training import costs
costs.LATENCY_BUDGET_S = 0.0
study, folder = load_study("my_gates").smoked(), Path(sys.argv[1])
point = {key: domain.categories[-1] for key, domain in study.parameters.items()}
spec = make_spec(prepare_random(folder, num_subjects=6), folder / "trial", trainable=study.trainable, **study.settings, **point)
objectives = [objective.metric for objective in study.objectives]
print(json.dumps({**point, "objectives": objectives, "metrics": train(spec)[1]}))
"""


def code_of(path: str) -> list[str]:
    """The examples that are written into the file at `path`."""
    return [code for file, code in BLOCKS if file == path]


@pytest.mark.parametrize("addition", ADDITIONS, ids=lambda addition: addition.kind)
def test_each_kind_is_shown_as_it_is_carried_out(addition):
    shown = [code.strip() for code in code_of(addition.file)]
    assert not addition.text or addition.text.strip() in shown
    assert addition.line in TEXT
    assert re.search(rf"tests/conformance/{addition.tested} -k {addition.name}\b", TEXT)


@pytest.fixture(scope="module")
def copy(tmp_path_factory) -> Path:
    """The repository with what CONTRIBUTING has a newcomer write first, and with its verb."""
    copy = tmp_path_factory.mktemp("first") / "fertune"
    shutil.copytree(ROOT, copy, ignore=NOT_COPIED)
    for addition in ADDITIONS:
        if addition.kind in ("a channel gate", "an objective"):
            addition.write(copy)
    for file in (FIRST, "tuning/best.py"):
        (copy / file).write_text(*code_of(file))
    text, marker, end = (copy / "tune.py").read_text(encoding="utf-8").partition('if __name__ == "__main__":')
    (copy / "tune.py").write_text(text + code_of("tune.py")[0] + "\n\n" + marker + end)
    return copy


def answer(copy: Path, *arguments: object, **environment: str) -> str:
    """What Python prints in the copy."""
    done = subprocess.run(
        [sys.executable, *map(str, arguments)],
        cwd=copy,
        env={**os.environ, "PYTHONPATH": str(copy), **environment},
        capture_output=True,
        text=True,
        timeout=200,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.slow
def test_the_first_change_is_tested_and_trains(copy, tmp_path):
    answer(copy, "-m", "pytest", "-o", "addopts=", "tests/conformance/test_studies.py", "-k", "my_gates")
    found = json.loads(answer(copy, "-c", _TRAIN, tmp_path).splitlines()[-1])
    assert found["attention"] == "style"
    assert 0 <= found["metrics"]["accuracy"] <= 1
    assert set(found["objectives"]) <= set(found["metrics"])


def test_the_verb_answers(copy, tmp_path):
    write_sample(tmp_path, "smiles")
    assert answer(copy, "tune.py", "best", "smiles", FERTUNE_HOME=str(tmp_path)).startswith("search-00")
