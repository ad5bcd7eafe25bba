"""The command line before Ray: help, lists, and the sentence for what a person got wrong."""

import errno
import json
import logging
import socket
import subprocess
import sys

import pytest
from typer.testing import CliRunner

import tune
from tests.conftest import ROOT
from trainables.core import lookup
from tuning import options
from tuning.session import open_session

HEAVY = ("ray", "torch", "mlflow", "optuna", "numpy", "pandas", "cv2", "sklearn")
PACKAGES = {"studies": "search_spaces", "trainables": "trainables", "datasets": "trainables.data"}


def light(*arguments: str) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own; its last line tells which heavy packages it imported."""
    code = (
        "import sys, tune\n"
        "try: tune.app(sys.argv[1:])\n"
        f"finally: print(); print('heavy:', *[name for name in {HEAVY} if name in sys.modules])"
    )
    return subprocess.run(
        [sys.executable, "-c", code, *arguments], cwd=ROOT, capture_output=True, text=True, timeout=60
    )


def call(*arguments: str):
    return CliRunner().invoke(tune.app, list(arguments))


def test_help_names_every_command_and_imports_nothing_heavy():
    done = light("--help")
    assert done.returncode == 0
    for command in tune.app.registered_commands:
        name = command.name or command.callback.__name__
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


def test_a_list_as_data_is_one_object_a_line():
    done = call("list", "studies", "--json")
    assert done.exit_code == 0
    assert [json.loads(line)["name"] for line in done.stdout.splitlines()] == lookup.names("search_spaces")


@pytest.mark.parametrize("command", [[name.name or name.callback.__name__] for name in tune.app.registered_commands])
def test_every_command_has_a_help_with_a_first_sentence(command):
    done = call(*command, "--help")
    assert done.exit_code == 0
    assert "Usage:" in done.stdout
    sentence = next(line for line in done.stdout.splitlines()[1:] if line.strip() and "Usage:" not in line)
    assert sentence.strip()[0].isupper()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["list", "study"], "There is no list named 'study'. Did you mean 'studies'?"),
        (["run", "demmo"], "There is no study named 'demmo'. Did you mean 'demo'?"),
        (["confirm", "smile"], "There is no study named 'smile'. Did you mean 'smiles'?"),
        (["promote", "demmo"], "There is no study named 'demmo'. Did you mean 'demo'?"),
        (
            ["prepare", "clip_foldr", "--data-root", "."],
            "There is no data set named 'clip_foldr'. Did you mean 'clip_folder'?",
        ),
        (["run", "demo", "--time-budget", "2 hours"], "'2 hours' is no length of time; allowed are"),
        (["status", "demo"], "Study 'demo' was not begun under"),
        (["confirm", "demo"], "Study demo was not run yet under"),
        (["run", "smiles"], "Study smiles needs the data set clip_folder: give its folder with --data-root DIR"),
        (["promote", "demo", "--rollback"], "There is no registered model 'demo' in sqlite"),
        (["run", "demo", "--seeds", "3"], "Study demo is a search; --seeds is an option of an ablation."),
        (["run", "res_rbg_depth", "--extend", "3"], "Study res_rbg_depth is an ablation; --extend is an option of a"),
        (
            ["run", "res_rbg_depth", "--folds", "one"],
            "--folds was given as 'one'; allowed are `all` and numbers such as",
        ),
    ],
)
def test_what_a_person_got_wrong_is_one_sentence_and_exit_code_2(arguments, sentence, tmp_path, monkeypatch):
    monkeypatch.setenv("FERTUNE_HOME", str(tmp_path))
    done = call(*arguments)
    assert done.exit_code == 2
    assert done.stderr.startswith(f"Error: {sentence}")
    assert done.stderr.count("\n") == 1
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    assert isinstance(done.exception, SystemExit)


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (
            OSError(errno.ENOSPC, "No space left on device", "/x/ledger"),
            "/x/ledger: No space left on device. Free some",
        ),
        (
            OSError(errno.EROFS, "Read-only file system", "/x"),
            "/x: Read-only file system. Set $FERTUNE_HOME to a folder",
        ),
        (
            PermissionError(errno.EACCES, "Permission denied", "/x"),
            "/x: Permission denied. Give this user access; what",
        ),
        (ConnectionError("MLflow at http://x: no reply"), "MLflow at http://x: no reply"),
        (ValueError("That is wrong."), "That is wrong."),
    ],
)
def test_what_the_system_refused_is_named_with_what_helps(error, sentence):
    assert tune._sentence(error).startswith(sentence)


def test_a_home_that_cannot_be_written_is_a_sentence():
    done = CliRunner().invoke(tune.app, ["run", "demo", "--smoke"], env={"FERTUNE_HOME": "/proc/nowhere"})
    assert done.exit_code == 2
    assert done.stderr.startswith(
        "Error: /proc/nowhere: No such file or directory. What studies leave is written under"
    )


def test_a_cluster_that_does_not_answer_is_a_sentence_at_once(monkeypatch):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        monkeypatch.setenv("RAY_ADDRESS", f"127.0.0.1:{unused.getsockname()[1]}")
    with pytest.raises(
        ConnectionError, match=r"does not answer: Connection refused\. Start it with `ray start --head`"
    ):
        open_session().__enter__()


@pytest.mark.parametrize("verbose", [False, True])
def test_rays_words_come_with_verbose_alone(monkeypatch, verbose):
    asked = {}
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    monkeypatch.setattr("ray.init", lambda **named: asked.update(named) or pytest.fail("enough was seen"))
    with pytest.raises(pytest.fail.Exception):
        open_session(verbose=verbose).__enter__()
    assert asked["log_to_driver"] is verbose
    assert asked["logging_level"] == (logging.INFO if verbose else logging.ERROR)


def test_verbose_shows_where_an_error_comes_from():
    quiet, loud = (light("run", "demoo", *more) for more in ([], ["--verbose"]))
    assert quiet.returncode == 2
    assert "Traceback" not in quiet.stderr
    assert loud.returncode == 1
    assert "Traceback" in loud.stderr
    assert "UnknownName" in loud.stderr


def test_what_a_study_will_cost_is_said_before_it_is_spent(tmp_path):
    env = {"FERTUNE_HOME": str(tmp_path)}
    done = CliRunner().invoke(tune.app, ["run", "demo", "--dry-run", "--num-samples", "7"], env=env)
    assert done.exit_code == 0, done.stderr
    assert done.stdout.startswith("Trainings: 7 (7 trials on 1 fold).\nDevice-hours: ")
    ablation = CliRunner().invoke(tune.app, ["run", "res_rbg_components", "--dry-run", "--json"], env=env)
    assert json.loads(ablation.stdout)["trainings_are"].startswith("6 variants x all folds x 3 seeds")
    assert list(tmp_path.iterdir()) == []


def test_an_option_that_there_is_not_is_exit_code_2_without_traceback():
    done = light("run", "demo", "--num-sample", "3")
    assert done.returncode == 2
    assert "--num-samples" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(("text", "seconds"), [("90s", 90), ("30m", 1800), ("2h", 7200), ("1.5h", 5400), ("1d", 86400)])
def test_lengths_of_time(text, seconds):
    assert options.seconds_of(text) == seconds


@pytest.mark.parametrize("text", ["", "h", "2", "2x", "-2h", "1e3s", "2h30m", "two h"])
def test_what_is_no_length_of_time(text):
    with pytest.raises(ValueError, match="no length of time"):
        options.seconds_of(text)
