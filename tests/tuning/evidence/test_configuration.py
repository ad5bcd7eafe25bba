"""A configuration keeps its name and its meaning when fields are added, defaults change, or ranges refuse it."""

import dataclasses
import json
from types import SimpleNamespace

import pytest
from ray import tune

from search_spaces.core.study import Study
from tests.support.builders import make_trial
from trainables import res_rbg
from tuning.evidence import configuration as module
from tuning.evidence.champion import Champion, version_tags
from tuning.evidence.configuration import configuration, configuration_hash, earlier_hashes
from tuning.records import tags

STUDY = Study(
    trainable="res_rbg",
    dataset="drawn_faces",
    registered_model="demo",
    parameters={"rbg_depth": tune.choice([0, 1])},
    settings={"epochs": 3},
)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Later(res_rbg.Config):
    """Of a later version: a field more, which is off by default, and another learning rate by default."""

    averaging: float = 0.0
    lr: float = 0.5


@pytest.fixture
def later(monkeypatch):
    return lambda: monkeypatch.setattr(res_rbg, "Config", Later)


@pytest.mark.parametrize(
    ("trainable", "parameters", "name"),
    [
        ("deep_residual_attention", {"attention": tune.choice(["spatial", "none"])}, "70a9d5fc1877c96c"),
        ("res_rbg", {"rbg_depth": tune.choice([0, 1])}, "4c3bf5b9e7fe6bd8"),
        ("static_cnn", {"architecture": tune.choice(["resnet50", "vgg16"])}, "c421fbfc64078be3"),
        ("tdrag", {"gru_hidden": tune.choice([256, 8])}, "d3c5ea3b04127838"),
    ],
)
def test_the_names_that_ledgers_hold_stay(trainable, parameters, name):
    study = dataclasses.replace(STUDY, trainable=trainable, parameters=parameters, settings={})
    assert configuration_hash(study, {}) == name


def test_a_field_that_was_added_is_part_of_the_name_where_it_is_on(later):
    before = configuration_hash(STUDY, {"rbg_depth": 1, "lr": 1e-3})
    later()
    assert configuration_hash(STUDY, {"rbg_depth": 1, "lr": 1e-3}) == before
    assert configuration_hash(STUDY, {"rbg_depth": 1, "lr": 1e-3, "averaging": 0.0}) == before
    assert configuration_hash(STUDY, {"rbg_depth": 1, "lr": 1e-3, "averaging": 0.9}) != before


def test_a_network_of_ones_own_is_named_by_all_its_fields(monkeypatch, later):
    monkeypatch.setattr(module, "_FIRST_FIELDS", {"": module._FIRST_FIELDS[""]})
    before = configuration_hash(STUDY, {"lr": 1e-3})
    later()
    assert configuration_hash(STUDY, {"lr": 1e-3}) != before


def test_what_today_refuses_has_a_name_of_its_own():
    refused = {"rbg_depth": 1, "gradient_clip": 0}
    names = {
        configuration_hash(STUDY, one) for one in (refused, {"rbg_depth": 1}, {"rbg_depth": 0, "gradient_clip": 0})
    }
    assert len(names) == 3
    assert configuration_hash(STUDY, refused) == configuration_hash(STUDY, dict(reversed(refused.items())))
    assert earlier_hashes(STUDY, [make_trial(0, parameters=refused)]) == {}


def registered(parameters):
    """The tags of a version that is registered now."""
    row = SimpleNamespace(
        trial_id="search-0000",
        parameters=parameters,
        accuracy=SimpleNamespace(mean=0.9, low=0.8, high=0.95),
        by_seed=(),
    )
    prepared = SimpleNamespace(name="drawn_faces", classes=["a"], fingerprint="f", clip_ids=[], subject_ids=[])
    return version_tags(STUDY, prepared, SimpleNamespace(holdout=()), row, "")


def champion_of(stated):
    parameters = configuration("res_rbg", json.loads(stated[tags.PARAMETERS]))
    return Champion(name="demo", version=1, trainable="res_rbg", parameters=parameters, tags=stated)


def test_a_version_says_its_whole_configuration_so_that_a_later_default_does_not_change_it(later):
    stated = registered({"rbg_depth": 1})
    told = json.loads(stated[tags.PARAMETERS])
    assert told == configuration("res_rbg", {"epochs": 3, "rbg_depth": 1})
    assert (told["lr"], told["rbg_depth"], told["weight_decay"]) == (1e-3, 1, 1e-2)
    assert "num_classes" not in told
    later()
    assert champion_of(stated).parameters == {**told, "averaging": 0.0}, "what was added is off"
    assert champion_of(stated).is_configuration(STUDY, {"rbg_depth": 1, "lr": 1e-3})
    assert not champion_of(stated).is_configuration(STUDY, {"rbg_depth": 1})


def test_a_champion_is_none_of_what_today_refuses():
    champion = champion_of(registered({"rbg_depth": 1}))
    assert not champion.is_configuration(STUDY, {"rbg_depth": 1, "gradient_clip": 0})
    assert not champion.is_configuration(STUDY, {"removed": 1})
