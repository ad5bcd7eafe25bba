"""The verbs as functions: documented, typed, silent, and read when they are used."""

import dataclasses
import inspect
import os
import subprocess
import sys
import typing

import pytest

import fertune
from tests.conftest import ROOT
from tests.support.command import HEAVY
from tests.support.sample_study import write_sample
from trainables.core import lookup

VERBS = [name for name in fertune.__all__ if inspect.isfunction(getattr(fertune, name))]


def test_every_verb_of_the_house_is_here():
    assert all(callable(getattr(fertune, name)) for name in lookup.names("tuning"))
    assert {"report", "rollback", "load", "cross_validate"} <= set(VERBS)


@pytest.mark.parametrize("name", VERBS)
def test_each_is_documented_and_typed_and_silent_unless_asked(name):
    verb = getattr(fertune, name)
    assert verb.__doc__
    hints = typing.get_type_hints(verb)
    signature = inspect.signature(verb)
    assert set(hints) == {*signature.parameters, "return"}
    if "progress" in signature.parameters:
        assert signature.parameters["progress"].default is False


@pytest.fixture
def home(tmp_path):
    write_sample(tmp_path / "runs")
    return tmp_path / "runs"


def test_stop_takes_an_object_too(home):
    with pytest.raises(ValueError, match="Study smiles is not running"):
        fertune.stop(fertune.load_study("smiles"), home=home)


READING = {
    "load": lambda study, home: fertune.load(study, home=home),
    "logs": lambda study, home: fertune.logs(study, home=home),
    "plan_removal": lambda study, home: fertune.plan_removal(study, home=home),
    "report": lambda study, home: fertune.report(study, home.parent / "report.html", home=home),
    "status": lambda study, home: fertune.status(study, home=home),
}


@pytest.mark.parametrize("name", READING)
def test_a_study_is_a_name_or_an_object_for_what_reads_too_and_nothing_is_printed(name, home, capfd):
    by_name = READING[name]("smiles", home)
    made = dataclasses.replace(fertune.load_study("smiles"), num_samples=3)
    assert repr(READING[name](made, home)) == repr(by_name)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("verb", "study", "asked", "message"),
    [
        ("run", "smiles", {"seeds": 3}, "Study smiles is a search; --seeds is an option of an ablation"),
        ("run", "smiles", {"folds": (0,)}, "--folds is an option of an ablation"),
        ("run", "res_rbg_depth", {"num_samples": 5}, "is an ablation; --num-samples is an option of a search"),
        ("plan", "res_rbg_depth", {"prefer": "small"}, "is an ablation; --prefer is an option of a search"),
        ("plan", "smiles", {"prefer": "smallest"}, "The preference was given as 'smallest'"),
        ("run", "smiles", {"extend": 2, "num_samples": 5}, "both set the number of trials"),
        ("run", "smiles", {"extend": -3}, "--extend was given as -3; whole numbers of at least 1"),
        ("run", "smiles", {"num_samples": 0}, "--num-samples was given as 0"),
        ("ablate", "res_rbg_depth", {"seeds": 0}, "--seeds was given as 0"),
        ("plan", "smiles", {"num_samples": 0}, "--num-samples was given as 0"),
        ("plan", "smiles", {"sd": 5}, "--sd is an option of an ablation"),
        ("plan", "res_rbg_depth", {"sd": 5, "pilot": "other"}, "both set the spread"),
        ("plan", "res_rbg_depth", {"sd": 0}, "points of accuracy above 0"),
        ("confirm", "smiles", {"top": 2, "trial_id": "search-0001"}, "both choose what is confirmed"),
    ],
)
def test_what_cannot_be_is_refused_by_the_verb(verb, study, asked, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        getattr(fertune, verb)(study, home=tmp_path, **asked)
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize(("given", "said"), [("", "search-"), ("elsewhere", "no study begun under")])
def test_it_is_imported_from_any_folder(given, said, home, tmp_path):
    """As `make setup` leaves the environment."""
    code = f"import fertune; print(fertune.load('smiles', home={str(home / given)!r}).front)"
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=100
    )
    assert said in done.stdout + done.stderr
    assert given in done.stderr


def test_type_checkers_and_people_see_the_same_names():
    tree = (ROOT / "fertune.py").read_text()
    assert all(f" {name}" in tree.split("_ELSEWHERE")[0] for name in fertune.__all__)
    assert dir(fertune) == sorted(fertune.__all__)
    with pytest.raises(AttributeError, match="no attribute 'runn'"):
        fertune.runn  # noqa: B018


def test_its_import_reads_nothing_heavy():
    code = f"import sys, fertune; print([name for name in {HEAVY} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "[]", done.stderr
