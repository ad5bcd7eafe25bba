"""A champion of several trainings: what is registered, told and served of it, and what asking again trains."""

import json

import mlflow
import pytest

from dashboards import recommendation
from dashboards.core.data import read_report_data
from drawing.media import save_video
from drawing.scenes import draw_scene
from tests.support.builders import prepare_random
from tests.support.command import call, on_terminal
from tests.support.hand_runner import WholeRunner
from trainables.core.serving.classifier import Classifier
from tuning.evidence.champion import champion_of
from tuning.evidence.contest import Refused
from tuning.evidence.evidence_file import read_evidence
from tuning.execution.seeds import CONFIRM_SEED, REFIT_SEED
from tuning.logs import logs
from tuning.predict import predict
from tuning.promote import promote, promote_winner
from tuning.prune import plan_prune
from tuning.records import registry
from tuning.records.aliases import aliases
from tuning.status import status
from tuning.text.outcomes import show_promotion

GOOD, POOR = 0.97, 0.4


@pytest.fixture
def begin_whole(store, request):
    """Begins studies whose refits are networks, which compete for the name of the test."""
    begun = []

    def begin(skills, name="one", **changes):
        name = f"{request.node.name}-{name}"
        begun.append(WholeRunner(name, skills, **{**store, "registered": request.node.name, **changes}))
        return begun[-1]

    yield begin
    for runner in begun:
        runner.ledger.close()


def refitted(runner):
    return [trial.seed - REFIT_SEED for trial in runner.asked if trial.phase == "refit"]


def test_one_model_of_three_trainings_is_registered_and_says_so(begin_whole, store, tmp_path, capsys):
    runner = begin_whole({8: GOOD}).search(8)
    promoted = promote_winner(runner, refit_seeds=3)
    assert (promoted.num_members, refitted(runner)) == (3, [0, 1, 2])
    folder, _ = registry.fetch_model(promoted.uri, store["uri"], tmp_path)
    assert json.loads((folder / "model.json").read_text())["num_members"] == 3
    version = mlflow.MlflowClient(store["uri"]).get_model_version(promoted.name, "1")
    assert version.tags["fertune.num_members"] == "3"
    each = promoted.evidence.by_seed
    assert version.tags["fertune.accuracy_by_seed"] == f"{min(each):.4f} to {max(each):.4f}"
    champion = champion_of(runner.study, runner.prepared, runner.splits, store["uri"], runner.home)
    assert champion.num_members == 3
    facts = read_evidence(folder / "evidence.json")
    assert facts["sha256"] == version.tags["fertune.evidence_sha256"]
    assert facts["refit"]["trial_ids"] == ["refit-0000", "refit-0001", "refit-0002"]
    assert facts["refit"]["seeds"] == [REFIT_SEED, REFIT_SEED + 1, REFIT_SEED + 2]
    assert facts["served"] == {"param_count": 3 * facts["costs"]["param_count"]}
    assert facts["by_seed"] == list(promoted.evidence.by_seed)
    card = (folder / "MODEL_CARD.md").read_text()
    assert version.description == card
    for words in (
        "mean of the probabilities of 3 trainings: 2.400 M parameters, all members together",
        f"averages the answers of 3 more trainings, each on 64 people (128 clips), with seeds {REFIT_SEED}, ",
        "refitted as refit-0000, refit-0001, refit-0002 for 2 epochs",
    ):
        assert words in card
    assert not list(runner.folder.rglob("*.tmp")), "it is put together to be registered, and has its copy there"
    (stated,) = status(runner.study.name, home=runner.home)
    assert [one["num_members"] for one in stated.promoted] == [3]
    told = [line.text for line in logs(runner.study.name, home=runner.home)]
    assert "version 1 of search-0000, the mean of 3 trainings" in "\n".join(told)
    report = read_report_data(runner.home, runner.study.name)
    assert "as the mean of 3 trainings" in str(recommendation.panel(report).lead)
    show_promotion(promoted, on_terminal())
    said = capsys.readouterr().out
    assert "@champion, the mean of 3 trainings): 96.9 % on the holdout (16 people, 32 clips; " in said
    assert f"by seed {100 * min(each):.1f} to {100 * max(each):.1f} %)" in said
    show_promotion(promoted, on_terminal(as_json=True))
    assert json.loads(capsys.readouterr().out)["num_members"] == 3


def test_what_is_served_is_the_mean_of_the_refits(begin_whole, store, tmp_path):
    runner = begin_whole({8: GOOD}).search(8)
    promoted = promote_winner(runner, refit_seeds=2)
    path = tmp_path / "face.mp4"
    save_video(path, draw_scene("stands", num_frames=4).frames)
    folders = [runner.ledger.trial_folder(f"refit-{number:04d}") for number in range(2)]
    one, other = (Classifier.load(folder, device="cpu").predict([path])[0].probabilities for folder in folders)
    assert one["happy"] != pytest.approx(other["happy"], abs=1e-4)
    (answer,) = predict(path, model=promoted.uri, home=runner.home)
    assert answer.error is None
    assert answer.probabilities == pytest.approx({name: (one[name] + other[name]) / 2 for name in one}, abs=1e-5)


def test_more_seeds_later_make_a_new_version_of_the_same_configuration(begin_whole, store, tmp_path):
    runner = begin_whole({8: GOOD}).search(8)
    first = promote_winner(runner)
    assert (first.num_members, refitted(runner)) == (1, [0])
    second = promote_winner(runner, refit_seeds=3)
    assert (second.version, second.num_members, second.already, second.verdict) == (2, 3, False, None)
    assert refitted(runner) == [0, 1, 2], "those that finished are not trained again"
    assert "the answers of 3 trainings are averaged where they were of 1" in runner.notes[-1]
    folder, _ = registry.fetch_model(second.uri, store["uri"], tmp_path)
    card = (folder / "MODEL_CARD.md").read_text()
    assert (
        "of version 1, on the same data: the answers of 3 trainings are averaged where that version has 1 train" in card
    )
    assert "data that have grown" not in card
    for fewer in (3, 1):
        again = promote_winner(runner, refit_seeds=fewer)
        assert (again.version, again.already, again.num_members) == (2, True, 3)
    assert aliases(mlflow.MlflowClient(store["uri"]), second.name) == {"champion": 2, "previous": 1}
    assert [event["num_members"] for event in runner.ledger.events if event["event"] == "promoted"] == [1, 3]


def test_on_grown_data_the_configuration_is_trained_with_as_many_seeds_as_the_champion_has(
    begin_whole, store, tmp_path
):
    promote_winner(begin_whole({4: GOOD}, name="old").search(4), refit_seeds=2)
    grown = prepare_random(store["home"], num_subjects=90)
    runner = begin_whole({4: GOOD}, name="new", prepared=grown).search(4)
    promoted = promote_winner(runner)
    assert (promoted.version, promoted.num_members, refitted(runner)) == (2, 2, [0, 1])
    assert "trained again on data that have grown, with 2 seeds" in runner.notes[-1]
    folder, _ = registry.fetch_model(promoted.uri, store["uri"], tmp_path)
    assert "of version 1, trained again on data that have grown" in (folder / "MODEL_CARD.md").read_text()


def test_the_command_line_hands_the_number_of_seeds_on(monkeypatch):
    asked = []
    monkeypatch.setattr("tuning.promote.promote", lambda study, **given: asked.append(given))
    monkeypatch.setattr("tuning.text.outcomes.show_promotion", lambda *_: None)
    for arguments in ([], ["--refit-seeds", "3"], ["--gate-seeds", "4"]):
        assert call("promote", "demo", *arguments).exit_code == 0
    seeds = [{key: value for key, value in given.items() if key.endswith("seeds")} for given in asked]
    assert seeds == [{}, {"refit_seeds": 3}, {"gate_seeds": 4}]
    refused = call("promote", "demo", "--refit-seeds", "0")
    assert (refused.exit_code, "greater than or equal to 1" in refused.stderr) == (2, True)


def test_a_champion_of_before_has_one_member(begin_whole, store):
    runner = begin_whole({8: GOOD}).search(8)
    promoted = promote_winner(runner)
    client = mlflow.MlflowClient(store["uri"])
    client.delete_model_version_tag(promoted.name, "1", "fertune.num_members")
    champion = champion_of(runner.study, runner.prepared, runner.splits, store["uri"], runner.home)
    assert champion.num_members == 1
    assert promote_winner(runner).already


def test_where_a_refit_fails_nothing_is_registered_and_the_same_command_goes_on(begin_whole, store):
    runner = begin_whole({8: GOOD}).search(8)
    runner.fails = lambda trial: trial.seed == REFIT_SEED + 2
    with pytest.raises(Refused, match=r"^1 of 3 refits did not finish\. refit-0002: it diverged"):
        promote_winner(runner, refit_seeds=3)
    assert not registry.present_champion(store["uri"], runner.study.registered_model)
    runner.fails = lambda trial: False
    runner.asked.clear()
    assert promote_winner(runner, refit_seeds=3).num_members == 3
    assert refitted(runner) == [2]


def test_who_died_before_it_was_written_down_goes_on_with_the_same_version(begin_whole, store, monkeypatch):
    runner = begin_whole({8: GOOD}).search(8)

    note = runner.ledger.note

    def dies(event, **facts):
        if event == "promoted":
            raise KeyboardInterrupt
        note(event, **facts)

    with monkeypatch.context() as patch:
        patch.setattr(runner.ledger, "note", dies)
        with pytest.raises(KeyboardInterrupt):
            promote_winner(runner, refit_seeds=2)
    again = promote_winner(runner, refit_seeds=2)
    assert (again.version, again.already, again.num_members) == (1, True, 2)
    (noted,) = [event for event in runner.ledger.events if event["event"] == "promoted"]
    assert noted["num_members"] == 2


def test_a_half_made_average_that_was_left_behind_may_be_pruned(begin_whole):
    runner = begin_whole({8: GOOD}).search(8)
    promote_winner(runner, refit_seeds=2)
    left = runner.ledger.trial_folder("refit-0000") / "averaged.x.tmp" / "averaged" / "model.safetensors"
    left.parent.mkdir(parents=True)
    left.write_bytes(b"weights")
    runner.ledger.close()
    found = {part.what: part.reason for part in plan_prune(home=runner.home).parts}
    name = runner.study.name
    assert found[f"{name}/trials/refit-0000/averaged.x.tmp"] == "left over by interrupted work"
    assert not [what for what in found if what.endswith("refit-0001/model.safetensors")]


def test_costs_are_those_of_all_members_when_a_smaller_one_is_let_in(begin_whole):
    old = begin_whole({32: GOOD}, name="old").search(32)
    promote_winner(old)
    runner = begin_whole({8: GOOD, 32: GOOD}).search(8)
    with pytest.raises(Refused, match="not shown to be superior"):
        promote_winner(runner, margin=0.2, saving=0.3, refit_seeds=4)  # four of a quarter of the parameters
    promoted = promote_winner(runner, margin=0.2, saving=0.3, refit_seeds=2)
    assert "50 % fewer parameters" in promoted.verdict.reason


def test_seeds_that_answer_together_are_tested_as_one_and_need_no_others(begin_whole):
    promote_winner(begin_whole({4: POOR + 0.3}, name="old").search(4))
    runner = begin_whole({8: GOOD, 4: POOR + 0.3}).search(8)
    promoted = promote_winner(runner, refit_seeds=3)
    assert promoted.verdict.num_seeds == (3, 2)
    ours = [trial for trial in runner.ledger.of_phase("race") if trial.of == "search-0000"]
    assert sorted({trial.seed for trial in ours}) == [CONFIRM_SEED, CONFIRM_SEED + 1, CONFIRM_SEED + 2]


@pytest.mark.parametrize("count", [0, 101, 2.5])
def test_a_number_of_seeds_that_cannot_be_is_refused_at_once(begin_whole, count):
    runner = begin_whole({8: GOOD}).search(8)
    with pytest.raises(ValueError, match=rf"^refit_seeds={count} was given; whole numbers from 1 to 100 are allowed"):
        promote_winner(runner, refit_seeds=count)
    name, home = runner.study.name, runner.home
    runner.ledger.close()
    with pytest.raises(ValueError, match=rf"^refit_seeds={count} was given"):
        promote(runner.study, refit_seeds=count, home=home)
    assert not [event for event in runner.ledger.events if event.get("phase") == "confirm"], name
