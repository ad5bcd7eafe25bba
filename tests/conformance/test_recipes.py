"""Every cluster recipe there is: it says how it is started and what it starts, and `--help` starts nothing.

What a recipe must have stands in the docstring of `cluster/`.
"""

import ast
import runpy
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

FOLDER = ROOT / "cluster"
FILES: dict[str, Path] = {path.parent.name: path for path in sorted(FOLDER.glob("*/__main__.py"))} | {
    path.stem: path for path in sorted(FOLDER.glob("*.py")) if path.stem != "__init__"
}


def test_a_folder_of_recipes_holds_recipes_and_machinery_alone():
    folders = {path.name for path in FOLDER.iterdir() if path.is_dir() and not path.name.startswith(("_", "."))}
    assert folders - set(FILES) == {"core"}, "a recipe is a file, or a folder with a `__main__.py`"


@pytest.mark.parametrize("name", FILES)
def test_it_says_how_it_is_started(name):
    text = ast.get_docstring(ast.parse(FILES[name].read_text(encoding="utf-8")))
    assert text, "its docstring gives the command and says what it starts"
    assert f"python -m cluster.{name}" in text.splitlines()[0]


@pytest.mark.parametrize("name", FILES)
def test_help_explains_it_and_starts_nothing(name, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", [str(FILES[name]), "--help"])
    monkeypatch.setattr("subprocess.Popen", lambda *_, **__: pytest.fail("started a process"))
    with pytest.raises(SystemExit) as ended:
        runpy.run_module(f"cluster.{name}", run_name="__main__")
    assert ended.value.code == 0
    assert f"python -m cluster.{name}" in capsys.readouterr().out
