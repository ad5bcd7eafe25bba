"""A registered model in a process of its own: what it says is handed on as it comes, and its end is told."""

import ast
import sys

import pytest

from tests.conftest import ROOT
from tuning.records import served

PROGRAM = ROOT / "tuning" / "records" / "saved_model.py"


@pytest.fixture
def predict(monkeypatch, tmp_path):
    """`predict(program, *paths)` with that program in place of the one that loads a model."""

    def run(program, *paths, every_face=False):
        script = tmp_path / "program.py"
        script.write_text(program)
        monkeypatch.setattr(served, "_PROGRAM", script)
        monkeypatch.setattr(served, "download", lambda uri, tracking_uri, into: into)
        return served.predict("models:/tiny@champion", "sqlite:///x.db", paths, every_face=every_face)

    return run


ECHO = """
import json, sys
print(json.dumps({"unknown": []}), flush=True)
for line in sys.stdin:
    print(json.dumps([{"path": json.loads(line)}, {"path": "more"}]), flush=True)
"""


def test_every_row_of_every_path_comes_in_order(predict):
    names = ["a b.mp4", "Zoë\n.png"]
    assert [row["path"] for row in predict(ECHO, *names)] == ["a b.mp4", "more", "Zoë\n.png", "more"]


def test_an_answer_is_given_before_the_next_is_asked_for(predict):
    once = ECHO.replace("for line in sys.stdin:", "for line in [sys.stdin.readline()]:")
    rows = predict(once, "first", "second")
    assert [next(rows)["path"], next(rows)["path"]] == ["first", "more"]
    with pytest.raises(RuntimeError, match="exit code 0"):
        next(rows)


def test_a_path_that_kills_the_process_has_no_answer_and_the_others_do(predict):
    fault = "    if 'bad' in line:\n        import os; os.kill(os.getpid(), 11)\n"
    deadly = ECHO.replace("    print(json", f"{fault}    print(json")
    rows = list(predict(deadly, "a.mp4", "bad.mp4", "b.mp4"))
    assert [row["path"] for row in rows] == ["a.mp4", "more", "bad.mp4", "b.mp4", "more"]
    assert rows[2]["error"].startswith("bad.mp4: the process that read it was killed (signal 11")


def test_a_model_is_asked_for_everybody_if_it_knows_that(predict):
    knows = ECHO.replace('{"path": "more"}', "json.loads(sys.argv[2])")
    assert list(predict(knows, "a.mp4", every_face=True)) == [{"path": "a.mp4"}, {"every_face": True}]
    assert list(predict(knows, "a.mp4")) == [{"path": "a.mp4"}, {}]
    with pytest.raises(
        ValueError, match=r"models:/tiny@champion .* answers for one face a clip: go without --every-face"
    ):
        list(predict(ECHO.replace("[]}", '["every_face"]}'), "a.mp4", every_face=True))


@pytest.mark.parametrize(
    ("program", "message"),
    [
        ("raise SystemExit('no such module')", r"models:/tiny@champion ended \(exit code 1\): no such module"),
        ("import os; os.kill(os.getpid(), 11)", r"ended \(signal 11\): it said nothing"),
    ],
)
def test_a_process_that_ends_is_told_with_its_last_words(predict, program, message):
    with pytest.raises(RuntimeError, match=message):
        list(predict(program, "a.mp4"))


def test_the_program_imports_nothing_of_ours():
    tree = ast.parse(PROGRAM.read_text())
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert {name.split(".")[0] for name in names} - sys.stdlib_module_names == {"mlflow"}
