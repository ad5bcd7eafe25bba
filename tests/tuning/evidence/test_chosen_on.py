"""Whom a search chose on is known by clusters, and by their clips where these are clustered otherwise later."""

import dataclasses

import pytest

from tests.support.builders import prepare_random
from trainables.core.prepared.splits import Splits
from tuning.evidence.chosen_on import ChosenOn, chosen_names, common_clips


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    return prepare_random(tmp_path_factory.mktemp("data"), num_subjects=4)


def clustered(prepared, clusters):
    """Named no more, but by `clusters`."""
    nobody = [None] * len(prepared)
    return dataclasses.replace(prepared, subjects=nobody, groups_given=(), clusters=tuple(clusters))


def test_with_a_clip_of_a_cluster_all_of_it_is_known(prepared):
    by_person = clustered(prepared, [f"cluster {name}" for name in prepared.subjects])
    first = by_person.clusters[0]
    locked = tuple(i for i, cluster in enumerate(by_person.clusters) if cluster != first)
    theirs = ChosenOn.of(chosen_names(by_person, Splits(fingerprint="", holdout=locked, folds=())), "salt")
    assert first in theirs
    assert by_person.clip_ids[0] in theirs
    everybody = Splits(fingerprint="", holdout=tuple(range(len(prepared))), folds=())
    assert common_clips(by_person, everybody, theirs)[1] == 3
    pairs = sorted(set(by_person.clusters))
    wider = clustered(prepared, [f"film {pairs.index(cluster) // 2}" for cluster in by_person.clusters])
    clips, number = common_clips(wider, everybody, theirs)
    assert number == 1, "the two clusters that were joined share what one of them was chosen on"
    assert clips == {wider.clip_ids[i] for i, film in enumerate(wider.clusters) if film != wider.clusters[0]}
