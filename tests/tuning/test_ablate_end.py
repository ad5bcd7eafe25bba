"""What `run` shows and writes at the end of an ablation, as a person and as a script read it."""

import io
import json
from types import SimpleNamespace

import pytest

from tests.support.command import on_terminal
from tests.support.report_pages import HOSTILE
from tests.support.sample_ablation import SMALL, write_ablation
from tuning.records.ledger import Ledger
from tuning.records.ran import Ran
from tuning.text.outcomes import show_run


def end(folder, *, table=None, as_json=False, width=80):
    """The words on the console at the end of the ablation in `folder`, and whether it could be compared."""
    said = io.StringIO()
    study = SimpleNamespace(name=folder.name, design=SMALL)
    ran = Ran(study=study, home=folder.parent, ledger=Ledger.read(folder))
    done = show_run(ran, on_terminal(width, as_json, said), table)
    return said.getvalue(), done


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return write_ablation(tmp_path_factory.mktemp("whole"), design=SMALL)


@pytest.fixture(scope="module")
def one_fold(tmp_path_factory):
    return write_ablation(tmp_path_factory.mktemp("one"), design=SMALL, num_folds=1)


def test_a_person_gets_the_tables_and_the_lines(whole, tmp_path):
    said, done = end(whole, table=tmp_path / "a.md")
    assert done
    order = ("Ablation against base", "Difference in accuracy to base", "together (Holm)")
    assert said.index(order[0]) < said.index(order[1]) < said.index(order[2])
    assert "…" not in said
    assert "The table: " in said
    assert (tmp_path / "a.md").read_text().startswith("Ablation against base")


def test_a_script_gets_one_object_a_line_and_nothing_else(whole, capsys):
    end(whole, as_json=True)
    found = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [row["kind"] for row in found] == ["comparison", "variant", "variant", "note"]


@pytest.mark.parametrize("ending", ["csv", "md", "tex"])
def test_what_is_no_comparison_is_written_and_said_to_be_none(one_fold, tmp_path, ending):
    said, done = end(one_fold, table=tmp_path / f"a.{ending}")
    said = " ".join(said.split())
    assert done, "a single fold is listed as it was asked for"
    assert "Means over the runs, not compared" in said
    assert "All runs are on fold 0, and one fold shows no spread, so there is no interval." in said
    assert "The table: " in said
    assert "not compared" in (tmp_path / f"a.{ending}").read_text()


def test_a_script_is_told_that_it_is_no_comparison(one_fold, capsys):
    end(one_fold, as_json=True)
    found = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [row["kind"] for row in found] == ["listed", "listed", "note"]
    assert found[0]["num_finished"] == 2
    assert "one fold shows no spread" in found[-1]["note"]


@pytest.mark.parametrize("failed", [("base",), ("base", HOSTILE)])
def test_one_whose_trainings_failed_tells_that_it_could_not_be_compared(tmp_path, failed):
    said, done = end(write_ablation(tmp_path, design=SMALL, failed=failed))
    assert not done
    assert "trainings failed" in said
    assert not end(write_ablation(tmp_path / "one", design=SMALL, failed=("base", HOSTILE), num_folds=1))[1]
