"""What a study does not train, and why its trials cannot share features, is told once, before the first trial."""

import pytest
import torch
from ray import tune

from search_spaces.core.freezing import told_of_frozen
from search_spaces.core.study import Study
from trainables.models.backbones import frame_network

SETTINGS = {"backbone": "expression_net", "attention": "none", "gru_hidden": 4, "rbg_depth": 0}
SHAREABLE = {"frozen_stages": 4, "augmentation": "none", "masking_rate": 0.0}
SHARED = "The features of a frozen trunk are computed once, before the first epoch, and all trials share them."


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    path = tmp_path_factory.mktemp("weights") / "own.pth"
    torch.save(frame_network("expression_net", "eca")[0].state_dict(), path)
    return str(path)


def told(own, parameters=None, **settings):
    given = {"name": "smiles", "trainable": "res_rbg", "dataset": "clip_folder", "registered_model": "smiles"}
    searched = parameters or {"lr": tune.loguniform(1e-4, 1e-2)}
    fixed = {key: value for key, value in {**SETTINGS, "weights": own, **settings}.items() if key not in searched}
    return told_of_frozen(Study(**given, settings=fixed, parameters=searched))


def test_a_study_that_trains_everything_has_nothing_to_tell(own):
    assert told(own) == []


def test_frozen_stages_are_told_and_shared_features(own):
    assert told(own, frozen_stages=2) == ["Of the 4 stages of expression_net the first 2 are not trained."]
    assert told(own, **SHAREABLE) == ["Of the 4 stages of expression_net the first 4 are not trained.", SHARED]
    searched = told(own, {"frozen_stages": tune.choice([0, 2, 4])}, **SHAREABLE)
    assert searched == ["Of the 4 stages of expression_net none, the first 2 or the first 4 are not trained.", SHARED]


def test_of_a_range_of_stages_its_ends_are_told(own):
    for domain, words in ((tune.randint(0, 5), "up to 4"), (tune.randint(2, 5), "the first 2 to 4")):
        (sentence,) = told(own, {"frozen_stages": domain}, masking_rate=0.0)[:1]
        assert sentence == f"Of the 4 stages of expression_net {words} are not trained."


def test_every_setting_that_forbids_sharing_is_named_in_one_sentence(own):
    *_, sentence = told(own, frozen_stages=4)
    assert sentence == (
        "Trials compute the features of a frozen trunk in every epoch where augmentation is random or masking_rate is 0.1. "
        "To share them, set augmentation to none or x14 and set masking_rate to 0."
    )
    assert "To share" not in told(own, frozen_stages=4, attention="se")[-1], "new gates are trained whatever is set"
    *_, sentence = told(own, {"augmentation": tune.choice(["random", "x14"])}, frozen_stages=4, masking_rate=0.0)
    assert sentence == (
        "Trials compute the features of a frozen trunk in every epoch where augmentation is random. Elsewhere they are "
        "computed once and shared. To share them, set augmentation to none or x14."
    )


def test_gates_of_the_file_are_frozen_and_new_ones_are_not(own):
    assert told(own, attention="eca", **SHAREABLE)[-1] == SHARED
    assert told(own, attention="se", **SHAREABLE)[-1].endswith("where attention gates in the trunk are trained.")
