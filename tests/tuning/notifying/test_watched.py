"""Whoever gave a command hears how a study ended, and once of each time in which nothing moved."""

import dataclasses

import pytest

import fertune
from tests.support.command import call
from tests.support.tiny_study import Quiet
from tuning.execution.signals import Interrupted
from tuning.notifying import watched
from tuning.notifying.watched import Watched, notified
from tuning.records.ledger import Trial


def trial(name="search-0000", state="RUNNING"):
    made = Trial(phase="search", parameters={}, seed=0, folds=())
    return dataclasses.replace(made, trial_id=name, state=state)


def began(listener):
    listener.phase_began("search", 2, objectives=[], num_cpus=1, num_gpus=0, dashboard_url="")


@pytest.fixture
def clock():
    class Clock:
        now = 0.0

        def __call__(self):
            return self.now

    return Clock()


@pytest.fixture
def stalls():
    return []


@pytest.fixture
def study(clock, stalls):
    return Watched(Quiet(), stalls.append, clock=clock)


def looked(study, clock, *minutes):
    """What it looks like after each of so many more minutes."""
    for more in minutes:
        clock.now += 60 * more
        study.look()


def test_nothing_is_told_while_epochs_come(study, clock, stalls):
    began(study)
    for _ in range(10):
        looked(study, clock, 9)
        study.epoch(trial(), 3)
    looked(study, clock, 9)
    assert stalls == []


def test_a_stall_is_told_once_until_something_moves(study, clock, stalls):
    began(study)
    looked(study, clock, 11, 1, 60)
    (said,) = stalls
    assert said.startswith("no trial has made an epoch for 11 min, no trial ended.")
    study.trial_ended(trial(state="FAILED"))
    looked(study, clock, 9)
    assert len(stalls) == 1
    looked(study, clock, 2, 5)
    assert [one.split(".")[0] for one in stalls[1:]] == ["no trial has made an epoch for 11 min, trials: 1 failed"]


def test_where_an_epoch_takes_long_three_of_them_are_waited_for(study, clock, stalls):
    began(study)
    study.epoch(trial(), 3)
    clock.now += 60 * 20
    study.epoch(trial("search-0001"), 3)  # the first of a trial that began some time ago: not measured
    clock.now += 60 * 10
    study.epoch(trial(), 3)  # 30 min after its first
    looked(study, clock, 89)
    assert stalls == []
    looked(study, clock, 2)
    assert len(stalls) == 1


def test_before_the_first_trial_and_between_phases_nothing_has_to_move(study, clock, stalls):
    looked(study, clock, 100)
    began(study)
    study.phase_ended()
    looked(study, clock, 100)
    assert stalls == []
    began(study)
    looked(study, clock, 5)
    assert stalls == []


def test_what_it_hears_is_handed_on(study):
    heard = study._listener
    seen = []
    heard.on_epoch = seen.append
    began(study)
    study.epoch(trial(), 3)
    study.noted("a note")
    study.trial_ended(trial())
    study.phase_ended()
    assert (len(seen), heard.notes, heard.ended) == (1, ["a note"], ["search-0000"])


def told_by(tmp_path):
    return [line.split("|") for line in (tmp_path / "told").read_text().splitlines()]


TELLS = 'echo "$FERTUNE_EVENT|$FERTUNE_SUMMARY" >> "$FERTUNE_HOME/told"'


@pytest.mark.parametrize(
    ("states", "event", "summary"),
    [
        (["FINISHED", "FINISHED", "FAILED"], "ended", "tiny: ended, trials: 1 failed, 2 finished."),
        (["FAILED"], "failed", "tiny: ended, trials: 1 failed."),
        ([], "ended", "tiny: ended, no trial ended."),
    ],
)
def test_the_end_of_a_study_is_told(tmp_path, states, event, summary):
    with notified(TELLS, "tiny", tmp_path, Quiet()) as listener:
        began(listener)
        for state in states:
            listener.trial_ended(trial(state=state))
    assert told_by(tmp_path) == [[event, summary]]


@pytest.mark.parametrize(
    ("error", "event", "says"),
    [
        (ValueError("the disk is full"), "failed", "tiny: failed, no trial ended. the disk is full"),
        (
            Interrupted("stopped by SIGTERM"),
            "stopped",
            "tiny: stopped (stopped by SIGTERM), no trial ended. What was done",
        ),
        (SystemExit(15), "stopped", "tiny: stopped, no trial ended. What was done is kept."),
    ],
)
def test_a_study_that_fails_or_is_stopped_is_told_and_ends_as_it_would(tmp_path, error, event, says):
    with pytest.raises(type(error)), notified(TELLS, "tiny", tmp_path, Quiet()):
        raise error
    ((told, summary),) = told_by(tmp_path)
    assert (told, summary.startswith(says)) == (event, True)


def test_a_stall_is_told_while_the_study_runs(tmp_path, monkeypatch):
    monkeypatch.setattr(watched, "STALLED_S", 0.0)
    monkeypatch.setattr(watched, "_LOOKS_S", 0.01)
    from tests.support.ray_head import wait_until

    with notified(TELLS, "tiny", tmp_path, Quiet()) as listener:
        began(listener)
        wait_until((tmp_path / "told").exists)
        listener.phase_ended()
    events = [event for event, _ in told_by(tmp_path)]
    assert (events[0], events[-1]) == ("stalled", "ended")


def test_a_command_that_fails_is_noted_and_fails_no_study(tmp_path):
    listener = Quiet()
    with notified("exit 7", "tiny", tmp_path, listener):
        pass
    assert listener.notes == ["The command of --notify failed with exit code 7 (ended)."]


def test_without_a_command_the_listener_is_the_one_that_was_given(tmp_path):
    quiet = Quiet()
    with notified(None, "tiny", tmp_path, quiet) as listener:
        assert listener is quiet
    with (
        pytest.raises(ValueError, match="--notify was given without a command"),
        notified(" ", "tiny", tmp_path, quiet),
    ):
        pass


@pytest.mark.parametrize(
    ("verb", "more"),
    [("run", {}), ("confirm", {}), ("promote", {}), ("cross_validate", {"num_samples": 2}), ("ablate", {})],
)
def test_every_verb_that_trains_tells(tmp_path, verb, more, monkeypatch):
    def opens(self):
        raise RuntimeError("no Ray today")

    monkeypatch.setattr("tuning.execution.runner.Runner.__init__", lambda self, *given, **named: None)
    monkeypatch.setattr("tuning.execution.runner.Runner.__enter__", opens)
    study = "res_rbg_depth" if verb == "ablate" else "smiles"
    with pytest.raises(RuntimeError, match="no Ray today"):
        getattr(fertune, verb)(study, home=tmp_path, notify=TELLS, **more)
    assert told_by(tmp_path) == [["failed", f"{study}: failed, no trial ended. no Ray today"]]


@pytest.mark.parametrize(
    "arguments",
    ["run", "confirm", "cross-validate --num-samples 2", "promote", "confirm --nested 2"],
)
def test_every_command_that_trains_takes_it(arguments, monkeypatch):
    given = {}

    def verb(study, **named):
        given.update(named)
        raise ValueError("enough was seen")

    for name in ("run", "confirm", "cross_validate", "promote"):
        monkeypatch.setattr(f"tuning.{name}.{name}", verb)
    assert call(*arguments.split(), "smiles", "--notify", "true").exit_code == 2
    assert given["notify"] == "true"
