"""No recipe opens a door: what listens beyond loopback asks for a token or a password, and no secret is written down."""

import re
import subprocess

import pytest
import yaml

from tests.conftest import ROOT
from tests.support.recipes import found
from tests.support.recipes.objects import NOT_SECRET, OBJECTS, SECRET, containers, ray_specs
from tuning.execution.jobs.environment import environment_of

COMPOSE = [(path, document) for path in found.files("compose") for document in found.documents(path)]
LAUNCHERS = [(path, document) for path in found.files("launcher") for document in found.documents(path)]


def test_there_is_something_to_look_at():
    assert COMPOSE
    assert LAUNCHERS
    assert ray_specs()
    assert len(containers([document for _, document in OBJECTS])) > 4


def test_compose_publishes_ports_on_loopback_alone():
    published = [
        port
        for _, document in COMPOSE
        for service in document["services"].values()
        for port in service.get("ports", [])
    ]
    assert published
    assert [port for port in published if not str(port).startswith("127.0.0.1:")] == []
    assert [
        name
        for _, document in COMPOSE
        for name, service in document["services"].items()
        if service.get("network_mode") == "host" or service.get("privileged")
    ] == []


def test_what_listens_in_a_container_asks_for_a_token_or_a_password():
    for _, document in COMPOSE:
        for name, service in document["services"].items():
            command = str(service.get("command", ""))
            settings = service.get("environment", {})
            if "ray start" in command:
                assert settings["RAY_AUTH_MODE"] == "token", name
                assert settings["RAY_AUTH_TOKEN_PATH"] == "/run/secrets/ray_token", name
            if "mlflow server" in command:
                assert "--app-name basic-auth" in command, name
                assert ":?" in settings["MLFLOW_AUTH_ADMIN_PASSWORD"], name
            if "postgres" in service.get("image", ""):
                assert ":?" in settings["POSTGRES_PASSWORD"], name


def test_compose_begins_with_no_secret_that_is_empty():
    for path, document in COMPOSE:
        text = path.read_text(encoding="utf-8")
        asked = set(re.findall(r"\$\{(\w+):\?", text))
        assert {secret["environment"] for secret in document.get("secrets", {}).values()} <= asked
        used = set(re.findall(r"\$\{(\w+)", text)) - {"FERTUNE_GIT_COMMIT"}
        assert {name for name in used if SECRET.search(name)} <= asked


def test_compose_takes_secrets_from_the_environment_of_who_begins_it():
    for _, document in COMPOSE:
        for service in document["services"].values():
            for name, value in service.get("environment", {}).items():
                if (SECRET.search(name) or name == "PGPASSWORD") and not NOT_SECRET.search(name):
                    assert re.fullmatch(r"\$\{\w+:\?[^}]*\}", str(value)), name
            assert not SECRET.search(str(service.get("command", "")).replace("--artifacts-destination", ""))


def test_the_head_of_a_cloud_listens_on_loopback_and_asks_for_a_token():
    for path, document in LAUNCHERS:
        starts = [command for command in document["head_start_ray_commands"] if "ray start" in command]
        assert starts, path
        assert all("--dashboard-host=127.0.0.1" in command for command in starts)
        assert any("RAY_AUTH_MODE=token" in command for command in document["setup_commands"])
        assert document["file_mounts"]["~/.ray/auth_token"].startswith("~/")
        assert "0.0.0.0/0" not in path.read_text(encoding="utf-8")


def test_an_image_of_others_is_named_by_its_version():
    images = [one["image"] for _, document in OBJECTS for one in containers(document)]
    images += [
        service["image"] for _, document in COMPOSE for service in document["services"].values() if "image" in service
    ]
    others = {image for image in images if not image.startswith("fertune")}
    assert others
    assert [image for image in others if not re.search(r":v?\d+\.\d+", image)] == []


def test_no_recipe_stops_a_ray_that_it_did_not_start():
    for path in found.all_files():
        if found.kind_of(path) not in ("readme", "python"):
            lines = [line.partition(" #")[0] for line in path.read_text(encoding="utf-8").splitlines()]
            stopping = [line for line in lines if re.search(r"^[^#]*\bray (stop|symmetric-run)\b", line)]
            assert stopping == [], found.place(path)


STAYING = [".env", "cluster/compose/.env", "cluster/kuberay/secrets/secrets.env", "cluster/compose/clips/anna.png"]


@pytest.mark.parametrize("name", STAYING)
def test_secrets_and_clips_stay_here(name, tmp_path):
    subprocess.run(["git", "init", "--quiet", str(tmp_path)], check=True)
    for kept in (".gitignore", ".rayignore"):
        (tmp_path / kept).write_text((ROOT / kept).read_text(encoding="utf-8"), encoding="utf-8")
        ignored = subprocess.run(
            ["git", "-c", f"core.excludesFile={tmp_path / kept}", "check-ignore", "--no-index", name], cwd=tmp_path
        )
        assert ignored.returncode == 0, f"{kept} lets {name} pass"
    assert {"**/.env", "**/*.env"} <= set((ROOT / ".dockerignore").read_text(encoding="utf-8").split())


@pytest.mark.parametrize("example", found.files("example"), ids=found.place)
def test_no_secret_has_a_name_that_goes_with_a_job(example, monkeypatch):
    named = re.findall(r"^(\w+)=", example.read_text(encoding="utf-8"), re.MULTILINE)
    for name in named:
        monkeypatch.setenv(name, "some value")
    passed, _ = environment_of([], "http://127.0.0.1:8265")
    assert [name for name in named if name in passed and SECRET.search(name)] == []


def test_what_is_installed_is_installed_by_its_hash():
    texts = [path.read_text(encoding="utf-8").replace("\\\n", " ") for path in found.files("dockerfile")]
    texts += [command for _, document in LAUNCHERS for command in document["setup_commands"]]
    installs = [part for text in texts for part in re.split(r"&&|\n", text) if "pip install" in part]
    assert len(installs) > 1
    assert [part for part in installs if "--require-hashes" not in part] == []


def test_the_image_leaves_out_what_is_not_for_it():
    left_out = set((ROOT / ".dockerignore").read_text(encoding="utf-8").split())
    assert {".git", ".venv", "runs", "tests", "**/clips"} <= left_out


def test_settings_of_one_thing_agree_in_all_recipes():
    ini = (ROOT / "cluster" / "compose" / "mlflow_auth.ini").read_text(encoding="utf-8")
    (config,) = (document["data"] for _, document in OBJECTS if document["kind"] == "ConfigMap")
    assert [line for line in config["mlflow_auth.ini"].splitlines() if line not in ini] == []
    version = re.search(r'^version = "(.+)"', (ROOT / "pyproject.toml").read_text(encoding="utf-8"), re.MULTILINE)[1]
    images = [service.get("image", "") for _, document in COMPOSE for service in document["services"].values()]
    assert f"fertune:{version}" in images
    kustomization = yaml.safe_load((ROOT / "cluster" / "kuberay" / "ray" / "kustomization.yaml").read_text())
    assert kustomization["images"][0]["newTag"] == version
    ray = re.search(r"ray\[[^]]+\]==([\d.]+)", (ROOT / "pyproject.toml").read_text(encoding="utf-8"))[1]
    assert {spec["rayVersion"] for spec in ray_specs()} == {ray}
