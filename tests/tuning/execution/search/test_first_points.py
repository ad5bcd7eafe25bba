"""What a search tries first where its study names nothing."""

from ray import tune

from search_spaces.core.study import Study
from trainables import res_rbg
from tuning.execution.search.first_points import first_points
from tuning.execution.search.space import Space


def points_of(parameters, num_samples=12, **fields):
    given = {"trainable": "res_rbg", "dataset": "drawn_faces", "registered_model": "demo", "parameters": parameters}
    study = Study(**{**given, **fields})
    return first_points(study, Space(study), num_samples)


SPACE = {
    "rbg_depth": tune.choice([0, 1, 2]),
    "attention": tune.choice(["none", "eca", "g_eca"]),
    "masking_rate": tune.choice([0.0, 0.05]),
}


def test_the_points_of_a_study_are_all_of_them():
    assert points_of(SPACE, first_points=({"rbg_depth": 1},)) == [{"rbg_depth": 1}]


def test_without_any_the_papers_values_come_first_and_then_the_presets_a_third_of_the_trials_at_most():
    defaults = res_rbg.Config()
    found = points_of(SPACE)
    assert found[0] == {key: getattr(defaults, key) for key in SPACE if getattr(defaults, key) in SPACE[key].categories}
    assert len(found) == 4
    assert len({str(point) for point in found}) == 4
    assert {"rbg_depth": 0, "attention": "none", "masking_rate": 0.0} in points_of(SPACE, num_samples=99)


def test_a_preset_that_a_study_contradicts_is_none():
    assert len(points_of(SPACE, num_samples=99, settings={"backbone": "resnet18"})) == 1
    assert points_of({"lr": tune.choice([0.5])}) == []
