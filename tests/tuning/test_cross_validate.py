"""A search of its own in every fold: what it may see, what it is tested on, and what follows."""

import dataclasses
import json

import numpy as np
import pandas as pd
import pytest

from tests.support.builders import corrupted, make_spec, prepare_random, train, untimed
from tests.support.command import on_terminal
from tests.support.hand_runner import HandRunner, hand_store
from trainables.core.phases import SCORED_ON
from trainables.core.prepared.splits import load_splits
from tuning.cross_validate import cross_validate_search, planned
from tuning.evidence.holdout import predictions_of
from tuning.execution.seeds import CONFIRM_SEED
from tuning.promote import promote_winner
from tuning.text.evidence_tables import nested_summary, show_nested

SKILLS = {4: 0.5, 8: 0.6, 16: 0.7, 32: 0.8, 64: 0.9}


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return hand_store(tmp_path_factory.mktemp("home"), num_subjects=60)


@pytest.fixture
def runner(store, request):
    name = request.node.name
    with HandRunner(name, SKILLS, **{**store, "registered": name}) as runner:
        yield runner


def test_each_fold_is_searched_alone_and_its_choice_tested_on_subjects_it_never_saw(runner):
    found = cross_validate_search(runner, num_samples=4, seeds=2)
    searched = runner.ledger.of_phase("nested_search")
    assert [trial.folds for trial in searched[:4]] == [(0,), (1,), (2,), (0,)], "in turn"
    assert len(searched) == found.num_searched == 12
    assert {trial.variant for trial in searched} == {"fold-0", "fold-1", "fold-2"}
    tested = runner.ledger.of_phase("nested")
    assert sorted((trial.folds[0], trial.seed - CONFIRM_SEED) for trial in tested) == [
        (fold, seed) for fold in range(3) for seed in range(2)
    ]
    for row in found.chosen:
        fold = runner.splits.folds[row["fold"]]
        own = [trial for trial in searched if trial.folds == (row["fold"],)]
        best = max(own, key=lambda trial: trial.metrics["accuracy"])
        assert runner.ledger.trials[row["trial_id"]].metrics["accuracy"] <= best.metrics["accuracy"]
        assert row["trial_id"] in {trial.trial_id for trial in own}
        seen = {runner.prepared.subject_ids[index] for index in (*fold.train, *fold.validation)}
        (test, *_) = (trial for trial in tested if trial.folds == (row["fold"],))
        answers = pd.read_parquet(predictions_of(runner.ledger, test))
        assert not seen & set(answers["subject"])
        assert len(answers) == len(fold.test)
    assert not runner.ledger.selection, "what is searched here is on no front"
    assert not runner.ledger.of_phase("search")
    locked = {runner.prepared.subject_ids[index] for index in runner.splits.holdout}
    for trial in (*searched, *tested):
        assert not locked & set(pd.read_parquet(predictions_of(runner.ledger, trial))["subject"])


def test_asked_again_nothing_finished_runs_again_and_more_trials_add_theirs(runner):
    first = cross_validate_search(runner, num_samples=2)
    runner.asked.clear()
    assert planned(runner, num_samples=2).searches == 0
    assert cross_validate_search(runner, num_samples=2) == first
    assert not runner.asked
    half = runner.ledger.of_phase("nested_search")[0]
    half.state = "INTERRUPTED"
    plan = planned(runner, num_samples=3)
    assert (plan.searches, plan.tests, plan.with_champion) == (3, 6, 12)
    cross_validate_search(runner, num_samples=3)
    searches = [trial for trial in runner.asked if trial.phase == "nested_search"]
    assert searches[0] is half, "half-run trials go on first"
    assert sorted(trial.folds[0] for trial in searches) == sorted([0, 1, 2, half.folds[0]])


@pytest.mark.slow
def test_what_the_search_promised_too_much_is_found_with_subjects_as_units(runner):
    runner.promised = 0.1
    found = cross_validate_search(runner, num_samples=3)
    by_hand = [row["validation_accuracy"] - row["test_accuracy"] for row in found.chosen]
    assert found.optimism.mean == pytest.approx(np.mean(by_hand))
    assert found.accuracy.mean == pytest.approx(np.mean([row["test_accuracy"] for row in found.chosen]))
    assert found.optimism.low < found.optimism.mean < found.optimism.high
    assert found.optimism.mean > 0.02
    assert found.num_people == 48
    assert found.num_clips == 96
    assert (found.champion, found.difference) == ("", None)


def test_the_interval_of_the_optimism_counts_a_subject_once(runner):
    """Whoever is hard is hard in validation and in test: taken apart, the two would look less certain than they are."""
    cross_validate_search(runner, num_samples=2)
    ledger, rng = runner.ledger, np.random.default_rng(0)
    skill = dict(zip(sorted(set(runner.prepared.subject_ids)), rng.random(60) < 0.5, strict=True))
    for phase in ("nested_search", "nested"):
        for trial in ledger.of_phase(phase):
            path = predictions_of(ledger, trial)
            table = pd.read_parquet(path)
            answers = np.where(table["subject"].map(skill), table["label"], 1 - table["label"])
            table["logits"] = list(np.eye(2, dtype=np.float32)[answers])
            table.to_parquet(path)
    found = cross_validate_search(runner, num_samples=2)
    width = found.optimism.high - found.optimism.low
    assert width < 0.5 * (found.accuracy.high - found.accuracy.low), "everybody is judged alike on both sides"


@pytest.mark.slow
def test_the_champion_is_trained_on_the_same_folds_with_the_same_seeds(runner, store):
    name = runner.study.registered_model
    with HandRunner(f"{name}-old", {**SKILLS, 4: 0.85}, **{**store, "registered": name}) as old:
        champion = promote_winner(old.search(4))
    found = cross_validate_search(runner, num_samples=5)
    cells = {variant: [] for variant in ("searched", "champion")}
    for trial in runner.ledger.of_phase("nested"):
        cells[trial.variant].append((trial.folds[0], trial.seed))
    assert cells["searched"] == cells["champion"]
    assert found.champion == f"models:/{champion.name}/1"
    scored = {
        variant: np.mean([t.metrics["accuracy"] for t in runner.ledger.of_phase("nested") if t.variant == variant])
        for variant in cells
    }
    assert found.difference is not None
    assert found.difference.interval.mean == pytest.approx(scored["searched"] - scored["champion"], abs=0.03)
    assert any("can only flatter it" in line for line in nested_summary(found))
    for trial in runner.ledger.of_phase("nested"):
        if trial.variant == "champion" and trial.folds == (0,):
            trial.state, trial.error = "FAILED", "it diverged"
    runner.fails = lambda trial: trial.variant == "champion"
    again = cross_validate_search(runner, num_samples=5)
    assert again.accuracy == found.accuracy
    assert again.difference is not None, "two folds are left to compare on"


def test_a_fold_whose_search_failed_is_left_out_and_told_and_one_fold_is_too_few(runner):
    runner.fails = lambda trial: trial.folds == (1,)
    found = cross_validate_search(runner, num_samples=2)
    assert [row["fold"] for row in found.chosen] == [0, 2]
    assert any("fold 1" in note for note in found.notes)
    runner.fails = lambda trial: trial.phase == "nested"
    for trial in runner.ledger.of_phase("nested"):
        trial.state = "FAILED" if trial.folds == (0,) else trial.state
    with pytest.raises(ValueError, match=r"1 of 3 folds have all their tests.*The first error: .*it diverged"):
        cross_validate_search(runner, num_samples=2)


def test_a_search_that_is_right_everywhere_is_no_certainty(store, request):
    name = request.node.name
    with HandRunner(name, dict.fromkeys(SKILLS, 1.0), **{**store, "registered": name}) as runner:
        found = cross_validate_search(runner, num_samples=2).accuracy
    assert (found.mean, found.high) == pytest.approx((1, 1))
    assert found.low == pytest.approx(0.025 ** (1 / 48)), "Clopper and Pearson's for 48 people"


def test_what_cannot_be_nested_is_said_before_anything_runs(runner):
    for given in ({"num_samples": 0}, {"num_samples": 2, "seeds": 0}):
        with pytest.raises(ValueError, match="at least 1 are allowed"):
            cross_validate_search(runner, **given)
    runner.splits = dataclasses.replace(runner.splits, folds=runner.splits.folds[:1])
    with pytest.raises(ValueError, match="has 1 fold"):
        cross_validate_search(runner, num_samples=2)
    assert not runner.asked


def test_it_is_printed_by_fold_and_as_one_object_and_marked_where_leaky(runner, capsys):
    found = cross_validate_search(runner, num_samples=2)
    show_nested(found, on_terminal())
    shown = capsys.readouterr().out
    for message in (*(row["trial_id"] for row in found.chosen), "not one configuration", "48 people, 96 clips"):
        assert message in shown, message
    assert "leaky: " not in shown
    show_nested(dataclasses.replace(found, leaky=True), on_terminal())
    assert "leaky: clips dealt at random" in capsys.readouterr().out
    show_nested(found, on_terminal(as_json=True))
    (line,) = capsys.readouterr().out.splitlines()
    assert json.loads(line)["optimism"]["mean"] == found.optimism.mean


@pytest.mark.slow
@pytest.mark.parametrize("frames", [False, True])
@pytest.mark.usefixtures("tiny")
def test_neither_test_subjects_nor_the_holdout_can_change_a_search_of_nested_folds(tmp_path, frames):
    prepared = prepare_random(tmp_path / "data", num_subjects=12)
    spec = make_spec(prepared, tmp_path / "clean", phase="nested_search", folds=(1,), epochs=2)
    splits = load_splits(tmp_path / "splits.json")
    unseen = tuple(sorted({*splits.folds[1].test, *splits.holdout}))
    copy = corrupted(prepared, unseen, tmp_path / "copy", frames=frames)
    twin = dataclasses.replace(spec, prepared=str(copy.folder), folder=str(tmp_path / "corrupted"))
    (curve, metrics), (touched, changed) = train(spec), train(twin)
    assert (touched, untimed(changed)) == (curve, untimed(metrics))
    assert not (tmp_path / "clean" / "model.safetensors").exists(), "hundreds of them would fill a disk"
    assert [SCORED_ON[phase] for phase in ("nested_search", "nested")] == ["validation", "test"]
    assert splits.view("nested", 1) == splits.folds[1]
    assert splits.view("nested_search", 1).test == ()
