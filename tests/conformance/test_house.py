"""The house stays one that a newcomer can walk: small rooms, small modules, small functions."""

import ast
from pathlib import Path

from tests.conftest import ROOT

FOLDERS = ("tuning", "search_spaces", "trainables", "dashboards", "cluster", "drawing", "benchmarks", "tests")
# Folders in which a file is one extension (or one verb): they grow as they like.
EXTENSIONS = {
    *("search_spaces", "trainables", "trainables/models", "trainables/data", "tuning", "dashboards"),
    *("cluster", "drawing/layouts", "benchmarks"),
}
MOST_MODULES, MOST_LINES, MOST_IN_FUNCTION = 20, 300, 60
REASON = "# long:"  # on the line above `def`, with why


def modules() -> list[Path]:
    alone = [ROOT / "fertune.py", ROOT / "tune.py"]
    return [*alone, *(path for folder in FOLDERS for path in sorted((ROOT / folder).rglob("*.py")))]


def test_no_room_of_machinery_holds_more_than_twenty_modules():
    rooms: dict[str, int] = {}
    for path in modules():
        room = path.parent.relative_to(ROOT).as_posix()
        mirrors = room.removeprefix("tests/")
        if path.name != "__init__.py" and room not in EXTENSIONS and mirrors not in EXTENSIONS:
            rooms[room] = rooms.get(room, 0) + 1
    assert {room: count for room, count in rooms.items() if count > MOST_MODULES} == {}


def test_a_module_is_one_idea():
    lengths = {path.relative_to(ROOT).as_posix(): len(path.read_text("utf-8").splitlines()) for path in modules()}
    assert {place: length for place, length in lengths.items() if length > MOST_LINES} == {}


def test_a_function_fits_a_page():
    long = []
    for path in modules():
        text = path.read_text(encoding="utf-8")
        lines = text.splitlines()
        long += [
            f"{path.relative_to(ROOT).as_posix()}: {node.name}"
            for node in ast.walk(ast.parse(text))
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
            and node.end_lineno - node.lineno >= MOST_IN_FUNCTION
            and REASON not in lines[node.lineno - 2]
        ]
    assert long == []


def test_the_tests_mirror_the_tree_of_the_code():
    own = {
        *("support", "support/extension", "support/recipes", "support/servers", "conformance", "inputs"),
        *("system", "system/recipes", "clusters"),
    }
    for folder in sorted({path.parent for path in (ROOT / "tests").rglob("*.py")} - {ROOT / "tests"}):
        room = folder.relative_to(ROOT / "tests").as_posix().removeprefix("extension").strip("/")
        assert room in own or (ROOT / room).is_dir(), room
