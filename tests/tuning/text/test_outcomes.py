"""What `promote --json` prints, promoted or refused."""

import json

import pytest

from tests.support.command import call
from tests.support.hand_runner import HandRunner
from tuning.records import registry


@pytest.fixture
def promoted(store, monkeypatch, request):
    """Promotes by the command, with `--json`, from trainings that are written by hand; what was printed, and how it ended."""
    name, opened = request.node.name, []
    monkeypatch.setattr(registry, "log_and_register", lambda **_: 1)

    def promote(skills, *options):
        home = store["home"] / name
        opened.append(HandRunner("demo", skills, **{**store, "home": home, "registered": name}))
        runner = opened[-1].search(*skills)
        monkeypatch.setattr("tuning.promote.Runner", lambda *_, **__: runner)
        done = call("promote", "demo", "--json", *options)
        (line,) = done.stdout.splitlines()
        return json.loads(line), done

    yield promote
    for runner in opened:
        runner.ledger.close()


def test_it_has_the_accuracy_on_the_holdout_with_its_interval(promoted):
    found, done = promoted({4: 0.6, 8: 0.97})
    assert done.exit_code == 0, done.stderr
    accuracy = found["accuracy"]
    assert 0.5 < accuracy["low"] < accuracy["mean"] < accuracy["high"] <= 1
    assert (found["trial_id"], found["refused"], len(found["by_seed"])) == ("search-0001", None, 2)
    assert [row["trial_id"] for row in found["holdout"]] == ["search-0001"]
    assert found["holdout"][0]["accuracy"] == accuracy
    assert found["race"]["winner"] == "search-0001"


def test_refused_it_prints_the_same_with_the_reason(promoted):
    found, done = promoted({4: 0.3, 8: 0.3})
    assert done.exit_code == 2
    assert found["refused"].startswith(f"{found['race']['winner']} is not promoted: the lower bound of its accuracy")
    assert found["refused"] in done.stderr.replace("\n", " ")
    (row,) = found["holdout"]
    assert row["accuracy"]["low"] < row["accuracy"]["mean"] < row["accuracy"]["high"]
    assert found["verdict"] is None


def test_refused_after_the_tests_it_tells_what_they_said(promoted):
    found, done = promoted({4: 0.9}, "--trial", "search-0000", "--refit-seeds", "2")
    assert done.exit_code == 2
    assert found["refused"].startswith("The refits cannot be averaged into one model"), "no weights lie there"
    assert (found["race"], len(found["holdout"])) == (None, 1)
