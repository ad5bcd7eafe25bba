"""How a command ends badly: one sentence, an exit code, and nothing left open."""

import errno
import os
import signal

import pytest
import typer

from tuning.execution.signals import interruptible
from tuning.text.errors import GOES_ON, message_of, read_only, reporting_errors


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "No space left on device. Free some space, or set $FERTUNE"),
        (
            OSError(errno.ENOSPC, "No space", "/h/runs/x/ledger"),
            "/h/runs/x/ledger: No space. Free some space, or set $F",
        ),
        (OSError(errno.ENOSPC, "No space", "/data/table.csv"), "/data/table.csv: No space. Free some space there."),
        (OSError(errno.EROFS, "Read-only", "/h/runs/x"), "/h/runs/x: Read-only. Set $FERTUNE_HOME to a folder that"),
        (OSError(errno.EPERM, "Not permitted", b"/h/runs"), "/h/runs: Not permitted. Set $FERTUNE_HOME to a folder"),
        (OSError(errno.EACCES, "Denied", "/h"), "/h: Denied. Set $FERTUNE_HOME to a folder that this user can write."),
        (
            OSError(errno.EACCES, "Denied", "/data/a.mp4"),
            "/data/a.mp4: Denied. Give this user access, or choose another place.",
        ),
        (
            OSError(errno.ENOENT, "No such file", "/h/runs"),
            "/h/runs: No such file. Studies are written under",
        ),
        (OSError(errno.ENOENT, "No such file", "/data/a"), "/data/a: No such file."),
        (OSError(errno.EISDIR, "Is a directory", "/out/table.csv"), "/out/table.csv: Is a directory. A file is needed"),
        (ConnectionError("MLflow at http://x: no reply"), "MLflow at http://x: no reply"),
        (ValueError("That is wrong."), "That is wrong."),
        (RuntimeError(), "RuntimeError"),
        (KeyError("x"), "fertune has a bug (KeyError: 'x'); --verbose shows where."),
        (AssertionError(), "fertune has a bug (AssertionError); --verbose shows where."),
        (ModuleNotFoundError("no", name="torch"), "fertune's packages are missing in this Python ("),
    ],
)
def test_what_went_wrong_is_said_with_what_helps(error, expected, monkeypatch):
    monkeypatch.setenv("FERTUNE_HOME", "/h/runs")
    assert message_of(error).startswith(expected)
    assert message_of(error).count("$FERTUNE_HOME") == expected.count("$F") or expected.endswith("written under")


def foreign(package: str, *names: str) -> Exception:
    """An exception of another package, whose classes are called `names`, the last of them raised."""
    kind = Exception
    for name in names:
        kind = type(name, (kind,), {"__module__": package})
    return kind("first line\nsecond line")


def test_a_token_that_ray_refuses_is_said_with_what_to_do(monkeypatch):
    monkeypatch.setenv("RAY_ADDRESS", "10.0.0.1:6379")
    said = message_of(foreign("ray.exceptions", "RayError", "AuthenticationError"))
    assert said.startswith("Ray at 10.0.0.1:6379 refuses this shell: first line. Set RAY_AUTH_MODE=token, with the")
    assert (
        message_of(foreign("ray.exceptions", "RayError")) == "ray failed (RayError: first line); --verbose shows where."
    )


def test_an_error_out_of_a_task_of_rays_is_one_line_whatever_it_was_there():
    out_of_a_task = type("RayTaskError(ValueError)", (ValueError,), {"__module__": "ray.exceptions"})("first\nsecond")
    assert message_of(out_of_a_task) == "ray failed (RayTaskError(ValueError): first); --verbose shows where."


def test_no_password_is_told(monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://ada:s3cret@mlflow.example")
    failed = type("MlflowException", (Exception,), {"__module__": "mlflow.exceptions"})
    said = message_of(failed("API request to http://ada:s3cret@mlflow.example/api failed"))
    assert "s3cret" not in said
    assert said.startswith("mlflow failed (MlflowException: API request to")


@pytest.mark.parametrize("around", [reporting_errors, read_only])
def test_any_error_is_a_message_and_exit_code_2_unless_it_is_asked_for(around, capsys):
    with pytest.raises(typer.Exit) as ended, around():
        {}["x"]
    assert ended.value.exit_code == 2
    assert capsys.readouterr().err == "Error: fertune has a bug (KeyError: 'x'); --verbose shows where.\n"
    with pytest.raises(KeyError), around(verbose=True):
        {}["x"]
    with pytest.raises(typer.Exit) as ended, around():
        raise typer.Exit(3)
    assert ended.value.exit_code == 3


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_closes_what_is_open_and_ends_in_a_message(number, capsys):
    before = signal.getsignal(number)
    closed = []

    def command():
        try:
            with interruptible():  # as a search has it around its trials
                pass
            os.kill(os.getpid(), number)
        finally:
            closed.append("what was open")

    with pytest.raises(typer.Exit) as ended, reporting_errors(goes_on=GOES_ON), interruptible():
        command()
    assert ended.value.exit_code == 130
    assert closed
    assert capsys.readouterr().err == f"Interrupted (stopped by {number.name}). {GOES_ON}\n"
    assert signal.getsignal(number) is before


def test_what_ray_makes_of_a_signal_is_the_same_to_a_person(capsys):
    with pytest.raises(typer.Exit) as ended, reporting_errors():
        raise SystemExit(signal.SIGTERM)
    assert ended.value.exit_code == 130
    assert capsys.readouterr().err == "Interrupted (stopped by SIGTERM).\n"
    with pytest.raises(SystemExit, match="other"), reporting_errors():
        raise SystemExit("other")


def test_a_command_that_only_looks_is_interrupted_without_a_word(capsys):
    terminated = signal.getsignal(signal.SIGTERM)
    with read_only():
        assert signal.getsignal(signal.SIGTERM) is terminated
    with pytest.raises(typer.Exit) as ended, read_only():
        raise KeyboardInterrupt
    assert ended.value.exit_code == 130
    assert capsys.readouterr().err == ""


def test_a_pipe_that_nobody_reads_is_told_where_work_goes_on(capsys):
    with pytest.raises(BrokenPipeError), reporting_errors(goes_on=GOES_ON):
        raise BrokenPipeError(errno.EPIPE, "Broken pipe")
    assert capsys.readouterr().err == f"Nobody reads what this prints any more. {GOES_ON}\n"
    with pytest.raises(BrokenPipeError), reporting_errors():
        raise BrokenPipeError(errno.EPIPE, "Broken pipe")
    assert capsys.readouterr().err == ""
