"""Dockerfiles before hadolint, scripts before shellcheck, settings before promtool, each of which refuses a planted mistake."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from cluster.local import metrics
from tests.support.recipes import found

BIN = Path(sys.executable).parent


def run(*words) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(BIN / words[0]), *map(str, words[1:])], capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize("path", found.files("dockerfile"), ids=found.place)
def test_a_dockerfile_is_as_hadolint_wants_it(path):
    done = run("hadolint", path)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("path", found.files("dockerfile"), ids=found.place)
def test_a_mistake_in_a_dockerfile_is_refused(path, tmp_path):
    text = path.read_text(encoding="utf-8")
    steps = sorted(set(re.findall(r"^([A-Z]+) ", text, re.MULTILINE)))
    for step in steps:
        wrong = tmp_path / "Dockerfile"
        wrong.write_text(re.sub(rf"^{step} ", f"{step}X ", text, count=1, flags=re.MULTILINE), encoding="utf-8")
        assert run("hadolint", wrong).returncode != 0, step


def test_prometheus_takes_what_the_service_of_one_machine_writes_for_it(tmp_path):
    metrics.write_settings(tmp_path, tmp_path / "ray")
    settings = tmp_path / metrics.SETTINGS
    assert promtool(settings).returncode == 0, promtool(settings).stderr
    written = settings.read_text(encoding="utf-8")
    for key in re.findall(r"\b(\w+): ", written):
        settings.write_text(re.sub(rf"\b{key}: ", f"{key}x: ", written, count=1), encoding="utf-8")
        assert promtool(settings).returncode != 0, key


def promtool(settings: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["promtool", "check", "config", settings], capture_output=True, text=True, timeout=60)


def test_every_script_is_as_shellcheck_wants_it():
    said = {found.place(path): run("shellcheck", "--shell=bash", path).stdout for path in found.files("shell")}
    assert {place: words for place, words in said.items() if words} == {}


def test_a_mistake_in_a_script_is_refused(tmp_path):
    wrong = tmp_path / "wrong.sh"
    for line in ("if true; then echo; f", 'rm -rf "$hoem"/x', "cd $1; ls"):
        wrong.write_text(f"#!/bin/bash\n{line}\n", encoding="utf-8")
        assert run("shellcheck", wrong).returncode != 0, line
