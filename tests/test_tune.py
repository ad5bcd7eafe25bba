"""The command line before Ray: help, lists, costs, and what ends it."""

import json
import logging
import os
import subprocess
import sys
import tomllib

import pytest
import typer
from typer.testing import CliRunner

import tune
from tests.conftest import ROOT
from tests.support.command import call, light
from trainables.core import lookup
from tuning.execution.session import open_session
from tuning.list import PACKAGES
from tuning.text import options


def test_help_names_every_command_and_imports_nothing_heavy():
    done = light("--help")
    assert done.returncode == 0
    for command in tune.app.registered_commands:
        name = command.name or command.callback.__name__.replace("_", "-")
        assert f"  {name}" in done.stdout
    assert done.stdout.endswith("heavy:\n")


def test_it_runs_as_a_script_from_another_folder(tmp_path):
    done = subprocess.run(
        [sys.executable, str(ROOT / "tune.py"), "list", "datasets"], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == lookup.names("trainables.data")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("what", PACKAGES)
def test_a_list_is_the_files_of_its_folder_and_imports_nothing_heavy(what):
    done = light("list", what)
    assert done.returncode == 0
    assert done.stdout.split() == [*lookup.names(PACKAGES[what]), "heavy:"]


def test_the_version_is_that_of_the_project_and_costs_no_import():
    done = light("--version")
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert done.stdout.split("\n")[0] == f"fertune {declared}"
    assert done.stdout.endswith("heavy:\n")


def test_a_list_as_data_is_one_object_a_line():
    done = call("list", "studies", "--json")
    assert done.exit_code == 0
    assert [json.loads(line)["name"] for line in done.stdout.splitlines()] == lookup.names("search_spaces")


@pytest.mark.parametrize(
    ("module", "command"),
    [
        ("run", ["run", "demo"]),
        ("ablate", ["run", "res_rbg_depth", "--smoke"]),
        ("confirm", ["confirm", "demo"]),
        ("promote", ["promote", "demo"]),
        ("cross_validate", ["confirm", "demo", "--nested", "2"]),
        ("cross_validate", ["cross-validate", "demo", "--num-samples", "2"]),
    ],
)
def test_a_priority_is_that_of_whatever_runs_trials(module, command, tmp_path, monkeypatch):
    given = []

    def runner(*_, placement, **__):
        given.append(placement.priority)
        raise RuntimeError("far enough")

    monkeypatch.setenv("FERTUNE_HOME", str(tmp_path))
    monkeypatch.setattr(f"tuning.{module}.Runner", runner)
    for option in ([], ["--priority", "low"]):
        assert "far enough" in call(*command, *option).stderr
    assert given == ["normal", "low"]


@pytest.mark.parametrize("command", [[name] for name in typer.main.get_command(tune.app).commands])
def test_every_command_has_a_help_with_a_first_line(command):
    done = call(*command, "--help")
    assert done.exit_code == 0
    assert "Usage:" in done.stdout
    line = next(line for line in done.stdout.splitlines()[1:] if line.strip() and "Usage:" not in line)
    assert line.strip()[0].isupper()


@pytest.mark.parametrize("verbose", [False, True])
def test_rays_words_come_with_verbose_alone(monkeypatch, verbose):
    asked = {}
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    monkeypatch.setattr("ray.init", lambda **named: asked.update(named) or pytest.fail("enough was seen"))
    with pytest.raises(pytest.fail.Exception):
        open_session(verbose=verbose).__enter__()
    assert asked["log_to_driver"] is verbose
    assert asked["logging_level"] == (logging.INFO if verbose else logging.ERROR)


def test_a_pipe_that_nobody_reads_ends_a_list_without_a_word():
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer) as pipe:
        done = subprocess.run(
            [sys.executable, "tune.py", "list", "datasets"], cwd=ROOT, stdout=pipe, stderr=subprocess.PIPE, text=True
        )
    assert (done.returncode, done.stderr) == (1, "")


def test_an_ablation_that_cannot_be_compared_fails_the_command(monkeypatch):
    monkeypatch.setattr("tuning.run.run", lambda *_, **__: None)
    for answer, code in ((True, 0), (False, 1)):
        monkeypatch.setattr("tuning.text.outcomes.show_run", lambda *_, answer=answer: answer)
        assert call("run", "res_rbg_depth").exit_code == code


@pytest.mark.slow
def test_what_a_study_will_cost_is_said_before_it_is_spent(tmp_path):
    env = {"FERTUNE_HOME": str(tmp_path)}
    done = CliRunner().invoke(tune.app, ["run", "demo", "--dry-run", "--num-samples", "7"], env=env)
    assert done.exit_code == 0, done.stderr
    assert done.stdout.startswith("Trainings: 7 (7 trials on 1 fold).\nDevice-hours: ")
    ablation = CliRunner().invoke(tune.app, ["run", "res_rbg_components", "--dry-run", "--json"], env=env)
    refused = CliRunner().invoke(tune.app, ["run", "res_rbg_components", "--dry-run", "--prefer", "small"], env=env)
    assert (refused.exit_code, "--prefer is an option of a search" in refused.stderr) == (2, True)
    assert json.loads(ablation.stdout)["trainings_are"].startswith("6 variants x all folds x 3 seeds")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("text", "seconds"), [("90s", 90), ("30m", 1800), ("2h", 7200), ("1.5h", 5400), ("1d", 86400)])
def test_lengths_of_time(text, seconds):
    assert options.seconds_of(text) == seconds
