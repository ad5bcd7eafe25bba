"""One name under several spellings."""

import pytest

from trainables.data.core.spelling import merged, same


def test_spellings_of_one_name_become_the_first_of_them_and_are_told():
    names, notes = merged(["Anna", "Ben", "anna", "ANNA ", "Ben"])
    assert names == ["Anna", "Ben", "Anna", "Anna", "Ben"]
    assert notes == ("'Anna', 'anna' and 'ANNA ' are taken for one name",)


def test_spellings_that_look_alike_are_told_by_their_code_points():
    names, notes = merged(["Zo\xeb", "Zoe\u0308"])
    assert names == ["Zo\xeb", "Zo\xeb"]
    assert notes == (r"'Zo\xeb' and 'Zoe\u0308' are taken for one name",)


@pytest.mark.parametrize("other", ["ｐ０１", "p01", "\u00a0P01", "P01\t"])
def test_case_width_and_surrounding_space_are_no_other_name(other):
    assert same(other) == same("P01")


@pytest.mark.parametrize("other", ["P1", "P 01", "P01b"])
def test_other_names_stay_others_and_as_they_are(other):
    assert merged(["P01", other, " x "]) == (["P01", other, " x "], ())


def test_spellings_are_kept_apart_where_that_is_wished():
    assert merged(["Anna", "anna"], keep=True) == (["Anna", "anna"], ())
