"""The trainings of what is registered: as many as are asked for, each once, and what is left of one that fails."""

import dataclasses
import json

import pytest
from safetensors.torch import load_file

from tests.support.hand_runner import WholeRunner
from tuning.confirming.refits import NotRefitted, model_folder, refits
from tuning.evidence.contest import Refused
from tuning.execution.seeds import REFIT_SEED

GIVEN = {"of": "search-0000", "parameters": {"gru_hidden": 8}, "num_epochs": 2}


def seeds(trials):
    return [trial.seed - REFIT_SEED for trial in trials]


def test_more_seeds_later_train_only_what_is_missing(begin):
    runner = begin({8: 0.9})
    (one,) = refits(runner, **GIVEN, count=1)
    assert (one.seed, one.phase, one.of, one.num_epochs, one.state) == (
        REFIT_SEED,
        "refit",
        "search-0000",
        2,
        "FINISHED",
    )
    three = refits(runner, **GIVEN, count=3)
    assert (seeds(runner.asked), seeds(three)) == ([0, 1, 2], [0, 1, 2])
    assert three[0].trial_id == one.trial_id
    assert seeds(refits(runner, **GIVEN, count=2)) == [0, 1]
    assert len(runner.asked) == 3
    refits(runner, **{**GIVEN, "num_epochs": 3}, count=1)
    assert len(runner.asked) == 4, "for as many epochs as the evidence says by now"


def test_one_that_fails_is_named_and_the_others_are_kept(begin):
    runner = begin({8: 0.9})
    runner.fails = lambda trial: trial.seed == REFIT_SEED + 1
    with pytest.raises(NotRefitted, match=r"^1 of 3 refits did not finish\. refit-0001: it diverged$"):
        refits(runner, **GIVEN, count=3)
    assert len(refits(runner, **GIVEN, count=1)) == 1
    runner.fails = lambda trial: False
    runner.asked.clear()
    assert seeds(refits(runner, **GIVEN, count=3)) == [0, 1, 2]
    assert seeds(runner.asked) == [1]


@pytest.mark.parametrize("count", [0, -1, 101])
def test_a_number_of_seeds_that_cannot_be_is_refused_before_anything_is_trained(begin, count):
    runner = begin({8: 0.9})
    with pytest.raises(
        ValueError, match=rf"^refit_seeds={count} was given; whole numbers from 1 to 100 are allowed\.$"
    ):
        refits(runner, **GIVEN, count=count)
    assert not runner.asked


def test_one_training_is_registered_as_it_lies_and_several_from_a_folder_that_goes(store):
    with WholeRunner("refitted", {8: 0.9}, **store) as runner:
        trained = refits(runner, **GIVEN, count=2)
        with model_folder(runner, trained[:1]) as folder:
            assert folder == runner.ledger.trial_folder("refit-0000")
        before = sorted(folder.iterdir())
        with model_folder(runner, trained) as averaged:
            assert json.loads((averaged / "model.json").read_text())["num_members"] == 2
            names = {name.split(".")[1] for name in load_file(averaged / "model.safetensors")}
        assert names == {"0", "1"}
        assert (sorted(folder.iterdir()), averaged.exists()) == (before, False)


def test_of_two_trainings_that_are_the_same_the_finished_one_counts(begin):
    runner = begin({8: 0.9})
    runner.fails = lambda trial: True
    with pytest.raises(NotRefitted):
        refits(runner, **GIVEN, count=1)
    failed = runner.ledger.trials["refit-0000"]
    runner.fails = lambda trial: False
    runner._write(dataclasses.replace(failed, trial_id="refit-0001"), 0.9)
    assert [trial.trial_id for trial in refits(runner, **GIVEN, count=1)] == ["refit-0001"]


def test_refits_that_are_not_whole_are_refused_in_one_sentence(begin):
    runner = begin({8: 0.9})
    trained = refits(runner, **GIVEN, count=2)  # their weights are no weights
    said = r"^The refits cannot be averaged into one model, and nothing was registered\. .*refit-0000 is not whole: its model"
    with pytest.raises(Refused, match=said), model_folder(runner, trained):
        pass
    assert not list(runner.folder.rglob("*.tmp"))
