"""Who becomes champion, on what evidence, and what is left when a promotion is refused, dies, or is not alone."""

import dataclasses
import json

import mlflow
import pytest

import tuning.promote as module
from tests.support.command import on_terminal
from tests.support.hand_runner import DEVICE
from tuning.confirm import confirm_search
from tuning.evidence.champion import champion_of, version_tags
from tuning.evidence.contest import Refused
from tuning.evidence.evidence_file import commits_of, read_evidence
from tuning.evidence.holdout import Holdout
from tuning.execution.seeds import CHAMPION_SEED, CONFIRM_SEED
from tuning.execution.study_data import cut
from tuning.promote import promote_winner
from tuning.records import registry
from tuning.records.aliases import aliases
from tuning.records.home import version as fertune_version
from tuning.rollback import name_promoted
from tuning.text.outcomes import show_promotion

GOOD, FAIR, POOR = 0.97, 0.75, 0.4


@pytest.fixture
def client(store):
    return mlflow.MlflowClient(store["uri"])


def fake_champion(client, runner, tags=None):
    """Version 1 is champion, made of nothing: `runner` is to be its study."""
    name, uri = runner.study.registered_model, runner.tracker.uri
    found = module._confirmed(runner, Holdout(runner.ledger), None, None, 1, 0)
    tags = version_tags(runner.study, runner.prepared, runner.splits, found, "") | (tags or {})
    client.create_registered_model(name)
    client.create_model_version(name, source="nowhere", tags=tags)
    registry.make_champion(client, name, 1, replacing=None)
    runner.ledger.close()
    return registry.present_champion(uri, name)


def test_a_first_champion_carries_its_evidence_and_its_card(begin, client, store, tmp_path):
    runner = begin({8: GOOD, 4: FAIR}).search(8, 4, said=1.0)
    promoted = promote_winner(runner)
    assert (promoted.version, promoted.verdict) == (1, None)
    folder, _ = registry.fetch_model(promoted.uri, store["uri"], tmp_path)
    facts = read_evidence(folder / "evidence.json")
    version = client.get_model_version(promoted.name, "1")
    assert version.tags["fertune.version"] == fertune_version()
    assert version.tags["fertune.evidence_sha256"] == facts["sha256"] == promoted.evidence_sha256
    assert (facts["holdout"]["num_subjects"], facts["holdout"]["num_clips"]) == (16, 32)
    assert facts["trained_on"]["num_subjects"] == 64
    assert facts["accuracy"]["low"] > facts["majority"] == 0.5
    assert facts["search"]["optimism"]["mean"] == pytest.approx(1 - facts["accuracy"]["mean"])
    assert facts["data"]["fingerprint"] == store["prepared"].fingerprint
    assert facts["parameters"]["gru_hidden"] == 8
    assert not [subject for subject in store["prepared"].subjects if f'"{subject}"' in json.dumps(facts)]
    card = (folder / "MODEL_CARD.md").read_text()
    assert version.description == card
    for message in ("2024/1689", "no legal advice", "| happy |", "16 people", "licence"):
        assert message in card
    assert [event["of"] for event in runner.ledger.events if event["event"] == "promoted"] == ["search-0000"]
    assert name_promoted(runner.ledger, "other") == promoted.name
    runner.asked.clear()
    again = promote_winner(runner)
    assert (again.version, again.evidence_sha256, runner.asked) == (1, facts["sha256"], [])
    assert (promoted.already, again.already) == (False, True)
    assert len([event for event in runner.ledger.events if event["event"] == "promoted"]) == 1


def test_a_search_with_another_seed_has_the_holdout_of_the_champion(begin, tmp_path):
    runner = begin({4: GOOD}, name="old").search(4)
    runner.splits = cut(runner.study, runner.prepared, tmp_path / "old.json")
    promote_winner(runner)
    study = dataclasses.replace(runner.study, name="another", seed=7)
    splits = cut(study, runner.prepared, tmp_path / "another.json")
    assert splits == runner.splits
    champion = champion_of(study, runner.prepared, splits, runner.tracker.uri, runner.home)
    assert champion is not None
    assert champion.version == 1


@pytest.mark.slow
def test_a_superior_challenger_replaces_a_champion_of_another_system_trained_beside_it(begin, client, store, tmp_path):
    fake_champion(client, begin({4: POOR}, name="old", trainable="tdrag").search(4))
    runner = begin({8: GOOD, 4: POOR}).search(8)
    promoted = promote_winner(runner)
    assert promoted.verdict.superior
    assert aliases(client, promoted.name) == {"champion": 2, "previous": 1}
    theirs = [trial for trial in runner.ledger.of_phase("race") if trial.variant == "champion"]
    ours = [trial for trial in runner.ledger.of_phase("race") if not trial.variant]
    assert {trial.trainable for trial in theirs} == {"tdrag"}
    assert {trial.of for trial in theirs} == {f"models:/{promoted.name}/1"}
    assert {trial.parameters["gru_layers"] for trial in theirs} == {1}, "with its defaults written out"
    assert sorted(trial.seed - CHAMPION_SEED for trial in theirs) == sorted(trial.seed - CONFIRM_SEED for trial in ours)
    folder, _ = registry.fetch_model(promoted.uri, store["uri"], tmp_path)
    facts = read_evidence(folder / "evidence.json")
    assert (facts["replaced"]["version"], facts["replaced"]["trainable"]) == (1, "tdrag")
    assert [verdict["reason"] for verdict in facts["verdicts"]] == [promoted.verdict.reason]
    assert f"It replaced version 1: {promoted.verdict.reason}" in (folder / "MODEL_CARD.md").read_text()


def test_a_challenger_that_is_not_shown_to_be_better_is_refused_with_what_is_missing(begin, client):
    fake_champion(client, begin({4: FAIR}, name="old").search(4))
    runner = begin({8: FAIR + 0.04, 4: FAIR}).search(8)
    with pytest.raises(Refused, match=r"not shown to be superior.*points are missing.*would settle it") as caught:
        promote_winner(runner)
    assert caught.value.verdict.people_needed > 16
    assert "Version 1 of" in str(caught.value)
    assert not runner.ledger.of_phase("refit")
    assert aliases(client, runner.study.registered_model) == {"champion": 1}


@pytest.mark.slow
def test_a_challenger_as_good_and_smaller_is_let_in_on_the_margin_alone(begin, client):
    fake_champion(client, begin({32: GOOD}, name="old").search(32))
    runner = begin({8: GOOD, 32: GOOD}).search(8)
    with pytest.raises(Refused, match="not shown to be superior"):
        promote_winner(runner, margin=0.2, saving=0.9)  # it has a quarter of the parameters
    promoted = promote_winner(runner, margin=0.2)
    assert promoted.verdict.cheaper
    assert not promoted.verdict.superior
    assert promoted.version == 2


@pytest.mark.slow
@pytest.mark.parametrize("elsewhere", [False, True])
def test_a_saving_of_time_counts_on_one_kind_of_device_alone(begin, client, elsewhere):
    fake_champion(client, begin({4: GOOD}, name="old").search(4))
    runner = begin({8: GOOD, 4: GOOD}).search(8)  # larger, and faster
    runner.time_of = lambda trial: 10.0 if trial.variant else 5.0
    runner.device_of = lambda trial: "NVIDIA H200" if elsewhere and not trial.variant else DEVICE
    if elsewhere:
        with pytest.raises(Refused, match="saves too little"):
            promote_winner(runner, margin=0.2)
    else:
        assert promote_winner(runner, margin=0.2).verdict.cheaper


@pytest.mark.slow
def test_the_command_says_promoted_only_where_something_was(begin, capsys):
    runner = begin({8: GOOD}).search(8)
    for message in ("Promoted search-0000 as", "search-0000 is champion already, as"):
        show_promotion(promote_winner(runner), on_terminal())
        assert f"{message} {runner.study.registered_model} version 1" in capsys.readouterr().out


def test_the_evidence_names_the_commits_that_trained(begin):
    runner = begin({8: GOOD, 4: FAIR})
    runner.ledger.open_study(git_commit="a" * 40)
    runner.search(8, 4)
    runner.ledger.open_study(git_commit="b" * 40 + "-dirty")
    confirm_search(runner)
    promote_winner(runner)
    facts = read_evidence(runner.folder / "trials" / "refit-0000" / "evidence.json")
    assert facts["code"]["versions"]["fertune"] == fertune_version()
    later = ["b" * 40 + "-dirty"]
    assert facts["code"]["commits"] == {"search": ["a" * 40], "race": later, "confirm": later, "refit": later}
    runner.ledger.open_study(git_commit="c" * 40)
    runner.ledger.start(runner.ledger.trials["search-0001"])  # resumed
    assert commits_of(runner.ledger)["search"] == ["a" * 40, "c" * 40]


def test_what_was_measured_as_no_number_is_left_out_and_named(begin):
    runner = begin({8: GOOD}).search(8)
    end = runner.ledger.end

    def without_latency(trial_id, state, metrics, **given):
        end(trial_id, state, {**metrics, "latency_ms": float("nan")}, **given)

    runner.ledger.end = without_latency
    promote_winner(runner)
    folder = runner.folder / "trials" / "refit-0000"
    facts = read_evidence(folder / "evidence.json")
    assert (facts["not_measured"], "latency_ms" in facts["costs"]) == (["costs.latency_ms"], False)
    assert "Left out, as their value is not a number: costs.latency_ms." in (folder / "MODEL_CARD.md").read_text()


def test_the_champions_configuration_on_data_prepared_anew_is_not_tested_against_itself(begin, client):
    fake_champion(client, begin({4: GOOD}, name="old").search(4), {"fertune.dataset_fingerprint": "0" * 64})
    runner = begin({4: GOOD, 8: POOR}).search(4, 8)
    with pytest.raises(
        Refused, match=r"is the configuration of the present champion \(version 1 of .* anew since: .*--trial"
    ):
        promote_winner(runner)
    assert aliases(client, runner.study.registered_model) == {"champion": 1}


@pytest.mark.slow
def test_a_champion_on_the_front_is_not_its_own_challenger(begin, client):
    fake_champion(client, begin({4: POOR}, name="old").search(4))
    runner = begin({8: GOOD, 4: POOR}).search(8, 4)
    promoted = promote_winner(runner)
    raced = [trial for trial in runner.ledger.of_phase("race") if not trial.variant]
    assert {trial.of for trial in raced} == {"search-0000", "search-0001"}
    assert {trial.of for trial in runner.ledger.of_phase("confirm")} == {"search-0000"}
    facts = read_evidence(runner.folder / "trials" / "refit-0000" / "evidence.json")
    assert [verdict["name"] for verdict in facts["verdicts"]] == ["search-0000"]
    assert promoted.verdict.superior


@pytest.mark.slow
def test_a_champion_that_cannot_be_compared_or_trained_again_is_said_to_be(begin, client):
    fake_champion(client, begin({4: POOR}, name="old").search(4))
    diverging = begin({8: GOOD, 4: POOR}, name="diverging").search(8)
    diverging.fails = lambda trial: trial.variant == "champion"
    with pytest.raises(
        Refused,
        match=r"models:/.*/1 could not be trained with 2 seeds in every fold, so nothing is compared\. The first error: race-",
    ):
        promote_winner(diverging)
    for key, value, message in (
        ("fertune.classes", '["sad"]', "classes"),
        ("fertune.trainable", "gone", "no trainable named 'gone'"),
        ("fertune.parameters", '{"gru_hiden": 4}', "Did you mean 'gru_hidden'"),
        ("fertune.parameters", "{", "cannot be trained again"),
    ):
        name = diverging.study.registered_model
        before = client.get_model_version(name, "1").tags
        client.set_model_version_tag(name, "1", key, value)
        with pytest.raises(Refused, match=message):
            promote_winner(diverging)
        if key in before:
            client.set_model_version_tag(name, "1", key, before[key])


@pytest.mark.slow
def test_a_promotion_that_dies_leaves_the_old_champion_and_is_completed_by_the_next(begin, client, monkeypatch):
    fake_champion(client, begin({4: POOR}, name="old").search(4))
    runner = begin({8: GOOD, 4: POOR}).search(8)
    name, whole = runner.study.registered_model, registry.make_champion

    def dies(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(registry, "make_champion", dies)
    with pytest.raises(KeyboardInterrupt):
        promote_winner(runner)
    assert aliases(client, name) == {"champion": 1}
    run_id = client.get_model_version(name, "2").run_id
    runner.tracker.run_id = lambda trial_id: run_id  # a trial has one run, however often it is asked for
    monkeypatch.setattr(registry, "make_champion", whole)
    note = runner.ledger.note
    monkeypatch.setattr(
        runner.ledger, "note", lambda event, **facts: (dies if event == "promoted" else note)(event, **facts)
    )
    with pytest.raises(KeyboardInterrupt):
        promote_winner(runner)
    assert aliases(client, name) == {"champion": 2, "previous": 1}
    monkeypatch.undo()
    assert promote_winner(runner).version == 2
    assert [event["version"] for event in runner.ledger.events if event["event"] == "promoted"] == [2]
    assert len(client.search_model_versions(f"name = '{name}'")) == 2
    assert len(runner.ledger.of_phase("refit")) == 1


@pytest.mark.slow
def test_a_champion_that_changed_while_the_refit_ran_stays(begin, client):
    fake_champion(client, begin({4: POOR}, name="old").search(4))
    runner = begin({8: GOOD, 4: POOR}).search(8)
    name, run_listed = runner.study.registered_model, runner.run_listed

    def overtaken(phase, trials):
        run_listed(phase, trials)
        if phase == "refit":
            client.create_model_version(name, source="nowhere")
            registry.make_champion(client, name, 2, replacing=1)

    runner.run_listed = overtaken
    with pytest.raises(Refused, match=r"version 1 became version 2\. Promote again"):
        promote_winner(runner)
    assert aliases(client, name) == {"champion": 2, "previous": 1}
    assert len(client.search_model_versions(f"name = '{name}'")) == 2
