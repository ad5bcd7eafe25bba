"""The fingerprint of a data set follows all that lies in its files."""

import pytest

from trainables.core.prepared.content import content_hashes
from trainables.core.prepared.fingerprint import clip_keys, fingerprint_of
from trainables.data.core.dataset import Dataset, Fold, Sample

SIZE = 300_000


def dataset_of(*paths):
    samples = [Sample(clip_id=path.name, label=0, subject="P1", paths=(path,)) for path in paths]
    folds = [Fold(train=(0,), validation=(), test=())]
    return Dataset(name="one", classes=("a",), samples=samples, folds=folds, read=lambda sample: iter(()))


@pytest.mark.parametrize("place", [0, SIZE // 2, SIZE - 1])
def test_a_byte_that_changes_is_seen_wherever_it_is(tmp_path, place):
    path = tmp_path / "clip.avi"
    content = bytearray(SIZE)
    path.write_bytes(content)
    dataset, found = dataset_of(path), []
    for byte in (0, 1):
        content[place] = byte
        path.write_bytes(content)
        found.append(fingerprint_of(dataset, {}, content_hashes([path], tmp_path / "hashes.sqlite")))
    assert found[0] != found[1]


def test_the_key_of_a_clip_follows_its_own_files_and_the_settings_alone(tmp_path):
    one, other = tmp_path / "one.avi", tmp_path / "other.avi"
    one.write_bytes(b"one")
    other.write_bytes(b"other")

    def keys(settings):
        paths = [one, other]
        return clip_keys(dataset_of(*paths), settings, content_hashes(paths, tmp_path / "hashes.sqlite"))

    before = keys({"size": 1})
    other.write_bytes(b"changed")
    assert keys({"size": 1})[0] == before[0]
    assert keys({"size": 1})[1] != before[1]
    assert not set(keys({"size": 2})) & set(before)
