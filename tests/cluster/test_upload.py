"""What a Ray job uploads: what Ray itself would send, and little of it."""

import shutil
import subprocess

import pytest
from ray._private.runtime_env import packaging

from cluster.core import upload
from tests.conftest import ROOT


def test_the_upload_is_what_ray_would_send(tmp_path):
    sent = []
    excludes = [packaging._get_excludes(ROOT, [".git"])]
    packaging._dir_travel(ROOT, excludes, lambda path: path.is_file() and sent.append(path), include_gitignore=True)
    assert upload.uploaded() == sorted(sent)


def test_models_and_clips_beside_the_code_stay_here(tmp_path):
    subprocess.run(["git", "init", "--quiet", str(tmp_path)], check=True)
    shutil.copy(ROOT / ".rayignore", tmp_path)
    names = (
        "tune.py",
        "model.onnx",
        "out/model-int8.onnx",
        "a.mp4",
        "clips/happy/P1_a/1.png",
        "trainables/core/prepared/batches.py",
    )
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x")
    sent = [path.relative_to(tmp_path).as_posix() for path in upload.uploaded(tmp_path)]
    assert sent == [".rayignore", "trainables/core/prepared/batches.py", "tune.py"]


@pytest.mark.parametrize("path", [None, "/nowhere"])
def test_outside_a_checkout_or_without_git_it_is_a_message(tmp_path, monkeypatch, capsys, path):
    monkeypatch.setattr(upload, "ROOT", tmp_path)
    if path:
        monkeypatch.setenv("PATH", path)
    assert upload.main() == 1
    said = capsys.readouterr().err
    assert said.startswith("The upload of a Ray job cannot be listed: it needs git and a checkout, and git says of ")
    assert ("not a git repository" in said) == (path is None)
    assert said.count("\n") == 1


def test_it_is_small_and_holds_what_a_job_needs():
    files = {path.relative_to(ROOT).as_posix() for path in upload.uploaded()}
    needed = {
        "tune.py",
        "pyproject.toml",
        "search_spaces/demo.py",
        "trainables/res_rbg.py",
        "tuning/execution/session.py",
    }
    assert needed <= files
    assert not [name for name in files if name.startswith((".venv", "runs", "tests", "docs"))]
    assert upload.main() == 0


def test_a_large_upload_is_named(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(upload, "LIMIT_MIB", 0.001)
    assert upload.main() == 1
    said = capsys.readouterr()
    assert "limit 0.001 MiB" in said.out
    assert "MiB\nList what a job does not need in .rayignore." in said.err
