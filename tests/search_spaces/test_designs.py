"""Enumerated designs: which variants they hold, what they are set against, and what a factorial's effects are."""

import itertools

import numpy as np
import pytest
from ray import tune

from search_spaces.core.designs import Design, add_one_in, factorial, leave_one_out, named, sweep
from search_spaces.core.study import Study
from trainables.core.lookup import UnknownName

FULL = {"masking_rate": 0.1, "attention": "g_eca", "rbg_depth": 2}
OFF = {"masking": {"masking_rate": 0.0}, "gate": {"attention": "none"}, "blocks": {"rbg_depth": 0}}
ON = {"masking": {"masking_rate": 0.1}, "gate": {"attention": "g_eca"}, "blocks": {"rbg_depth": 2}}
BASE = {"masking_rate": 0.0, "attention": "none", "rbg_depth": 0}


def make_study(design, **fields):
    given = {"trainable": "res_rbg", "dataset": "clip_folder", "registered_model": "smiles", "design": design}
    return Study(**{**given, **fields})


def test_leaving_one_out_takes_each_component_out_of_the_full_model_alone():
    design = leave_one_out(FULL, OFF)
    assert design.reference == "full"
    assert design.variants == {
        "full": FULL,
        "without_masking": {**FULL, "masking_rate": 0.0},
        "without_gate": {**FULL, "attention": "none"},
        "without_blocks": {**FULL, "rbg_depth": 0},
    }
    assert design.coding["without_gate"] == {"masking": 1, "gate": -1, "blocks": 1}


def test_adding_one_in_puts_each_component_into_the_base_alone():
    design = add_one_in(BASE, ON)
    assert design.reference == "base"
    assert design.variants["with_gate"] == {**BASE, "attention": "g_eca"}
    assert len(design.variants) == 4
    assert design.coding["with_gate"] == {"masking": -1, "gate": 1, "blocks": -1}


def test_a_factorial_holds_every_combination_once():
    design = factorial(BASE, ON)
    assert len(design.variants) == len({repr(changes) for changes in design.variants.values()}) == 8
    assert design.variants["base"] == BASE
    assert design.variants["masking+gate+blocks"] == FULL
    assert design.variants["masking+blocks"] == {**BASE, "masking_rate": 0.1, "rbg_depth": 2}
    assert {tuple(levels.values()) for levels in design.coding.values()} == set(itertools.product((-1, 1), repeat=3))


def test_contrasts_recover_the_effects_that_results_were_made_of():
    """Results of a known model, 50 + 3 masking + 2 gate + 4 masking x gate, in the coding of -1 and 1."""
    design = factorial(BASE, ON)
    results = {
        name: 50 + 3 * level["masking"] + 2 * level["gate"] + 4 * level["masking"] * level["gate"]
        for name, level in design.coding.items()
    }

    def effect(*components):
        return sum(weight * results[name] for name, weight in design.contrast(*components).items())

    assert effect("masking") == pytest.approx(6)  # from -1 to 1 is twice the coefficient
    assert effect("gate") == pytest.approx(4)
    assert effect("masking", "gate") == pytest.approx(8)
    assert effect("blocks") == pytest.approx(0)
    assert effect("masking", "blocks") == pytest.approx(0)
    with_gate = [results[name] for name, level in design.coding.items() if level["gate"] > 0]
    without = [results[name] for name, level in design.coding.items() if level["gate"] < 0]
    assert effect("gate") == pytest.approx(np.mean(with_gate) - np.mean(without))


def test_a_factorial_is_compared_by_main_effects_and_interactions_of_two_besides():
    design = factorial(BASE, ON)
    effects = design.effects()
    assert list(effects)[:4] == [("masking",), ("gate",), ("blocks",), ("masking", "gate")]
    assert len(effects) == 3 + 3
    assert effects["gate", "blocks"] == design.contrast("gate", "blocks")
    assert leave_one_out(FULL, OFF).effects() == {}


def test_a_sweep_names_its_values_and_its_reference():
    design = sweep("rbg_depth", [1, 2, 3], reference=2)
    assert list(design.variants) == ["rbg_depth=1", "rbg_depth=2", "rbg_depth=3"]
    assert design.reference == "rbg_depth=2"
    assert sweep("rbg_depth", [1, 2]).reference == "rbg_depth=1"
    assert sweep("rbg_depth", [1, 0], reference=0).reference == "rbg_depth=0"
    assert sweep("num_frames", [8, None], reference=None).reference == "num_frames=None"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: named({"full": FULL}, reference="full"), "two variants or more; given: full"),
        (lambda: named({"full": FULL, "ful": FULL}, reference="full"), "'full' and 'ful' are the same"),
        (
            lambda: named({"full": FULL, "base": BASE}, reference="bsae"),
            r"no variant named 'bsae'\. Did you mean 'base'\?",
        ),
        (lambda: sweep("rbg_depth", [1, 2], reference=3), "no variant named 'rbg_depth=3'"),
        (lambda: sweep("rbg_depth", []), "needs values"),
        (lambda: leave_one_out(FULL, {"gate": {"attention": "g_eca"}}), "component 'gate' changes nothing"),
        (lambda: add_one_in(BASE, {"blocks": {"rbg_depth": 0}}), "component 'blocks' changes nothing"),
        (
            lambda: factorial(BASE, {"eca": {"attention": "eca"}, "se": {"attention": "se"}}),
            "'eca' and 'se' both change attention",
        ),
        (lambda: named({"full": FULL, "base": BASE}, reference="base", tune_each=-1), "tune_each was given as -1"),
        (lambda: factorial(BASE, {"base": ON["gate"], "blocks": ON["blocks"]}), "Two variants are called 'base'"),
        (
            lambda: factorial(BASE, {"a": ON["gate"], "b": ON["blocks"], "a+b": ON["masking"]}),
            r"Two variants are called 'a\+b'.*needs a name of its own",
        ),
        (
            lambda: factorial(BASE, {"a": ON["gate"], "b": ON["blocks"], "a x b": ON["masking"]}),
            "'a x b' is called as an interaction of two others",
        ),
        (lambda: sweep("rbg_depth", [1, 2, 2]), "Two variants are called 'rbg_depth=2'.*give each value once"),
        (lambda: sweep("rbg_depth", [1, "1", 2]), r"Two variants are called 'rbg_depth=1': .*: 1\} and .*: '1'\}"),
        (lambda: factorial(BASE, ON).contrast("gat"), r"no component named 'gat'\. Did you mean 'gate'\?"),
        (lambda: factorial(BASE, ON).contrast(), "Name one component"),
        (lambda: leave_one_out(FULL, OFF).contrast("gate"), "need a full factorial; this design is leave_one_out"),
    ],
)
def test_a_design_that_cannot_be_meant_is_refused_when_it_is_written(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize(
    ("design", "fields", "message"),
    [
        (sweep("rbg_dept", [1, 2]), {}, r"no parameter named 'rbg_dept'\. Did you mean 'rbg_depth'\?"),
        (sweep("rbg_depth", [1, 7]), {}, "rbg_depth was given as 7; a whole number from 0 to 3"),
        (sweep("attention", ["eca", "g_ecca"]), {}, r"no attention named 'g_ecca'\. Did you mean 'g_eca'\?"),
        (sweep("rbg_depth", [1, 2]), {"parameters": {"lr": tune.loguniform(1e-4, 1e-2)}}, "lr: an ablation searches"),
        (sweep("rbg_depth", [1, 2], tune_each=3), {}, "tune_each=3 needs `parameters`"),
        (
            sweep("rbg_depth", [1, 2], tune_each=3),
            {"parameters": {"rbg_depth": tune.choice([1, 2])}},
            "rbg_depth: searched, and changed by a variant",
        ),
        (
            named({"as_is": {}, "depth": {"rbg_depth": 1}}, reference="as_is"),
            {"settings": {"rbg_depth": 1}},
            "'as_is' and 'depth' train the same",
        ),
        (
            named({"none": {"rbg_depth": 0}, "linear": {"rbg_depth": 0, "shortcut": "linear"}}, reference="none"),
            {},
            "'none' and 'linear' train the same: .* in anything that has an effect",
        ),
        (
            sweep("rbg_depth", [1, 2]),
            {"published": {"rbg_deth=1": {"accuracy": 0.973}}},
            r"no variant to quote figures for named 'rbg_deth=1'\. Did you mean 'rbg_depth=1'\?",
        ),
        (None, {}, "needs `parameters` to search, or a `design`"),
        (
            None,
            {"parameters": {"lr": tune.loguniform(1e-4, 1e-2)}, "folds": "random"},
            r"no way to cut folds named 'random'\. Did you mean 'random_leaky'\?",
        ),
        (
            sweep("rbg_depth", [1, 2]),
            {"published": {"rbg_depth=1": {"acuracy": 0.973}}},
            r"no published quantity named 'acuracy'\. Did you mean 'accuracy'\?",
        ),
    ],
)
def test_a_study_whose_design_cannot_run_is_refused_when_it_is_written(design, fields, message):
    with pytest.raises(ValueError, match=message):
        make_study(design, **fields)


def test_an_unknown_name_is_an_unknown_name():
    with pytest.raises(UnknownName):
        make_study(sweep("rbg_depth", [1, 2]), published={"rbg_depth=3": {"accuracy": 0.973}})


def test_a_smoke_run_of_an_ablation_keeps_its_variants_and_tunes_them_little():
    study = make_study(
        sweep("rbg_depth", [1, 2], tune_each=20),
        name="depths",
        parameters={"lr": tune.loguniform(1e-4, 1e-2)},
        settings={"epochs": 30},
        smoke={"epochs": 1},
        drawing={"num_subjects": 50, "size": 96},
        published={"rbg_depth=1": {"accuracy": 0.973}},
    )
    smoked = study.smoked()
    assert (smoked.name, smoked.registered_model, smoked.is_smoke) == ("depths-smoke", "smiles-smoke", True)
    assert smoked.design.variants == study.design.variants
    assert smoked.design.tune_each == 1
    assert smoked.settings == {"epochs": 1}
    assert smoked.drawing == {"num_subjects": 8, "size": 96}
    assert make_study(sweep("rbg_depth", [1, 2])).smoked().design.tune_each == 0


def test_facts_are_plain_and_complete():
    design = factorial(BASE, ON, tune_each=0)
    facts = design.facts()
    assert Design(**facts) == design
