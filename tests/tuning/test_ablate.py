"""An ablation is a study: which trainings it asks for, that it resumes, and what is read of its ledger. No Ray runs."""

import dataclasses
import math
from pathlib import Path

import pytest
from ray import tune

from search_spaces.core.designs import factorial, named, sweep
from tests.support.ablation_driver import VARIANTS, Driver, study_of
from tuning.ablate import ablate_variants, require_new_or_resumed
from tuning.confirm import confirm_search
from tuning.evidence.ablation import comparison_of, runs_of
from tuning.execution.seeds import ABLATION_SEED, CONFIRM_SEED, REFIT_SEED
from tuning.records.ledger import Ledger
from tuning.status import status
from tuning.text.tables import titled

# What is asked for


def test_every_variant_is_trained_on_the_same_folds_with_the_same_seeds(prepared, tmp_path):
    with Driver(study_of(), tmp_path, prepared) as runner:
        ablate_variants(runner, folds=None, seeds=3)
        trials = runner.ledger.of_phase("ablation")
    cells = {name: {(t.folds, t.seed) for t in trials if t.variant == name} for name in VARIANTS}
    assert len(trials) == 3 * 4 * 3
    assert cells["rbg_depth=0"] == cells["rbg_depth=1"] == cells["rbg_depth=2"]
    assert len(cells["rbg_depth=0"]) == 12
    assert {t.folds for t in trials} == {(0,), (1,), (2,), (3,)}
    assert all(t.parameters == {"rbg_depth": int(t.variant[-1])} for t in trials)
    assert [t.variant for t in trials[:4]] == [*VARIANTS, VARIANTS[0]], "variants side by side: an early end is paired"


def test_its_seeds_are_no_other_phases():
    assert min(seed - ABLATION_SEED for seed in (CONFIRM_SEED, REFIT_SEED)) < -50_000_000
    assert ABLATION_SEED > CONFIRM_SEED + 1_000_000


def test_what_is_done_is_not_run_again_and_more_seeds_are_added(prepared, tmp_path):
    with Driver(study_of(), tmp_path, prepared) as runner:
        require_new_or_resumed(runner, resume=False)
        ablate_variants(runner, folds=(0, 1), seeds=1)
        with pytest.raises(ValueError, match=r"has 6 trainings.*--resume"):
            require_new_or_resumed(runner, resume=False)
        require_new_or_resumed(runner, resume=True)
    with Driver(study_of(), tmp_path, prepared) as runner:
        before = len(runner.ledger.events)
        ablate_variants(runner, folds=(0, 1), seeds=1)
        assert runner.begun == []
        assert len(runner.ledger.events) == before, "nothing new, nothing written"
        ablate_variants(runner, folds=(0, 1), seeds=2)
        assert len(runner.begun) == 6
        assert {trial.seed for trial in runner.begun} == {ABLATION_SEED + 1}


def test_an_interrupted_ablation_goes_on_with_the_training_that_was_halted(prepared, tmp_path):
    with Driver(study_of(), tmp_path, prepared, interrupt_after=4) as runner, pytest.raises(KeyboardInterrupt):
        ablate_variants(runner, folds=(0, 1), seeds=1)
    with Driver(study_of(), tmp_path, prepared) as runner:
        ablate_variants(runner, folds=(0, 1), seeds=1)
        assert [trial.trial_id for trial in runner.begun] == ["ablation-0004", "ablation-0005"]
        assert len(runs_of(runner.ledger)) == 6


@pytest.mark.parametrize(
    ("folds", "seeds", "message"),
    [
        ((0, 4), 1, "Folds were given as 4; the data set has folds 0 to 3"),
        ((), 1, "given as none"),
        ((0,), 0, "0 seeds were asked for"),
    ],
)
def test_folds_and_seeds_that_are_not_there_are_refused(prepared, tmp_path, folds, seeds, message):
    with Driver(study_of(), tmp_path, prepared) as runner:
        with pytest.raises(ValueError, match=message):
            ablate_variants(runner, folds=folds, seeds=seeds)
        assert not runner.begun


def test_a_search_has_no_variants_and_an_ablation_is_not_confirmed(prepared, tmp_path):
    search = study_of(design=None, parameters={"rbg_depth": tune.choice([0, 1])})
    with Driver(search, tmp_path, prepared) as runner, pytest.raises(ValueError, match="is a search"):
        ablate_variants(runner, folds=(0,), seeds=1)
    with (
        Driver(study_of(name="other"), tmp_path, prepared) as runner,
        pytest.raises(ValueError, match="is an ablation"),
    ):
        confirm_search(runner)


# What is read of the ledger


def test_failed_trainings_are_kept_and_told(prepared, tmp_path):
    def breaks(trial):
        return trial.variant == "rbg_depth=2" and trial.folds == (1,)

    with Driver(study_of(), tmp_path, prepared, breaks=breaks) as runner:
        ablate_variants(runner, folds=(0, 1), seeds=1)
        kept = next(trial for trial in runner.ledger.of_phase("ablation") if trial.variant == "rbg_depth=1")
    (tmp_path / "depths" / "trials" / kept.trial_id).mkdir(parents=True)
    (tmp_path / "depths" / "trials" / kept.trial_id / "predictions.parquet").touch()
    ledger = Ledger.read(tmp_path / "depths")
    runs = runs_of(ledger)
    broken = [run for run in runs if math.isnan(run.accuracy)]
    assert len(runs) == 6
    assert [(run.variant, run.fold) for run in broken] == [("rbg_depth=2", 1)]
    assert broken[0].predictions is None
    found = comparison_of(ledger)
    assert "1 of 2 runs missing or without a result" in found.excluded["rbg_depth=2"]
    assert (
        "1 training failed, the first rbg_depth=2 on fold 1 with seed 200000000 (ablation-0005: NonFinite"
        in found.notes[-1]
    )
    good = next(run for run in runs if run.variant == "rbg_depth=1" and run.fold == 1)
    fold = prepared.folds[1]
    assert (good.num_train, good.num_test, good.param_count) == (len(fold.train), len(fold.test), 11_000_000)
    assert 0.6 < good.accuracy < 0.9
    assert [Path(run.predictions).parent.name for run in runs if run.predictions] == [kept.trial_id]
    assert status("depths", home=tmp_path)[0].trials == {"ablation": {"FINISHED": 5, "FAILED": 1}}


def test_a_variant_that_means_something_else_by_now_is_trained_anew_and_the_old_runs_do_not_count(prepared, tmp_path):
    with Driver(study_of(), tmp_path, prepared) as runner:
        ablate_variants(runner, folds=(0, 1), seeds=1)
    first = named({"small": {"rbg_depth": 0}, "large": {"rbg_depth": 1}}, reference="small")
    second = named({"small": {"rbg_depth": 0}, "large": {"rbg_depth": 3}}, reference="small")
    for design, begun in ((first, 4), (second, 2)):
        with Driver(study_of(design=design), tmp_path, prepared) as runner:
            ablate_variants(runner, folds=(0, 1), seeds=1)
            assert len(runner.begun) == begun
            runs = runs_of(runner.ledger)
    assert sorted((run.variant, run.fold) for run in runs) == [("large", 0), ("large", 1), ("small", 0), ("small", 1)]


def test_an_ablation_is_compared_with_its_reference_its_quoted_figures_and_a_factorials_effects(prepared, tmp_path):
    design = factorial({"rbg_depth": 0, "attention": "none"}, {"depth": {"rbg_depth": 2}, "gate": {"attention": "eca"}})
    study = study_of(design=design, published={"base": {"accuracy": 0.969}, "depth+gate": {"accuracy": 0.981}})
    with Driver(study, tmp_path, prepared) as runner:
        ablate_variants(runner, folds=None, seeds=2)
        found = comparison_of(runner.ledger)
    assert found.reference == "base"
    assert {variant.variant: variant.published for variant in found.variants} == {
        "base": {"accuracy": 0.969},
        "depth": {},
        "gate": {},
        "depth+gate": {"accuracy": 0.981},
    }
    assert set(found.effects) == {"depth", "gate", "depth x gate"}
    assert found.effects["depth"].interval.mean == pytest.approx(0.1, abs=0.03)  # what the results were made of
    assert found.effects["gate"].interval.mean == pytest.approx(0.0, abs=0.03)
    with pytest.raises(ValueError, match="no ablation that was begun"):
        comparison_of(Ledger.read(tmp_path / "nothing"))


def test_leaky_results_say_so_wherever_the_study_is_named(tmp_path):
    for name, leaky in (("honest", False), ("mixed", True)):
        with Ledger.write(tmp_path / name) as ledger:
            ledger.open_study(leaky=leaky)
    assert not status("honest", home=tmp_path)[0].leaky
    assert titled("mixed", status("mixed", home=tmp_path)[0].leaky) == "mixed; leaky: clips dealt at random"


def test_one_that_ran_out_of_time_in_its_second_seed_is_compared_on_what_is_complete(prepared, tmp_path):
    with Driver(study_of(), tmp_path, prepared, late_after=3 * 4 + 3 * 2 + 1) as runner:
        ablate_variants(runner, seeds=2)
        assert len(runner.begun) == 19, "two folds and a bit of the second seed"
        found = comparison_of(runner.ledger)
    assert [one.variant for one in found.variants] == list(VARIANTS)
    assert (found.num_folds, found.num_seeds, found.excluded) == (4, 1, {})
    assert "5 of 24 trainings are missing" in found.notes[0]


def test_one_resumed_on_another_device_says_that_its_times_do_not_compare(prepared, tmp_path):
    for device, folds in (("AMD EPYC", (0, 1)), ("NVIDIA H200", (0, 1, 2))):
        with Driver(study_of(), tmp_path, prepared) as runner:
            end = runner.ledger.end
            workers = [{"host": "n", "device": device, "gpus": ""}]
            runner.ledger.end = lambda *given, end=end, workers=workers: end(*given, workers=workers)
            ablate_variants(runner, folds=folds, seeds=1)
    ledger = Ledger.read(tmp_path / "depths")
    assert {run.device for run in runs_of(ledger) if run.fold == 2} == {"NVIDIA H200"}
    assert "different devices (AMD EPYC, NVIDIA H200)" in " ".join(comparison_of(ledger).notes)


def test_what_changed_in_the_file_since_is_seen_by_a_resume_that_has_nothing_to_train(prepared, tmp_path):
    with Driver(study_of(), tmp_path, prepared) as runner:
        ablate_variants(runner, folds=(0, 1), seeds=1)
    fewer = study_of(design=sweep("rbg_depth", [1, 0]), published={"rbg_depth=0": {"accuracy": 0.9}})
    with Driver(fewer, tmp_path, prepared) as runner:
        ablate_variants(runner, folds=(0, 1), seeds=1)
        assert runner.begun == []
        found = comparison_of(runner.ledger)
    assert {one.variant: one.published for one in found.variants} == {
        "rbg_depth=1": {},
        "rbg_depth=0": {"accuracy": 0.9},
    }
    changed = dataclasses.replace(fewer, settings={**fewer.settings, "epochs": 3})
    with Driver(changed, tmp_path, prepared) as runner, pytest.raises(ValueError, match="epochs was 2 and is 3"):
        ablate_variants(runner, folds=(0, 1), seeds=1)
