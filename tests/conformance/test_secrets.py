"""No committed file holds a secret, and nothing that others may have written is unpickled."""

import ast
import re
import subprocess
from pathlib import Path

import pytest

from tests.conftest import ROOT

# What a secret looks like, by those who hand them out, and a password within an address (that of the tests is none).
SECRETS = {
    "a key of AWS": r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b",
    "a key of Google": r"\bAIza[\w-]{35}\b",
    "a token of GitHub": r"\b(?:gh[opsur]_\w{36}|github_pat_\w{60,})",
    "a token of GitLab": r"\bglpat-[\w-]{20,}",
    "a token of a package registry": r"\b(?:pypi-AgE[\w-]{50,}|npm_[A-Za-z0-9]{36})\b",
    "a token of Hugging Face": r"\bhf_[A-Za-z]{34}\b",
    "a token of Slack": r"\bxox[abeprs]-[\w-]{10,}",
    "a key for a language model": r"\bsk-(?:ant-|proj-)?[\w-]{32,}",
    "a signed token": r"\beyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{10,}",
    "a private key": r"-----BEGIN [A-Z ]*PRIVATE KEY-----",
    "a password in an address": r"\b[a-z][a-z0-9+]*://[^\s/:@\"'`{}$<]+:(?!(?:s3cret|s3cr%40t|secret|hunter2)@)[^\s/:@\"'`{}$<]{3,}@[\w\[]",
}
RANDOM = re.compile(r"(?<![\w+/.-])(?=[\w+/-]*\d)(?=[\w+/-]*[A-Za-z])[A-Za-z0-9+_/-]{32,}={0,2}(?![\w+/=.-])")
READERS = ("pickle", "_pickle", "cloudpickle", "dill", "joblib", "marshal", "shelve", "read_pickle")
# What is safe by an argument is called by its full name, so that the argument is looked at.
SAFE_BY_ARGUMENT = ("torch.load", "numpy.load", "yaml.load", "yaml.unsafe_load", "yaml.full_load")
# Who may import one of them, as it writes pickles, and what it uses of it.
WRITERS = {
    "trainables/core/prepared/cropping.py": {"pickle.dumps", "pickle.PicklingError"},
    "tuning/execution/sharing/keeper.py": {
        "cloudpickle.register_pickle_by_value",
        "cloudpickle.unregister_pickle_by_value",
    },
}
CODE = ("tune.py", "fertune.py", "tuning", "search_spaces", "trainables", "dashboards", "cluster", "drawing")


def committed() -> list[Path]:
    """The text files that git knows; all of a folder that is no checkout."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True)
    if listed.returncode:
        return [path for path in ROOT.rglob("*") if path.is_file() and ".venv" not in path.parts]
    return [ROOT / name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]


def kinds_in(text: str) -> list[str]:
    """The kinds of secrets that `text` holds."""
    return [kind for kind, pattern in SECRETS.items() if re.search(pattern, text)]


def test_no_committed_file_holds_a_key_or_a_password():
    texts = {path: path.read_text(encoding="utf-8", errors="ignore") for path in committed() if path.suffix != ".png"}
    found = {path.relative_to(ROOT).as_posix(): kinds_in(text) for path, text in texts.items()}
    assert {place: kinds for place, kinds in found.items() if kinds} == {}


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("a key of AWS", "AKIA" + "2E0A8F3B244C9986"),
        ("a token of GitHub", "token = 'ghp_" + "wWPw5k4aXcaT4fNP0UcnZwJUVFk6LO0pINUx'"),
        ("a private key", "-----BEGIN RSA PRIVATE" + " KEY-----"),
        ("a password in an address", "postgresql://mlflow:" + "xkcd-936@db/mlflow"),
        (
            "a signed token",
            "eyJhbGciOiJIUzI1NiJ9" + ".eyJzdWIiOiIxMjM0NTY3ODkwIn0." + "dozjgNryP4J3jVmNHl0w5N",
        ),
    ],
)
def test_a_secret_would_be_found(kind, text):
    assert kinds_in(text) == [kind]


def test_the_recipes_hold_no_random_text():
    found = [
        f"{path.relative_to(ROOT)}: {text}"
        for path in committed()
        if path.relative_to(ROOT).parts[0] == "cluster" and path.suffix != ".py"
        for text in RANDOM.findall(path.read_text(encoding="utf-8"))
        if not (ROOT / text).exists()
    ]
    assert found == []
    assert RANDOM.search("auth_token=9f8e7d6c5b4a39281706f5e4d3c2b1a09f8e7d6c")


def test_nothing_is_unpickled():
    """Pickles run what they hold. `torch.load` reads weights alone, numpy no objects; YAML is read safely."""
    found = []
    for path in (
        one for name in CODE for one in ([ROOT / name] if name.endswith(".py") else (ROOT / name).rglob("*.py"))
    ):
        place = path.relative_to(ROOT).as_posix()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            why = unsafe(node) if isinstance(node, ast.Call) else brought(node, place)
            if why:
                found.append(f"{place}:{node.lineno}: {why}")
    assert found == []


@pytest.mark.parametrize(
    "call",
    [
        "pickle.loads(x)",
        "cloudpickle.load(f)",
        "pickle.Unpickler(f)",
        "torch.load(p)",
        "torch.load(p, weights_only=False)",
        "np.load(p, allow_pickle=True)",
        "pd.read_pickle(p)",
        "joblib.load(p)",
        "yaml.load(f, Loader=yaml.Loader)",
        "yaml.unsafe_load(f)",
    ],
)
def test_what_would_unpickle_is_noticed(call):
    assert unsafe(ast.parse(call, mode="eval").body)


@pytest.mark.parametrize("call", ["torch.load(p, weights_only=True)", "np.load(p, mmap_mode='r')", "yaml.safe_load(f)"])
def test_what_would_not_is_let_pass(call):
    assert not unsafe(ast.parse(call, mode="eval").body)


@pytest.mark.parametrize(
    "text",
    [
        "import pickle",
        "import pickle as p",
        "import os, dill",
        "from pickle import loads",
        "from pickle import Unpickler as Reader",
        "from ray import cloudpickle",
        "import ray.cloudpickle as cloudpickle",
        "from torch import load",
        "from numpy import load as read",
        "from yaml import Loader, load",
        "from pandas import read_pickle",
        "__import__('pickle')",
        "importlib.import_module('pickle')",
    ],
)
def test_what_would_bring_a_reader_of_pickles_under_any_name_is_noticed(text):
    (node,) = ast.parse(text).body
    assert unsafe(node.value) if isinstance(node, ast.Expr) else brought(node, "tuning/other.py")


@pytest.mark.parametrize("place", WRITERS)
def test_those_who_write_pickles_read_none(place):
    tree = ast.parse((ROOT / place).read_text(encoding="utf-8"))
    used = {ast.unparse(node) for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    assert {name for name in used if name.startswith(("pickle.", "cloudpickle."))} == WRITERS[place]


def brought(node: ast.AST, place: str) -> str:
    """Why an import brings what reads pickles, under whatever name; empty where it does not, or `place` is one of `WRITERS`."""
    if isinstance(node, ast.Import):
        names = [one.name for one in node.names]
        renamed = any(one.asname for one in node.names)
    elif isinstance(node, ast.ImportFrom):
        names = [f"{node.module}.{one.name}" for one in node.names]
        renamed = any(one.asname for one in node.names)
    else:
        return ""
    found = [name for name in names if set(name.split(".")) & set(READERS) or name in SAFE_BY_ARGUMENT]
    return f"{', '.join(found)} is imported" if found and (renamed or place not in WRITERS) else ""


def unsafe(call: ast.Call) -> str:
    """Why a call may run what a file holds; empty where it may not."""
    name = ast.unparse(call.func)
    given = {word.arg: ast.unparse(word.value) for word in call.keywords}
    module, _, verb = name.rpartition(".")
    if module in READERS and verb in ("load", "loads", "open", "Unpickler", "DbfilenameShelf"):
        return f"{name} unpickles"
    if verb in ("import_module", "__import__") and {getattr(word, "value", None) for word in call.args} & set(READERS):
        return f"{ast.unparse(call)} brings what unpickles"
    if name == "torch.load" and given.get("weights_only") != "True":
        return "torch.load without weights_only=True"
    if module in ("np", "numpy") and verb == "load" and given.get("allow_pickle", "False") != "False":
        return f"{name} with allow_pickle"
    if verb in ("read_pickle", "unsafe_load", "full_load") or name == "yaml.load":
        return name
    return ""
