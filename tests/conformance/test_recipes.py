"""Every cluster recipe there is: it says how it is begun and what it starts, and what it holds is what its reader takes.

What a recipe must have stands in the docstring of `cluster/`. The kinds of files in its folder decide which checks run.
"""

import ast
import re
import runpy
import sys
from pathlib import Path

import pytest
from ray.scripts.scripts import start
from typer.main import get_command

import tune
from tests.conftest import ROOT
from tests.support.recipes import found, schemas
from tests.support.recipes.typos import typos
from tuning.execution.jobs.environment import environment_of

MODULES: dict[str, Path] = {path.parent.name: path for path in sorted(found.FOLDER.glob("*/__main__.py"))} | {
    path.stem: path for path in sorted(found.FOLDER.glob("*.py")) if path.stem != "__init__"
}
FOLDERS = {path.name: path for path in found.folders()}
CHECKS = {"compose": schemas.compose, "launcher": schemas.launcher}
MANIFESTS = [
    (kind, path, document)
    for kind in ("compose", "launcher", "kubernetes", "settings")
    for path in found.files(kind)
    for document in found.documents(path)
]


def name_of(manifest) -> str:
    if not isinstance(manifest, tuple):
        return str(manifest)
    _, path, document = manifest
    name = f"-{document['kind']}-{document['metadata']['name']}" if "kind" in document else ""
    return f"{path.relative_to(found.FOLDER).as_posix()}{name}"


@pytest.fixture
def refusal(request):
    """What refuses a manifest of its kind."""
    kind, path, document = request.param
    check = CHECKS.get(kind) or (schemas.settings(path) if kind == "settings" else schemas.of_kubernetes(document))
    if check is schemas.kuberay and not schemas.KUBERAY.is_dir():
        pytest.skip(schemas.NO_KUBERAY)
    return kind, document, check


@pytest.mark.parametrize("name", FOLDERS)
def test_a_recipe_is_a_file_or_a_folder_with_a_readme(name):
    text = (FOLDERS[name] / "README.md").read_text(encoding="utf-8")
    asked = ["Begin", "Watch", "Grow", "Upgrade", "End"]
    assert [title for title in re.findall(r"^## (.+)$", text, re.MULTILINE) if title in asked] == asked
    assert re.search(r"^## What was (not )?run$", text, re.MULTILINE), "it says what was run, and what was not"


@pytest.mark.parametrize("name", FOLDERS)
def test_the_page_of_operators_says_what_it_comes_to(name):
    page = (ROOT / "docs" / "operator.md").read_text(encoding="utf-8")
    assert f"| [{name}](../cluster/{name}/README.md)" in page
    (verbs,) = re.findall(rf"^\| {name} \|(.+)\|$", page, re.MULTILINE)
    assert len([cell for cell in verbs.split("|") if cell.strip()]) == 5


@pytest.mark.parametrize("path", found.all_files(), ids=found.place)
def test_every_file_is_of_a_kind_that_is_checked(path):
    assert found.kind_of(path)


@pytest.mark.parametrize("name", MODULES)
def test_it_says_how_it_is_started(name):
    text = ast.get_docstring(ast.parse(MODULES[name].read_text(encoding="utf-8")))
    assert text, "its docstring gives the command and says what it starts"
    assert f"python -m cluster.{name}" in text.splitlines()[0]


@pytest.mark.parametrize("name", MODULES)
def test_help_explains_it_and_starts_nothing(name, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", [str(MODULES[name]), "--help"])
    monkeypatch.setattr("subprocess.Popen", lambda *_, **__: pytest.fail("started a process"))
    with pytest.raises(SystemExit) as ended:
        runpy.run_module(f"cluster.{name}", run_name="__main__")
    assert ended.value.code == 0
    assert f"python -m cluster.{name}" in capsys.readouterr().out


@pytest.mark.parametrize("readme", found.files("readme"), ids=found.place)
def test_the_commands_of_its_page_name_what_is_there(readme):
    wrong = [" ".join(words) for words in found.commands(readme) if not named_rightly(words)]
    assert wrong == []


def test_a_command_that_names_what_is_not_there_is_noticed():
    for words in (
        ["python", "tune.py", "runn", "demo"],
        ["make", "upp"],
        ["kubectl", "apply", "-f", "cluster/nowhere.yaml"],
    ):
        assert not named_rightly(words)
    assert not named_rightly(["python", "-m", "cluster.nowhere"])
    assert not named_rightly(["$C", "exec", "nobody", "python", "tune.py", "status"])
    assert not named_rightly(["$C", "exec", "-T", "nobody", "pg_dump"])
    assert named_rightly(["python", "tune.py", "submit", "demo", "--retry", "3"])
    assert named_rightly([".venv/bin/python", "-m", "cluster.core.env_file", "cluster/compose/.env.example"])


@pytest.mark.parametrize("readme", found.files("readme"), ids=found.place)
def test_its_links_lead_somewhere(readme):
    linked = re.findall(r"\]\((?!https?:|#)([^)#\s]+)", readme.read_text(encoding="utf-8"))
    assert [link for link in linked if not (readme.parent / link).exists()] == []


@pytest.mark.parametrize("name", FOLDERS)
def test_who_is_sent_to_another_recipe_is_given_the_link(name):
    text = (FOLDERS[name] / "README.md").read_text(encoding="utf-8")
    assert [other for other in FOLDERS if f"`{other}`" in text] == []


@pytest.mark.parametrize("readme", found.files("readme"), ids=found.place)
def test_its_commands_find_the_programs_of_the_checkout(readme):
    """By their path, or after the virtual environment is activated: a fresh shell knows no `ray`, or another `python`."""
    commands = list(found.commands(readme))
    activated = [words[:2] == ["source", ".venv/bin/activate"] for words in commands]
    before = commands[: activated.index(True)] if any(activated) else commands
    assert [" ".join(words) for words in before if needs_activation(words)] == []


def needs_activation(words: list[str]) -> bool:
    """Whether a shell looks for `python`, `ray` or `mlflow` on its path to run a command."""
    first = next((word for word in words if not re.match(r"\w+=", word)), "")
    return first in ("python", "ray", "mlflow") or "$(python" in " ".join(words)


def test_what_is_of_this_machine_does_not_go_with_a_job_for_the_containers(monkeypatch):
    page = FOLDERS["compose"] / "README.md"
    commands = [" ".join(words) for words in found.commands(page)]
    (unset,) = (line for line in commands if line.startswith("unset "))
    assert commands.index(unset) < next(i for i, line in enumerate(commands) if "tune.py submit" in line)
    for name in ("FERTUNE_HOME", "MLFLOW_TRACKING_URI"):
        monkeypatch.setenv(name, "/here")
        assert environment_of([], "http://127.0.0.1:8265")[0][name] == "/here", "a job would have it"
        assert name in unset.split()


def test_a_worker_of_compose_offers_the_cpus_that_it_gets():
    """So that `--scale` adds none that there are not."""
    services = [one for path in found.files("compose") for one in found.documents(path)[0]["services"].values()]
    workers = [one for one in services if "ray start" in one.get("command", "") and "--head" not in one["command"]]
    assert workers
    assert [one for one in workers if f"--num-cpus={one['cpus']} " not in one["command"]] == []


@pytest.mark.parametrize("refusal", MANIFESTS, ids=name_of, indirect=True)
def test_its_reader_accepts_a_manifest(refusal):
    _, document, check = refusal
    assert check(document) == ""


@pytest.mark.parametrize("refusal", MANIFESTS, ids=name_of, indirect=True)
def test_a_typo_in_any_key_of_a_manifest_is_refused(refusal):
    kind, document, check = refusal
    planted = dict(typos(document, kind))
    assert len(planted) > 4
    assert [place for place, changed in planted.items() if not check(changed)] == []


@pytest.mark.parametrize("path", found.all_files(), ids=found.place)
def test_ray_start_has_the_options_that_it_is_given(path):
    text = re.sub(r"\\\s*\n|\s+", " ", path.read_text(encoding="utf-8"))
    starts = re.findall(r"\bray\"? start((?: --[a-z][^ ;&|`]*(?: [^-;&|`][^ ]*)?)*)", text)
    given = re.findall(r"(?<= )--[a-z-]+", " ".join(starts))
    assert {name for name in given if not any(name in option.opts for option in start.params)} == set()


def test_a_setting_that_ray_start_refuses_is_noticed():
    assert schemas.ray_start({"num-cpus": "0", "dashboard-host": "0.0.0.0", "block": "true"}) == ""
    assert "num-cpux" in schemas.ray_start({"num-cpux": "0"})
    assert "none" in schemas.ray_start({"num-cpus": "none"})


@pytest.mark.parametrize("example", found.files("example"), ids=found.place)
def test_an_example_of_secrets_names_what_the_recipe_reads_and_holds_none(example):
    named = dict(re.findall(r"^(\w+)=(.*)$", example.read_text(encoding="utf-8"), re.MULTILINE))
    recipe = next(folder for folder in found.folders() if folder in example.parents)
    used = "".join(path.read_text(encoding="utf-8") for path in found.all_files(recipe) if path.suffix == ".yaml")
    assert [name for name in named if name not in used and name != "auth_token"] == []
    secret = [name for name in named if re.search("token|password|secret|key", name, re.IGNORECASE)]
    assert [name for name in secret if named[name]] == []


def named_rightly(words: list[str]) -> bool:
    """Whether the verbs, targets, modules, services and files that a command names are there."""
    text = " ".join(words)
    verbs = re.findall(r"tune\.py ([a-z][a-z-]*)", text)
    targets = re.findall(r"^make ([a-z-]+)", text)
    modules = re.findall(r"-m (cluster(?:\.\w+)+)", text)
    paths = re.findall(r"(?:^|[\s=])((?:cluster|docs|runs/\w+/|tests)/[\w./-]+)", text)
    services = re.findall(r"\$C (?:exec(?: -T)?|logs --follow|run --rm|stop) (\w+)", text)
    return (
        set(verbs) <= known_verbs()
        and set(targets) <= set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
        and all((ROOT / name.replace(".", "/")).with_suffix(".py").exists() or is_package(name) for name in modules)
        and all((ROOT / path).exists() or is_written(path) for path in paths)
        and all(service in known_services() for service in services)
    )


def is_package(name: str) -> bool:
    return (ROOT / name.replace(".", "/") / "__main__.py").exists()


def is_written(path: str) -> bool:
    """Whether a recipe writes it: what an example of secrets becomes, or a folder for clips."""
    return (ROOT / f"{path}.example").exists() or path.endswith("/clips")


def known_verbs() -> set[str]:
    return set(get_command(tune.app).commands)


def known_services() -> set[str]:
    return {name for path in found.files("compose") for name in found.documents(path)[0]["services"]}
