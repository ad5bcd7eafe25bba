"""Copies of published sets with their tables written anew, and whether what is read of them is what the owners' give."""

from __future__ import annotations

import functools
import shutil
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np

from tests.inputs.case import Check, refusal, told
from tests.support import trees

Row = list[str]


def copy_of(name: str, change: Callable[[Path], object]) -> Callable[[Path], Path]:
    """Writes a small copy of a data set and changes it; the owners' lies beside it as `owners`."""

    def make(folder: Path) -> Path:
        trees.BUILDERS[name](folder / name)
        shutil.copytree(folder / name, folder / "owners")
        change(folder / name)
        return folder / name

    return make


def as_owners(reader: ModuleType) -> Check:
    """Checks that labels, people, folds and pixels are those of the owners' copy."""

    def check(root: Path) -> str:
        after, before = reader.load(root), reader.load(root.with_name("owners"))
        assert after.folds == before.folds
        for one, other in zip(after.samples, before.samples, strict=True):
            assert (one.clip_id, one.label, one.subject) == (other.clip_id, other.label, other.subject)
            np.testing.assert_array_equal(list(after.read(one)), list(before.read(other)))
        return told(after)

    return check


def rewritten(
    path: Path, change: Callable[[Row], Row] = list, *, divider: str = ",", encoding: str = "utf-8", name: str = ""
) -> None:
    """A table in another hand; `change` gives the cells of each row, the header's too."""
    rows = [change(line.split(",")) for line in path.read_text().splitlines()]
    path.unlink()
    lines = [divider.join(row) for row in rows if row]
    path.with_name(name or path.name).write_text("\n".join(lines) + "\n", encoding=encoding)


def is_header(row: Row) -> bool:
    return not row[-1].isdecimal()


def less(reader: ModuleType, num_less: int) -> Check:
    """Checks that all but some samples are read."""

    def check(root: Path) -> str:
        after, before = reader.load(root), reader.load(root.with_name("owners"))
        assert len(after.samples) == len(before.samples) - num_less
        assert {(one.clip_id, one.label) for one in after.samples} < {
            (one.clip_id, one.label) for one in before.samples
        }
        return told(after)

    return check


def refused(reader: ModuleType) -> Check:
    return functools.partial(refusal, reader.load)
