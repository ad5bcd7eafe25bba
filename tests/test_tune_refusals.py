"""The sentence for what a person got wrong, and for a machine that does not serve."""

import errno
import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.support.command import call, light
from tests.support.mlflow_store import new_store
from tests.support.sample_study import write_sample
from tests.support.trees import write_image, write_video
from tuning.execution.session import open_session
from tuning.text import options


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["list", "study"], "There is no list named 'study'. Did you mean 'studies'?"),
        (["run", "demmo"], "There is no study named 'demmo'. Did you mean 'demo'?"),
        (["confirm", "smile"], "There is no study named 'smile'. Did you mean 'smiles'?"),
        (["promote", "demmo"], "There is no study named 'demmo'. Did you mean 'demo'?"),
        (
            ["prepare", "clip_foldr", "--data-root", "."],
            "There is no data set named 'clip_foldr'. Did you mean 'clip_folder'?",
        ),
        (
            ["prepare", "clip_folder", "--data-root", ".", "--face-size", "1024"],
            "--face-size was given as 1024; whole numbers of px from 16 to 512 are allowed.",
        ),
        (["run", "demo", "--time-budget", "2 hours"], "'2 hours' is no length of time; allowed are"),
        (["run", "demo", "--time-budget", ""], "'' is no length of time; allowed are"),
        (["run", "demo", "--time-budget", "0s"], "'0s' is no length of time; allowed are numbers above 0"),
        (["run", "demo", "--extend", "3", "--num-samples", "4"], "--extend and --num-samples were both given"),
        (
            ["run", "demo", "--prefer", "smal"],
            "The preference was given as 'smal': There is no preference named 'smal'.",
        ),
        (
            ["confirm", "demo", "--prefer", "cheap"],
            "The preference was given as 'cheap': There is no",
        ),
        (["promote", "demo", "--prefer", "acuracy=3"], "The preference was given as 'acuracy=3': There is no metric"),
        (["promote", "demo", "--prefer", "small", "--trial", "t"], "--prefer and --trial were both given"),
        (["promote", "demo", "--prefer", "small", "--rollback"], "--prefer and --rollback were both given"),
        (["confirm", "demo", "--prefer", "small", "--nested", "2"], "--prefer and --nested were both given"),
        (
            ["run", "res_rbg_depth", "--prefer", "small"],
            "Study res_rbg_depth is an ablation; --prefer is an",
        ),
        (
            ["run", "demo", "--searcher", "tpe"],
            "The searcher was given as 'tpe'; allowed are ehvi, optuna:tpe, optuna:nsga2",
        ),
        (
            ["run", "res_rbg_depth", "--searcher", "ehvi"],
            "Study res_rbg_depth searches nothing; --searcher is for searches.",
        ),
        (["status", "demo"], "There is no study begun under"),
        (["status", "demo", "--all"], "STUDY and --all were both given; --all shows every study."),
        (["run", "demo", "--priority", "urgent"], "--priority was given as 'urgent'; allowed are low, normal, high."),
        (
            ["confirm", "demo", "--priority", "urgent"],
            "--priority was given as 'urgent'; allowed are low, normal, high.",
        ),
        (
            ["promote", "demo", "--priority", "urgent"],
            "--priority was given as 'urgent'; allowed are low, normal, high.",
        ),
        (["cross-validate", "demo", "--num-samples", "1", "--priority", "urgent"], "--priority was given as 'urgent'"),
        (["promote", "demo", "--rollback", "--priority", "low"], "--priority and --rollback were both given"),
        (["logs", "demo"], "There is no study begun under"),
        (["stop", "demo"], "There is no study begun under"),
        (["report", "demo"], "There is no study begun under"),
        (["confirm", "demo"], "There is no study begun under"),
        (["report", "demo", "--out", "."], ". is a folder; --out needs a file, such as demo.html."),
        (["run", "smiles"], "Study smiles needs the data set clip_folder: give its folder with --data-root DIR"),
        (["promote", "demo", "--rollback"], "There is no registered model 'demo' in sqlite"),
        (
            ["promote", "demo", "--rollback", "--trial", "t"],
            "--trial and --rollback were both given; --rollback takes no",
        ),
        (["promote", "demo", "--rollback", "--margin", "0.1"], "--margin and --rollback were both given"),
        (["promote", "demo", "--rollback", "--refit-seeds", "3"], "--refit-seeds and --rollback were both given"),
        (["promote", "demo", "--rollback", "--override", "why"], "--override and --rollback were both given"),
        (
            ["promote", "demo", "--override", " "],
            "--override was given as an empty text. Needed are 1 to 500 characters",
        ),
        (["promote", "demo", "--override", "a\x1b[2J"], "--override was given as a text with U+001B."),
        (["promote", "demo", "--rollback", "--data-root", "."], "--data-root and --rollback were both given"),
        (["run", "demo", "--cluster-by", "film"], "--cluster-by was given as 'film'; allowed are column:NAME"),
        (
            ["run", "demo", "--cluster-by", "pattern:(a", "--dry-run"],
            "--cluster-by was given as 'pattern:(a', which is no",
        ),
        (["run", "demo", "--seeds", "3"], "Study demo is a search; --seeds is an option of an ablation."),
        (["run", "res_rbg_depth", "--extend", "3"], "Study res_rbg_depth is an ablation; --extend is an option of a"),
        (
            ["run", "res_rbg_depth", "--folds", "one"],
            "--folds was given as 'one'; allowed are `all` and numbers such as",
        ),
    ],
)
def test_what_a_person_got_wrong_is_one_message_and_exit_code_2(arguments, message, tmp_path, monkeypatch):
    monkeypatch.setenv("FERTUNE_HOME", str(tmp_path))
    if "--rollback" in arguments:
        new_store(tmp_path)
    done = call(*arguments)
    assert done.exit_code == 2
    assert done.stderr.startswith(f"Error: {message}")
    assert done.stderr.count("\n") == 1
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    assert isinstance(done.exception, SystemExit)


@pytest.mark.parametrize("arguments", [["run", "demo", "--smoke"], ["prepare", "drawn_faces"], ["status"]])
@pytest.mark.parametrize("number", [errno.EACCES, errno.EPERM, errno.EROFS])
def test_a_home_that_cannot_be_used_is_a_message(arguments, number, tmp_path, monkeypatch):
    """Refused here by hand, because root may write where others may not."""
    home = tmp_path / "runs"
    write_sample(home)
    data = tmp_path / "data"
    for subject in range(3):
        for name in ("a", "b"):
            write_image(data / name / f"P{subject}_x" / "1.png")
    (data / "DRAWN.json").write_text("{}")
    real = os.open, Path.mkdir, Path.read_bytes

    def refusing(function, named=0):
        def refuse(*given, **options):
            if Path(os.fsdecode(given[named])).is_relative_to(home):
                raise OSError(number, os.strerror(number), str(given[named]))
            return function(*given, **options)

        return refuse

    for owner, name, function in zip((os, Path, Path), ("open", "mkdir", "read_bytes"), real, strict=True):
        monkeypatch.setattr(owner, name, refusing(function))
    monkeypatch.setenv("FERTUNE_HOME", str(home))
    done = call(*arguments, *(["--data-root", data] if "prepare" in arguments else []))
    if arguments == ["status"]:  # each study is looked at on its own
        assert done.exit_code == 0
        assert done.stdout.startswith(f"smiles: {home / 'smiles' / 'ledger.jsonl'}: {os.strerror(number)}. Set $FERTU")
        return
    assert done.exit_code == 2
    assert done.stderr.startswith(f"Error: {home}")
    assert f": {os.strerror(number)}. Set $FERTUNE_HOME to a folder that this user can write." in done.stderr
    assert done.stderr.count("\n") == 1


def _clips(root: Path, make, suffix: str) -> None:
    for name in ("happy", "sad"):
        for subject in range(3):
            path = root / name / f"P{subject}_x{suffix}"
            path.parent.mkdir(parents=True, exist_ok=True)
            make(path)


def _truncated(path: Path) -> None:
    write_video(path)
    path.write_bytes(path.read_bytes()[:100])


BAD_DATA = {
    "empty": (lambda root: root.mkdir(), "no class folders in here"),
    "a truncated video": (lambda root: _clips(root, _truncated, ".avi"), "none of 6 clips can be used"),
    "text called a video": (
        lambda root: _clips(root, lambda path: path.write_text("not a video"), ".mp4"),
        "none of 6 clips can be used",
    ),
    "an empty image": (
        lambda root: _clips(root, lambda path: (path.mkdir(), (path / "1.png").touch()), ""),
        "none of 6 clips can be used",
    ),
}


@pytest.mark.parametrize("kind", BAD_DATA)
def test_bad_data_is_one_message_and_exit_code_2(kind, tmp_path, monkeypatch):
    make, message = BAD_DATA[kind]
    make(tmp_path / "data")
    monkeypatch.setenv("FERTUNE_HOME", str(tmp_path / "runs"))
    done = call("prepare", "clip_folder", "--data-root", tmp_path / "data")
    assert done.exit_code == 2
    assert message in done.stderr
    assert done.stderr.startswith("Error: ")
    assert done.stderr.count("\n") == 1
    assert isinstance(done.exception, SystemExit)


def test_a_damaged_ledger_hides_no_other(tmp_path, monkeypatch):
    monkeypatch.setenv("FERTUNE_HOME", str(tmp_path))
    write_sample(tmp_path, "b")
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "ledger.jsonl").write_text("{\n")
    done = call("status")
    assert done.exit_code == 0
    assert done.stdout.startswith(f"a: {tmp_path / 'a' / 'ledger.jsonl'} is damaged in line 1: ")
    assert "\nb\n  search: " in done.stdout
    found = [json.loads(line) for line in call("status", "--json").stdout.splitlines()]
    assert [row["study"] for row in found] == ["a", "b"]
    assert "is damaged in line 1" in found[0]["damaged"]
    assert call("status", "a").exit_code == 2


def test_a_study_that_was_not_begun_has_one_message(tmp_path, monkeypatch):
    monkeypatch.setenv("FERTUNE_HOME", str(tmp_path / "runs"))
    monkeypatch.setenv("HOME", str(tmp_path))
    write_sample(tmp_path / "fertune-runs")
    write_sample(tmp_path / "runs", "smiles_2")
    said = {call(*command).stderr for command in (["status", "smiles"], ["logs", "smiles"], ["stop", "smiles"])}
    said |= {call(command, "smiles").stderr for command in ("report", "confirm")}
    assert said == {
        f"Error: There is no study begun under {tmp_path / 'runs'} named 'smiles'. Did you mean 'smiles_2'? "
        "There are: smiles_2. Begin it with `run smiles`. "
        f"Studies of Ray jobs lie under {tmp_path / 'fertune-runs'}: set FERTUNE_HOME to it.\n"
    }


def test_a_cluster_that_does_not_answer_is_a_message_at_once(monkeypatch):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        monkeypatch.setenv("RAY_ADDRESS", f"127.0.0.1:{unused.getsockname()[1]}")
    with pytest.raises(
        ConnectionError, match=r"does not answer: Connection refused\. Start it with `ray start --head`"
    ):
        open_session().__enter__()


@pytest.mark.slow
def test_verbose_shows_where_an_error_comes_from():
    quiet, *loud = (
        light(*command_line)
        for command_line in (["run", "demoo"], ["run", "demoo", "--verbose"], ["--verbose", "run", "demoo"])
    )
    assert quiet.returncode == 2
    assert "Traceback" not in quiet.stderr
    for done in loud:
        assert done.returncode == 1
        assert "Traceback" in done.stderr
        assert "UnknownName" in done.stderr


def test_a_python_without_the_packages_is_a_message():
    done = subprocess.run(
        [sys.executable, "-E", "-S", "tune.py", "list", "studies"], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 1
    assert done.stderr.startswith(
        f"Error: fertune's packages are missing in this Python ({sys.executable} has no typer)"
    )
    assert done.stderr.count("\n") == 1


@pytest.mark.slow
def test_an_option_that_there_is_not_is_exit_code_2_without_traceback():
    done = light("run", "demo", "--num-sample", "3")
    assert done.returncode == 2
    assert "--num-samples" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("text", ["", "h", "2", "2x", "-2h", "1e3s", "2h30m", "two h", "0s", "0.0h", "²s"])
def test_what_is_no_length_of_time(text):
    with pytest.raises(ValueError, match="no length of time"):
        options.seconds_of(text)
