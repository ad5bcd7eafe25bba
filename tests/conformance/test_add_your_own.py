"""README's "Add your own", carried out: every row writes one file of one copy of the repository, and the tests there pass."""

import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.extension.additions import ADDITIONS, EXAMPLES

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]  # a minute, where the cores are its own

NOT_COPIED = shutil.ignore_patterns(".*", "runs")
# Beside the conformance of the newcomers: what lists a folder, or could count what is in it.
ALSO = (
    "test_house",
    "any_layout",
    "test_imports",
    "search_spaces",
    "test_report",
    "test_ablation_report",
    "test_attention",
)
WHERE = (
    *("tests/conformance", "tests/search_spaces", "tests/trainables/models/test_attention.py"),
    *("tests/dashboards/test_report.py", "tests/dashboards/test_ablation_report.py"),
    "tests/trainables/core/serving/test_onnx.py",
)


@pytest.fixture(scope="module")
def ran(tmp_path_factory) -> dict[str, str]:
    """What became of each test in a copy that has all additions: its id, and PASSED or what else."""
    copy = tmp_path_factory.mktemp("own") / "fertune"
    shutil.copytree(ROOT, copy, ignore=NOT_COPIED)
    for addition in ADDITIONS:
        addition.write(copy)
    chosen = " or ".join((*ALSO, *(addition.name for addition in ADDITIONS)))
    options = ("-v", "--color=no", "-p", "no:cacheprovider", "-o", "addopts=")
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            *options,
            "-k",
            f"({chosen}) and not add_your_own and not is_not_loaded",
            *WHERE,
        ],
        cwd=copy,
        env={**os.environ, "PYTHONPATH": str(copy)},
        capture_output=True,
        text=True,
        timeout=590,
    )
    found = dict(re.findall(r"^(tests/\S+::.+?) (PASSED|FAILED|ERROR|SKIPPED)\b", done.stdout, re.MULTILINE))
    assert found, done.stdout + done.stderr
    assert done.returncode == 0, done.stdout[-20_000:]
    return found


@pytest.mark.parametrize("addition", ADDITIONS, ids=lambda addition: addition.kind)
def test_it_is_one_file_and_tested_by_being_there(ran, addition):
    place = f"tests/conformance/{addition.tested}::"
    tested = [test for test in ran if test.startswith(place) and re.search(rf"[\[-]{addition.name}[\]-]", test)]
    assert tested, f"no test of {addition.tested} has {addition.name}"
    assert {ran[test] for test in tested} == {"PASSED"}


def test_a_data_set_needs_no_layout(ran):
    assert [test for test in ran if "test_datasets.py" in test and "[person_folders-example]" in test]


def test_every_row_of_the_readme_is_carried_out():
    text = (ROOT / "README.md").read_text(encoding="utf-8").split("## Add your own")[1].split("\n## ")[0]
    rows = dict(re.findall(r"^\| (an? [^|]+?) \| ([^|]+) \|", text, re.MULTILINE))
    assert list(rows) == [addition.kind for addition in ADDITIONS]
    for addition in ADDITIONS:
        folder = Path(addition.file).parent.as_posix()
        assert folder in rows[addition.kind], f"the row names the folder of {addition.file}"


def test_every_example_is_used_once():
    files = [path.relative_to(EXAMPLES).as_posix() for path in EXAMPLES.glob("*/**/*.py")]
    assert Counter(files) == Counter(addition.example for addition in ADDITIONS if addition.example)
