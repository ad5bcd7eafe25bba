"""Faces that are found to be alike stand for people who are not named, in folds, holdout and everything that is cut."""

import dataclasses

import numpy as np
import pytest

from tests.support.stub_faces import StubFinder
from tests.support.trees import write_image
from trainables.core.prepared.cache import prepare, prepared_for
from trainables.core.prepared.splits import make_splits
from trainables.data.core.clusters import CUT_ANEW
from trainables.data.core.dataset import DataError, Dataset, Fold, Sample
from trainables.data.core.frames import read_frames


@dataclasses.dataclass
class StubClusterer:
    """Takes clips of one mean for one face, up to `step` levels of grey."""

    step: int = 20
    error = "none of it is wrong"

    @property
    def settings(self):
        return {"step": self.step}

    def clusters(self, clips, face_share):
        assert all(clip.shape[1:] == (32, 32, 3) for clip in clips)
        return [int(clip.mean()) // self.step for clip in clips]


def nameless(root, shades, folds=(), **changes):
    """A clip of two frames for each shade, that names nobody."""
    for clip, shade in enumerate(shades):
        frame = np.full((40, 40, 3), shade, np.uint8)
        frame[0, 0] = clip  # so that no two are the same
        write_image(root / f"{clip:02d}.png", frame)
    samples = [
        Sample(clip_id=f"{clip:02d}", label=clip % 2, subject=None, paths=(root / f"{clip:02d}.png",))
        for clip in range(len(shades))
    ]
    dataset = Dataset(name="stub", classes=("a", "b"), samples=samples, folds=list(folds), read=read_frames)
    return dataclasses.replace(dataset, **changes)


def by_faces(dataset, **changes):
    return dataclasses.replace(dataset, cluster_by="faces", clusterer=StubClusterer(**changes))


def prepared_of(dataset, storage):
    return prepare(dataset, storage, crop_size=32, finder=StubFinder())


SHADES = [20 * (clip // 2) + 25 for clip in range(16)]  # eight faces, of two clips each
PUBLISHED = [Fold(train=tuple(range(10)), validation=(10, 12, 14), test=(11, 13, 15))]


def test_folds_that_cut_through_faces_are_cut_by_them_and_it_is_told(tmp_path):
    dataset = by_faces(nameless(tmp_path / "clips", SHADES, PUBLISHED))
    prepared = prepared_of(dataset, tmp_path)
    assert (prepared.units, prepared.cluster_by, prepared.cluster_error) == ("clusters", "faces", StubClusterer.error)
    assert len(set(prepared.clusters)) == 8
    assert all(prepared.clusters[clip] == prepared.clusters[clip + 1] for clip in range(0, 16, 2))
    assert not any(clip_id in str(prepared.clusters) for clip_id in ("'00'", "'02'")), "no name of a clip stands in one"
    assert len(prepared.folds) == 5
    splits = make_splits(prepared, salt="x")
    splits.require_disjoint(prepared.subject_ids)
    told = "8 clusters by faces in place of people who are not named, of 2 clips; none of it is wrong"
    assert prepared.notes[:2] == (told, CUT_ANEW)
    assert prepared_of(dataset, tmp_path).folder == prepared.folder
    assert prepared_for(dataset, tmp_path, 16, finder=StubFinder()) == 32


def test_without_clusters_nothing_is_written_of_them_and_other_settings_are_other_data(tmp_path):
    plain = nameless(tmp_path / "clips", SHADES, PUBLISHED)
    prepared = prepared_of(plain, tmp_path)
    assert "cluster" not in (prepared.folder / "index.json").read_text()
    assert (prepared.units, prepared.subject_ids) == ("clips", prepared.clip_ids)
    found = [prepared_of(by_faces(plain, step=step), tmp_path) for step in (20, 40)]
    assert len({prepared.fingerprint, *(one.fingerprint for one in found)}) == 3
    assert [len(set(one.clusters)) for one in found] == [8, 5]


def test_faces_that_are_nearly_all_alike_are_refused_with_the_reason(tmp_path):
    dataset = by_faces(nameless(tmp_path / "clips", [25] * 14 + [200, 90], PUBLISHED))
    with pytest.raises(DataError, match=r"--cluster-by faces puts 14 of 16 clips into one cluster"):
        prepared_of(dataset, tmp_path)


def test_clips_that_name_somebody_keep_him(tmp_path):
    dataset = nameless(tmp_path / "clips", SHADES)
    samples = [dataclasses.replace(one, subject="anna") if i < 3 else one for i, one in enumerate(dataset.samples)]
    prepared = prepared_of(by_faces(dataclasses.replace(dataset, samples=samples)), tmp_path)
    assert prepared.subjects[:4] == ["anna", "anna", "anna", None]
    assert prepared.clusters[:3] == (None, None, None)
    assert (prepared.units, len(set(prepared.subject_ids))) == ("clusters", 8)
