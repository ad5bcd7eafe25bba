"""People and clusters may promote by the test, clips that stand for themselves by an override alone."""

import pytest

from tuning.evidence.identities import are_known, why_unknown


@pytest.mark.parametrize(("units", "known"), [("people", True), ("clusters", True), ("clips", False)])
def test_clips_that_name_nobody_are_not_known_well_enough(units, known):
    assert are_known(units) == known
    assert ("--cluster-by" in why_unknown(units)) != known
