"""Places go with a job, secrets stay here."""

import pytest

from tuning.execution.jobs.environment import environment_of, metadata_of
from tuning.records import home

HEAD = "http://10.0.0.1:8265"


@pytest.fixture(autouse=True)
def _commit(monkeypatch):
    monkeypatch.setattr("tuning.execution.jobs.environment.git_commit", lambda: "abc")


def test_what_names_a_place_passes_and_what_is_secret_is_told_to_stay(monkeypatch):
    given = {
        "FERTUNE_HOME": "/shared/runs",
        "MLFLOW_TRACKING_URI": "https://mlflow.example",
        "MLFLOW_TRACKING_USERNAME": "me",
        "MLFLOW_TRACKING_PASSWORD": "hunter2",
        "AWS_SECRET_ACCESS_KEY": "key",
        "AWS_REGION": "eu-west-1",
        "RAY_AUTH_TOKEN": "token",
        "OTHER": "x",
    }
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    found, notes = environment_of((), HEAD)
    names = ("FERTUNE_HOME", "MLFLOW_TRACKING_URI", "AWS_REGION")
    assert found == {name: given[name] for name in names} | {"FERTUNE_GIT_COMMIT": "abc"}
    (note,) = notes
    assert note.startswith(
        "MLFLOW_TRACKING_USERNAME, MLFLOW_TRACKING_PASSWORD, AWS_SECRET_ACCESS_KEY: not passed on, as Ray"
    )
    assert "hunter2" not in note


def test_what_is_named_passes_too(monkeypatch):
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "key")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    found, notes = environment_of(("AWS_SECRET_ACCESS_KEY", "OMP_NUM_THREADS"), HEAD)
    assert (found["AWS_SECRET_ACCESS_KEY"], found["OMP_NUM_THREADS"], notes) == ("key", "1", [])


def test_a_name_that_is_not_set_and_rays_own_are_refused(monkeypatch):
    with pytest.raises(ValueError, match="--env NO_SUCH_NAME: no such variable is set"):
        environment_of(("NO_SUCH_NAME",), HEAD)
    monkeypatch.setenv("RAY_AUTH_TOKEN", "token")
    with pytest.raises(ValueError, match="--env RAY_AUTH_TOKEN: what Ray goes by"):
        environment_of(("RAY_AUTH_TOKEN",), HEAD)


@pytest.mark.parametrize(
    ("name", "value", "where"),
    [
        ("MLFLOW_TRACKING_URI", "https://me:hunter2@mlflow.example", "~/.mlflow/credentials"),
        ("MLFLOW_TRACKING_URI", "https://hunter2@mlflow.example/x", "MLFLOW_TRACKING_PASSWORD in its own environment"),
        ("MLFLOW_TRACKING_URI", "postgresql://db/mlflow?user=me&password=hunter2", "~/.mlflow/credentials"),
        ("MLFLOW_REGISTRY_URI", "https://hunter2@mlflow.example", "~/.mlflow/credentials"),
        ("MLFLOW_S3_ENDPOINT_URL", "http://key:hunter2@store:9000", "~/.aws/credentials"),
        ("AWS_ENDPOINT_URL", "key:hunter2@store:9000", "~/.aws/credentials"),
        ("AWS_ENDPOINT_URL_S3", "http://store:9000/?AccessKey=hunter2", "~/.aws/credentials"),
        (
            "FERTUNE_ARTIFACTS",
            "s3://hunter2@bucket/runs",
            "FERTUNE_ARTIFACTS in its own environment, where it is started",
        ),
    ],
)
def test_an_address_with_a_user_or_a_password_is_refused_unless_it_is_named(monkeypatch, name, value, where):
    monkeypatch.setenv(name, value)
    with pytest.raises(ValueError, match=f"^{name} holds a user or a password, and Ray writes") as raised:
        environment_of((), HEAD)
    assert "hunter2" not in str(raised.value)
    assert where in str(raised.value)
    assert environment_of((name,), HEAD)[0][name] == value


def test_a_path_with_an_at_sign_is_no_secret(monkeypatch):
    given = {"FERTUNE_HOME": "/shared/me@here/runs", "FERTUNE_ARTIFACTS": "s3://bucket/me@here/tokens"}
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    assert given.items() <= environment_of((), HEAD)[0].items()


@pytest.mark.parametrize(
    ("uri", "relative"),
    [
        ("sqlite:///mlflow.db", True),
        ("mlruns", True),
        ("sqlite:////shared/mlflow.db", False),
        ("/shared/mlruns", False),
    ],
)
def test_a_store_that_depends_on_a_folder_of_this_shell_is_refused(monkeypatch, uri, relative):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    if relative:
        with pytest.raises(ValueError, match="a file relative to a folder of this shell: give its full path"):
            environment_of((), HEAD)
    else:
        assert environment_of((), HEAD)[0]["MLFLOW_TRACKING_URI"] == uri


def test_a_relative_home_and_a_server_on_loopback_are_told(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FERTUNE_HOME", "mine")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:5000")
    found, notes = environment_of((), HEAD)
    assert found["FERTUNE_HOME"] == f"{tmp_path}/mine"
    assert notes == [
        f"FERTUNE_HOME is taken as {tmp_path}/mine, on the cluster's machines.",
        "MLFLOW_TRACKING_URI is at 127.0.0.1, which is the head itself for a job at 10.0.0.1.",
    ]
    assert len(environment_of((), "http://localhost:8265")[1]) == 1


def test_a_job_is_known_by_its_study_and_whoever_wanted_it():
    told = metadata_of("smiles", "python tune.py run smiles")
    assert set(told) == {"study", "user", "version", "git_commit", "command"}
    assert (told["study"], told["git_commit"], told["version"]) == ("smiles", "abc", home.version())


def test_a_job_knows_the_commit_that_it_was_submitted_from(monkeypatch):
    monkeypatch.setenv("FERTUNE_GIT_COMMIT", "of the shell")
    assert home.git_commit() != "of the shell"
    monkeypatch.setenv(home.IN_JOB, "{}")
    assert home.git_commit() == "of the shell"
