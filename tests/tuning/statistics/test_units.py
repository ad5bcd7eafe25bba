"""Who was tested, as predictions tell."""

import pandas as pd
import pytest

from tuning.statistics.units import counted, subject_ids, units_of


@pytest.mark.parametrize(
    ("subjects", "clusters", "units", "ids"),
    [
        (["anna", "ben"], None, "people", ["anna", "ben"]),
        ([None, None], None, "clips", ["0", "1"]),
        ([None, None], ["x", "x"], "clusters", ["x", "x"]),
        (["anna", None], [None, "x"], "clusters", ["anna", "x"]),
        ([None, None], [None, "x"], "clips", ["0", "x"]),
        (["anna", None], None, "clips", ["anna", "1"]),
    ],
)
def test_a_clip_counts_for_its_person_else_its_cluster_else_itself(subjects, clusters, units, ids):
    table = pd.DataFrame({"clip_id": ["0", "1"], "subject": subjects})
    table = table if clusters is None else table.assign(cluster=clusters)
    assert (units_of(table), subject_ids(table).tolist()) == (units, ids)


def test_they_are_counted_in_words():
    assert [counted(1, "people"), counted(2, "people"), counted(1, "clusters")] == ["1 person", "2 people", "1 cluster"]
