"""The whole space of a study is checked when it is written: every value, and every two beside one another."""

import math
import re
import sys

import numpy as np
import pytest
from ray import tune
from ray.tune.search.optuna import OptunaSearch

import search_spaces
from search_spaces.core.designs import named, sweep
from search_spaces.core.study import Study
from search_spaces.core.values import ends
from tests.support.command import call

DEPTH = {"rbg_depth": tune.choice([0, 1])}
LR = "above 0 is allowed."
LR_NAN = "a finite number above 0 is allowed."


def make_study(**fields):
    given = {"trainable": "res_rbg", "dataset": "drawn_faces", "registered_model": "m", "parameters": DEPTH}
    return Study(**{**given, **fields})


@pytest.mark.parametrize(
    "domain",
    [
        tune.uniform(0.5, 1.5),
        tune.loguniform(1e-4, 1e-1),
        tune.quniform(0.1, 0.4, 0.1),
        tune.qloguniform(1e-4, 1e-1, 1e-4),
        tune.randint(4, 9),
        tune.lograndint(4, 9),
        tune.qrandint(16, 64, 16),
        tune.choice([3, 1, 2]),
    ],
    ids=lambda domain: domain.domain_str,
)
def test_the_ends_are_those_of_the_searcher(domain):
    distribution = OptunaSearch.convert_search_space({"it": domain})["it"]
    if hasattr(distribution, "choices"):
        assert ends(domain) == distribution.choices
    else:
        assert ends(domain) == pytest.approx((distribution.low, distribution.high))


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        *(
            (
                {"parameters": {"lr": domain}},
                f"lr is searched over {value}, which cannot be trained. lr was given as {value}",
            )
            for domain, value in (
                (tune.choice([1e-3, 0]), "0"),
                (tune.choice([-1.0, 1e-3]), "-1.0"),
                (tune.choice([1e-3, math.nan]), "nan"),
                (tune.choice([1e-3, math.inf]), "inf"),
                (tune.choice([1e-3, True]), "True"),
                (tune.uniform(0, 0.1), "0.0"),
                (tune.quniform(0.0, 0.1, 0.01), "0.0"),
                (tune.randn(0, 1), "-inf"),
            )
        ),
        ({"parameters": {"dropout": tune.uniform(0, 1)}}, "dropout is searched over 1.0, which cannot be trained."),
        (
            {"parameters": {"label_smoothing": tune.loguniform(0.1, 1.5)}},
            "label_smoothing was given as 1.5; 0 (off) up",
        ),
        ({"parameters": {"rbg_depth": tune.randint(0, 5)}}, "rbg_depth was given as 4; a whole number from 0 to 3"),
        ({"parameters": {"rbg_depth": tune.qrandint(0, 4, 2)}}, "rbg_depth was given as 4"),
        ({"parameters": {"rbg_depth": tune.lograndint(1, 5)}}, "rbg_depth is searched over 4, which cannot be trained"),
        (
            {"parameters": {"gru_hidden": tune.uniform(8, 64)}},
            "gru_hidden was given as 8.0; a whole number of at least 1",
        ),
        (
            {"settings": {"gradient_clip": 0}},
            f"What `settings` fixes cannot be trained. gradient_clip was given as 0; {LR}",
        ),
        ({"settings": {"weight_decay": -1}}, "weight_decay was given as -1; at least 0 is allowed."),
        ({"smoke": {"epochs": 0}}, "What `smoke` fixes cannot be trained. epochs was given as 0"),
        (
            {"first_points": ({"rbg_depth": 1}, {"rbg_depth": 4})},
            "Number 2 of `first_points` cannot be trained. rbg_depth was given as 4; a whole number from 0 to 3 is allowed.",
        ),
        (
            {"controls": {"blind": {"temporal": "men"}}},
            "The control 'blind' cannot be trained. There is no temporal named",
        ),
        (
            {"parameters": {}, "design": sweep("masking_rate", [0.0, 1.0])},
            "The variant 'masking_rate=1.0' cannot be trained. masking_rate was given as 1.0; 0 (off) up to below 1",
        ),
    ],
)
def test_a_value_that_cannot_train_is_told_with_its_place_and_what_is_allowed(fields, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        make_study(**fields)


def test_one_error_tells_of_all():
    with pytest.raises(ValueError, match="lr is searched over 0") as caught:
        make_study(
            parameters={"lr": tune.choice([0, math.nan])},
            settings={"gradient_clip": -1},
            smoke={"batch_size": 0},
            first_points=({"lr": -1},),
            controls={"fast": {"epochs": 0}},
        )
    assert str(caught.value) == (
        f"lr is searched over 0, which cannot be trained. lr was given as 0; {LR} "
        f"lr is searched over nan, which cannot be trained. lr was given as nan; {LR_NAN} "
        f"What `settings` fixes cannot be trained. gradient_clip was given as -1; {LR} "
        "What `smoke` fixes cannot be trained. batch_size was given as 0; a whole number of at least 1 is allowed. "
        f"Number 1 of `first_points` cannot be trained. lr was given as -1; {LR} "
        "The control 'fast' cannot be trained. epochs was given as 0; a whole number of at least 1 is allowed."
    )


STATIC = {"trainable": "static_cnn", "parameters": {"image_size": tune.choice([40, 64])}}
TDRAG = {"trainable": "tdrag", "parameters": {"weights": tune.choice(["none", "kinetics"])}}


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        (
            {**STATIC, "parameters": {"image_size": tune.choice([40, 64]), "input_size": tune.choice([0, 48])}},
            "image_size is searched over 64 while input_size is searched over 48, which cannot be trained. input_size was",
        ),
        (
            {**STATIC, "settings": {"input_size": 48}},
            "image_size is searched over 64, which cannot be trained. input_size was given as 48 px",
        ),
        (
            {**TDRAG, "settings": {"width": 8}},
            "weights is searched over 'kinetics', which cannot be trained. width was",
        ),
        (
            {**STATIC, "controls": {"small": {"input_size": 32}}},
            "The control 'small' cannot be trained. input_size was",
        ),
        (
            {**STATIC, "first_points": ({"image_size": 24},)},
            "Number 1 of `first_points` cannot be trained. image_size was given as 24 px",
        ),
        (
            {
                **STATIC,
                "parameters": {},
                "design": named({"a": {"image_size": 64, "input_size": 48}, "b": {}}, reference="b"),
            },
            "The variant 'a' cannot be trained. input_size was given as 48 px",
        ),
        (
            {**STATIC, "design": named({"a": {"input_size": 48}, "b": {}}, reference="b", tune_each=2)},
            "image_size is searched over 64, which cannot be trained in the variant 'a'. input_size was given as 48 px",
        ),
    ],
)
def test_values_that_cannot_train_beside_one_another(fields, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        make_study(**fields)


def test_what_does_not_exist_beside_another_is_not_asked_about():
    parameters = {"width": tune.choice([64, 8]), "weights": tune.choice(["none", "kinetics"])}
    study = make_study(trainable="tdrag", parameters=parameters, only_if={"weights": {"width": (64,)}})
    assert study.config({"width": 8}).weights == "none"


def test_a_control_or_first_point_that_trains_beside_some_values_is_taken():
    sizes = {"image_size": tune.choice([64, 40])}
    study = make_study(**{**STATIC, "parameters": sizes}, controls={"enlarged": {"input_size": 48}})
    assert study.controls["enlarged"] == {"input_size": 48}


def test_numpy_scalars_become_plain_values():
    study = make_study(
        parameters={"rbg_depth": tune.choice(list(np.arange(3)))},
        settings={"gru_hidden": np.int64(8), "lr": np.float32(0.5)},
        smoke={"epochs": np.int32(1)},
        first_points=({"rbg_depth": np.int64(1)},),
        controls={"blind": {"masking_rate": np.float64(0.0)}},
    )
    told = (*study.parameters["rbg_depth"].categories, *study.settings.values(), *study.smoke.values())
    told += (*study.first_points[0].values(), *study.controls["blind"].values())
    assert [type(value) for value in told] == [int, int, int, int, float, int, int, float]
    design = sweep("rbg_depth", list(np.arange(2)))
    variants = make_study(parameters={}, design=design).design.variants
    assert [type(value) for changes in variants.values() for value in changes.values()] == [int, int]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"seed": -1}, "seed was given as -1; a whole number of at least 0 is allowed."),
        ({"seed": 1.5}, "seed was given as 1.5; a whole number of at least 0 is allowed."),
        ({"num_samples": 0}, "num_samples was given as 0; a whole number of at least 1 is allowed."),
        ({"num_samples": True}, "num_samples was given as True; a whole number of at least 1 is allowed."),
        ({"search_folds": (0, -1)}, "search_folds was given as (0, -1); whole numbers of at least 0, each once, are"),
        ({"search_folds": (1, 1)}, "search_folds was given as (1, 1)"),
        ({"search_folds": 0}, "search_folds was given as 0"),
    ],
)
def test_numbers_of_a_study_have_their_ranges_too(fields, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        make_study(**fields)


@pytest.mark.parametrize("arguments", [("--dry-run",), ("--smoke",), ()])
def test_the_command_says_it_and_writes_nothing(arguments, tmp_path, monkeypatch):
    (tmp_path / "mine.py").write_text(
        "from ray import tune\nfrom search_spaces.core.study import Study\n"
        "STUDY = Study(trainable='res_rbg', dataset='drawn_faces', registered_model='m',\n"
        "    parameters={'lr': tune.choice([1e-3, 0.0])})\n"
    )
    monkeypatch.setattr(search_spaces, "__path__", [*search_spaces.__path__, str(tmp_path)])
    monkeypatch.delitem(sys.modules, "search_spaces.mine", raising=False)
    monkeypatch.setenv("FERTUNE_HOME", str(tmp_path / "home"))
    done = call("run", "mine", *arguments)
    assert done.exit_code != 0
    assert f"lr is searched over 0.0, which cannot be trained. lr was given as 0.0; {LR}" in " ".join(
        done.output.split()
    )
    assert not (tmp_path / "home").exists()
