"""What is said of the present champion's configuration when it is promoted again."""

from types import SimpleNamespace

import pytest

from tuning.evidence.champion import Champion
from tuning.evidence.model.renewal import renewed, same_configuration

FOUND = SimpleNamespace(trial_id="search-0003")


def champion(**tags):
    return Champion(name="smiles", version=2, trainable="res_rbg", parameters={}, tags=tags)


@pytest.mark.parametrize(
    ("count", "has_data", "words"),
    [
        (3, True, "the answers of 3 trainings are averaged where they were of 1."),
        (1, False, "it is trained again on data that have grown."),
        (3, False, "it is trained again on data that have grown, with 3 seeds."),
    ],
)
def test_it_is_said_why_it_is_not_tested_against_itself(count, has_data, words):
    said = renewed(FOUND, champion(), count, has_data=has_data)
    assert said.startswith("search-0003 is the configuration of the present champion (version 2), so it is not tested")
    assert said.endswith(words)


def test_the_members_of_a_champion_are_what_its_version_says():
    assert (champion().num_members, champion(**{"fertune.num_members": "3"}).num_members) == (1, 3)


def test_on_other_data_it_is_said_which_the_champion_had():
    prepared = SimpleNamespace(fingerprint="b" * 64)
    stated = champion(**{"fertune.dataset_fingerprint": "a" * 64})
    assert "has fingerprint aaaaaaaaaaaa, this study's bbbbbbbbbbbb." in same_configuration(FOUND, stated, prepared)
