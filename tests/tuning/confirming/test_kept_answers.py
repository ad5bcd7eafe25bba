"""What a worker trained of the champion is kept, and is what the next study would have trained itself."""

import pandas as pd
import pytest
from ray import tune

from tests.support.ablation_driver import Driver, prepare_subjects, study_of
from tests.support.builders import SETTINGS
from tests.support.tiny_study import Quiet
from tests.support.without_ray import training_here
from trainables.core import files
from tuning.confirming.beside import trials_of_champion
from tuning.confirming.kept_trainings import run_race
from tuning.evidence.champion import Champion
from tuning.evidence.configuration import configuration
from tuning.execution.runner import Runner
from tuning.records.kept.store import kept_files

TIMES = {"train_time_s", "train_time_spread", "wall_time_s", "latency_ms"}


class Trained(Driver):
    """Trains in full, in this process."""

    run = Runner.run


@pytest.fixture
def race(tiny, tmp_path, monkeypatch):
    """Runs two folds of a race of the champion in the study of a name: its runner, and by fold metrics and predictions."""
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    prepared = prepare_subjects(tmp_path)
    fields = {
        "trainable": "tiny",
        "design": None,
        "parameters": {"hidden": tune.choice([4, 8])},
        "settings": dict(SETTINGS),
    }
    parameters = configuration("tiny", {**SETTINGS, "hidden": 4})
    champion = Champion(name="task", version=1, trainable="tiny", parameters=parameters, tags={})

    def run(name):
        with training_here(), Trained(study_of(name=name, **fields), tmp_path, prepared, listener=Quiet()) as runner:
            run_race(runner, trials_of_champion(champion, "race", (7,), (0, 1)))
        trials = {trial.folds[0]: trial for trial in runner.ledger.finished("race")}
        return runner, {
            fold: (trial.metrics, pd.read_parquet(runner.ledger.trial_folder(trial.trial_id) / files.PREDICTIONS))
            for fold, trial in trials.items()
        }

    run.home = tmp_path
    return run


def test_what_is_taken_is_what_would_have_been_trained(race):
    first, trained = race("one")
    assert len(kept_files(race.home)) == 2
    second, taken = race("two")
    assert [trial.taken_from["study"] for trial in second.ledger.finished("race")] == ["one", "one"]
    assert not second.listener.ended
    for path in kept_files(race.home):
        path.unlink()
    third, again = race("three")
    assert len(third.listener.ended) == 2
    for fold in (0, 1):
        assert taken[fold][0] == trained[fold][0]
        pd.testing.assert_frame_equal(taken[fold][1], trained[fold][1])
        pd.testing.assert_frame_equal(taken[fold][1], again[fold][1])
        without_times = [{key: one[fold][0][key] for key in one[fold][0].keys() - TIMES} for one in (taken, again)]
        assert without_times[0] == without_times[1]
    curves = [[trial.curve for trial in runner.ledger.finished("race")] for runner in (first, second)]
    assert curves[0] == curves[1]
    assert curves[0][0]
