"""Clips that name nobody are clustered by a column or a pattern; clusters are kept apart as people are."""

import dataclasses

import pytest

from trainables.data.core.clusters import CUT_ANEW, ClusterBy, clustered, cut, is_cut_through
from trainables.data.core.dataset import DataError, Dataset, Fold, Sample

FILMS = ("film1", "film1", "film2", "film2", "film3", "film3", "film4", "film4")
PUBLISHED = Fold(train=(0, 2, 4), validation=(1, 3), test=(5, 6, 7))


def dataset_of(*names, folds=(), subjects=()):
    samples = [
        Sample(clip_id=f"{name}-{i}", label=i % 2, subject=subjects[i] if subjects else None, paths=())
        for i, name in enumerate(names)
    ]
    return Dataset(name="clips", classes=("a", "b"), samples=samples, folds=list(folds), read=lambda sample: iter(()))


def by(text):
    return ClusterBy.of(text)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("film", r"given as 'film'; allowed are column:NAME, pattern:REGEX, pattern-or-alone:REGEX, faces"),
        ("column:", "given as 'column:'; allowed are"),
        ("pattern:(film", "no regular expression: missing \\), unterminated subpattern"),
        ("pattern:film", r"has no group: put brackets.*pattern:\(film\\d\+\)"),
    ],
)
def test_what_nothing_can_be_clustered_by_is_refused(text, said):
    with pytest.raises(ValueError, match=said):
        by(text)


def test_what_is_given_is_read_and_written_alike():
    for text in ("column:film", "pattern:(a:b)", "faces", "faces:/weights/net.safetensors"):
        assert str(by(text)) == text


def test_a_pattern_takes_the_group_cluster_else_the_first_that_took_part():
    assert by(r"pattern:(\d+)_(?P<cluster>film\d)").of_name("7_film3.mp4") == "film3"
    assert by(r"pattern:film(\d)|series(\d)").of_name("a_series3") == "3"
    names = ("a_film3", "trailer")
    assert [by(r"pattern:(film\d)").of_name(name) for name in names] == ["film3", ""]
    assert [by(r"pattern-or-alone:(film\d)").of_name(name) for name in names] == ["film3", "trailer"]


def test_folds_that_cut_through_a_cluster_are_cut_anew_and_others_stay():
    found = clustered(dataset_of(*FILMS, folds=[PUBLISHED]), by(r"pattern:(film\d)"))
    assert [sample.unit for sample in found.samples] == [f"cluster {film}" for film in FILMS]
    assert not is_cut_through(found.folds, [sample.unit for sample in found.samples])
    assert (len(found.folds), found.cut_by_subject, found.notes[-1]) == (4, True, CUT_ANEW)
    assert found.notes[0] == r"4 clusters by pattern:(film\d) in place of people who are not named, of 2 clips"
    apart = Fold(train=(0, 1, 2, 3), validation=(4, 5), test=(6, 7))
    kept = clustered(dataset_of(*FILMS, folds=[apart]), by(r"pattern:(film\d)"))
    assert (kept.folds, kept.cut_by_subject) == ([apart], False)


def test_named_clips_keep_their_names_and_where_all_are_named_there_is_nothing_to_cluster():
    mixed = clustered(dataset_of(*FILMS, subjects=["anna", *[None] * 7]), by(r"pattern:(film\d)"))
    assert [sample.unit for sample in mixed.samples[:2]] == ["anna", "cluster film1"]
    with pytest.raises(
        DataError, match=r"each of 8 clips names its person \(the first is 'x'\).*Leave --cluster-by out"
    ):
        clustered(dataset_of(*FILMS, subjects=["x"] * 8), by("pattern:(f)"))


def test_clips_that_do_not_match_are_named_with_the_way_to_let_them_stand_alone():
    with pytest.raises(
        DataError, match=r"1 of 9 clips without a person do not match .*\(trailer-8\).*pattern-or-alone:"
    ):
        clustered(dataset_of(*FILMS, "trailer"), by(r"pattern:(film\d)"))


def test_several_spellings_of_a_cluster_are_one_and_told():
    found = clustered(dataset_of("Film1", *FILMS[1:]), by(r"pattern:([Ff]ilm\d)"))
    assert "clusters: 'Film1' and 'film1' are taken for one name" in found.notes
    kept = clustered(dataset_of("Film1", *FILMS[1:]), by(r"pattern:([Ff]ilm\d)"), keep=True)
    assert len({sample.unit for sample in kept.samples}) == 5


def test_a_cluster_of_nearly_everything_and_too_few_clusters_are_refused_with_the_reason():
    dataset = dataclasses.replace(dataset_of(*FILMS), cluster_by="faces")
    with pytest.raises(DataError, match=r"faces puts 6 of 8 clips into one cluster \('a'\).*half of the clips at most"):
        cut(dataset, ["a"] * 6 + ["b", "c"], [0, 1] * 4)
    with pytest.raises(DataError, match="faces gives 2 clusters; at least 3 are needed"):
        cut(dataset, ["a"] * 4 + ["b"] * 4, [0, 1] * 4)
