"""What a Ray job uploads: what Ray itself would send, and little of it."""

from ray._private.runtime_env import packaging

from cluster.core import upload
from tests.conftest import ROOT


def test_the_upload_is_what_ray_would_send(tmp_path):
    sent = []
    excludes = [packaging._get_excludes(ROOT, [".git"])]
    packaging._dir_travel(ROOT, excludes, lambda path: path.is_file() and sent.append(path), include_gitignore=True)
    assert upload.uploaded() == sorted(sent)


def test_it_is_small_and_holds_what_a_job_needs():
    files = {path.relative_to(ROOT).as_posix() for path in upload.uploaded()}
    assert {"tune.py", "search_spaces/demo.py", "trainables/res_rbg.py", "tuning/session.py"} <= files
    assert not [name for name in files if name.startswith((".venv", "runs", "tests", "docs"))]
    assert upload.main() == 0


def test_a_large_upload_is_named(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(upload, "LIMIT_MIB", 0.001)
    assert upload.main() == 1
    said = capsys.readouterr()
    assert "limit 0.001 MiB" in said.out
    assert "MiB\nList what a job does not need in .rayignore." in said.err
