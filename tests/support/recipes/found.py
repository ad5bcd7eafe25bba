"""The recipes that there are, and of which kind each file of them is. The kind decides which checks run."""

from __future__ import annotations

import configparser
import shlex
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from tests.conftest import ROOT

FOLDER = ROOT / "cluster"
MACHINERY = "core"  # what recipes share
_NAMES = {"README.md": "readme", "Dockerfile": "dockerfile", "kustomization.yaml": "kustomization"}
_ENDINGS = {
    ".py": "python",
    ".sh": "shell",
    ".sbatch": "shell",
    ".example": "example",
    ".toml": "settings",
    ".ini": "settings",
}


def folders() -> list[Path]:
    """The folder of every recipe that is one."""
    found = (path for path in FOLDER.iterdir() if path.is_dir() and not path.name.startswith(("_", ".")))
    return sorted(path for path in found if path.name != MACHINERY and any(path.iterdir()))


def files(kind: str, folder: Path = FOLDER) -> list[Path]:
    """The files of `kind` under `folder`."""
    return [path for path in all_files(folder) if kind_of(path) == kind]


def all_files(folder: Path = FOLDER) -> list[Path]:
    """Every file under `folder`, without what Python compiled and the secrets of whoever works here."""
    found = (path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return sorted(path for path in found if path.name != ".env" and path.suffix != ".env")


def kind_of(path: Path) -> str:
    """Raises `ValueError` for a file that no check knows."""
    kind = _NAMES.get(path.name) or _ENDINGS.get(path.suffix)
    if not kind and path.suffix == ".yaml":
        read = documents(path)
        if all("kind" in document and "apiVersion" in document for document in read):
            kind = "kubernetes"
        elif path.name.startswith("compose"):
            kind = "compose"
        elif "available_node_types" in read[0]:
            kind = "launcher"
    if not kind:
        raise ValueError(f"{path.relative_to(ROOT)}: of no kind that is checked; see tests/support/recipes/found.py")
    return kind


def documents(path: Path) -> list[dict[str, Any]]:
    """The documents of a YAML file, with what its anchors and merges mean; the one of a TOML or an INI file."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".toml":
        return [tomllib.loads(text)]
    if path.suffix == ".ini":
        read = configparser.ConfigParser(interpolation=None)
        read.read_string(text)
        return [{section: dict(read[section]) for section in read.sections()}]
    return [document for document in yaml.safe_load_all(text) if document]


def commands(readme: Path) -> Iterator[list[str]]:
    """The words of each command in the fenced blocks of a page; variables are left as they are."""
    text = readme.read_text(encoding="utf-8").replace("\\\n", " ")
    for block in text.split("```")[1::2]:
        for line in block.partition("\n")[2].splitlines():
            words = shlex.split(line, comments=True)
            if words:
                yield words


def place(path: Path) -> str:
    """The path as tests name it."""
    return path.relative_to(ROOT).as_posix()
