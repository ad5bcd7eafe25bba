"""The configurations of a study that take the most and the least."""

import pytest
from ray import tune

from search_spaces.core.designs import sweep
from search_spaces.core.extremes import extremes
from search_spaces.core.study import Study


def study_of(**fields):
    given = {"name": "s", "trainable": "res_rbg", "dataset": "drawn_faces", "registered_model": "s"}
    return Study(**given | fields)


def test_every_parameter_goes_to_the_end_that_is_larger_or_smaller():
    study = study_of(
        parameters={
            "gru_hidden": tune.randint(8, 33),
            "backbone": tune.choice(["resnet18", "resnet50", "resnet34"]),
            "lr": tune.loguniform(1e-4, 1e-2),
            "batch_size": tune.choice([16, 4]),
        }
    )
    order = ["resnet34", "resnet18", "resnet50"]
    least, most = extremes(
        study, lambda config: config.gru_hidden + 1000 * order.index(config.backbone) - config.batch_size
    )
    assert (most.gru_hidden, most.backbone, most.batch_size) == (32, "resnet50", 4)
    assert (least.gru_hidden, least.backbone, least.batch_size) == (8, "resnet34", 16)


def test_of_an_ablation_every_variant_is_looked_at():
    least, most = extremes(study_of(design=sweep("num_frames", [4, 16, 8])), lambda config: config.num_frames)
    assert (least.num_frames, most.num_frames) == (4, 16)
    tuned = study_of(design=sweep("num_frames", [4, 8], tune_each=2), parameters={"batch_size": tune.choice([2, 8])})
    least, most = extremes(tuned, lambda config: config.num_frames * config.batch_size)
    assert (least.num_frames, least.batch_size, most.num_frames, most.batch_size) == (4, 2, 8, 8)


def test_a_parameter_without_effect_plays_no_part():
    study = study_of(parameters={"temporal": tune.choice(["gru", "mean"]), "gru_hidden": tune.choice([8, 16])})
    least, _ = extremes(study, lambda config: (config.temporal == "gru") * config.gru_hidden)
    assert least == study.config({"temporal": "mean"})


def test_values_that_cannot_be_trained_together_are_passed_over_and_none_at_all_is_an_error():
    study = study_of(parameters={"num_frames": tune.choice([2, 8, 4])})

    def study_config(given, config=study.config):
        if given["num_frames"] == 8:
            raise ValueError
        return config(given)

    object.__setattr__(study, "config", study_config)
    assert extremes(study, lambda config: config.num_frames)[1].num_frames == 4
    object.__setattr__(study, "config", lambda given: study_config({"num_frames": 8}))
    with pytest.raises(ValueError, match="no values that can be trained together"):
        extremes(study, lambda config: config.num_frames)
