"""The verbs as functions: documented, typed, silent, and read when they are used."""

import inspect
import subprocess
import sys
import typing

import pytest

import fertune
from tests.conftest import ROOT
from tests.support.command import HEAVY
from trainables.core import lookup

VERBS = [name for name in fertune.__all__ if inspect.isfunction(getattr(fertune, name))]


def test_every_verb_of_the_house_is_here():
    assert set(lookup.names("tuning")) <= set(fertune.__all__)
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
