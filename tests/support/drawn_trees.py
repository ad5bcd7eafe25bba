"""Tiny drawn trees for the tests of layouts and of what reads them, and ways to look at them."""

import csv
import inspect

import cv2
import openpyxl

from trainables.core import lookup

LAYOUTS = lookup.names("drawing.layouts")
SUBJECTS = 4
SIX = ["anger", "disgust", "fear", "happiness", "sadness", "surprise"]


class Trees:
    """`trees(layout, **settings)`: the root of a tiny copy of that layout, drawn once."""

    def __init__(self, tmp_path_factory):
        self.new_folder = tmp_path_factory.mktemp
        self.drawn = {}

    def __call__(self, name, **changes):
        key = (name, *sorted(changes.items()))
        if key not in self.drawn:
            layout = lookup.load("drawing.layouts", name, "layout")
            root = self.new_folder(name) / "root"
            layout.write(root, **settings_of(layout, **changes))
            self.drawn[key] = root
        return self.drawn[key]


def settings_of(layout, **changes):
    """The settings of a tiny tree, as far as the layout has them; sets of 48 px keep their size."""
    known = inspect.signature(layout.write).parameters
    tiny = {"num_subjects": SUBJECTS} | ({"num_frames": 4, "size": 64} if "num_frames" in known else {})
    return tiny | changes


def files(root, pattern):
    return sorted(path.relative_to(root).as_posix() for path in root.glob(pattern) if not path.name.startswith("."))


def image(path):
    return cv2.imread(str(path), cv2.IMREAD_UNCHANGED)


def rows_of(path):
    with path.open(newline="") as file:
        return list(csv.reader(file))


def table_of(path):
    return [list(row) for row in openpyxl.load_workbook(path).active.iter_rows(values_only=True)]
