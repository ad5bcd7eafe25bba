"""A file is hashed once, until anything about it changes; a store that cannot be used costs time and nothing else."""

import hashlib
import os
import sqlite3

import pytest

from trainables.core.prepared import content
from trainables.core.prepared.content import UNREADABLE, content_hashes


@pytest.fixture
def path(tmp_path):
    found = tmp_path / "clip.avi"
    found.write_bytes(b"a face")
    return found


@pytest.fixture
def hashed(monkeypatch):
    """The files that were really read."""
    found, read = [], content._hashed
    monkeypatch.setattr(content, "_hashed", lambda path: found.append(path) or read(path))
    return found


def test_a_file_is_read_once(path, tmp_path, hashed):
    told = []
    for _ in range(2):
        found = content_hashes([path], tmp_path / "hashes", on_progress=lambda *of: told.append(of))
        assert found == {path: hashlib.sha256(b"a face").hexdigest()}
    assert hashed == [path]
    assert told == [(6, 6)]


def test_bytes_that_change_behind_the_same_size_and_time_are_seen(path, tmp_path):
    before, stat = content_hashes([path], tmp_path / "hashes"), path.stat()
    path.write_bytes(b"a fact")
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert content_hashes([path], tmp_path / "hashes") != before


def test_nothing_remembered_is_believed_where_all_is_to_be_read(path, tmp_path, hashed):
    content_hashes([path], tmp_path / "hashes")
    with sqlite3.connect(tmp_path / "hashes") as known:
        known.execute("UPDATE hashes SET sha256 = 'a lie'")
    assert content_hashes([path], tmp_path / "hashes") == {path: "a lie"}
    assert content_hashes([path], tmp_path / "hashes", remembered=False)[path] != "a lie"
    assert content_hashes([path], tmp_path / "hashes")[path] != "a lie"


@pytest.mark.parametrize("state", ["damaged", "folder"])
def test_a_store_that_cannot_be_used_is_made_anew_or_done_without(path, tmp_path, state):
    store = tmp_path / "hashes"
    store.mkdir() if state == "folder" else store.write_bytes(b"not a database" * 100)
    assert content_hashes([path], store) == {path: hashlib.sha256(b"a face").hexdigest()}


def test_a_file_that_cannot_be_read_has_no_hash(path, tmp_path):
    path.unlink()
    assert content_hashes([path], tmp_path / "hashes") == {path: UNREADABLE}


def test_a_store_that_another_process_writes_is_done_without(path, tmp_path, monkeypatch):
    store, connect = tmp_path / "hashes", sqlite3.connect
    content_hashes([], store)
    monkeypatch.setattr(sqlite3, "connect", lambda place, timeout: connect(place, timeout=0.1))
    with connect(store) as other:
        other.execute("INSERT INTO hashes VALUES ('a', 'b')")
        assert content_hashes([path], store) == {path: hashlib.sha256(b"a face").hexdigest()}
