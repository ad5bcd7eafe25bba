"""Looks are linked by average linkage; the network tells the people of real clips apart."""

import numpy as np
import pytest

from trainables.core import face_clusters
from trainables.core.face_clusters import FaceClusterer, linked
from trainables.data.core.dataset import DataError


def at(*degrees):
    """Looks of length 1 at these angles in a plane."""
    return np.array([[np.cos(np.radians(one)), np.sin(np.radians(one))] for one in degrees], np.float32)


def test_looks_are_linked_up_to_a_distance_between_means():
    close = 1 - np.cos(np.radians(20))
    assert len({*linked(at(0, 20, 90), close + 1e-3)}) == 2
    assert len({*linked(at(0, 20, 90), close - 1e-3)}) == 3
    assert len({*linked(at(0, 20, 40), close + 1e-3)}) == 2, "the third is too far on average, near as it is to one"
    assert linked(at(0), 0.5) == [1]


def test_more_clips_than_can_be_compared_are_refused(monkeypatch):
    monkeypatch.setattr(face_clusters, "MOST_CLIPS", 2)
    with pytest.raises(DataError, match=r"3 clips are more than can be clustered by face \(2\)"):
        FaceClusterer("nowhere.safetensors").clusters([np.zeros((1, 8, 8, 3), np.uint8)] * 3, 0.8)


def test_settings_are_those_of_the_file_wherever_it_lies(tmp_path):
    for name in ("a", "b"):
        (tmp_path / f"{name}.safetensors").write_bytes(b"weights")
    one, other = (FaceClusterer(str(tmp_path / f"{name}.safetensors")).settings for name in ("a", "b"))
    assert one == other
    (tmp_path / "b.safetensors").write_bytes(b"others!")
    assert one != FaceClusterer(str(tmp_path / "b.safetensors")).settings
