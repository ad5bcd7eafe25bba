"""What the code says of a home's files is so: modules that name them, and no file that is not named."""

import re
from fnmatch import fnmatch

import pytest
from ray import tune

from tests.conftest import ROOT
from tests.support.ablation_driver import study_of
from tests.support.builders import SETTINGS
from tests.support.without_ray import LoopRunner
from trainables.core import files
from trainables.core.kept_files import KEPT
from trainables.core.training.trial import TrialSpec, run_trial
from trainables.core.training.workers import Group
from tuning.promote import promote_winner
from tuning.records.ledger import Ledger
from tuning.records.tracking import Tracker

CONSTANTS = {value: name for name, value in vars(files).items() if name.isupper()}


def constant(kept) -> str:
    """What `kept.name`, or its beginning, is called in `files`."""
    return next(name for value, name in CONSTANTS.items() if kept.name.startswith(value))


@pytest.mark.parametrize("kept", KEPT, ids=lambda kept: kept.path)
def test_each_module_that_is_said_to_write_or_read_a_file_names_it(kept):
    for path in (*kept.written_by, *kept.read_by):
        assert re.search(rf"\b{constant(kept)}\b", (ROOT / path).read_text()), path
    assert kept.written_by
    assert kept.lost


@pytest.mark.parametrize("kept", KEPT, ids=lambda kept: kept.path)
def test_each_module_that_names_a_file_is_said_to(kept):
    said = {*kept.written_by, *kept.read_by}
    code = [path for room in ("tuning", "trainables") for path in (ROOT / room).rglob("*.py")]
    naming = {
        path.relative_to(ROOT).as_posix()
        for path in code
        if re.search(rf"\bfiles\.{constant(kept)}\b", path.read_text())
    }
    naming -= {
        "trainables/core/kept_files.py",
        "trainables/core/kept_prepared.py",
        "trainables/core/kept_ledger.py",
        "tuning/evidence/model_card.py",
    }  # the last names it to the reader
    assert naming - said == set(), "say so in trainables/core/kept_files.py and run `make docs`"


def test_every_name_is_told_of():
    told = "".join(kept.path for kept in KEPT) + "".join(kept.name for kept in KEPT)
    assert [name for value, name in CONSTANTS.items() if value not in told] == []


def is_kept(place: str) -> bool:
    """Whether a file at `place`, relative to a home, is one of `KEPT`, or lies in a folder of it."""
    parts = place.split("/")
    for kept in KEPT:
        wanted = re.sub("<.*?>", "*", kept.path.rstrip("/")).split("/")
        here = parts[: len(wanted)] if kept.is_folder else parts
        if len(here) == len(wanted) and all(map(fnmatch, here, wanted)):
            return True
    return False


@pytest.mark.slow
def test_a_home_holds_no_file_that_is_not_told_of(begin, store, tiny):
    home, prepared = store["home"], store["prepared"]
    search = study_of(
        name="trained",
        trainable="tiny",
        design=None,
        parameters={"hidden": tune.choice([4, 8])},
        settings=dict(SETTINGS),
    )

    def train(spec):
        run_trial(TrialSpec(**{**spec, "checkpoint_interval_s": 0.0}), lambda row: True, Group())

    with LoopRunner(search, home, prepared, train=train) as runner:
        runner.search(1)
    with Ledger.write(home / "trained") as ledger, Tracker(ledger, store["uri"], home):
        pass
    promoted = begin({8: 0.97}).search(8)
    promote_winner(promoted)
    found = {path.relative_to(home).as_posix() for path in home.rglob("*") if path.is_file()}
    assert {"trained/tracked.json", "trained/trials/search-0000/model.safetensors", "mlflow.db"} <= found
    assert [place for place in sorted(found) if not is_kept(place)] == []
    assert not is_kept("trained/trials/search-0000/notes.txt")
