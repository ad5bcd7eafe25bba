"""What a study starts from is read, and fits, before its first trial: for every choice that its trials may make."""

import pytest
import torch
from ray import tune

from search_spaces.core.designs import named
from search_spaces.core.starting import starting_weights
from search_spaces.core.study import Study
from trainables.models.backbones import frame_network
from tuning.plan import plan

SETTINGS = {"gru_hidden": 4, "rbg_depth": 0, "attention": "eca"}


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    """The path of weights for an `expression_net`."""
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("weights") / "own.pth"
    torch.save(frame_network("expression_net", "none")[0].state_dict(), path)
    return str(path)


def study_of(**fields):
    given = {"name": "smiles", "trainable": "res_rbg", "dataset": "clip_folder", "registered_model": "smiles"}
    return Study(**{**given, "settings": SETTINGS, **fields})


def test_each_file_is_told_once_for_each_backbone(own):
    choices = {"weights": tune.choice(["none", own]), "backbone": tune.choice(["expression_net"])}
    study = study_of(parameters={**choices, "lr": tune.loguniform(1e-4, 1e-2)})
    state = torch.random.get_rng_state()
    (loaded,) = starting_weights(study)
    assert (loaded.file, loaded.backbone, len(loaded.fresh)) == (own, "expression_net", 4)
    assert torch.equal(torch.random.get_rng_state(), state)
    assert starting_weights(study_of(parameters={"lr": tune.loguniform(1e-4, 1e-2)})) == []


def test_a_choice_that_misfits_is_refused_before_anything_is_trained(own, tmp_path):
    study = study_of(
        parameters={"backbone": tune.choice(["expression_net", "resnet18"])}, settings=SETTINGS | {"weights": own}
    )
    with pytest.raises(ValueError, match=r"own\.pth does not hold the weights of resnet18: missing conv1\.weight"):
        starting_weights(study)
    with pytest.raises(ValueError, match="does not hold the weights of resnet18"):
        plan(study, home=tmp_path)


def test_weights_that_exist_beside_one_backbone_alone_are_read_into_that_one(own):
    choices = {"backbone": tune.choice(["expression_net", "resnet18"]), "weights": tune.choice([own])}
    study = study_of(parameters=choices, only_if={"weights": {"backbone": ("expression_net",)}})
    assert [loaded.backbone for loaded in starting_weights(study)] == ["expression_net"]


def test_a_name_beside_a_backbone_that_it_does_not_fit_is_no_study():
    choices = {"backbone": tune.choice(["resnet18", "expression_net"]), "weights": tune.choice(["none", "msceleb"])}
    with pytest.raises(ValueError, match="'msceleb', which fits resnet18, and not expression_net"):
        study_of(parameters=choices)


def test_variants_and_controls_are_read_too(own):
    settings = SETTINGS | {"backbone": "expression_net"}
    design = named({"scratch": {}, "own": {"weights": own}}, reference="scratch")
    assert [loaded.file for loaded in starting_weights(study_of(design=design, settings=settings))] == [own]
    study = study_of(
        parameters={"lr": tune.loguniform(1e-4, 1e-2)},
        settings=settings | {"weights": own},
        controls={"away": {"weights": "/none/away.pth"}},
    )
    with pytest.raises(ValueError, match=r"there is no file /none/away\.pth"):
        starting_weights(study)
