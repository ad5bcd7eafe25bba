"""An ablation that tunes every variant alike: the searches before it, what is chosen, and what a halted one says."""

import dataclasses
import json

import pytest
from ray import tune

from search_spaces.core.designs import named, sweep
from tests.support.ablation_driver import VARIANTS, Driver, study_of, tuned_study
from tests.support.tiny_study import Quiet
from tuning.ablate import ablate_variants, require_new_or_resumed
from tuning.evidence.ablation import comparison_of, runs_of
from tuning.plan import plan
from tuning.records.ledger import Ledger
from tuning.statistics.pairing import NotComparable


def test_every_variant_gets_the_same_search_and_its_best_is_compared(prepared, tmp_path):
    with Driver(tuned_study(), tmp_path, prepared) as runner:
        ablate_variants(runner, folds=(0, 1), seeds=1)
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


def heads(**changes):
    """One variant has no GRU whose width could be searched, and so two configurations."""
    design = named({"gru": {}, "mean": {"temporal": "mean", "rbg_depth": 0}}, reference="gru", tune_each=3)
    space = {"gru_hidden": tune.choice([8, 16, 32]), "masking_rate": tune.choice([0.0, 0.1])}
    settings = {"backbone": "resnet18", "epochs": 2}
    return study_of(**{"design": design, "parameters": space, "settings": settings, **changes})


def test_a_variant_of_fewer_configurations_than_trials_is_searched_whole_and_compared(prepared, tmp_path):
    notes = Quiet()
    with Driver(heads(), tmp_path, prepared, listener=notes) as runner:
        ablate_variants(runner, folds=(0, 1), seeds=1)
        searched = [trial for trial in runner.ledger.of_phase("search") if trial.variant == "mean"]
        assert [trial.parameters.keys() for trial in searched] == [{"temporal", "masking_rate"}] * 2
        assert len(runner.ledger.of_phase("search")) == 5
        assert [one.variant for one in comparison_of(runner.ledger).variants] == ["gru", "mean"]
        ablate_variants(runner, folds=(0, 1), seeds=1)
        assert len(runner.ledger.of_phase("search")) == 5
        assert len(runner.ledger.of_phase("ablation")) == 4
    assert len(notes.notes) == 1
    assert "The search of mean ends with 2 trials" in notes.notes[0]
    told = plan(heads(), home=tmp_path, folds=(0, 1), seeds=1)
    assert (told.num_trainings, told.num_done) == (9, 9)


def test_a_variant_written_otherwise_is_the_same_variant(prepared, tmp_path):
    """What has no effect beside the others may be named or not: nothing is trained again, and all is compared."""
    with Driver(heads(), tmp_path, prepared, listener=Quiet()) as runner:
        ablate_variants(runner, folds=(0, 1), seeds=1)
    design = named({"gru": {}, "mean": {"temporal": "mean", "shortcut": "linear"}}, reference="gru", tune_each=3)
    with Driver(heads(design=design), tmp_path, prepared, listener=Quiet()) as runner:
        ablate_variants(runner, folds=(0, 1), seeds=1)
        assert runner.begun == []
        assert [one.variant for one in comparison_of(runner.ledger).variants] == ["gru", "mean"]


def test_trainings_that_an_earlier_version_did_twice_count_once(prepared, tmp_path):
    """To it, a variant that was written otherwise was another."""
    design = named({"gru": {}, "mean": {"temporal": "mean"}}, reference="gru")
    study = heads(design=design, parameters={}, settings={"backbone": "resnet18", "epochs": 2, "gru_hidden": 8})
    with Driver(study, tmp_path, prepared) as runner:
        ablate_variants(runner, folds=(0, 1), seeds=1)
        (once,) = (
            trial for trial in runner.ledger.of_phase("ablation") if (trial.variant, trial.folds) == ("mean", (1,))
        )
        again = dataclasses.replace(once, trial_id="ablation-0004", parameters={**once.parameters, "gru_hidden": 16})
        runner.ledger.start(again)
        runner.ledger.end(again.trial_id, "INTERRUPTED")
        ablate_variants(runner, folds=(0, 1), seeds=1)
        assert len(runner.begun) == 4, "nothing is trained again"
        assert len(runs_of(runner.ledger)) == 4


def test_a_search_that_was_interrupted_goes_on_before_anything_is_compared(prepared, tmp_path):
    with Driver(tuned_study(), tmp_path, prepared, interrupt_after=3) as runner, pytest.raises(KeyboardInterrupt):
        ablate_variants(runner, folds=(0, 1), seeds=1)
    with Driver(tuned_study(), tmp_path, prepared) as runner:
        ablate_variants(runner, folds=(0, 1), seeds=1)
        assert [t.trial_id for t in runner.begun[:3]] == ["search-0003", "search-0004", "search-0005"]
        searched = [t.variant for t in runner.ledger.of_phase("search")]
        assert len(searched) == 6
        assert searched.count("rbg_depth=0") == searched.count("rbg_depth=1") == 3
        assert len(runner.ledger.of_phase("ablation")) == 4


def test_a_variant_without_a_finished_search_trial_is_excluded_with_the_reason(prepared, tmp_path):
    design = sweep("rbg_depth", [0, 1, 2], tune_each=2)

    def breaks(trial):
        return trial.variant == "rbg_depth=1"

    with Driver(tuned_study(design=design), tmp_path, prepared, breaks=breaks) as runner:
        ablate_variants(runner, folds=(0, 1), seeds=1)
        found = comparison_of(runner.ledger)
        assert {run.variant for run in runs_of(runner.ledger)} == {"rbg_depth=0", "rbg_depth=2"}
        assert len(runner.ledger.of_phase("search")) == 6, "it had its budget"
    assert [one.variant for one in found.variants] == ["rbg_depth=0", "rbg_depth=2"]
    assert found.excluded == {
        "rbg_depth=1": "rbg_depth=1 is not compared: none of its 2 search trials finished, the first was search-0001: "
        "NonFiniteLoss: the loss became NaN."
    }


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        ("rbg_depth=0", "nothing to compare with: rbg_depth=0 is not compared: none of its 3 search trials finished"),
        ("rbg_depth=1", "no complete variant beside rbg_depth=0.*rbg_depth=1 is not compared: none of its 3 search"),
    ],
)
def test_what_is_left_without_the_reference_or_without_another_is_a_message(prepared, tmp_path, broken, message):
    with Driver(tuned_study(), tmp_path, prepared, breaks=lambda trial: trial.variant == broken) as runner:
        ablate_variants(runner, folds=(0, 1), seeds=1)
    with pytest.raises(NotComparable, match=message):
        comparison_of(Ledger.read(tmp_path / "depths"))


def test_one_stopped_in_its_searches_says_how_far_it_came_and_goes_on_with_resume_alone(prepared, tmp_path):
    with Driver(tuned_study(), tmp_path, prepared, late_after=4) as runner:
        ablate_variants(runner, folds=(0, 1), seeds=1)
        assert runner.ledger.of_phase("ablation") == []
    with pytest.raises(NotComparable, match=r"4 of 6 search trials are done.*`--resume` goes on"):
        comparison_of(Ledger.read(tmp_path / "depths"))
    with Driver(tuned_study(), tmp_path, prepared) as runner:
        with pytest.raises(ValueError, match=r"has 4 search trials\. Go on.*--resume"):
            require_new_or_resumed(runner, resume=False)
        require_new_or_resumed(runner, resume=True)
        ablate_variants(runner, folds=(0, 1), seeds=1)
        assert len(comparison_of(runner.ledger).variants) == 2


def test_a_variant_added_later_is_missed_until_its_search_is_done(prepared, tmp_path):
    with Driver(tuned_study(), tmp_path, prepared) as runner:
        ablate_variants(runner, folds=(0, 1), seeds=1)
    more = tuned_study(design=sweep("rbg_depth", [0, 1, 2], tune_each=3))
    with Driver(more, tmp_path, prepared, late_after=1) as runner:
        ablate_variants(runner, folds=(0, 1), seeds=1)
        found = comparison_of(runner.ledger)
    assert [one.variant for one in found.variants] == list(VARIANTS[:2])
    assert "rbg_depth=2 is not compared: 1 of its 3 search trials are done" in found.excluded["rbg_depth=2"]


def test_a_variant_that_was_searched_more_makes_up_for_no_other(prepared, tmp_path):
    with Driver(tuned_study(), tmp_path, prepared) as runner:
        ablate_variants(runner, folds=(0, 1), seeds=1)
    fewer = tuned_study(design=sweep("rbg_depth", [0, 1, 2], tune_each=2))
    with Driver(fewer, tmp_path, prepared) as runner:
        ablate_variants(runner, folds=(0, 1), seeds=1)
        assert [trial.variant for trial in runner.begun if trial.phase == "search"] == ["rbg_depth=2"] * 2
