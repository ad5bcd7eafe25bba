"""A champion and its challengers are told apart by what they train, also those that an earlier version wrote down."""

import dataclasses
import hashlib
import json

import pytest
from ray import tune

from search_spaces.core.study import Study
from tests.support.builders import make_trial, prepare_random
from trainables.core.config import make_config
from trainables.core.prepared.splits import make_splits
from trainables.res_rbg import Config
from tuning.evidence import champion, refusals
from tuning.evidence.champion import Champion, Incomparable, comparison_tags
from tuning.evidence.configuration import _FIRST_FIELDS, configuration, configuration_hash, earlier_hashes
from tuning.records import registry, tags
from tuning.records.ledger import Ledger

STUDY = Study(
    trainable="res_rbg",
    dataset="drawn_faces",
    registered_model="demo",
    parameters={"rbg_depth": tune.choice([0, 1]), "gru_hidden": tune.choice([8, 16])},
    settings={"epochs": 3, "shortcut": "linear"},
)


def hash_of_before(parameters):
    """As every field was told before those without effect were left out."""
    first = _FIRST_FIELDS[""] | _FIRST_FIELDS["res_rbg"]
    config = dataclasses.asdict(make_config(Config, {**STUDY.settings, **parameters}))
    whole = {key: value for key, value in config.items() if key in first}
    return hashlib.sha256(json.dumps(["res_rbg", whole], sort_keys=True).encode()).hexdigest()[:16]


def champion_of(stored):
    """As a version's tag has it."""
    parameters = configuration("res_rbg", json.loads(json.dumps(stored)))
    return Champion(name="demo", version=1, trainable="res_rbg", parameters=parameters, tags={})


@pytest.mark.parametrize("stored", [{"shortcut": "linear"}, {"shortcut": "parameter_free"}, {}, {"flip": True}])
def test_a_champion_is_the_configuration_that_it_trains_however_it_was_stored(stored):
    found = champion_of({"epochs": 3, "rbg_depth": 0, "gru_hidden": 8, **stored})
    assert found.is_configuration(STUDY, {"rbg_depth": 0, "gru_hidden": 8})
    assert not found.is_configuration(STUDY, {"rbg_depth": 0, "gru_hidden": 16})
    assert not found.is_configuration(STUDY, {"rbg_depth": 1, "gru_hidden": 8})
    assert "shortcut" not in found.parameters


def test_what_has_an_effect_still_tells_two_apart():
    found = champion_of({"epochs": 3, "rbg_depth": 1, "gru_hidden": 8, "shortcut": "parameter_free"})
    assert not found.is_configuration(STUDY, {"rbg_depth": 1, "gru_hidden": 8})
    assert found.is_configuration(STUDY, {"rbg_depth": 1, "gru_hidden": 8, "shortcut": "parameter_free"})


def test_equal_networks_have_one_hash_and_it_is_the_one_of_before_where_all_had_an_effect():
    with_pair = {"rbg_depth": 1, "gru_hidden": 8}
    assert configuration_hash(STUDY, with_pair) == hash_of_before(with_pair)
    without = [{"rbg_depth": 0, "gru_hidden": 8, **more} for more in ({}, {"shortcut": "parameter_free"})]
    assert len({configuration_hash(STUDY, one) for one in without}) == 1
    assert len({hash_of_before(one) for one in without}) == 2


def test_fields_that_were_added_since_are_no_part_of_the_hash_while_they_are_off():
    parameters = {"rbg_depth": 1, "gru_hidden": 8}
    assert configuration_hash(STUDY, parameters) == "0a950d5406bdbf36", "as version 0.2 had it"
    on = [{"ema_decay": 0.9}, {"stem": "small"}, {"loss": "focal"}, {"loss": "focal", "focal_gamma": 1.0}]
    assert len({configuration_hash(STUDY, parameters | one) for one in ({}, *on, {"focal_gamma": 1.0})}) == 5


def test_a_champion_that_reads_more_than_the_faces_have_is_not_to_be_compared(tmp_path, monkeypatch):
    prepared = prepare_random(tmp_path)
    splits = make_splits(prepared, salt="test")

    def of_size(image_size):
        tags_of = comparison_tags(prepared, splits) | {tags.PARAMETERS: json.dumps({"image_size": image_size})}
        monkeypatch.setattr(registry, "present_champion", lambda uri, name: (3, tags_of))
        return champion.champion_of(STUDY, prepared, splits, "", tmp_path)

    assert of_size(prepared.face_size).parameters["image_size"] == 32
    with pytest.raises(Incomparable, match=r"\(version 3\) reads an image_size of 33 px, and .* for 32 px at most"):
        of_size(33)


def test_a_champion_whose_workers_had_a_batch_each_is_trained_again_with_all_of_theirs(tmp_path, monkeypatch):
    prepared = prepare_random(tmp_path)
    splits = make_splits(prepared, salt="test")
    stated = comparison_tags(prepared, splits) | {tags.PARAMETERS: json.dumps({"batch_size": 8, "image_size": 16})}

    def batch_size(**more):
        monkeypatch.setattr(registry, "present_champion", lambda uri, name: (3, {**stated, **more}))
        return champion.champion_of(STUDY, prepared, splits, "", tmp_path).parameters["batch_size"]

    assert batch_size() == 8
    assert batch_size(**{tags.WORKERS: "one 0,1, other 0,1"}) == 16


def test_a_question_that_an_earlier_version_asked_is_not_asked_anew(tmp_path):
    parameters = {"rbg_depth": 0, "gru_hidden": 8}
    before, today = hash_of_before(parameters), configuration_hash(STUDY, parameters)
    assert before != today
    gone = make_trial(1, parameters={"removed": 1})
    earlier = earlier_hashes(STUDY, [make_trial(0, parameters=parameters), gone])
    with Ledger.write(tmp_path) as ledger:
        asked = refusals.question(before, refusals.MAJORITY, [1, 2])
        ledger.note("refused", of="search-0000", asked=[asked], against=refusals.MAJORITY, look=1)
        same, more = (refusals.question(today, refusals.MAJORITY, seeds) for seeds in ([1, 2], [1, 2, 3]))
        assert refusals.look_at(ledger, same, earlier) == 1
        assert refusals.look_at(ledger, more, earlier) == 2
        refusals.note_refused(ledger, "search-0000", [same], earlier, against=refusals.MAJORITY, look=1)
        assert len(ledger.events) == 1, "nothing new was seen"
