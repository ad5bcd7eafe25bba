"""Every study there is keeps the contract: a file laid into `search_spaces/` is tested here with no new test code.

What it must have stands in the docstring of `search_spaces/`.
"""

import ast
import inspect

import pytest
import torch
from ray.tune.search.optuna import OptunaSearch

from search_spaces.core.study import Study, load_study
from tests.conftest import ROOT
from trainables.core import lookup
from trainables.core.config import make_config

STUDIES = lookup.names("search_spaces")
TRAINABLES = lookup.names("trainables")
DATASETS = lookup.names("trainables.data")
ABLATIONS = [name for name in STUDIES if load_study(name).design is not None]


@pytest.fixture(params=STUDIES)
def study(request) -> Study:
    return load_study(request.param)


@pytest.fixture(params=ABLATIONS)
def ablation(request) -> Study:
    return load_study(request.param)


def given_point(study):
    """The first point tried, its open parameters drawn."""
    point = study.first_points[0] if study.first_points else {}
    return {key: point.get(key, domain.sample()) for key, domain in study.parameters.items()}


def test_a_study_names_what_there_is(study):
    assert study.name in STUDIES
    assert study.trainable in TRAINABLES
    assert study.dataset in DATASETS
    assert study.registered_model.isidentifier(), "it stands in models:/<name>@champion"
    assert study.registered_model != study.trainable, "it names the task, so that networks compete for one place"
    assert study.num_samples >= len(study.first_points)


def test_its_points_fit_its_space_and_make_a_config(study):
    space = OptunaSearch.convert_search_space(dict(study.parameters))
    assert space.keys() == study.parameters.keys()
    module = lookup.load("trainables", study.trainable, "trainable")
    for point in study.first_points:
        assert point.keys() <= space.keys()
        for key, value in point.items():
            assert space[key]._contains(space[key].to_internal_repr(value)), f"{key}={value!r}"
    for settings in (study.settings, {**study.settings, **study.smoke}):
        for _ in range(3):
            make_config(module.Config, {**settings, **given_point(study)})


def test_its_smoke_run_is_smaller(study):
    assert study.smoke, "`smoke` says what a run of seconds overrides"
    module = lookup.load("trainables", study.trainable, "trainable")
    full = make_config(module.Config, dict(study.settings))
    smoke = make_config(module.Config, {**study.settings, **study.smoke})
    assert smoke.epochs < full.epochs
    assert not set(study.smoke) & set(study.parameters), "what is searched is not overridden"


def test_its_controls_build(study):
    module = lookup.load("trainables", study.trainable, "trainable")
    for changes in study.controls.values():
        config = make_config(module.Config, {**study.settings, **given_point(study), **changes})
        with torch.device("meta"):
            module.build_model(config)


def test_its_docstring_gives_the_exact_command(study):
    text = ast.get_docstring(ast.parse((ROOT / "search_spaces" / f"{study.name}.py").read_text(encoding="utf-8")))
    assert text, "it says what is studied, and gives the command"
    command = "python tune.py" if study.name == "demo" else f"python tune.py run {study.name}"
    assert command in text


def test_it_can_be_drawn_or_its_command_gives_the_data(study):
    if study.drawing:
        assert study.dataset in lookup.names("drawing.layouts")
    else:
        assert "--data-root" in (ROOT / "search_spaces" / f"{study.name}.py").read_text(encoding="utf-8")


def test_what_it_quotes_are_shares_and_no_time_beside_ours(study):
    for figures in study.published.values():
        assert "train_time_s" not in figures, "a time of unknown meaning never stands beside ours"
        assert all(0 < figures[rate] < 1 for rate in ("accuracy", "uar") if rate in figures), "shares, as ours are"


@pytest.mark.parametrize("name", [name for name in STUDIES if load_study(name).drawing])
def test_what_a_study_asks_of_its_layout_the_layout_takes(name):
    study = load_study(name)
    layout = lookup.load("drawing.layouts", study.dataset, "drawn layout")
    inspect.signature(layout.write).bind("root", **study.smoked().drawing)


@pytest.mark.slow
def test_every_variant_builds(ablation):
    module = lookup.load("trainables", ablation.trainable, "trainable")
    for changes in ablation.design.variants.values():
        config = make_config(module.Config, {**ablation.settings, **ablation.smoke, **changes})
        with torch.device("meta"):
            module.build_model(config)


def test_its_smoke_run_leaves_what_is_compared_alone(ablation):
    changed = {key for changes in ablation.design.variants.values() for key in changes}
    assert not changed & set(ablation.smoke)
    assert ablation.smoked().design == ablation.design or ablation.design.tune_each
