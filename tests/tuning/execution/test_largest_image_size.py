"""The largest `image_size` that a study asks for, wherever it says so."""

import pytest
from ray import tune

from search_spaces.core.designs import named
from tests.support.ablation_driver import study_of
from tuning.execution.face_sizes import largest_image_size


def search_of(**changes):
    return study_of(**({"design": None, "parameters": {"lr": tune.loguniform(1e-4, 1e-2)}, "settings": {}} | changes))


@pytest.mark.parametrize(
    ("changes", "largest"),
    [
        ({}, 112),  # the default of the trainable
        ({"settings": {"image_size": 64}}, 64),
        ({"settings": {}, "parameters": {"image_size": tune.choice([48, 224, 96])}}, 224),
        ({"settings": {}, "parameters": {"image_size": tune.randint(48, 129)}}, 128),
        ({"settings": {}, "parameters": {"image_size": tune.qrandint(48, 96, 16)}}, 96),
        ({"settings": {"image_size": 64}, "first_points": ({"image_size": 96}, {})}, 96),
        ({"settings": {"image_size": 64}, "controls": {"large": {"image_size": 160}, "blind": {}}}, 160),
        (
            {
                "settings": {},
                "parameters": {"image_size": tune.choice([32, 48]), "rbg_depth": tune.choice([0, 1])},
                "only_if": {"image_size": {"rbg_depth": (1,)}},
            },
            112,
        ),
        (
            {"parameters": {}, "design": named({"a": {"image_size": 32}, "b": {"image_size": 224}}, reference="a")},
            224,
        ),
        (
            {"parameters": {}, "design": named({"a": {"image_size": 32}, "b": {"image_size": 48}}, reference="a")},
            48,
        ),
        ({"parameters": {}, "design": named({"a": {"image_size": 32}, "b": {}}, reference="a")}, 112),
        ({"settings": {"image_size": 64}, "smoke": {"image_size": 224}}, 64),
    ],
)
def test_the_largest_size_that_any_trial_can_have(changes, largest):
    assert largest_image_size(search_of(**changes)) == largest


def test_a_smoke_run_asks_for_its_own_size():
    assert largest_image_size(search_of(settings={"image_size": 224}, smoke={"image_size": 32}).smoked()) == 32
