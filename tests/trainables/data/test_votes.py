"""The votes of annotators: read where a data set has them, kept with the prepared clips, taken out with a person."""

import dataclasses
import json

import pytest

from tests.support import trees
from tests.support.builders import PEOPLE, prepare_people
from tests.support.stub_faces import StubFinder, dataset_of, write_clips
from tests.trainables.data.test_clips_csv import rows_of, table
from tests.trainables.data.test_dfew import annotation
from trainables.core import files
from trainables.core.prepared.batches import Clips
from trainables.core.prepared.cache import prepare
from trainables.core.prepared.stored import open_prepared
from trainables.core.prepared.withdrawn import Person, held_in, read_index, take_out
from trainables.data import clips_csv, dfew, fer2013_plus
from trainables.data.core.dataset import DataError
from trainables.data.core.votes import without_votes


def votes_in(tmp_path, **columns):
    given = {name.replace("votes_", "votes:"): make for name, make in columns.items()}
    return clips_csv.load(table(tmp_path, rows_of(**given)))


def test_a_table_has_a_column_of_votes_for_each_class(tmp_path):
    cells = {0: "7", 1: "2,5", 2: "0"}
    dataset = votes_in(tmp_path, votes_sad=lambda n: cells.get(n, ""), votes_HAPPY=lambda n: 3 if n < 2 else "")
    assert [sample.votes for sample in dataset.samples[:4]] == [(3, 7), (3, 2.5), (), ()]
    assert {sample.weight for sample in dataset.samples} == {1}
    assert dataset.notes == ()


def test_votes_for_what_is_no_class_are_told_and_not_counted(tmp_path):
    dataset = votes_in(tmp_path, votes_sad=lambda n: n, votes_bored=lambda n: 9)
    assert [sample.votes for sample in dataset.samples[:3]] == [(), (0, 1), (0, 2)]
    assert dataset.notes == ("votes for what no clip has for its label, not counted: bored",)


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"votes_sad": lambda n: -n}, r"row 3 has '-1' in votes:sad; a number of at least 0 is needed, or nothing"),
        ({"votes_sad": lambda n: "many"}, r"row 2 has 'many' in votes:sad; a number"),
        ({"votes_sad": lambda n: 1, "votes_SAD": lambda n: 1}, r"the column votes:sad is there 2 times; one is needed"),
        ({"votes_sad": lambda n: 1, "votes_ sad": lambda n: 1}, r"votes:sad and votes: sad are of one class; one is"),
    ],
)
def test_votes_that_cannot_be_used_are_refused(tmp_path, columns, message):
    with pytest.raises(DataError, match=message):
        votes_in(tmp_path, **columns)


def test_fer_plus_has_the_votes_that_count_for_its_classes(tmp_path):
    root = trees.fer2013_plus(tmp_path / "fer")
    path = root / "fer2013new.csv"
    lines = path.read_text().splitlines()
    lines[1] = "Training,fer0000000.png,6,1,0,2,0,0,0,0,1,0"  # one vote alone does not count
    path.write_text("\n".join(lines))
    samples = fer2013_plus.load(root).samples
    assert (samples[0].label, samples[0].votes) == (0, (6, 0, 0, 2, 0, 0, 0, 0))
    assert all(sample.votes[sample.label] == 8 for sample in samples[1:])


def test_dfew_has_those_of_the_workbook_beside_the_published_sets(tmp_path):
    root = trees.dfew(tmp_path / "DFEW", "clip_224x224")
    plain = dfew.load(root)
    assert {sample.votes for sample in plain.samples} == {()}
    votes = {1: [3, 7, 0, 0, 0, 0, 0], 2: [0] * 7, 3: [0, 0, 1, 9, "x", 0, 0]}
    annotation(root, [[*votes.get(number, [0, 0, 0, 0, 0, 2, 8]), number, number % 8] for number in range(1, 40)])
    dataset = dfew.load(root)
    assert [sample.votes for sample in dataset.samples[:4]] == [(3, 7, 0, 0, 0, 0, 0), (), (), (0, 0, 0, 0, 0, 2, 8)]
    assert dataset.samples[39].votes == ()
    assert without_votes(dataset).samples == plain.samples
    assert (dataset.folds, dataset.notes) == (plain.folds, plain.notes)
    (root / "Annotation" / "annotation.xlsx").write_bytes(b"no workbook")
    damaged = dfew.load(root)
    assert damaged.samples == plain.samples
    assert any(note.startswith("the votes are not read: ") and "annotation.xlsx" in note for note in damaged.notes)


def voted(root):
    """The data set of the stub, the first clip without votes."""
    dataset = dataset_of(root)
    given = [(), *[(float(i), 2.0) for i in range(1, len(dataset.samples))]]
    samples = [dataclasses.replace(sample, votes=one) for sample, one in zip(dataset.samples, given, strict=True)]
    return dataclasses.replace(dataset, samples=samples)


def test_votes_are_prepared_with_the_clips_that_can_be_used(tmp_path):
    root = write_clips(tmp_path / "data")
    (root / "clip 1" / "0.png").write_bytes(b"")
    prepared = prepare(voted(root), tmp_path, crop_size=32, finder=StubFinder())
    assert prepared.clip_ids[:2] == ["clip 0", "clip 2"]
    assert prepared.votes == ((), (2, 2), (3, 2), (4, 2), (5, 2))
    assert Clips(prepared, num_frames=2, image_size=16).votes == prepared.votes


def test_votes_are_part_of_the_data_and_their_crops_are_those_of_before(tmp_path):
    root, log = write_clips(tmp_path / "data"), tmp_path / "log"
    without = prepare(without_votes(voted(root)), tmp_path, crop_size=32, finder=StubFinder())
    assert "votes" not in read_index(without.folder)
    assert without.votes == ()
    with_votes = prepare(voted(root), tmp_path, crop_size=32, finder=StubFinder(log=log))
    assert with_votes.fingerprint != without.fingerprint == open_prepared(without.folder).fingerprint
    assert not log.exists()
    assert (with_votes.frames == without.frames).all()


def test_a_person_takes_the_votes_along_and_does_not_come_back_by_them(tmp_path):
    prepared = prepare_people(tmp_path)
    path = prepared.folder / files.INDEX
    votes = [[float(i), 1.0] for i in range(2 * len(PEOPLE))]
    path.write_text(json.dumps(json.loads(path.read_text()) | {"votes": votes}))
    person = Person(name="ben")
    folder = take_out(held_in(prepared.folder, read_index(prepared.folder), person), person)
    assert open_prepared(folder).votes == tuple(map(tuple, votes[:2] + votes[4:]))


def test_whoever_withdrew_before_there_were_votes_does_not_come_back_with_them(tmp_path):
    root, person = write_clips(tmp_path / "data"), Person(name="P1")
    before = prepare(dataset_of(root), tmp_path, crop_size=32, finder=StubFinder())
    take_out(held_in(before.folder, read_index(before.folder), person), person)
    with pytest.raises(DataError, match="Somebody who withdrew"):
        prepare(voted(root), tmp_path, crop_size=32, finder=StubFinder())
