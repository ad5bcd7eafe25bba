"""What pages and settings say of the code is so: named functions exist, links lead somewhere, one list of checks."""

import ast
import re
import subprocess

import pytest
import yaml

from tests.conftest import ROOT

PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), ROOT / "benchmarks" / "RESULTS.md"])
HOPS = re.findall(r"`([\w/.]+\.py)::([\w.]+)`", "".join(page.read_text(encoding="utf-8") for page in PAGES))


def defined(source: str) -> set[str]:
    """The functions and classes of `source`, and the methods of the classes, dotted."""
    kinds = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
    found = [node for node in ast.parse(source).body if isinstance(node, kinds)]
    methods = {
        f"{node.name}.{inner.name}"
        for node in found
        if isinstance(node, ast.ClassDef)
        for inner in node.body
        if isinstance(inner, kinds)
    }
    return {node.name for node in found} | methods


def test_the_flow_names_the_hops_of_a_trial():
    assert len(HOPS) > 30
    assert {("tuning/run.py", "run"), ("trainables/core/training/trial.py", "run_trial")} <= set(HOPS)


@pytest.mark.parametrize(("path", "name"), HOPS)
def test_a_function_that_a_page_names_exists(path, name):
    assert name in defined((ROOT / path).read_text(encoding="utf-8"))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_within_the_repository_lead_somewhere(page):
    linked = re.findall(r"\]\((?!https?:|#)([^)#\s]+)", page.read_text(encoding="utf-8"))
    assert [link for link in linked if not (page.parent / link).exists()] == []


def test_what_pages_ask_make_for_it_makes():
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    text = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)
    assert set(re.findall(r"(?:^|`)make ([a-z-]+)", text, re.MULTILINE)) <= targets


def test_pre_commit_runs_what_make_lint_runs():
    (local,) = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    assert local["repo"] == "local"
    assert all(hook["language"] == "system" and not hook["pass_filenames"] for hook in local["hooks"])
    planned = subprocess.run(
        ["make", "--dry-run", "--old-file=.venv/.complete", "lint"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    commands = [line for line in planned.stdout.splitlines() if line.startswith(".venv/bin/")]
    assert [hook["entry"] for hook in local["hooks"]] == commands
    assert len(commands) == 3
