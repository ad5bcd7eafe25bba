"""Which fertune runs: one version, that of `pyproject.toml`."""

import re
import shutil
import subprocess
import sys
import tomllib

from tests.conftest import ROOT
from tuning.records.home import version


def test_the_version_is_that_of_the_project_and_of_its_citation():
    stated = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert version() == stated
    assert re.search(r"^version: (.+)$", (ROOT / "CITATION.cff").read_text(), re.MULTILINE)[1] == stated
    assert re.search(r"^## \[(\d.+)\]", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)[1] == stated


def test_a_copy_of_what_a_job_uploads_knows_its_version(tmp_path):
    for name in ("tuning/__init__.py", "tuning/records/__init__.py", "tuning/records/home.py", "pyproject.toml"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    shutil.copytree(ROOT / "trainables", tmp_path / "trainables")
    (tmp_path / "pyproject.toml").write_text('[project]\nversion = "9.8.7"\n')
    code = "from tuning.records.home import version; print(version())"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "9.8.7", done.stderr
