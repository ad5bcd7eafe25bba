"""The time budget of a study: from the command line to the bookkeeper, after whose deadline nothing is begun."""

from types import SimpleNamespace

import pytest
from ray import tune
from typer.testing import CliRunner

import tune as command_line
from search_spaces.core import study as study_module
from tests.support.ablation_driver import Driver, prepare_subjects, study_of, tuned_study
from tests.support.without_ray import LoopRunner
from tuning import ablate as ablate_module
from tuning import run as run_module
from tuning.ablate import ablate_variants
from tuning.execution import bookkeeper, runner

NOON = 1000.0


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    return prepare_subjects(tmp_path_factory.mktemp("ablation"))


@pytest.fixture
def clock(monkeypatch):
    """What runners and bookkeepers read: it stands at noon until a test moves it."""
    found = SimpleNamespace(now=NOON)
    for module in (ablate_module, bookkeeper, runner):
        monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: found.now))
    return found


def search_of(**changes):
    return study_of(design=None, parameters={"lr": tune.loguniform(1e-4, 1e-2)}, **changes)


def test_a_search_has_until_now_and_its_budget(prepared, tmp_path, clock):
    with Driver(search_of(), tmp_path, prepared) as one:
        one.search(2, time_budget_s=60.0)
        one.search(3)
        assert one.deadlines == [("search", NOON + 60), ("search", None)]


def test_an_ablation_has_until_now_and_its_budget(prepared, tmp_path, clock):
    with Driver(study_of(), tmp_path, prepared) as one:
        ablate_variants(one, folds=(0, 1), seeds=1, time_budget_s=60.0)
        ablate_variants(one, folds=(0, 1), seeds=2)
        ablate_variants(one, folds=(0, 1), seeds=2, time_budget_s=0.0)
        assert one.deadlines == [("ablation", NOON + 60), ("ablation", None), ("ablation", NOON)], "none is no budget"


def test_the_searches_of_variants_and_what_follows_them_share_one_budget(prepared, tmp_path, clock):
    def takes_a_second(trial):
        clock.now += 1

    with Driver(tuned_study(), tmp_path, prepared, breaks=takes_a_second) as one:
        ablate_variants(one, folds=(0, 1), seeds=1, time_budget_s=60.0)
        assert one.deadlines == [("search", NOON + 60), ("ablation", NOON + 60)]
        assert clock.now == NOON + 6 + 4


@pytest.mark.parametrize(("budget", "begun"), [(25.0, 3), (60.0, 6), (None, 6)])
def test_no_trial_is_begun_once_the_budget_is_spent(prepared, tmp_path, clock, budget, begun):
    def takes_ten_seconds(spec):
        clock.now += 10

    with LoopRunner(search_of(), tmp_path, prepared, train=takes_ten_seconds) as one:
        one.search(6, time_budget_s=budget)
        assert len(one.specs) == begun
        assert {trial.state for trial in one.ledger.trials.values()} == {"FINISHED"}, "what was begun has its time"


def test_no_training_of_an_ablation_is_begun_once_the_budget_is_spent(prepared, tmp_path, clock):
    def takes_ten_seconds(spec):
        clock.now += 10

    for study, begun in ((study_of(), 3), (tuned_study(name="tuned"), 3)):
        with LoopRunner(study, tmp_path, prepared, train=takes_ten_seconds) as one:
            ablate_variants(one, folds=(0, 1), seeds=1, time_budget_s=25.0)
            assert len(one.specs) == begun


@pytest.mark.parametrize(
    ("study", "said", "seconds"),
    [
        (search_of(), "2h", 7200.0),
        (study_of(), "1.5m", 90.0),
        (search_of(), "90s", 90.0),
        (search_of(), "1d", 86400.0),
        (search_of(), None, None),
    ],
)
def test_what_is_said_on_the_command_line_reaches_the_verb_in_seconds(monkeypatch, study, said, seconds):
    asked = []

    def run(loaded, **given):
        asked.append(given["time_budget_s"])
        raise ValueError("That is all there is to see.")

    monkeypatch.setattr(run_module, "run", run)
    monkeypatch.setattr(study_module, "load_study", lambda name: study)
    budget = ["--time-budget", said] if said else []
    done = CliRunner().invoke(command_line.app, ["run", "demo", *budget])
    assert "That is all there is to see." in done.output
    assert asked == [seconds]


def test_the_verb_hands_it_to_searches_and_to_ablations(prepared, tmp_path, monkeypatch, clock):
    opened = []

    def open_runner(study, listener, **_):
        opened.append(Driver(study, tmp_path, prepared, listener=listener))
        return opened[-1]

    for module in (ablate_module, run_module):
        monkeypatch.setattr(module, "Runner", open_runner)
    run_module.run(search_of(name="searched"), num_samples=1, time_budget_s=60.0)
    run_module.run(study_of(), folds=(0, 1), seeds=1, time_budget_s=60.0)
    assert [one.deadlines for one in opened] == [[("search", NOON + 60)], [("ablation", NOON + 60)]]
