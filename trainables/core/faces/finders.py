"""What makes the crops of a data set, or for a model."""

from __future__ import annotations

from trainables.core.faces.clip import AnsweringFinder
from trainables.core.faces.finder import FaceFinder
from trainables.core.faces.fixed_box import FixedBox
from trainables.core.faces.given import GivenFaces
from trainables.core.faces.ways import NEWEST, Cropping
from trainables.data.core.dataset import Faces


def finder_for(faces: Faces, cropping: Cropping = NEWEST) -> AnsweringFinder:
    """What makes crops of a clip where its faces are to be found, in this way, or are given."""
    if faces == "given":
        return GivenFaces()
    return FixedBox() if cropping == "fixed_box" else FaceFinder()
