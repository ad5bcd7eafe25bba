"""Frames for a GPU: few enough to carry, the same at any size, and faces only where no commit takes them."""

import subprocess

import numpy as np

from benchmarks import gpu
from benchmarks.core.gpu_frames import pack, stored_frames
from benchmarks.gpu import main


def test_packed_frames_are_few_enough_and_come_back_at_any_size(tmp_path):
    prepared = stored_frames(str(tmp_path), "", 64, 12, 20, 0)
    file = tmp_path / "runs" / "packed"
    size = 2**16 + 5 * 16 * 60**2 * 3
    assert pack(prepared.folder, file, most_bytes=size) == 5
    assert file.stat().st_size <= size
    again = stored_frames(str(tmp_path), str(file), 80, 7, 4, 0)
    assert again.frames.shape == (7 * 4, 80, 80, 3)
    assert again.labels[:2].tolist() == again.labels[5:7].tolist(), "clips are repeated to the number asked for"
    assert np.abs(again.frames.mean() - prepared.frames.mean()) < 5


def test_faces_are_packed_to_where_no_commit_takes_them(tmp_path, monkeypatch, capsys):
    prepared = stored_frames(str(tmp_path), "", 64, 4, 2, 0).folder
    checkout = tmp_path / "checkout"
    subprocess.run(["git", "init", "--quiet", str(checkout)], check=True)
    (checkout / ".gitignore").write_text("runs/\n")
    monkeypatch.setattr(gpu, "root", lambda: checkout)
    packed = lambda file: main(["--pack", str(file), "--prepared", str(prepared)])  # noqa: E731
    (tmp_path / "link").symlink_to(checkout)
    for place in (checkout, tmp_path / "link"):
        assert packed(place / "faces.npz") == 2
        told = capsys.readouterr().err
        assert str(place / "faces.npz") in told
        assert f"Allowed: a file outside {checkout}, or one that git ignores" in told
    assert not (checkout / "faces.npz").exists()
    for file in (checkout / "runs" / "faces.npz", tmp_path / "faces.npz"):
        assert packed(file) == 0
        assert file.exists()
    monkeypatch.setenv("PATH", "")
    assert packed(checkout / "without_git.npz") == 0
    monkeypatch.undo()
    monkeypatch.setattr(gpu, "root", lambda: tmp_path)
    assert packed(tmp_path / "without_checkout.npz") == 0


def test_pack_says_what_is_wrong(tmp_path, capsys):
    assert main(["--pack", str(tmp_path / "file"), "--prepared", str(tmp_path)]) == 2
    small = stored_frames(str(tmp_path), "", 40, 4, 2, 0)
    assert main(["--pack", str(tmp_path / "file"), "--prepared", str(small.folder)]) == 2
    assert main(["--device", "cpu", "--frames", str(tmp_path / "none")]) == 2
    told = capsys.readouterr().err.splitlines()
    assert "no prepared data here" in told[0]
    assert told[1].endswith("have 40 px; at least 60 are needed.")
    assert told[2].endswith("`--pack` writes one.")
