"""The command of a job means there what it means here."""

import shlex
import typing
from pathlib import Path

import pytest

import tune
from tuning.execution.jobs.entrypoint import PATHS, VERBS, absolute, command_of, going_on


def test_options_arrive_as_they_were_given():
    given = ["--prefer", "param_count<=5e6", "--data-root", "/data/my clips", "--notify", 'mail -s "$FERTUNE_EVENT" me']
    command = command_of("run", "smiles", given)
    assert shlex.split(command) == ["python", "tune.py", "run", "smiles", *given]


def test_relative_paths_become_full_ones_and_are_told(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    given = ["--data-root", "clips", "--table=out/a.csv", "--cluster-by", "faces:x.csv", "--seeds", "3", "--smoke"]
    found, notes = absolute(given)
    here = str(tmp_path)
    assert found == [
        *("--data-root", f"{here}/clips", f"--table={here}/out/a.csv", "--cluster-by", f"faces:{here}/x.csv"),
        *("--seeds", "3", "--smoke"),
    ]
    assert notes[0] == f"--data-root clips is taken as {here}/clips, which the cluster's machines have to see."
    assert len(notes) == 3


@pytest.mark.parametrize(
    "given",
    [
        ["--data-root", "/data/clips", "--data-root=~/clips"],
        ["--cluster-by", "faces"],
        ["--cluster-by", "column:film"],
        ["--pilot", "smiles"],
        ["--smoke", "clips"],
    ],
)
def test_other_values_stay_as_they_are(given):
    assert absolute(given) == (given, [])


@pytest.mark.parametrize("verb", VERBS)
def test_every_path_among_the_options_is_known(verb):
    hints = typing.get_type_hints(getattr(tune, verb.replace("-", "_")))
    paths = {f"--{name.replace('_', '-')}" for name, kind in hints.items() if Path in (kind, *typing.get_args(kind))}
    assert {"--data-root"} <= paths <= set(PATHS)
    assert next(iter(hints)) == "study"


@pytest.mark.parametrize(
    ("given", "again"),
    [
        (["--num-samples", "20"], ["--num-samples", "20", "--resume"]),
        (["--extend", "5", "--max-concurrent", "2"], ["--max-concurrent", "2", "--resume"]),
        (["--extend=5", "--resume"], ["--resume"]),
        (["--new-data"], ["--new-data", "--resume"]),
    ],
)
def test_a_lost_search_goes_on_to_what_it_was_to_reach(given, again):
    assert going_on("run", given) == again
    assert going_on("confirm", given) == given
