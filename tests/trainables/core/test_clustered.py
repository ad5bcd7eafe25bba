"""What clips can be clustered by is known before anything is read."""

import pytest

from tests.support.trees import image
from tests.trainables.data.test_clips_csv import rows_of, table
from trainables.core.clustered import read_clustered
from trainables.data.core.dataset import DataError


def test_a_column_is_for_tables_of_ones_own(tmp_path):
    with pytest.raises(ValueError, match="column:film, and dfew has no table with columns of your own"):
        read_clustered("dfew", tmp_path / "nowhere", "column:film")


def test_faces_need_the_weights_and_say_how_they_come(tmp_path):
    place = tmp_path / "face_mobilenet_v1.safetensors"
    with pytest.raises(ValueError, match=f"there is no file {place}.*npmjs.com.*faces:FILE"):
        read_clustered("dfew", tmp_path / "nowhere", f"faces:{place}")


def test_a_table_without_people_is_clustered_by_a_column(tmp_path):
    rows = rows_of(film=lambda n: f"film{n // 2}")
    at = rows[0].index("subject")
    path = table(tmp_path, [[cell for place, cell in enumerate(row) if place != at] for row in rows])
    found = read_clustered("clips_csv", path, "column:Film")
    assert {sample.unit for sample in found.samples} == {f"cluster film{n}" for n in range(len(found.samples) // 2)}
    assert not any("film" in note for note in found.notes if "not read" in note)
    with pytest.raises(DataError, match="without the column movie"):
        read_clustered("clips_csv", path, "column:movie")


def test_names_of_clips_need_not_tell_a_person_where_clips_are_clustered(tmp_path):
    for n in range(12):
        image(tmp_path / ("happy", "sad")[n % 2] / f"film{n // 2}-{n}" / "1.png", value=n)
    found = read_clustered("clip_folder", tmp_path, r"pattern:(film\d)")
    assert {sample.unit for sample in found.samples} == {f"cluster film{n}" for n in range(6)}
    assert len(found.folds) == 5
