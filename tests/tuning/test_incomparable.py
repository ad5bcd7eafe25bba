"""What an earlier version trained and today's ranges refuse: told, left out, and no reason for anything to end."""

import json

import pytest
from ray import tune

from dashboards.core.page import report
from search_spaces.core.designs import sweep
from tests.support.ablation_driver import tuned_study
from tests.support.builders import make_trial
from tests.support.hand_runner import HandRunner
from tests.support.sample_study import write_sample
from tuning import cross_validate
from tuning.confirm import confirm_search, members_of
from tuning.evidence.champion import comparison_tags
from tuning.evidence.contest import Refused
from tuning.evidence.holdout import Holdout
from tuning.execution.runner import Runner
from tuning.logs import logs
from tuning.promote import promote_winner
from tuning.records import registry, tags
from tuning.records.ledger import Ledger, Trial
from tuning.records.selection import best_by_variant, comparable
from tuning.status import status
from tuning.text.tables import show_status

WHY = "gradient_clip was given as 0; above 0 is allowed."
SAID = f"search-0002 is incomparable: what it trained cannot be trained any more. {WHY}"


def old_trial(number, *, phase="search", **more):
    parameters = {"gru_hidden": 4, "gradient_clip": 0}
    name = f"{phase}-{number:04d}"
    return Trial(trial_id=name, phase=phase, parameters=parameters, seed=number, folds=(0,), **more)


def searched(store, name, **changes):
    """Three on the front, of which an earlier version trained the recommended one without any effect."""
    runner = HandRunner(name, {4: 0.5, 8: 0.97, 16: 0.8}, registered=name, **{**store, **changes}).search(8, 16)
    runner._write(old_trial(2), 0.9)
    runner.ledger.select(["search-0000", "search-0001", "search-0002"], "search-0002")
    return runner


def test_confirm_leaves_it_out_and_says_why(store):
    with searched(store, "leaves") as runner:
        confirm_search(runner, seeds=1)
        assert {trial.of for trial in runner.ledger.of_phase("race")} == {"search-0000", "search-0001"}
        assert runner.notes[0] == SAID
        assert runner.ledger.incomparable == {"search-0002": WHY}
        confirm_search(runner, seeds=1)
        assert len([event for event in runner.ledger.events if event["event"] == "incomparable"]) == 1
        with pytest.raises(ValueError, match=f"{SAID} Choose another trial"):
            confirm_search(runner, trial_id="search-0002")


def test_one_is_told_of_that_would_race_and_not_one_of_the_front_that_would_not(store):
    with searched(store, "likely") as runner:
        sureness = {"search-0000": 0.6, "search-0001": 0.4}
        runner.ledger.select(["search-0000", "search-0002"], "search-0000", sureness=sureness)
        confirm_search(runner, seeds=1)
        assert not [note for note in runner.notes if "incomparable" in note]
        runner.ledger.select(["search-0000"], "search-0000", sureness={**sureness, "search-0002": 0.2})
        confirm_search(runner, seeds=1)
        assert SAID in runner.notes


def test_where_nothing_else_is_on_the_front_it_is_said(store):
    with searched(store, "alone") as runner:
        runner.ledger.select(["search-0002"], "search-0002")
        with pytest.raises(ValueError, match=f"No member of the front of alone can be trained any more. {SAID} Go on"):
            members_of(runner)


def test_promote_refuses_it_before_anything_is_trained_and_promotes_another(store, monkeypatch):
    monkeypatch.setattr(registry, "log_and_register", lambda **_: 1)
    with searched(store, "promotes") as runner:
        with pytest.raises(Refused, match=f"{SAID} Choose another trial"):
            promote_winner(runner, trial_id="search-0002")
        assert not runner.asked
        assert promote_winner(runner).version == 1
        assert {trial.of for trial in runner.ledger.of_phase("race")} == {"search-0000", "search-0001"}


def test_one_that_was_confirmed_before_does_not_end_the_contest(store, monkeypatch):
    monkeypatch.setattr(registry, "log_and_register", lambda **_: 2)
    with searched(store, "counted") as runner:
        for seed in (70, 71):
            runner._write(old_trial(seed, phase="confirm", of="search-0002"), 0.5)
        told = comparison_tags(runner.prepared, runner.splits)
        told |= {tags.TRAINABLE: "res_rbg", tags.PARAMETERS: json.dumps({**runner.study.settings, "gru_hidden": 4})}
        monkeypatch.setattr(registry, "present_champion", lambda uri, name: (1, told))
        promoted = promote_winner(runner, trial_id="search-0000")
        assert promoted.verdict.promoted
        assert {row.trial_id for row in Holdout(runner.ledger).rows()} >= {"search-0002"}


def test_a_champion_that_today_refuses_is_left_out_by_confirm_and_ends_a_promotion_with_a_sentence(store, monkeypatch):
    with searched(store, "champion") as runner:
        told = comparison_tags(runner.prepared, runner.splits)
        told |= {tags.TRAINABLE: "res_rbg", tags.PARAMETERS: json.dumps({"gru_hidden": 4, "gradient_clip": 0})}
        monkeypatch.setattr(registry, "present_champion", lambda uri, name: (3, told))
        why = rf"champion of champion \(version 3\) cannot be trained again to be compared with: {WHY} It serves on"
        confirm_search(runner, trial_id="search-0000")
        (said,) = (event["reason"] for event in runner.ledger.events if event["event"] == "champion_left_out")
        assert WHY in said
        with pytest.raises(Refused, match=why):
            promote_winner(runner, trial_id="search-0000")


def test_a_search_that_goes_on_chooses_among_the_others(store):
    with searched(store, "chooses") as runner:
        Runner.select(runner)
        assert runner.ledger.selection["front"] == ["search-0000"]
        assert runner.notes == [SAID]


def test_a_fold_of_nested_cross_validation_chooses_among_the_others(store):
    with searched(store, "nests") as runner:
        runner._write(old_trial(0, phase="nested_search", variant="fold-0"), 0.9)
        assert cross_validate._chosen(runner, 0) is None
        assert WHY in runner.notes[-1]
        good = Trial(
            trial_id="nested_search-0001", phase="nested_search", parameters={"gru_hidden": 8}, seed=1, folds=(0,)
        )
        runner._write(good, 0.6)
        assert cross_validate._chosen(runner, 0).trial_id == "nested_search-0001"


def test_a_variant_is_compared_with_its_best_trial_that_can_be_trained(tmp_path):
    study = tuned_study(design=sweep("rbg_depth", [0, 1], tune_each=3), parameters={"lr": tune.choice([1e-3, 1e-2])})
    with Ledger.write(tmp_path / study.name) as ledger:
        for number, (lr, accuracy) in enumerate([(1e-3, 0.6), (0, 0.9)]):
            ledger.start(make_trial(number, parameters={"rbg_depth": 0, "lr": lr}, variant="rbg_depth=0"))
            ledger.end(f"search-{number:04d}", "FINISHED", {"accuracy": accuracy})
        assert best_by_variant(ledger, study) == {"rbg_depth=0": {"rbg_depth": 0, "lr": 1e-3}}
        notes = []
        kept = comparable(study, ledger, ledger.of_phase("search"), notes.append)
        assert [trial.trial_id for trial in kept] == ["search-0000"]
        assert "lr was given as 0; above 0 is allowed." in notes[0]


def test_status_report_and_logs_tell_it(tmp_path, capsys):
    write_sample(tmp_path)
    with Ledger.write(tmp_path / "smiles") as ledger:
        ledger.note("incomparable", of="search-0002", reason=WHY)
    (found,) = status(home=tmp_path)
    assert found.incomparable == {"search-0002": WHY}
    show_status(tmp_path, [found], False)
    assert f"incomparable: search-0002. {WHY}" in capsys.readouterr().out
    assert f"search-0002 is incomparable: {WHY}" in [line.text for line in logs("smiles", home=tmp_path)]
    assert SAID in report("smiles", tmp_path / "smiles.html", home=tmp_path).read_text()


def test_status_and_report_of_a_study_with_one_need_no_command_to_have_met_it(tmp_path):
    write_sample(tmp_path)
    with Ledger.write(tmp_path / "smiles") as ledger:
        ledger.start(make_trial(12, parameters={"gru_hidden": 8, "gradient_clip": 0}))
        ledger.end("search-0012", "FINISHED", {"accuracy": 0.2, "train_time_s": 1.0, "param_count": 1.0})
    assert status("smiles", home=tmp_path)[0].trials["search"]["FINISHED"]
    assert report("smiles", tmp_path / "smiles.html", home=tmp_path).exists()
