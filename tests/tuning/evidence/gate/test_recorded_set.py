"""Whose people no gate may read: those that choices saw, of the study itself and of those before it."""

import json

import pytest

from tuning.evidence.chosen_on import ChosenOn, read_chosen_on
from tuning.evidence.gate.recorded_set import carried, carry, recorded_clips, recorded_names
from tuning.promote import promote_winner


@pytest.fixture
def runner(begin):
    return begin({8: 0.97}).search(8)


def validated(runner):
    return {runner.prepared.subjects[index] for index in runner.splits.view("search", 0).validation}


def test_it_is_whom_the_search_validated_on(runner):
    assert recorded_names(runner.study, runner.folder, runner.prepared, runner.splits) == validated(runner)


def test_data_of_before_count_too(runner):
    other = type(runner.splits)
    former = other(**{**vars(runner.splits), "folds": runner.splits.folds[::-1]})
    former.save(runner.folder / f"splits-{former.fingerprint}.json")
    names = recorded_names(runner.study, runner.folder, runner.prepared, runner.splits)
    seen = {runner.prepared.subjects[index] for index in former.view("search", 0).validation}
    assert names == validated(runner) | seen
    assert seen != validated(runner)


def test_the_clips_of_a_set_are_found_by_name_and_by_hash(runner):
    names = validated(runner)
    clips = recorded_clips(names, [], runner.prepared)
    assert {runner.prepared.subjects[runner.prepared.clip_ids.index(clip)] for clip in clips} == names
    assert recorded_clips([], [ChosenOn.of(names, "salt")], runner.prepared) == clips
    assert recorded_clips([], [], runner.prepared) == frozenset()


def test_a_study_that_was_begun_from_another_carries_its_set_and_a_version_tells_all(runner, tmp_path):
    theirs = ChosenOn.of(["P00", "P01"], "another salt")
    carry(runner.ledger, theirs, of="source")
    assert carried(runner.ledger) == [theirs]
    promote_winner(runner)
    path = runner.folder / "trials" / "refit-0000" / "chosen_on.json"
    stored = json.loads(path.read_text())
    assert [len(one["people"]) for one in stored["recorded"]] == [len(validated(runner)), 2]
    assert "P00" not in path.read_text()


def test_a_version_of_before_says_nothing_of_it(tmp_path):
    ChosenOn.of(["P00"], "salt").write(tmp_path)
    sha256 = ChosenOn.of(["P00"], "salt").write(tmp_path)
    assert read_chosen_on(tmp_path / "chosen_on.json", sha256).recorded == ()
