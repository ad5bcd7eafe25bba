"""Prepared data is copied once to the disk of a machine, whole or not at all, and goes when it is in the way."""

import errno
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import numpy as np
import pytest

from tests.conftest import ROOT
from trainables.core import files
from trainables.core.prepared import node_copy
from trainables.core.prepared.node_copy import Near, local_copy, near
from trainables.core.prepared.stored import open_prepared

COPYING = node_copy._copy_file


@pytest.fixture(autouse=True)
def copied(monkeypatch):
    """The names of the files that were copied, from what stands for another disk; what is held is let go afterwards."""
    found = []

    def copy_file(source, target):
        found.append(source.name)
        COPYING(source, target)

    monkeypatch.setattr(node_copy, "_is_same_disk", lambda place, folder: False)
    monkeypatch.setattr(node_copy, "_copy_file", copy_file)
    monkeypatch.setattr(node_copy, "_held", {})
    return found


@pytest.fixture
def shared(prepared, tmp_path):
    """`shared(name)`: the folder of prepared data in a home, of which no other has the content."""

    def made(name="faces-1"):
        folder = shutil.copytree(prepared.folder, tmp_path / "home" / name)
        index = folder / files.INDEX
        index.write_text(index.read_text() + " " * len(list(folder.parent.iterdir())))
        return folder

    return made


def place(tmp_path):
    return tmp_path / "disk" / f"fertune-data-{os.getuid()}"


def let_go():
    """What this process holds, as if it had ended."""
    for held in node_copy._held.values():
        held.close()
    node_copy._held.clear()


def left_in(folder):
    """What lies in `folder` beside locks."""
    return sorted(path.name for path in folder.iterdir() if not path.name.endswith(".lock"))


def test_a_copy_is_made_once_and_read_like_the_original(shared, tmp_path, copied):
    folder = shared()
    (folder / files.FRAMES_AT.format(pixels=8)).write_bytes(b"is derived again")
    found = local_copy(folder, tmp_path / "disk")
    assert found == local_copy(folder, tmp_path / "disk")
    assert found.folder.parent == place(tmp_path)
    assert copied == [files.INDEX, files.FRAMES]
    original, copy = open_prepared(folder), open_prepared(found.folder)
    assert np.array_equal(original.frames, copy.frames)
    assert copy.fingerprint == original.fingerprint
    copy.at_size(10)
    assert not original.has_size(10)
    assert left_in(place(tmp_path)) == [found.folder.name]
    assert place(tmp_path).stat().st_mode & 0o777 == 0o700


def test_many_at_once_make_one(shared, tmp_path, copied):
    folder = shared()
    with ThreadPoolExecutor(8) as pool:
        found = set(pool.map(lambda _: local_copy(folder, tmp_path / "disk"), range(8)))
    assert len(found) == 1
    assert copied == [files.INDEX, files.FRAMES]


def test_on_the_same_disk_there_is_nothing_to_gain(shared, tmp_path, monkeypatch, copied):
    monkeypatch.undo()
    folder = shared()
    assert local_copy(folder, tmp_path / "disk") == Near(folder)
    assert copied == []


def test_a_copy_that_is_cut_short_is_made_again(shared, tmp_path, copied):
    folder = shared()
    frames = local_copy(folder, tmp_path / "disk").folder / files.FRAMES
    os.truncate(frames, 100)
    local_copy(folder, tmp_path / "disk")
    assert frames.stat().st_size == (folder / files.FRAMES).stat().st_size
    assert copied == [files.INDEX, files.FRAMES] * 2


def test_where_the_disk_is_full_the_original_is_read_with_a_note(shared, tmp_path, monkeypatch):
    folder = shared()

    def full(source, target):
        target.write_bytes(b"half")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(node_copy, "_copy_file", full)
    found = local_copy(folder, tmp_path / "disk")
    assert found.folder == folder
    assert found.note == (
        f"The data is read from {folder}, not copied to the disk of this machine "
        f"({tmp_path / 'disk'}: No space left on device)."
    )
    assert left_in(place(tmp_path)) == []


def test_a_copy_takes_no_more_than_its_share_of_the_disk(shared, tmp_path, monkeypatch, copied):
    folder = shared()
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=1000))
    assert "no room for" in local_copy(folder, tmp_path / "disk").note
    assert copied == []


def test_what_was_used_least_recently_makes_room_unless_it_is_used(shared, tmp_path, monkeypatch):
    folders = [shared(f"faces-{number}") for number in range(4)]
    size = sum((folders[0] / name).stat().st_size for name in (files.INDEX, files.FRAMES))
    first, second, _ = (local_copy(folder, tmp_path / "disk").folder for folder in folders[:3])
    for age, copy in enumerate((second, first)):
        os.utime(copy / ".used", (age, age))
    let_go()
    node_copy._hold(second)
    os.utime(second / ".used", (0, 0))
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=3.5 * size))  # room for three and a bit
    assert not local_copy(folders[3], tmp_path / "disk").note
    assert second.exists(), "somebody uses it"
    assert not first.exists(), "nobody does, for the longest"
    assert len(left_in(place(tmp_path))) == 3


def test_what_another_process_uses_stays(shared, tmp_path):
    folder = shared()
    copy = local_copy(folder, tmp_path / "disk").folder
    let_go()
    code = (
        f"from pathlib import Path; from trainables.core.prepared import node_copy as n; n._hold(Path({str(copy)!r}))"
    )
    command = [sys.executable, "-c", f"{code}; print('holds', flush=True); input()"]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout.readline() == "holds\n"
        assert not node_copy._remove(copy)
        other.communicate("\n", timeout=60)
    assert node_copy._remove(copy)
    assert left_in(place(tmp_path)) == []


@pytest.mark.parametrize("what", ["gone", "changed"])
def test_a_copy_of_data_that_their_home_has_no_more_goes_with_the_next(shared, tmp_path, what):
    old, new = shared("faces-1"), shared("faces-2")
    copy = local_copy(old, tmp_path / "disk").folder
    let_go()
    if what == "gone":
        shutil.rmtree(old)
    else:
        (old / files.INDEX).write_text("{}")  # somebody withdrew
    local_copy(new, tmp_path / "disk")
    assert not copy.exists()


def test_what_a_process_that_was_killed_left_goes(shared, tmp_path):
    folder = shared()
    copy = local_copy(folder, tmp_path / "disk").folder
    half = copy.with_name(f".{copy.name}.0123.tmp")
    shutil.copytree(copy, half)
    shutil.rmtree(copy)
    local_copy(folder, tmp_path / "disk")
    assert left_in(place(tmp_path)) == [copy.name]


@pytest.mark.parametrize("what", ["a link", "a folder that others write"])
def test_a_place_that_is_not_the_user_s_alone_is_not_used(shared, tmp_path, what):
    folder = shared()
    place(tmp_path).parent.mkdir()
    if what == "a link":
        (tmp_path / "elsewhere").mkdir()
        place(tmp_path).symlink_to(tmp_path / "elsewhere")
    else:
        place(tmp_path).mkdir()
        place(tmp_path).chmod(0o777)
    found = local_copy(folder, tmp_path / "disk")
    assert found.folder == folder
    assert "is not a folder that this user alone writes" in found.note


def test_data_that_are_not_there_are_left_to_who_opens_them(tmp_path):
    assert local_copy(tmp_path / "away", tmp_path / "disk") == Near(tmp_path / "away")


def test_a_trial_says_where_and_its_machine_may_say_otherwise(shared, tmp_path, monkeypatch):
    folder = shared()
    assert near(folder, "") == near(folder, "none") == Near(folder)
    assert near(folder, str(tmp_path / "disk")).folder.parent == place(tmp_path)
    monkeypatch.setenv("FERTUNE_LOCAL_DATA", str(tmp_path / "scratch"))
    assert near(folder, "auto").folder.is_relative_to(tmp_path / "scratch")
    monkeypatch.setenv("FERTUNE_LOCAL_DATA", "none")
    assert near(folder, "auto") == Near(folder)
    monkeypatch.delenv("FERTUNE_LOCAL_DATA")
    monkeypatch.setattr(node_copy.tempfile, "gettempdir", lambda: str(tmp_path / "tmp"))
    assert near(folder, "auto").folder.is_relative_to(tmp_path / "tmp")
