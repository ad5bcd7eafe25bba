"""What is trained again, with which seeds, and beside whom."""

import json

import pytest

from tests.support.command import call
from tests.support.hand_runner import HandRunner
from tuning import confirm as module
from tuning.confirm import confirm_search
from tuning.evidence.holdout import evidence
from tuning.execution.seeds import CONFIRM_SEED
from tuning.promote import promote_winner
from tuning.records.front.course import course_of
from tuning.records.ledger import Trial


@pytest.fixture(scope="module")
def champion(store):
    """Version 1 of `task`: width 4."""
    with HandRunner("old", {4: 0.97}, **store) as runner:
        return promote_winner(runner.search(4))


def trained(runner):
    return [(trial.of, trial.variant, trial.seed - CONFIRM_SEED) for trial in runner.ledger.of_phase("confirm")]


def test_the_champion_races_beside_the_front_and_the_winner_alone_is_tested_on_the_holdout(store, champion):
    with HandRunner("new", {4: 0.97, 8: 0.9, 16: 0.8}, **store) as runner:
        confirm_search(runner.search(8, 16), top=2, seeds=3)
        (found,) = evidence(runner.ledger)
        assert trained(runner) == [("search-0000", "", number) for number in range(3)]
        beside = [trial for trial in runner.ledger.of_phase("race") if trial.variant == "champion"]
        assert ({trial.of for trial in beside}, len({trial.folds for trial in beside})) == ({"models:/task/1"}, 3)
        assert {trial.parameters["epochs"] for trial in beside} == {3}
        assert (found.trial_id, found.variant) == ("search-0000", "")
        runner.asked.clear()
        confirm_search(runner, top=2, seeds=3)
        assert not runner.asked, "what is confirmed already is not run again"


def test_a_champion_that_cannot_be_had_is_left_out_and_the_ledger_says_why(store, champion):
    with HandRunner("away", {8: 0.9}, **{**store, "uri": "http://127.0.0.1:9"}) as runner:
        confirm_search(runner.search(8))
        assert len(evidence(runner.ledger)) == 1
        (said,) = (event for event in runner.ledger.events if event["event"] == "champion_left_out")
        assert "127.0.0.1:9" in said["reason"]


def test_members_of_the_front_that_train_the_same_are_confirmed_once(store):
    with HandRunner("twins", {8: 0.9, 16: 0.8}, registered="twins", **store) as runner:
        runner.search(8)
        twin = {"gru_hidden": 8, "flip": True, "redundancy_threshold": 0.5}  # frames are even, so none is compared
        runner._write(Trial(trial_id="search-0001", phase="search", parameters=twin, seed=1, folds=(0,)), 0.9)
        runner._write(
            Trial(trial_id="search-0002", phase="search", parameters={"gru_hidden": 16}, seed=2, folds=(0,)), 0.9
        )
        runner.ledger.select(["search-0000", "search-0001", "search-0002"], "search-0000")
        confirm_search(runner, top=2, seeds=1)
        assert course_of(runner.ledger).members == ("search-0000", "search-0002")


def test_no_seed_of_the_search_is_used_again(store):
    with HandRunner("seeds", {8: 0.9}, registered="seeds", **store) as runner:
        runner.search(8)
        taken = Trial(
            phase="search", parameters={"gru_hidden": 8}, seed=CONFIRM_SEED, folds=(0,), trial_id="search-0001"
        )
        runner._write(taken, 0.9)
        confirm_search(runner, seeds=2)
        (row,) = evidence(runner.ledger)
        assert row.seeds == (CONFIRM_SEED + 1, CONFIRM_SEED + 2)


def test_what_cannot_be_confirmed_is_said(store, monkeypatch):
    monkeypatch.setattr(module, "present_champion", lambda runner: None)
    with HandRunner("bad", {8: 0.9}, **store) as runner:
        with pytest.raises(ValueError, match="no finished search trial"):
            confirm_search(runner)
        runner.search(8)
        for given in ({"top": 0}, {"seeds": 0}):
            with pytest.raises(ValueError, match="at least 1 are allowed"):
                confirm_search(runner, **given)
        with pytest.raises(ValueError, match=r"'search-0009'\. There are: search-0000"):
            confirm_search(runner, trial_id="search-0009")


@pytest.fixture
def command(store, monkeypatch, request):
    """`python tune.py confirm demo ...` on trainings that are written by hand."""
    home = store["home"] / request.node.name
    runner = HandRunner("demo", {8: 0.9, 4: 0.6}, **{**store, "home": home, "registered": request.node.name})
    for verb in ("confirm", "cross_validate"):
        monkeypatch.setattr(f"tuning.{verb}.Runner", lambda *_, **__: runner)
    yield runner, lambda *options: call("confirm", "demo", *options)
    runner.ledger.close()


def test_where_every_confirmation_fails_a_message_says_so_and_the_exit_code_too(command):
    runner, confirm_demo = command
    runner.search(8)
    runner.fails = lambda trial: trial.phase == "confirm"
    done = confirm_demo()
    assert done.exit_code == 1
    assert "2 of 2 confirmations failed. No confirmation finished, so there is no evidence." in done.stderr
    assert "The first error: confirm-0000: it diverged" in done.stderr
    assert not done.stdout.strip()


def test_where_some_confirmations_fail_the_rest_is_shown_and_the_failures_are_told(command):
    runner, confirm_demo = command
    runner.search(8, 4)
    runner.fails = lambda trial: trial.phase == "confirm" and trial.seed == CONFIRM_SEED + 1
    done = confirm_demo("--json")
    assert done.exit_code == 0
    assert "1 of 2 confirmations failed. The first error: confirm-0001: it diverged" in done.stderr
    row, race = map(json.loads, done.stdout.splitlines())
    assert race["race"]["winner"] == row["trial_id"]
    assert (row["trial_id"], row["units"], row["leaky"]) == ("search-0000", "people", False)


def test_one_trial_is_confirmed_by_name(command):
    runner, confirm_demo = command
    runner.search(8, 4)
    assert confirm_demo("--trial", "search-0001", "--seeds", "3").exit_code == 0
    assert {(trial.of, trial.variant) for trial in runner.ledger.of_phase("confirm")} == {("search-0001", "")}
    assert len(runner.asked) == 3


def test_a_plan_of_nested_folds_trains_nothing(command):
    runner, confirm_demo = command
    runner.search(8)
    done = confirm_demo("--nested", "4", "--seeds", "3", "--dry-run")
    assert done.exit_code == 0, done.output
    assert "12 search trials to run in 3 folds, then 9 trainings" in done.stdout
    assert not runner.asked


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--dry-run"], "--dry-run was given without --nested"),
        (["--nested", "2", "--top", "2"], "--top chooses what to test on the holdout"),
        (["--nested", "2", "--trial", "search-0000"], "--trial chooses what to test on the holdout"),
        (["--top", "2", "--trial", "search-0000"], "--top and --trial were both given"),
    ],
)
def test_options_that_contradict_each_other_are_said_to(command, options, message):
    runner, confirm_demo = command
    done = confirm_demo(*options)
    assert (done.exit_code, message in done.stderr) == (2, True)
    assert not runner.asked
