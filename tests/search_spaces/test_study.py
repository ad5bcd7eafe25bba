"""The rules of a study: what is refused when it is written, and how it is found by name."""

import sys
from pathlib import Path

import pytest
from ray import tune

import fertune
import search_spaces
from search_spaces.core.designs import named
from search_spaces.core.study import PARETO, Objective, Study, load_study
from tests.conftest import ROOT
from trainables.core import lookup
from trainables.core.lookup import UnknownName

SPACE = {"rbg_depth": tune.choice([0, 1])}
MORE = {
    **SPACE,
    "lr": tune.loguniform(1e-4, 1e-2),
    "attention": tune.choice(["none", "eca"]),
    "gru_hidden": tune.randint(4, 9),
    "shortcut": tune.choice(["linear", "parameter_free"]),
}
STUDIES = lookup.names("search_spaces")
TRAINABLES = lookup.names("trainables")
DATASETS = lookup.names("trainables.data")


def make_study(**fields):
    given = {"trainable": "res_rbg", "dataset": "clip_folder", "registered_model": "smiles", "parameters": SPACE}
    return Study(**{**given, **fields})


# The rules


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"trainable": "res_rgb"}, r"no trainable named 'res_rgb'\. Did you mean 'res_rbg'\? There are: .*res_rbg"),
        ({"dataset": "clip_foldr"}, r"no data set named 'clip_foldr'\. Did you mean 'clip_folder'\?"),
        ({"parameters": {"rbg_dept": tune.choice([1])}}, r"no parameter named 'rbg_dept'\. Did you mean 'rbg_depth'\?"),
        ({"settings": {"epoch": 3}}, r"no parameter named 'epoch'\. Did you mean 'epochs'\?"),
        ({"smoke": {"num_frame": 3}}, r"Did you mean 'num_frames'\?"),
        ({"first_points": ({"rbg_dpth": 1},)}, r"Did you mean 'rbg_depth'\?"),
        ({"controls": {"blind": {"temprl": "mean"}}}, r"Did you mean 'temporal'\?"),
        ({"settings": {"rbg_depth": 1}}, "rbg_depth: searched and fixed at once"),
        ({"parameters": {"rbg_depth": 1}}, "rbg_depth: no domain to search, .* fix it in `settings`"),
        ({"only_if": {"rbg_dpth": {"attention": ("eca",)}}}, r"Did you mean 'rbg_depth'\?"),
        ({"only_if": {"rbg_depth": {"atention": ("eca",)}}}, r"Did you mean 'attention'\?"),
        ({"only_if": {"lr": {"rbg_depth": (1,)}}}, "lr: `only_if` says when it exists, but it is not searched"),
        ({"only_if": {"rbg_depth": {"attention": ("eca",)}}}, "under values of attention, which is not searched"),
        ({"parameters": MORE, "only_if": {"lr": {"rbg_depth": 1}}}, "given as 1; a tuple of at least one"),
        ({"parameters": MORE, "only_if": {"lr": {"rbg_depth": ()}}}, "given as .*; a tuple of at least one"),
        ({"parameters": MORE, "only_if": {"lr": {"attention": "eca"}}}, "given as 'eca'; a tuple of at least one"),
        (
            {"parameters": MORE, "only_if": {"lr": {"rbg_depth": (1, 3)}}},
            "rbg_depth 3, which is never tried; .* of 0, 1",
        ),
        (
            {"parameters": MORE, "only_if": {"lr": {"gru_hidden": (9,)}}},
            "gru_hidden 9, which is never tried; .* 4 to 8",
        ),
        ({"parameters": MORE, "only_if": {"rbg_depth": {"lr": (0.1,)}}}, "values of lr, which is continuous"),
        (
            {"parameters": MORE, "only_if": {"gru_hidden": {"attention": ("eca",)}, "attention": {"gru_hidden": (4,)}}},
            "go in a circle, .*: gru_hidden -> attention -> gru_hidden",
        ),
        (
            {"parameters": MORE, "only_if": {"rbg_depth": {"shortcut": ("linear",)}}},
            "go in a circle, .*: rbg_depth -> shortcut -> recurrent -> rbg_depth",
        ),
        ({"objectives": ()}, "at least one objective"),
        ({"search_folds": ()}, "search_folds was given as .*; whole numbers of at least 0"),
    ],
)
def test_a_study_that_cannot_run_is_refused_when_it_is_written(fields, message):
    with pytest.raises(ValueError, match=message):
        make_study(**fields)


@pytest.mark.parametrize("name", ["../smiles", "a/b", "a\\b", ".hidden", "-x", " ", "prepared", "mlflow.db"])
def test_a_name_that_cannot_be_that_of_a_folder_of_its_own_is_refused(name):
    with pytest.raises(ValueError, match="name was given as"):
        make_study(name=name)


@pytest.mark.parametrize("verb", ["run", "confirm", "cross_validate", "promote", "rollback", "plan"])
def test_a_study_without_a_name_is_refused_before_anything_is_written(verb, tmp_path):
    more = {"num_samples": 1} if verb == "cross_validate" else {}
    with pytest.raises(ValueError, match=r"This study of res_rbg has no name\. Give it one"):
        getattr(fertune, verb)(make_study(), home=tmp_path, **more)
    assert not list(tmp_path.iterdir())


def test_a_condition_may_stand_on_what_the_variants_of_a_design_change():
    design = named({"mean": {"temporal": "mean"}, "gru": {}}, reference="gru", tune_each=2)
    study = make_study(design=design, only_if={"rbg_depth": {"temporal": ("gru",)}})
    assert study.exists_only_if["rbg_depth"] == {"temporal": ("gru",)}


def test_a_study_adds_to_what_the_config_says():
    study = make_study(parameters=MORE, only_if={"shortcut": {"attention": ("eca",)}, "lr": {"rbg_depth": (0,)}})
    found = study.exists_only_if
    assert found["shortcut"] == {"recurrent": ("rbg",), "attention": ("eca",)}
    assert found["lr"] == {"rbg_depth": (0,)}


def test_a_space_is_told_with_its_conditions():
    parameters = {"rbg_depth": tune.choice([0, 1]), "lr": tune.loguniform(1e-4, 1e-2)}
    study = make_study(parameters=parameters, only_if={"lr": {"rbg_depth": (0, 1)}})
    assert study.space() == {"rbg_depth": "[0, 1]", "lr": "(0.0001, 0.01) where rbg_depth 0, 1"}


def test_equal_networks_are_one_configuration_of_a_study():
    study = make_study(settings={"shortcut": "linear"})
    assert study.config({"rbg_depth": 0}) == study.config({"rbg_depth": 0, "shortcut": "parameter_free"})
    assert study.config({"rbg_depth": 1}) != study.config({"rbg_depth": 1, "shortcut": "parameter_free"})
    assert study.effective({"rbg_depth": 0, "shortcut": "linear", "lr": 0.1}) == {"rbg_depth": 0, "lr": 0.1}
    assert study.effective({"temporal": "mean", "rbg_depth": 1}) == {"temporal": "mean"}


def test_an_objective_is_a_measured_quantity_with_a_direction():
    with pytest.raises(ValueError, match=r"no objective named 'acuracy'\. Did you mean 'accuracy'\?"):
        Objective(metric="acuracy", direction="max")
    for direction in ("up", "min"):
        with pytest.raises(
            ValueError, match=f"direction of accuracy was given as '{direction}'; allowed is max, which may"
        ):
            Objective(metric="accuracy", direction=direction)
    assert Objective(metric="latency_ms") == Objective(metric="latency_ms", direction="min")
    assert [(objective.metric, objective.direction) for objective in PARETO] == [
        ("accuracy", "max"),
        ("train_time_s", "min"),
        ("param_count", "min"),
    ]


@pytest.mark.parametrize("metric", ["val_loss", "best_epoch", "deployed_latency_ms", "published_time_s"])
def test_what_a_trial_does_not_have_once_or_has_no_better_end_is_no_objective(metric):
    with pytest.raises(ValueError, match=f"no objective named '{metric}'"):
        Objective(metric=metric)
    figures = {"published": {"full": {metric: 1.0}}}
    if metric == "published_time_s":
        assert make_study(**figures).published == figures["published"]
    else:
        with pytest.raises(UnknownName, match=f"no published quantity named '{metric}'"):
            make_study(**figures)


@pytest.mark.parametrize(("name", "nearest"), [("smile", "smiles"), ("dmeo", "demo")])
def test_an_unknown_study_is_answered_with_the_nearest(name, nearest):
    with pytest.raises(UnknownName, match=rf"no study named '{name}'\. Did you mean '{nearest}'\? There are: .*demo"):
        load_study(name)


def test_a_name_that_resembles_nothing_is_answered_with_the_list():
    with pytest.raises(UnknownName) as caught:
        load_study("xyzzy")
    assert str(caught.value) == f"There is no study named 'xyzzy'. There are: {', '.join(STUDIES)}."
    assert lookup.unknown("study", "xyzzy", []) == "There is no study named 'xyzzy'. There are none."
    for name in ("core", "core.study", "../tuning", "__init__", ""):  # machinery and paths are no studies
        with pytest.raises(UnknownName):
            load_study(name)


def test_a_file_laid_into_the_folder_is_a_study(tmp_path, monkeypatch):
    (tmp_path / "newcomer.py").write_text("from search_spaces.demo import STUDY\n")
    monkeypatch.setattr(search_spaces, "__path__", [*search_spaces.__path__, str(tmp_path)])
    assert "newcomer" in lookup.names("search_spaces")
    assert load_study("newcomer").name == "newcomer"


# Files


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("STUDY = (", "search_spaces/mine.py cannot be loaded: line 1: '\\(' was never closed (SyntaxError)."),
        ("import numpyy", "line 1: ModuleNotFoundError: No module named 'numpyy'"),
        ("x = 1\ny = x.depth", "line 2: AttributeError: 'int' object has no attribute 'depth'"),
        ("STUDIES = 1", "search_spaces/mine.py defines no `STUDY = Study\\(...\\)`; demo.py is an example."),
        (
            "from search_spaces.core.study import Study\n"
            "STUDY = Study(trainable='res_rbg', dataset='drawn_faces', registered_model='m', settings={'epoch': 3})",
            "line 2: There is no parameter named 'epoch'. Did you mean 'epochs'?",
        ),
    ],
)
def test_a_study_file_that_cannot_be_loaded_is_a_message_with_its_line(written, message, tmp_path, monkeypatch):
    (tmp_path / "mine.py").write_text(written)
    monkeypatch.setattr(search_spaces, "__path__", [*search_spaces.__path__, str(tmp_path)])
    monkeypatch.delitem(sys.modules, "search_spaces.mine", raising=False)
    with pytest.raises(ValueError, match="mine") as raised:
        load_study("mine")
    assert message.replace("\\", "") in str(raised.value)


def test_the_demo_and_the_smiles_are_there():
    assert {"demo", "smiles"} <= set(STUDIES)


def test_names_are_the_files_of_the_folder():
    for package, found in (("search_spaces", STUDIES), ("trainables", TRAINABLES), ("trainables/data", DATASETS)):
        files = sorted(path.stem for path in Path(ROOT / package).glob("*.py") if path.stem != "__init__")
        assert found == files


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({"attention": tune.choice(["none", "g_ecca"])}, "attention is searched over 'g_ecca', which .* 'g_eca'"),
        ({"gru_hidden": tune.choice([64, 0])}, "gru_hidden is searched over 0, .* whole number of at least 1"),
    ],
)
def test_a_choice_that_cannot_be_trained_is_refused_before_any_trial(parameters, said):
    with pytest.raises(ValueError, match=said):
        Study(trainable="res_rbg", dataset="drawn_faces", registered_model="m", parameters=parameters)
