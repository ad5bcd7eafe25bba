"""An ablation is a study: which trainings it asks for, that it resumes, and what is read of its ledger. No Ray runs."""

import dataclasses
import json
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from ray import tune

from search_spaces.core.designs import factorial, named, sweep
from search_spaces.core.study import Study
from tests.builders import corrupted, make_spec, prepare_random, train
from trainables.core.dataset import DataError
from trainables.core.splits import Splits, load_splits, make_splits
from tuning.ablation import ABLATION_SEED, comparison_of, require_new_or_resumed, run_ablation, runs_of, unfinished_of
from tuning.confirm import CONFIRM_SEED, confirm
from tuning.forecast import dry_run
from tuning.gate import REFIT_SEED
from tuning.ledger import Ledger
from tuning.overview import overview, shown_name
from tuning.searcher import SEED_STRIDE
from tuning.study_runner import Runner

VARIANTS = ("rbg_depth=0", "rbg_depth=1", "rbg_depth=2")


def study_of(**changes):
    fields = {
        "name": "depths",
        "trainable": "res_rbg",
        "dataset": "drawn_faces",
        "registered_model": "depths",
        "design": sweep("rbg_depth", [0, 1, 2]),
        "settings": {"backbone": "resnet18", "gru_hidden": 8, "epochs": 2},
        "drawing": {"num_subjects": 10, "classes": ("happiness", "surprise")},
    }
    return Study(**(fields | changes))


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    return prepare_random(tmp_path_factory.mktemp("ablation"), num_subjects=12, num_folds=4)


class Driver(Runner):
    """A runner whose trials end at once with invented results; `breaks` says which fail, `stop_after` how many begin."""

    def __init__(self, study, home, prepared, *, breaks=lambda trial: False, stop_after=None):
        super().__init__(study, listener=None, home=home)
        self.ledger = Ledger.write(self.folder)
        self.prepared, self.splits_path = prepared, self.folder / "splits.json"
        self.splits = make_splits(prepared, seed=0, holdout_share=0.0)
        self.splits.save(self.splits_path)
        self.breaks, self.left, self.begun = breaks, math.inf if stop_after is None else stop_after, []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.ledger.close()

    def run(self, phase, proposer, count, *, deadline=None, **facts):
        self.ledger.open_study(design=self.study.design.facts(), published=dict(self.study.published), **facts)
        for _ in range(count):
            trial = proposer.propose()
            if trial is None:
                return
            trial.trial_id = trial.trial_id or self.ledger.next_id(phase)
            self.ledger.start(trial)
            self.begun.append(trial)
            self.left -= 1
            if self.left < 0:
                self.ledger.end(trial.trial_id, "INTERRUPTED")
                raise KeyboardInterrupt
            if self.breaks(trial):
                self.ledger.end(trial.trial_id, "FAILED", error="NonFiniteLoss: the loss became NaN")
            else:
                self.ledger.end(trial.trial_id, "FINISHED", self._results(trial))
            proposer.told(self.ledger.trials[trial.trial_id])

    @staticmethod
    def _results(trial):
        rng = np.random.default_rng([trial.seed, trial.folds[0], trial.parameters.get("rbg_depth", 0)])
        accuracy = 0.7 + 0.05 * trial.parameters.get("rbg_depth", 0) + rng.normal(0, 0.02)
        accuracy += 0.01 * math.log10(trial.parameters.get("lr", 1e-3) / 1e-3)
        times = {"train_time_s": 5.0, "wall_time_s": 9.0, "weights_mb": 40.0}
        return {"accuracy": accuracy, "uar": accuracy, "param_count": 11e6, "train_flops": 1e12, **times}


# What is asked for


def test_every_variant_is_trained_on_the_same_folds_with_the_same_seeds(prepared, tmp_path):
    with Driver(study_of(), tmp_path, prepared) as runner:
        run_ablation(runner, folds=None, seeds=3)
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
    assert ABLATION_SEED > 1000 * SEED_STRIDE


def test_what_is_done_is_not_run_again_and_more_seeds_are_added(prepared, tmp_path):
    with Driver(study_of(), tmp_path, prepared) as runner:
        require_new_or_resumed(runner, resume=False)
        run_ablation(runner, folds=(0, 1), seeds=1)
        with pytest.raises(ValueError, match=r"has 6 trainings.*--resume"):
            require_new_or_resumed(runner, resume=False)
        require_new_or_resumed(runner, resume=True)
    with Driver(study_of(), tmp_path, prepared) as runner:
        before = len(runner.ledger.events)
        run_ablation(runner, folds=(0, 1), seeds=1)
        assert runner.begun == []
        assert len(runner.ledger.events) == before, "nothing new, nothing written"
        run_ablation(runner, folds=(0, 1), seeds=2)
        assert len(runner.begun) == 6
        assert {trial.seed for trial in runner.begun} == {ABLATION_SEED + 1}


def test_an_interrupted_ablation_goes_on_with_the_training_that_was_halted(prepared, tmp_path):
    with Driver(study_of(), tmp_path, prepared, stop_after=4) as runner, pytest.raises(KeyboardInterrupt):
        run_ablation(runner, folds=(0, 1), seeds=1)
    with Driver(study_of(), tmp_path, prepared) as runner:
        run_ablation(runner, folds=(0, 1), seeds=1)
        assert [trial.trial_id for trial in runner.begun] == ["ablation-0004", "ablation-0005"]
        assert len(runs_of(runner.ledger)) == 6


@pytest.mark.parametrize(
    ("folds", "seeds", "sentence"),
    [
        ((0, 4), 1, "Folds were given as 4; the data set has folds 0 to 3"),
        ((), 1, "given as none"),
        ((0,), 0, "0 seeds were asked for"),
    ],
)
def test_folds_and_seeds_that_are_not_there_are_refused(prepared, tmp_path, folds, seeds, sentence):
    with Driver(study_of(), tmp_path, prepared) as runner:
        with pytest.raises(ValueError, match=sentence):
            run_ablation(runner, folds=folds, seeds=seeds)
        assert not runner.begun


def test_a_search_has_no_variants_and_an_ablation_is_not_confirmed(prepared, tmp_path):
    search = study_of(design=None, parameters={"rbg_depth": tune.choice([0, 1])})
    with Driver(search, tmp_path, prepared) as runner, pytest.raises(ValueError, match="is a search"):
        run_ablation(runner, folds=(0,), seeds=1)
    with (
        Driver(study_of(name="other"), tmp_path, prepared) as runner,
        pytest.raises(ValueError, match="is an ablation"),
    ):
        confirm(runner)


# What is read of the ledger


def test_failed_trainings_are_kept_and_told(prepared, tmp_path):
    def breaks(trial):
        return trial.variant == "rbg_depth=2" and trial.folds == (1,)

    with Driver(study_of(), tmp_path, prepared, breaks=breaks) as runner:
        run_ablation(runner, folds=(0, 1), seeds=1)
        kept = next(trial for trial in runner.ledger.of_phase("ablation") if trial.variant == "rbg_depth=1")
    (tmp_path / "depths" / "trials" / kept.trial_id).mkdir(parents=True)
    (tmp_path / "depths" / "trials" / kept.trial_id / "predictions.parquet").touch()
    ledger = Ledger.read(tmp_path / "depths")
    runs = runs_of(ledger)
    broken = [run for run in runs if math.isnan(run.accuracy)]
    assert len(runs) == 6
    assert [(run.variant, run.fold) for run in broken] == [("rbg_depth=2", 1)]
    assert broken[0].predictions is None
    assert "NonFiniteLoss" in unfinished_of(ledger)[0].error
    good = next(run for run in runs if run.variant == "rbg_depth=1" and run.fold == 1)
    fold = prepared.folds[1]
    assert (good.num_train, good.num_test, good.param_count) == (len(fold.train), len(fold.test), 11_000_000)
    assert 0.6 < good.accuracy < 0.9
    assert [Path(run.predictions).parent.name for run in runs if run.predictions] == [kept.trial_id]
    assert overview(tmp_path, "depths")["trials"] == {"ablation": {"FINISHED": 5, "FAILED": 1}}


def test_a_variant_that_means_something_else_by_now_is_trained_anew_and_the_old_runs_do_not_count(prepared, tmp_path):
    with Driver(study_of(), tmp_path, prepared) as runner:
        run_ablation(runner, folds=(0, 1), seeds=1)
    first = named({"small": {"rbg_depth": 0}, "large": {"rbg_depth": 1}}, reference="small")
    second = named({"small": {"rbg_depth": 0}, "large": {"rbg_depth": 3}}, reference="small")
    for design, begun in ((first, 4), (second, 2)):
        with Driver(study_of(design=design), tmp_path, prepared) as runner:
            run_ablation(runner, folds=(0, 1), seeds=1)
            assert len(runner.begun) == begun
            runs = runs_of(runner.ledger)
    assert sorted((run.variant, run.fold) for run in runs) == [("large", 0), ("large", 1), ("small", 0), ("small", 1)]


def test_an_ablation_is_compared_with_its_reference_its_quoted_figures_and_a_factorials_effects(prepared, tmp_path):
    design = factorial({"rbg_depth": 0, "attention": "none"}, {"depth": {"rbg_depth": 2}, "gate": {"attention": "eca"}})
    study = study_of(design=design, published={"base": {"accuracy": 0.969}, "depth+gate": {"accuracy": 0.981}})
    with Driver(study, tmp_path, prepared) as runner:
        run_ablation(runner, folds=None, seeds=2)
        found = comparison_of(runner.ledger)
    assert found.reference == "base"
    assert {variant.variant: variant.published for variant in found.variants} == {
        "base": 0.969,
        "depth": None,
        "gate": None,
        "depth+gate": 0.981,
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
    assert shown_name(overview(tmp_path, "honest")) == "honest"
    assert shown_name(overview(tmp_path, "mixed")) == "mixed (leaky: clips dealt at random)"


# Tuning every variant


def tuned_study(**changes):
    design = sweep("rbg_depth", [0, 1], tune_each=3)
    return study_of(design=design, parameters={"lr": tune.loguniform(1e-4, 1e-2)}, **changes)


def test_every_variant_gets_the_same_search_and_its_best_is_compared(prepared, tmp_path):
    with Driver(tuned_study(), tmp_path, prepared) as runner:
        run_ablation(runner, folds=(0, 1), seeds=1)
        searched, compared = runner.ledger.of_phase("search"), runner.ledger.of_phase("ablation")
        assert runner.ledger.selection == {}, "no front is chosen"
    by_variant = {name: [t for t in searched if t.variant == name] for name in VARIANTS[:2]}
    assert [len(trials) for trials in by_variant.values()] == [3, 3]
    assert [t.variant for t in searched[:2]] == list(VARIANTS[:2]), "in turn"
    seeds = [[t.seed for t in trials] for trials in by_variant.values()]
    assert seeds[0] == seeds[1]
    for name, trials in by_variant.items():
        assert all(t.parameters["rbg_depth"] == int(name[-1]) for t in trials)
        best = max(trials, key=lambda t: t.metrics["accuracy"])
        assert {json.dumps(t.parameters) for t in compared if t.variant == name} == {json.dumps(best.parameters)}
    assert not {t.seed for t in searched} & {t.seed for t in compared}


def test_a_search_that_was_interrupted_goes_on_before_anything_is_compared(prepared, tmp_path):
    with Driver(tuned_study(), tmp_path, prepared, stop_after=3) as runner, pytest.raises(KeyboardInterrupt):
        run_ablation(runner, folds=(0, 1), seeds=1)
    with Driver(tuned_study(), tmp_path, prepared) as runner:
        run_ablation(runner, folds=(0, 1), seeds=1)
        assert [t.trial_id for t in runner.begun[:3]] == ["search-0003", "search-0004", "search-0005"]
        searched = [t.variant for t in runner.ledger.of_phase("search")]
        assert len(searched) == 6
        assert searched.count("rbg_depth=0") == searched.count("rbg_depth=1") == 3
        assert len(runner.ledger.of_phase("ablation")) == 4


def test_a_variant_none_of_whose_search_trials_finished_is_not_compared(prepared, tmp_path):
    def breaks(trial):
        return trial.variant == "rbg_depth=1"

    with Driver(tuned_study(), tmp_path, prepared, breaks=breaks) as runner:
        run_ablation(runner, folds=(0, 1), seeds=1)
        assert {run.variant for run in runs_of(runner.ledger)} == {"rbg_depth=0"}
        assert len(runner.ledger.of_phase("search")) == 6, "it had its budget"


# What a training of this phase sees


@pytest.mark.usefixtures("tiny")
def test_it_is_scored_on_its_folds_test_people_and_says_so(prepared, tmp_path):
    make_splits(prepared, seed=0, holdout_share=0.0).save(tmp_path / "splits.json")
    spec = make_spec(prepared, tmp_path / "trial", phase="ablation", folds=(1,), splits=tmp_path / "splits.json")
    _, metrics = train(spec)
    rows = pd.read_parquet(tmp_path / "trial" / "predictions.parquet")
    assert set(rows["split"]) == {"test"}
    assert set(rows["clip_id"]) == {prepared.clip_ids[index] for index in prepared.folds[1].test}
    right = np.stack(rows["logits"].to_list()).argmax(axis=1) == rows["label"]
    assert metrics["accuracy"] == pytest.approx(right.mean())
    assert not (tmp_path / "trial" / "model.safetensors").exists(), "hundreds of networks that nobody serves"
    assert pq.read_metadata(tmp_path / "trial" / "predictions.parquet").num_rows == len(prepared.folds[1].test)


@pytest.mark.usefixtures("tiny")
def test_test_people_cannot_change_what_is_learnt_or_which_epoch_is_chosen(prepared, tmp_path):
    make_splits(prepared, seed=0, holdout_share=0.0).save(tmp_path / "splits.json")
    splits = load_splits(tmp_path / "splits.json")
    copy = corrupted(prepared, splits.folds[0].test, tmp_path / "data", frames=False)
    spec = make_spec(prepared, tmp_path / "a", phase="ablation", splits=tmp_path / "splits.json", epochs=4)
    twin = dataclasses.replace(spec, prepared=str(copy.folder), folder=str(tmp_path / "b"))
    (curve, metrics), (other_curve, others) = train(spec), train(twin)
    assert curve == other_curve
    assert metrics["best_epoch"] == others["best_epoch"]
    assert others["accuracy"] == pytest.approx(1 - metrics["accuracy"])  # two classes, every label the other one


@pytest.mark.usefixtures("tiny")
def test_a_worker_too_refuses_folds_that_share_a_person(prepared, tmp_path):
    fold = prepared.folds[0]
    leaking = dataclasses.replace(fold, test=(*fold.test, fold.train[0]), train=fold.train[1:])
    Splits(fingerprint=prepared.fingerprint, holdout=(), folds=(leaking,)).save(tmp_path / "splits.json")
    with pytest.raises(DataError, match="is in the train part and in the test part of fold 0"):
        train(make_spec(prepared, tmp_path / "trial", phase="ablation", splits=tmp_path / "splits.json"))


# What is ahead


def test_a_dry_run_counts_trainings_and_says_what_it_cannot_know(tmp_path):
    forecast = dry_run(study_of(), tmp_path, seeds=3)
    assert forecast.num_trainings == 3 * 5 * 3  # drawn faces come in five folds
    assert (forecast.device_hours, forecast.detectable_points) == (None, None)
    told = forecast.sentences()
    assert told[0] == "Trainings: 45 (3 variants x 5 folds x 3 seeds)."
    assert told[1] == "Device-hours: unknown until a pilot ran."
    assert "unknown until a pilot ran" in told[3]
    real = dry_run(study_of(dataset="ck_plus"), tmp_path)
    assert real.num_trainings is None
    assert "give --data-root to count the folds" in real.sentences()[0]
    assert dry_run(study_of(dataset="ck_plus"), tmp_path, folds=(0, 1), seeds=1).num_trainings == 6


def test_a_dry_run_after_a_pilot_knows_time_disk_and_what_can_be_detected(prepared, tmp_path):
    with Driver(study_of(), tmp_path, prepared) as runner:
        run_ablation(runner, folds=None, seeds=2)
    forecast = dry_run(study_of(), tmp_path, seeds=5)
    assert (forecast.num_trainings, forecast.num_done) == (60, 24)
    assert forecast.device_hours == pytest.approx(36 * 9.0 / 3600)
    assert dry_run(study_of(), tmp_path, seeds=5, workers=2).device_hours == pytest.approx(2 * 36 * 9.0 / 3600)
    assert 0 < forecast.disk_gb < 1
    assert 0 < forecast.detectable_points < 20
    assert dry_run(study_of(), tmp_path, seeds=5, sd=0.2).detectable_points > forecast.detectable_points
    assert "from 24 finished trials" in forecast.sentences()[1]
    with Driver(study_of(name="another"), tmp_path, prepared):
        pass
    elsewhere = dry_run(study_of(name="another"), tmp_path, seeds=1)
    assert elsewhere.device_hours is None, "no trial says on which device it ran"


def test_a_dry_run_of_a_search_and_of_variants_that_are_tuned(tmp_path):
    search = study_of(design=None, parameters={"gru_hidden": tune.choice([8, 16])}, settings={}, search_folds=(0, 1))
    forecast = dry_run(search, tmp_path, num_samples=10)
    assert forecast.num_trainings == 20
    assert forecast.detectable_from == ""
    assert forecast.disk_gb > 10 * 0.09  # ten ResNet-50
    assert dry_run(tuned_study(), tmp_path, folds=(0, 1), seeds=2).num_trainings == 2 * (2 * 2 + 3)
