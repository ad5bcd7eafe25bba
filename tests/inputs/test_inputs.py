"""Every case of an input: what happens is what the page says of it."""

import re

import pytest

from tests.inputs.page import FAMILIES, PAGE, page

CASES = [
    pytest.param(case, id=re.sub(r"\W+", "-", f"{family.title.split()[0]} {case.given}".lower()).strip("-")[:80])
    for family in FAMILIES
    for case in family.cases
]


@pytest.mark.parametrize("case", CASES)
def test_what_happens_is_what_the_page_says(case, tmp_path):
    (tmp_path / "given").mkdir()
    said = case.check(case.make(tmp_path / "given"))
    assert [sentence for sentence in case.quoted if sentence not in (said or "")] == [], said


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.title)
def test_a_family_has_a_dozen_cases_and_no_two_are_given_alike(family):
    given = [case.given for case in family.cases]
    assert len(set(given)) == len(given) >= 12
    assert not any("|" in words for case in family.cases for words in (case.given, case.happens))


def test_the_page_is_as_generated():
    assert PAGE.read_text(encoding="utf-8") == page(), "run `make docs`"
