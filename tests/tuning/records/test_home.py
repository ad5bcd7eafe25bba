"""Where studies lie under any name, commands that find them from any shell, and which fertune runs."""

import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tuning.records import home as module
from tuning.records.home import IN_JOB, default_home, elsewhere, in_shell, program, version


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


@pytest.fixture(autouse=True)
def _of_nobody(monkeypatch):
    for name in ("FERTUNE_HOME", IN_JOB):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize("name", ["a b", "it's", "$HOME", "a;b", "a?b*", "(é)", "a\nb", "-x"])
def test_a_command_is_typed_as_a_shell_reads_it(tmp_path, name):
    home = tmp_path / name
    variable, python, *rest = shlex.split(in_shell(home, "predict", "a clip's.mp4", "--model", "models:/x@champion"))
    assert variable == f"FERTUNE_HOME={home}"
    assert python.endswith("python")
    assert rest == ["tune.py", "predict", "a clip's.mp4", "--model", "models:/x@champion"]


def test_programs_are_named_as_they_are_found(tmp_path, monkeypatch):
    assert in_shell(Path("runs").absolute(), "status").split()[-2:] == ["tune.py", "status"]
    monkeypatch.chdir(tmp_path)
    assert shlex.split(in_shell(tmp_path / "runs", "status")) == [program("python"), str(ROOT / "tune.py"), "status"]
    assert program("mlflow") == str(Path(sys.executable).with_name("mlflow"))
    monkeypatch.setattr(module, "ROOT", tmp_path)  # as in a Ray job, whose upload has no `.venv`
    assert (program("python"), in_shell(tmp_path / "runs", "status")) == ("python", "python tune.py status")


@pytest.mark.parametrize(("given", "found"), [("", "runs"), ("there", "there"), ("~/there", "me/there")])
def test_a_home_is_a_full_path(tmp_path, monkeypatch, given, found):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "me"))
    monkeypatch.setenv("FERTUNE_HOME", given)
    assert default_home() == tmp_path / found


def test_a_home_of_nobody_is_refused(monkeypatch):
    monkeypatch.setenv("FERTUNE_HOME", "~no-such-user/runs")
    with pytest.raises(
        ValueError, match=r"^~no-such-user/runs has no meaning here: .* Set FERTUNE_HOME to a full path"
    ):
        default_home()


def test_a_home_whose_name_is_no_text_is_refused(monkeypatch):
    monkeypatch.setenv("FERTUNE_HOME", os.fsdecode(b"/data/\xff"))
    with pytest.raises(ValueError, match=r"^The home '/data/\\udcff' has a name that is not UTF-8"):
        default_home()


def test_a_user_without_a_home_is_no_obstacle(monkeypatch, tmp_path):
    monkeypatch.delenv("HOME", raising=False)
    monkeypatch.setattr(os, "getuid", lambda: 2**31 - 7)
    assert elsewhere(tmp_path) == ""
