"""An option that a page shows with a command of `tune.py` is one of that command."""

import re

import pytest
import typer

import tune
from tests.conformance.test_pages import PAGES

COMMANDS = {
    name: {option for given in command.params for option in (*given.opts, *given.secondary_opts)} | {"--help"}
    for name, command in typer.main.get_command(tune.app).commands.items()
}
# A span of code, or a line of a block, from the verb to where the command ends.
SHOWN = re.compile(rf"(?:(?<=`)|\btune\.py )({'|'.join(COMMANDS)})((?: [^\s`|;&]+)*)")


def shown(text: str) -> list[tuple[str, str]]:
    """Verb and option of what `text` shows; after `--verb` a command takes those of another one."""
    return [
        (verb, option)
        for verb, rest in SHOWN.findall(text)
        if " --verb" not in rest and verb != "submit"  # which takes those of `run` as well
        for option in re.findall(r"(?<!\S)--[a-z][a-z-]+", rest)
    ]


def test_a_wrong_one_is_found():
    assert shown("`doctor --rebuild STUDY`, or python tune.py run smiles --resume") == [
        ("doctor", "--rebuild"),
        ("run", "--resume"),
    ]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_option_is_one_of_its_command(page):
    assert [pair for pair in shown(page.read_text(encoding="utf-8")) if pair[1] not in COMMANDS[pair[0]]] == []
