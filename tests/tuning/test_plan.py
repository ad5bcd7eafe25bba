"""What a dry run says beforehand: what is to be trained, what it costs, and what an ablation will be able to detect."""

import numpy as np
import pytest
import torch
from ray import tune

from search_spaces.core.designs import add_one_in, factorial, sweep
from tests.support.ablation_driver import Driver, study_of, tuned_study
from tests.support.builders import make_trial, prepare_random
from trainables.core.lookup import UnknownName
from trainables.core.prepared.stored import open_prepared
from trainables.models.backbones import frame_network
from tuning.ablate import ablate_variants
from tuning.evidence.ablation import comparison_of, runs_of
from tuning.execution.devices.placement import Placement, slots_of
from tuning.execution.session import Node, Session
from tuning.plan import plan
from tuning.records.ledger import Ledger
from tuning.statistics.comparison import minimum_detectable_effect, spread_of_differences

NUM_SUBJECTS = 80


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """The study `depths` after a pilot of 80 people in five folds, whose predictions were kept; `search` was searched."""
    home = tmp_path_factory.mktemp("home")
    prepared = prepare_random(home, num_subjects=NUM_SUBJECTS, num_folds=5)
    with Driver(study_of(), home, prepared, answers=_answers) as runner:
        ablate_variants(runner, seeds=2)
    with Driver(study_of(name="searched"), home, prepared) as runner:
        runner.ledger.open_study(trainable="res_rbg", design=None)
    return home


def _answers(trial):
    return 0.6 + 0.1 * trial.parameters["rbg_depth"]


@pytest.mark.slow
def test_a_dry_run_counts_trainings_and_says_what_it_cannot_know(tmp_path):
    forecast = plan(study_of(), home=tmp_path, seeds=3)
    assert forecast.num_trainings == 3 * 5 * 3  # drawn faces come in five folds
    assert (forecast.device_hours, forecast.detectable_points) == (None, None)
    told = forecast.lines()
    assert told[0] == "Trainings: 45 (3 variants x 5 folds x 3 seeds)."
    assert told[1].startswith("Device-hours: unknown until a trial has finished on this device; a small run tells")
    assert "unknown until a pilot ran" in told[3]
    real = plan(study_of(dataset="ck_plus"), home=tmp_path)
    assert real.num_trainings is None
    assert "give --data-root to count the folds" in real.lines()[0]
    assert plan(study_of(dataset="ck_plus"), home=tmp_path, folds=(0, 1), seeds=1).num_trainings == 6


def test_a_dry_run_after_a_pilot_knows_time_disk_and_what_can_be_detected(prepared, tmp_path):
    with Driver(study_of(), tmp_path, prepared) as runner:
        ablate_variants(runner, folds=None, seeds=2)
    forecast = plan(study_of(), home=tmp_path, seeds=5)
    assert (forecast.num_trainings, forecast.num_done) == (60, 24)
    assert forecast.device_hours == pytest.approx(36 * 9.0 / 3600)
    assert plan(study_of(), home=tmp_path, seeds=5, workers=2).device_hours == pytest.approx(2 * 36 * 9.0 / 3600)
    alone = plan(study_of(), home=tmp_path, seeds=5, placement=Placement(max_concurrent=1))
    assert 0 < alone.disk_gb < 0.5
    assert alone.disk_gb <= forecast.disk_gb
    assert alone.disk.num_weights == 0, "an ablation keeps no network"
    assert alone.lines()[2].startswith("Disk: up to ")
    assert "weights" not in alone.lines()[2]
    assert 0 < forecast.detectable_points < 20
    assert plan(study_of(), home=tmp_path, seeds=5, sd=20).detectable_points > forecast.detectable_points
    assert "from 24 finished trials" in forecast.lines()[1]
    with Driver(study_of(name="another"), tmp_path, prepared):
        pass
    elsewhere = plan(study_of(name="another"), home=tmp_path, seeds=1)
    assert elsewhere.device_hours is None, "no trial says on which device it ran"


@pytest.mark.slow
def test_a_dry_run_of_a_search_and_of_variants_that_are_tuned(tmp_path):
    search = study_of(design=None, parameters={"gru_hidden": tune.randint(8, 32)}, settings={}, search_folds=(0, 1))
    forecast = plan(search, home=tmp_path, num_samples=10)
    assert forecast.num_trainings == 20
    assert forecast.detectable_from == ""
    with Ledger.write(tmp_path / search.name) as ledger:
        ledger.open_study(num_samples=12)
        ledger.start(make_trial(0))
    assert plan(search, home=tmp_path).num_trainings == 2 * 12, "what was asked for when it was begun"
    assert plan(search, home=tmp_path, extend=3).num_trainings == 2 * (1 + 3)
    assert forecast.disk_gb > 10 * 0.09  # ten ResNet-50
    assert (forecast.disk.num_weights, forecast.disk.keeps_all) == (10, False)
    assert plan(search, home=tmp_path, num_samples=10, keep_weights="all").disk.keeps_all
    tuned = plan(tuned_study(), home=tmp_path, folds=(0, 1), seeds=2)
    assert tuned.num_trainings == 2 * (2 * 2 + 3)
    assert tuned.disk.num_weights == 2 * 3, "of the searches alone"


@pytest.mark.parametrize(
    ("study", "asked", "at_once"),
    [
        (
            study_of(
                name="searched_anew",
                design=None,
                parameters={"rbg_depth": tune.randint(0, 4)},
                search_folds=(0, 1),
                num_samples=12,
            ),
            {"searcher": "optuna:tpe"},
            4,
        ),
        (study_of(name="new"), {"folds": (0, 1), "seeds": 1}, 6),
        (study_of(), {"seeds": 3}, 45 - 30),
        (study_of(), {"seeds": 2}, 0),
        (study_of(name="unknown", dataset="ck_plus"), {"seeds": 1}, 64),
    ],
    ids=["folds of a search are one trial", "new", "resumed", "done", "of so many folds as nobody knows"],
)
def test_trials_at_once_are_those_still_ahead(home, monkeypatch, study, asked, at_once):
    nodes = (Node(num_cpus=64),)
    shares = []
    monkeypatch.setattr("tuning.execution.devices.placement.look_ahead", lambda: nodes)
    monkeypatch.setattr(
        "tuning.plan.foreseen",
        lambda study, placement, count, gaps: (
            shares.append(slots_of(placement, Session(nodes=nodes), count).slots) or {}
        ),
    )
    told = plan(study, home=home, **asked)
    assert shares == [at_once]
    assert told.disk is None or told.disk.num_at_once == at_once


@pytest.mark.parametrize(
    ("folds", "seeds", "done"), [((0, 1), 2, 12), ((0, 0, 1), 1, 6), (None, 2, 30), (None, 4, 30), ((4,), 3, 6)]
)
def test_what_is_done_counts_where_it_is_asked_for(home, folds, seeds, done):
    forecast = plan(study_of(), home=home, folds=folds, seeds=seeds)
    assert forecast.num_trainings == 3 * len(set(folds or range(5))) * seeds
    assert forecast.num_done == done


@pytest.mark.slow
def test_a_variant_that_means_something_else_by_now_is_not_done(home):
    assert plan(study_of(design=sweep("rbg_depth", [0, 1, 3])), home=home, seeds=2).num_done == 20
    settled = sweep("rbg_depth", [0, 1], tune_each=3)
    assert plan(tuned_study(design=settled), home=home, seeds=2).num_done == 0, "none of these was searched"


@pytest.mark.parametrize("folds", [(0, 99), (5,), ()])
def test_folds_that_there_are_not_are_refused_as_a_run_refuses_them(home, folds):
    given = ", ".join(str(fold) for fold in folds if fold > 4) or "none"
    with pytest.raises(ValueError, match=rf"Folds were given as {given}; the data set has folds 0 to 4"):
        plan(study_of(), home=home, folds=folds)


@pytest.mark.slow
def test_a_smoke_run_is_counted_with_the_folds_that_it_takes(tmp_path):
    assert plan(study_of().smoked(), home=tmp_path, seeds=1).num_trainings == 3 * 2
    assert plan(study_of(dataset="ck_plus").smoked(), home=tmp_path, seeds=1).num_trainings == 3 * 2


def test_trials_of_tuned_variants_are_done_once_they_ended(prepared, tmp_path):
    with Driver(tuned_study(), tmp_path, prepared, late_after=4) as runner:
        ablate_variants(runner, folds=(0, 1), seeds=1)
    assert plan(tuned_study(), home=tmp_path, folds=(0, 1), seeds=1).num_done == 4
    with Driver(tuned_study(), tmp_path, prepared) as runner:
        ablate_variants(runner, folds=(0, 1), seeds=1)
    forecast = plan(tuned_study(), home=tmp_path, folds=(0, 1), seeds=2)
    assert (forecast.num_trainings, forecast.num_done) == (6 + 8, 6 + 4)


def test_the_time_of_trials_that_share_features_is_not_told_from_the_operations_of_their_heads(tmp_path, monkeypatch):
    path = tmp_path / "own.pth"
    torch.save(frame_network("expression_net", "none")[0].state_dict(), path)
    monkeypatch.setattr("tuning.plan.rates_on", lambda device, home: [1e10])
    given = {
        "backbone": "expression_net",
        "weights": str(path),
        "attention": "none",
        "masking_rate": 0.0,
        "num_frames": 2,
    }
    changes = {"frozen_stages": 4, "augmentation": "none", "image_size": 32}
    alone = plan(study_of(settings={**given, **changes, "frozen_stages": 2}), home=tmp_path, folds=(0,), seeds=1)
    assert "from counted operations" in alone.hours_from
    shared = plan(study_of(settings={**given, **changes}), home=tmp_path, folds=(0,), seeds=1)
    assert shared.device_hours is None
    assert "the features of a frozen trunk are computed once" in shared.hours_from


# The minimum detectable effect


def test_the_effect_after_a_pilot_has_subjects_as_units_as_the_test_has(home):
    wide = study_of(design=sweep("gru_hidden", [4, 8, 16, 32, 64, 128]), settings={})
    forecast = plan(wide, home=home, seeds=2, sd=5)
    assert forecast.num_people == NUM_SUBJECTS
    assert "80 people in 5 folds, 5 comparisons at 5 % together, power 80 %" in forecast.detectable_from
    assert "from the given standard deviation of 5.0 points" in forecast.detectable_from
    assert forecast.detectable_from.endswith(
        "the gain of several seeds is not counted, as this spread does not show it"
    )
    assert "gain" not in plan(wide, home=home, seeds=1, sd=5).detectable_from
    # On paper: 5 / sqrt(5) points, 5/9 more variance for training; 2.64 + 0.85 of it (79 df, 1 %), a tenth for chance.
    assert forecast.detectable_points == pytest.approx(5 * (1 / 5 * 14 / 9) ** 0.5 * (2.64 + 0.85) * 1.1, rel=0.02)
    assert minimum_detectable_effect(5, 2, 0.05, 96, 32, 5) > 1.5 * forecast.detectable_points / 100, "folds as units"


@pytest.mark.slow
def test_what_a_plan_promises_is_what_the_finished_run_says(home):
    """With nothing left to run, the plan and the comparison judge the same trainings by the same test."""
    with Driver(study_of(), home, _prepared(home)) as runner:
        runs, found = runs_of(runner.ledger), comparison_of(runner.ledger)
    forecast = plan(study_of(), home=home, seeds=2)
    measured = np.sqrt(np.mean([one.difference.detectable**2 for one in found.variants[1:]]))
    assert 0.7 < forecast.detectable_points / (100 * measured) < 1.5  # folds as units: 1.9
    assert (
        f"{100 * spread_of_differences(runs, 'rbg_depth=0')[0]:.1f} points among 30 finished runs"
        in forecast.detectable_from
    )


@pytest.mark.slow
def test_fewer_folds_test_fewer_subjects(home):
    some, whole = plan(study_of(), home=home, folds=(0, 3)), plan(study_of(), home=home)
    assert (some.num_people, whole.num_people) == (32, 80)
    assert some.detectable_points > whole.detectable_points


def test_folds_are_the_units_of_a_plan_where_they_are_those_of_the_test(prepared, tmp_path):
    with Driver(study_of(), tmp_path, prepared) as runner:  # without predictions
        ablate_variants(runner, seeds=1)
    assert "folds as units" in plan(study_of(), home=tmp_path, sd=5).detectable_from


@pytest.mark.slow
def test_a_factorials_effects_are_of_the_family(home):
    components = {"depth": {"rbg_depth": 1}, "width": {"gru_hidden": 16}, "gate": {"attention": "eca"}}
    base = {"rbg_depth": 0, "gru_hidden": 8, "attention": "none"}
    forecast = plan(study_of(name="factors", settings={}, design=factorial(base, components)), home=home, sd=5)
    assert "13 comparisons" in forecast.detectable_from  # 7 variants, 3 main effects, 3 interactions
    alone = plan(study_of(name="factors", settings={}, design=add_one_in(base, components)), home=home, sd=5)
    assert "3 comparisons" in alone.detectable_from
    assert alone.detectable_points < forecast.detectable_points


@pytest.mark.slow
def test_the_spread_of_another_study_can_be_taken(home):
    other = study_of(name="another", design=sweep("gru_hidden", [8, 16]))
    assert "--pilot STUDY" in plan(other, home=home).detectable_from
    assert (
        "standard deviation, over folds and seeds, of a paired difference in accuracy"
        in plan(other, home=home).detectable_from
    )
    forecast = plan(other, home=home, seeds=2, pilot="depths")
    assert "30 finished runs of depths" in forecast.detectable_from
    assert "1 comparison at" in forecast.detectable_from
    assert "scaled from its 32 clips to 4 tested in a fold" in forecast.detectable_from
    assert forecast.detectable_points > plan(study_of(), home=home, seeds=2).detectable_points
    with pytest.raises(UnknownName, match=r"'dephts'\. Did you mean 'depths'\?"):
        plan(other, home=home, pilot="dephts")
    with pytest.raises(ValueError, match="searched is a search; a pilot is an ablation"):
        plan(other, home=home, pilot="searched")


@pytest.mark.parametrize(
    ("answers", "folds", "message"),
    [
        (lambda trial: 1.0, None, "unknown: the 6 finished runs are identical on every fold"),
        (_answers, (1,), "unknown from the runs: All runs are on fold 1, and one fold shows no spread"),
    ],
)
def test_a_pilot_that_shows_no_spread_is_said_to(prepared, tmp_path, answers, folds, message):
    with Driver(study_of(), tmp_path, prepared, answers=answers) as runner:
        ablate_variants(runner, folds=folds or (0, 1), seeds=1)
    forecast = plan(study_of(), home=tmp_path, seeds=1)
    assert forecast.detectable_points is None
    assert forecast.detectable_from.startswith(message)


def test_a_single_fold_detects_nothing(home):
    forecast = plan(study_of(), home=home, folds=(2,))
    assert forecast.detectable_points is None
    assert forecast.lines()[3].startswith("Minimum detectable effect: unknown with 1 fold")


def test_a_damaged_ledger_of_another_study_is_no_reason_to_plan_nothing(tmp_path):
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "ledger.jsonl").write_text("[]\n")
    assert plan(study_of(), home=tmp_path, folds=(0,), seeds=1).num_trainings


def _prepared(home):
    return open_prepared(next((home / "prepared").glob("random-*")))


def test_a_seed_that_no_study_may_begin_with_is_refused_as_a_run_refuses_it(tmp_path):
    search = {"design": None, "parameters": {"lr": tune.loguniform(1e-4, 1e-2)}}
    with pytest.raises(ValueError, match=r"The study's seed is 1000; 0 to 999 are allowed\."):
        plan(study_of(**search, seed=1000), home=tmp_path)
