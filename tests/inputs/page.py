"""`docs/inputs.md`, the page of what may be given and what happens, from the cases that test it: `make docs` writes it."""

from __future__ import annotations

from tests.conftest import ROOT
from tests.inputs import clusters, containers, images, layouts, lengths, people, tables
from tests.inputs.case import Family

PAGE = ROOT / "docs" / "inputs.md"
FAMILIES: tuple[Family, ...] = (
    containers.FAMILY,
    images.FAMILY,
    layouts.FAMILY,
    lengths.FAMILY,
    people.FAMILY,
    tables.FAMILY,
    clusters.FAMILY,
)
BEFORE = """\
# What may be given, and what happens

Written by `make docs` from the cases in `tests/inputs/`: add one there. Each row is a test that makes such an input and
compares the pixels, counts, people or folds that come of it; what stands in “ ” is said in these words. What is refused ends
one clip or, where no answer would be right, the command, before anything is spent.
"""


def page() -> str:
    """The page as Markdown."""
    return "\n".join([BEFORE, *map(_section, FAMILIES)])


def _section(family: Family) -> str:
    rows = [f"| {case.given} | {case.happens} |" for case in family.cases]
    return "\n".join([f"## {family.title}\n", f"{family.about}\n", "| given | what happens |", "|---|---|", *rows, ""])


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
