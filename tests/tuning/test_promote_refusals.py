"""What a refusal says, what is refused before anything is trained, and how much accuracy a row of champions may give up."""

import re

import mlflow
import numpy as np
import pandas as pd
import pytest

from tuning.evidence.contest import Refused
from tuning.evidence.evidence_file import read_evidence
from tuning.evidence.gate import answers
from tuning.evidence.holdout import evidence
from tuning.promote import promote_winner
from tuning.records.aliases import aliases
from tuning.records.home import in_shell
from tuning.records.tags import ACCURACY_REFERENCE, MARGIN_SPENT
from tuning.statistics import shortfall
from tuning.statistics.intervals import Interval

GOOD, FAIR = 0.97, 0.6


def test_below_the_majority_baseline_it_is_said_by_how_much_and_what_would_settle_it(begin):
    runner = begin({8: FAIR}).search(8)
    with pytest.raises(Refused) as caught:
        promote_winner(runner)
    (found,) = evidence(runner.ledger)
    said = str(caught.value)
    assert f"{100 * (found.majority - found.accuracy.low):.1f} points are missing" in said
    assert "16 people, 32 clips" in said
    assert f"`{in_shell(runner.home, 'confirm', runner.study.name, '--trial', 'search-0000')} --seeds " in said
    subjects = int(re.search(r"about (\d+) people \(now 16\)", said)[1])
    # At so many people the distance of the bound from the mean has shrunk to that of the majority baseline.
    distance = (found.accuracy.mean - found.accuracy.low) * (16 / subjects) ** 0.5
    assert distance == pytest.approx(found.accuracy.mean - found.majority, rel=0.05)


def answers_of(rng, *, alike):
    """Ten people of 20 clips and two seeds; people answer every seed `alike`, or afresh."""
    clips = [(f"{subject}-{clip}", f"P{subject}") for subject in range(10) for clip in range(20)]
    first, second = rng.random((2, len(clips))) < 0.6
    tables = [
        pd.DataFrame(clips, columns=["clip_id", "subject"]).assign(seed=seed, label=1, predicted=right.astype(int))
        for seed, right in enumerate((first, first if alike else second))
    ]
    return pd.concat(tables)


def test_more_seeds_help_as_far_as_subjects_answer_them_differently():
    accuracy = Interval(mean=0.6, low=0.49, high=0.7, confidence=0.95, method="BCa bootstrap over subjects")
    message, seeds = shortfall.below_majority(
        accuracy, accuracy, 0.5, answers_of(np.random.default_rng(0), alike=False)
    )
    assert seeds > 2
    assert f"about {seeds} seeds (now 2) would settle it" in message
    message, seeds = shortfall.below_majority(accuracy, accuracy, 0.5, answers_of(np.random.default_rng(0), alike=True))
    assert seeds is None
    assert "about 13 people (now 10) would settle it" in message


def test_an_estimate_below_the_majority_baseline_needs_no_more_subjects(begin):
    with pytest.raises(Refused, match="The estimate itself falls short"):
        promote_winner(begin({8: 0.4}).search(8))


@pytest.mark.parametrize("given", [{"margin": 1.0}, {"margin": -0.1}, {"saving": 1.0}])
def test_what_no_test_can_be_made_with_is_refused_before_anything_is_trained(begin, given):
    runner = begin({8: GOOD}).search(8)
    with pytest.raises(ValueError, match="shares of at least 0 and below 1 are allowed"):
        promote_winner(runner, **given)
    assert not runner.asked


def test_a_confirmation_that_failed_is_named_with_its_error(begin):
    runner = begin({8: GOOD}).search(8)
    runner.fails = lambda trial: trial.phase == "confirm"
    with pytest.raises(Refused, match="The first error: confirm-0000: it diverged"):
        promote_winner(runner)


def test_where_nobody_ends_the_race_the_error_is_named(begin):
    runner = begin({8: GOOD}).search(8)
    runner.fails = lambda trial: trial.phase == "race"
    with pytest.raises(Refused, match="The first error: race-0000: it diverged"):
        promote_winner(runner)


@pytest.mark.slow
def test_a_row_of_cheaper_champions_gives_up_the_margin_once(begin, store):
    """32, 16 and 8 are equally good; each step may have lost something, and the third may lose no more than is left."""
    client = mlflow.MlflowClient(store["uri"])
    skills = dict.fromkeys((4, 8, 16, 32, 64), GOOD)
    first = promote_winner(begin(skills, name="first").search(32))
    version = client.get_model_version(first.name, "1")
    assert (version.tags[MARGIN_SPENT], ACCURACY_REFERENCE in version.tags) == ("0", False)
    runner = begin(skills, name="second").search(16)
    second = promote_winner(runner, margin=0.2)
    assert not second.verdict.superior
    tags = client.get_model_version(first.name, "2").tags
    assert float(tags[MARGIN_SPENT]) == pytest.approx(-second.verdict.low, abs=1e-6)
    assert tags[ACCURACY_REFERENCE] == "models:/" + first.name + "/1"
    facts = read_evidence(runner.folder / "trials" / "refit-0000" / "evidence.json")
    assert facts["accuracy_reference"] == {
        MARGIN_SPENT: tags[MARGIN_SPENT],
        ACCURACY_REFERENCE: tags[ACCURACY_REFERENCE],
    }
    margin = 1.01 * float(tags[MARGIN_SPENT])
    left = margin - float(tags[MARGIN_SPENT])
    with pytest.raises(Refused, match=r"may have been given up since models:/.*/1") as caught:
        promote_winner(begin(skills, name="third").search(8), margin=margin)
    assert caught.value.verdict.required == pytest.approx(-left)
    third = promote_winner(begin(skills, name="third-again").search(8), margin=0.4)
    tags = client.get_model_version(first.name, "3").tags
    assert float(tags[MARGIN_SPENT]) == pytest.approx(-second.verdict.low - third.verdict.low, abs=1e-5)
    assert tags[ACCURACY_REFERENCE] == "models:/" + first.name + "/1", "not that of the step before"
    assert aliases(client, first.name)["champion"] == 3


@pytest.mark.slow
def test_a_superior_champion_is_the_new_reference(begin, store):
    client = mlflow.MlflowClient(store["uri"])
    skills = {32: FAIR + 0.15, 16: FAIR + 0.15, 8: 1.0}
    first = promote_winner(begin(skills, name="first").search(32))
    promote_winner(begin(skills, name="second").search(16), margin=0.4)
    assert float(client.get_model_version(first.name, "2").tags[MARGIN_SPENT]) > 0
    third = promote_winner(begin(skills, name="third").search(8))
    assert third.verdict.superior
    tags = client.get_model_version(first.name, "3").tags
    assert (tags[MARGIN_SPENT], ACCURACY_REFERENCE in tags) == ("0", False)


@pytest.mark.slow
def test_times_measured_with_other_trials_beside_them_are_not_compared(begin):
    promote_winner(begin({4: GOOD}, name="old").search(4))
    runner = begin({8: GOOD, 4: GOOD}).search(8)
    runner.time_of = lambda trial: 10.0 if trial.variant else 5.0
    runner.ledger.open_study(concurrency=2)
    run_listed = runner.run_listed

    def alone(phase, trials):
        """The champion is trained after the others, one at a time."""
        for trial in trials:
            runner.ledger.open_study(concurrency=1 if trial.variant else 2)
            run_listed(phase, [trial])

    runner.run_listed = alone
    with pytest.raises(
        Refused, match=r"times are not compared: AMD EPYC, 1 worker a trial, 2 at once, against .*1 at once"
    ):
        promote_winner(runner, margin=0.2)
    trials = runner.ledger.of_phase("race")
    assert {answers.timed_on(runner.ledger, [trial]) for trial in trials if trial.variant} == {
        "AMD EPYC, 1 worker a trial, 1 at once"
    }
