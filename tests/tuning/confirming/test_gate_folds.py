"""Where the gate tests: in folds that test somebody whom no choice behind the two has seen."""

import mlflow
import pytest

from tuning.confirming.gate_folds import gate_folds, seeds_of_challenger, seeds_of_champion
from tuning.evidence.champion import champion_of
from tuning.evidence.contest import Refused
from tuning.evidence.gate.recorded_set import recorded_names
from tuning.execution.seeds import CONFIRM_SEED
from tuning.promote import promote_winner
from tuning.records import tags

GOOD, FAIR = 0.97, 0.7


def champion_beside(runner):
    return champion_of(runner.study, runner.prepared, runner.splits, runner.tracker.uri, runner.home)


def people_in(runner, clips):
    of = dict(zip(runner.prepared.clip_ids, runner.prepared.subjects, strict=True))
    return {of[clip] for clip in clips}


def test_whom_the_champions_search_validated_on_is_left_out_too(begin):
    first = begin({4: FAIR}, name="old").search(4)
    promote_winner(first)
    runner = begin({8: GOOD, 4: FAIR}, name="new", salt="other").search(8)
    ours = recorded_names(runner.study, runner.folder, runner.prepared, runner.splits)
    theirs = recorded_names(first.study, first.folder, first.prepared, first.splits)
    assert people_in(runner, gate_folds(runner, champion_beside(runner)).left_out) == ours | theirs
    assert ours != theirs


def test_of_a_version_of_before_nobody_is_known_and_nobody_is_left_out(begin, store):
    first = begin({4: FAIR}, name="old").search(4)
    name = promote_winner(first).name
    mlflow.MlflowClient(store["uri"]).delete_model_version_tag(name, "1", tags.CHOSEN_ON)
    runner = begin({8: GOOD, 4: FAIR}, name="new", salt="other").search(8)
    ours = recorded_names(runner.study, runner.folder, runner.prepared, runner.splits)
    assert people_in(runner, gate_folds(runner, champion_beside(runner)).left_out) == ours


def test_one_alone_is_trained_with_seeds_that_vary_and_several_with_their_own(begin):
    runner = begin({8: GOOD}).search(8)
    first = [CONFIRM_SEED + number for number in range(4)]
    assert seeds_of_challenger(runner, 1, 2) == first[:2]
    assert seeds_of_challenger(runner, 1, 4) == first
    assert seeds_of_challenger(runner, 3, 2) == first[:3]
    promote_winner(runner)
    assert not set(seeds_of_champion(champion_beside(runner), 4)) & set(first), (
        "it was chosen by its answers with those"
    )


def test_too_few_people_are_refused_with_their_number_before_anything_more_is_trained(begin, monkeypatch):
    monkeypatch.setattr("tuning.confirming.contested.FEWEST_PEOPLE", 50)
    promote_winner(begin({4: FAIR}, name="old").search(4))
    runner = begin({8: GOOD, 4: FAIR}, name="new").search(8)
    with pytest.raises(Refused, match=r"43 people in 2 folds are left that no choice .* has seen; at least 50 in 2"):
        promote_winner(runner)
