"""Which finder a data set, a study or a model has."""

import pytest

from trainables.core.faces.finder import FaceFinder
from trainables.core.faces.finders import finder_for
from trainables.core.faces.fixed_box import FixedBox
from trainables.core.faces.given import GivenFaces
from trainables.core.faces.ways import NEWEST, cropping_of
from trainables.data.core.dataset import DataError


def test_what_makes_the_crops_follows_the_data_set_and_what_it_began_with():
    assert isinstance(finder_for("given"), GivenFaces)
    assert isinstance(finder_for("find"), FaceFinder)
    assert isinstance(finder_for("find", "fixed_box"), FixedBox)


@pytest.mark.parametrize(("finder", "cropping"), [(FaceFinder(), NEWEST), (FixedBox(), "fixed_box")])
def test_the_settings_of_a_finder_tell_how_it_crops(finder, cropping):
    assert cropping_of(finder.settings) == cropping


def test_a_way_that_only_a_later_version_knows_is_refused():
    with pytest.raises(
        DataError, match=r"in a way \('mesh'\) that this version does not know; it knows path and fixed_box"
    ):
        cropping_of({"cropping": "mesh"})
