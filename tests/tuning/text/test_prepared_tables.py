"""What `prepare` ends with: the classes and the people of a data set, by name, and what was dropped."""

import dataclasses
import io
import json

import pytest
from rich.console import Console

from tests.support.builders import prepare_random
from trainables.core.prepared.stored import Dropped
from tuning.text import prepared_tables
from tuning.text.outcomes import show_prepared
from tuning.text.progress import TerminalListener
from tuning.text.shown import Shown


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    return prepare_random(tmp_path_factory.mktemp("data"), num_subjects=12)


def shown_of(prepared, *, as_json=False):
    written = io.StringIO()
    console = Console(file=written, width=40)
    listener = TerminalListener(console)
    listener.prepared(prepared)
    show_prepared(prepared, Shown(console=console, listener=listener, as_json=as_json))
    return written.getvalue()


def test_classes_and_people_are_counted_by_name(prepared):
    found = prepared_tables.classes(prepared)
    assert list(found) == list(prepared.classes)
    assert sum(found.values()) == sum(prepared_tables.people(prepared).values()) == len(prepared)
    some = dataclasses.replace(
        prepared, subjects=["10", "2", "2"], labels=prepared.labels[:1].repeat(3), clip_ids=["a", "b", "c"]
    )
    assert prepared_tables.people(some) == {"2": 2, "10": 1}
    assert sorted(prepared_tables.classes(some).values()) == [0, 3]


def test_all_classes_and_the_first_people_are_shown(prepared):
    lines = shown_of(prepared).splitlines()
    start = lines.index("Classes:")
    assert [line.split()[0] for line in lines[start + 1 : lines.index("People:")]] == list(prepared.classes)
    named = lines[lines.index("People:") + 1 : -1]
    assert len(named) == 11
    assert named[-1] == "  and 2 more; --json names all"
    assert lines[-1] == f"Prepared data: {prepared.folder}"


def test_a_script_gets_all_people_and_all_dropped_clips(prepared, capsys):
    dropped = [Dropped(f"clip {n}", "no face") for n in range(12)]
    shown_of(dataclasses.replace(prepared, dropped=dropped), as_json=True)
    found = json.loads(capsys.readouterr().out)
    assert found["classes"] == prepared_tables.classes(prepared)
    assert len(found["people"]) == 12
    assert [clip["clip_id"] for clip in found["clips"]] == prepared.clip_ids
    assert {clip["faces"] for clip in found["clips"]} == {1}
    assert found["dropped"][-1] == {"clip_id": "clip 11", "reason": "no face"}


def test_the_first_ten_dropped_clips_are_shown_and_the_file_of_all_is_named(prepared):
    dropped = [Dropped(f"clip {n}", "no face") for n in range(12)]
    text = shown_of(dataclasses.replace(prepared, dropped=dropped))
    assert text.count(": no face") == 10
    assert f"  and 2 more\n  all dropped clips: {prepared.folder / 'dropped.csv'}\n" in text
    assert "dropped.csv" not in shown_of(prepared)


def test_of_a_data_set_that_names_no_people_the_classes_are_shown(prepared):
    nameless = dataclasses.replace(prepared, subjects=[None] * len(prepared))
    assert prepared_tables.people(nameless) == {}
    assert "People:" not in shown_of(nameless)
