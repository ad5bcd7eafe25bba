"""What goes on: a halted trial as it was begun, whatever the study is by now; a ledger says which fertune ran each part."""

import pytest
from ray import tune

from tests.support.ablation_driver import prepare_subjects, study_of, tuned_study
from tests.support.without_ray import LoopRunner
from tuning.ablate import ablate_variants
from tuning.execution import runner as module
from tuning.execution.seeds import search_seed
from tuning.logs import logs
from tuning.records.home import version
from tuning.records.ledger import Ledger


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    return prepare_subjects(tmp_path_factory.mktemp("ablation"))


def search_of(**changes):
    fields = {"parameters": {"lr": tune.loguniform(1e-4, 1e-2)}, "seed": 3, "search_folds": (0, 2)}
    return study_of(design=None, **(fields | changes))


def interrupted_in(number):
    """A `train` that is interrupted in its `number`-th trial, from 0."""
    begun = []

    def train(spec):
        begun.append(spec)
        if len(begun) > number:
            raise KeyboardInterrupt

    return train


@pytest.fixture
def halted(prepared, tmp_path):
    """What the worker of a search's second trial was told before it was interrupted."""
    with (
        LoopRunner(search_of(), tmp_path, prepared, train=interrupted_in(1)) as runner,
        pytest.raises(KeyboardInterrupt),
    ):
        runner.search(3)
    assert Ledger.read(tmp_path / "depths").trials["search-0001"].state == "INTERRUPTED"
    return runner.specs[1]


def test_it_goes_on_first_with_its_own_seed_parameters_and_folds(prepared, tmp_path, halted):
    assert (halted["seed"], halted["folds"]) == (search_seed(3, 1), (0, 2))
    with LoopRunner(search_of(), tmp_path, prepared) as runner:
        runner.search(4)
    assert runner.specs[0] == halted
    assert [spec["seed"] for spec in runner.specs[1:]] == [search_seed(3, 2), search_seed(3, 3)], "no seed comes twice"
    trials = Ledger.read(tmp_path / "depths").trials
    assert [(trial.seed, trial.state) for trial in trials.values()] == [
        (search_seed(3, number), "FINISHED") for number in range(4)
    ]
    assert trials["search-0001"].parameters == {"lr": halted["parameters"]["lr"]}


def test_it_is_told_how_many_rows_of_its_curve_are_known(prepared, tmp_path, halted):
    with Ledger.write(tmp_path / "depths") as ledger:
        ledger.epoch("search-0001", {"epoch": 1, "val_accuracy": 0.5})
    with LoopRunner(search_of(), tmp_path, prepared) as runner:
        runner.search(2)
    assert (halted["epochs_told"], runner.specs[0]["epochs_told"]) == (0, 1)


def test_what_the_study_is_by_now_is_for_new_trials_alone(prepared, tmp_path, halted):
    now = search_of(seed=5, search_folds=(1,), parameters={"lr": tune.loguniform(1e-2, 1e-1)})
    with LoopRunner(now, tmp_path, prepared) as runner:
        runner.search(3)
    assert runner.specs[0] == halted
    (fresh,) = runner.specs[1:]
    assert (fresh["trial_id"], fresh["seed"], fresh["folds"]) == ("search-0002", search_seed(5, 2), (1,))


def test_one_that_is_halted_again_is_still_the_same(prepared, tmp_path, halted):
    with (
        LoopRunner(search_of(), tmp_path, prepared, train=interrupted_in(0)) as runner,
        pytest.raises(KeyboardInterrupt),
    ):
        runner.search(3)
    with LoopRunner(search_of(), tmp_path, prepared) as again:
        again.search(2)
    assert runner.specs == again.specs == [halted]


def test_one_whose_driver_was_killed_goes_on_likewise(prepared, tmp_path, halted):
    path = tmp_path / "depths" / "ledger.jsonl"
    lines = path.read_text().splitlines(keepends=True)
    assert "INTERRUPTED" in lines[-1]
    path.write_text("".join(lines[:-1]))
    with LoopRunner(search_of(), tmp_path, prepared) as runner:
        runner.search(2)
    assert runner.specs == [halted]


@pytest.mark.parametrize("study", [study_of(), tuned_study()])
def test_a_halted_training_of_an_ablation_goes_on_likewise(prepared, tmp_path, study):
    for number in (1, 7):
        home = tmp_path / str(number)
        with LoopRunner(study, home, prepared, train=interrupted_in(number)) as whole, pytest.raises(KeyboardInterrupt):
            ablate_variants(whole, folds=(0, 1), seeds=2)
        with LoopRunner(study, home, prepared) as rest:
            ablate_variants(rest, folds=(0, 1), seeds=2)
        assert rest.specs[0] == whole.specs[-1]
        asked = [(spec["phase"], spec["seed"], spec["folds"], str(spec["parameters"])) for spec in rest.specs]
        assert len(set(asked)) == len(asked)


def test_the_beginning_of_a_study_and_each_driver_name_their_version(prepared, tmp_path, monkeypatch):
    study = study_of(design=None, parameters={"lr": tune.loguniform(1e-4, 1e-2)}, num_samples=2)
    with LoopRunner(study, tmp_path, prepared) as runner:
        runner.search(1)
        runner.search(2)
    for now in (version(), "9.8.7"):
        monkeypatch.setattr(module, "version", lambda now=now: now)
        with LoopRunner(study, tmp_path, prepared) as runner:
            runner.search(3 if now == "9.8.7" else 2)
            runner.search(len(runner.ledger.of_phase("search")) + 1)
    events = Ledger.read(tmp_path / study.name).events
    assert events[0]["event"] == "study"
    stated = [event["version"] for event in events if event["event"] == "study"]
    assert (stated[0], set(stated)) == (version(), {version(), "9.8.7"})
    drivers = [event for event in events if event["event"] == "driver"]
    assert [event["version"] for event in drivers] == [version(), version(), "9.8.7"]
    assert all("git_commit" in event for event in drivers)
    told = [str(line) for line in logs(study.name, home=tmp_path) if "runs trials" in line.text]
    assert [line.partition("  ")[2] for line in told][-1] == "fertune 9.8.7 runs trials"
