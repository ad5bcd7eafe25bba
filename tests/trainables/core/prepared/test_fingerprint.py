"""The fingerprint of a large file: its size and both of its ends are looked at, its middle is not."""

import pytest

from trainables.core.prepared.fingerprint import PROBE_BYTES, fingerprint_of
from trainables.data.core.dataset import Dataset, Fold, Sample


@pytest.fixture
def path(tmp_path):
    found = tmp_path / "clip.avi"
    found.write_bytes(bytes(5 * PROBE_BYTES))
    return found


def fingerprint(path):
    sample = Sample(clip_id="a", label=0, subject="P1", paths=(path,))
    folds = [Fold(train=(0,), validation=(), test=())]
    dataset = Dataset(name="one", classes=("a",), samples=[sample], folds=folds, read=lambda sample: iter(()))
    return fingerprint_of(dataset, {})


@pytest.mark.parametrize(
    ("place", "seen"),
    [
        (0, True),
        (PROBE_BYTES - 1, True),
        (PROBE_BYTES, False),
        (4 * PROBE_BYTES - 1, False),
        (4 * PROBE_BYTES, True),
        (5 * PROBE_BYTES - 1, True),
    ],
)
def test_a_byte_that_changes_is_seen_at_either_end(path, place, seen):
    before = fingerprint(path)
    content = bytearray(path.read_bytes())
    content[place] = 1
    path.write_bytes(content)
    assert (fingerprint(path) != before) == seen


def test_a_byte_more_is_seen_wherever_it_is(path):
    before = fingerprint(path)
    path.write_bytes(bytes(5 * PROBE_BYTES + 1))
    assert fingerprint(path) != before


def test_of_a_file_between_one_probe_and_two_every_byte_counts(path):
    found = set()
    for place in (0, PROBE_BYTES - 1, PROBE_BYTES, PROBE_BYTES + 9):
        content = bytearray(PROBE_BYTES + 10)
        content[place] = 1
        path.write_bytes(content)
        found.add(fingerprint(path))
    assert len(found) == 4
