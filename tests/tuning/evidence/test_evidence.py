"""How much the search had promised too much, and the file and the card that a promotion leaves."""

import copy
import dataclasses
import json
import math

import pandas as pd
import pytest

from dashboards import recommendation
from dashboards.core.data import read_report_data
from dashboards.evidence import panel
from search_spaces.core.study import PARETO
from tests.support.command import on_terminal
from tests.support.sample_study import add_confirmation, select, write_sample
from tuning.evidence.evidence_file import _finite, read_evidence, sha256_of, write_evidence
from tuning.evidence.holdout import evidence, predictions_of
from tuning.evidence.model_card import as_description, model_card
from tuning.records.ledger import Ledger
from tuning.text.evidence_tables import evidence_table, show_confirmed
from tuning.text.tables import LEAKY, print_front

INTERVAL = {"mean": 0.9, "low": 0.8, "high": 0.95, "confidence": 0.95, "method": "BCa"}
FACTS = {
    "format": 1,
    "name": "smiles",
    "study": "smiles",
    "trial_id": "search-0003",
    "trainable": "res_rbg",
    "parameters": {"gru_hidden": 64},
    "refit": {"trial_id": "refit-0000", "seed": 5, "epochs": 12},
    "seeds": [1, 2],
    "accuracy": INTERVAL,
    "majority": 0.25,
    "search": {"num_trials": 12, "accuracy": 0.93, "optimism": {**INTERVAL, "mean": 0.03, "low": -0.02, "high": 0.08}},
    "by_class": {"onset": {"recall": 0.875, "num_clips": 16}, "offset": {"recall": 0.925, "num_clips": 16}},
    "by_person": {"min": 0.5, "median": 1.0, "max": 1.0},
    "robustness": {"accuracy_under_occlusion": {"0": 0.9, "50": 0.4}, "accuracy_under_rotation": {"0": 0.9, "5": 0.8}},
    "costs": {"param_count": 14.3e6, "device": ["AMD EPYC"]},
    "holdout": {"num_subjects": 16, "num_clips": 64, "subjects_sha256": "ab"},
    "trained_on": {"num_subjects": 64, "num_clips": 256, "subjects_sha256": "cd"},
    "replaced": None,
    "verdicts": [],
    "data": {"dataset": "clip_folder", "fingerprint": "f" * 64, "classes": ["onset", "offset", "smile"]},
    "code": {
        "commit": "",
        "commits": {"search": [""], "confirm": [""], "refit": [""]},
        "versions": {"fertune": "0.2.0", "torch": "2.15.0"},
    },
    "not_measured": [],
}
FACTS["data"] |= {"drawn": False, "smoke": False, "units": "people", "cluster_by": "", "cluster_error": ""}
FACTS["accuracy_reference"] = {"fertune.margin_spent": "0"}


@pytest.fixture
def ledger(tmp_path):
    with Ledger.write(write_sample(tmp_path, confirmed=False)) as ledger:
        chosen = select(ledger)[0]
        for seed in range(2):
            add_confirmation(ledger, chosen, seed=seed, ability=0.5)
        add_confirmation(ledger, chosen, seed=0, variant="order_blind")
        yield ledger


def test_a_search_that_promised_too_much_is_told_by_how_much(ledger):
    found, control = evidence(ledger)
    assert found.optimism.mean == pytest.approx(found.search_accuracy - found.accuracy.mean)
    assert 0 < found.optimism.low < found.optimism.mean < found.optimism.high
    assert (control.search_accuracy, control.optimism) == (None, None)
    said = f"{100 * found.optimism.mean:+.1f} ({100 * found.optimism.low:+.1f} to {100 * found.optimism.high:+.1f})"
    assert said in list(evidence_table([found, control]).columns[6].cells)
    shown = str(panel(read_report_data(ledger.folder.parent, ledger.folder.name)).body)
    assert said in shown


def test_without_the_predictions_of_the_search_only_the_optimism_is_unknown(ledger):
    before = evidence(ledger)[0]
    predictions_of(ledger, ledger.trials[before.trial_id]).write_bytes(b"damaged")
    found = evidence(ledger)[0]
    assert found.optimism is None
    assert (found.accuracy, found.search_accuracy) == (before.accuracy, before.search_accuracy)


def test_a_change_of_the_evidence_shows(tmp_path):
    digest = write_evidence(tmp_path, FACTS)
    path = tmp_path / "evidence.json"
    stored = read_evidence(path)
    assert stored == {**FACTS, "sha256": digest}
    assert sha256_of(dict(reversed(FACTS.items()))) == digest, "whatever the order of the keys"
    stored["accuracy"]["mean"] = 0.91
    path.write_text(json.dumps(stored))
    with pytest.raises(ValueError, match=r"evidence\.json was changed after it was written"):
        read_evidence(path)
    for damage in ("[]", "{", '{"name": "smiles"}'):
        path.write_text(damage)
        with pytest.raises(ValueError, match="no evidence of a promotion"):
            read_evidence(path)


def test_the_card_says_what_was_measured_what_was_not_and_what_is_forbidden():
    card = model_card(FACTS)
    for message in (
        "90.0 % accuracy of its configuration on 64 clips of 16 people",
        "95 % interval over people and seeds: 80.0 % to 95.0 %; 2 trainings",
        "| onset | 87.5 % | 16 |",
        "No clip of smile was tested.",
        "lowest 50.0 %",
        "Optimism of the search: +3.0 points (interval -2.0 to +8.0)",
        "40.0 % with 50 % of the face hidden; 80.0 % with 5 degrees of rotation",
        "The data set's reader states no groups of people",
        "differences between groups were not measured",
        "fertune 0.2.0, commit not a checkout",
        "Article 5(1)(f)",
        "except for medical or safety reasons",
        "Annex III",
        "Article 50",
        "no legal advice",
        "licence",
    ):
        assert message in card, message
    assert "drawn" not in card
    assert as_description(card) == card, "all of it fits into a registry"


def test_the_card_says_what_was_had_without_a_search():
    rows = [
        {"name": "logistic_regression", "what": "frozen features of resnet18 (imagenet)", "accuracy": 0.71},
        {"name": "plain_network", "what": "", "accuracy": None, "error": "no memory"},
    ]
    card = model_card(FACTS | {"search": FACTS["search"] | {"baselines": rows}})
    said = (
        "In the search, on people that it chose by: logistic regression (frozen features of resnet18 (imagenet)) 71.0 %; this "
        "configuration 93.0 %."
    )
    assert said in card
    assert "In the search, on people" not in model_card(FACTS), "evidence of before has none"


def test_the_card_says_what_the_first_weights_were_trained_on():
    assert "start from nothing" not in model_card(FACTS)
    assert "start from nothing" not in model_card({**FACTS, "refit": {**FACTS["refit"], "starts_from": None}})
    started = {"backbone": "mobilenet_tf", "file": "/data/face.safetensors", "sha256": "ab" * 32, "licence": "MIT"}
    started |= {"trained_on": "VGGFace2, people's faces from the web, for research", "fresh": ["blocks.0.gate.conv"]}
    card = model_card({**FACTS, "refit": {**FACTS["refit"], "starts_from": started}})
    assert "the mobilenet_tf in it began with the weights of `face.safetensors` (SHA-256 `abababababababab`)" in card
    assert "**trained on VGGFace2, people's faces from the web, for research**; 1 layer of it started afresh" in card
    assert "licence as stated by whoever published them: MIT" in card
    started["frozen"] = {"stages": 12, "of": 14}
    frozen = model_card({**FACTS, "refit": {**FACTS["refit"], "starts_from": started}})
    assert "; 1 layer of it started afresh; the first 12 of its 14 stages were left as they were. Their" in frozen
    assert as_description(card) == card, "all of it fits into a registry"


def test_a_description_is_cut_in_whole_lines():
    kept = as_description("word " * 5 + "\n" + "a line\n" * 2000)
    assert len(kept) <= 5000
    assert kept.endswith("a line\n\n(The rest is in MODEL_CARD.md, beside the model.)")


def test_a_card_of_drawn_faces_or_of_a_smoke_run_begins_with_it():
    facts = copy.deepcopy(FACTS)
    facts["data"] |= {"drawn": True, "smoke": True}
    first = model_card(facts).split("##")[0]
    assert "drawn by a program" in first
    assert "smoke run" in first


def test_a_card_says_where_subjects_are_not_named_and_what_accuracy_was_given_up():
    facts = copy.deepcopy(FACTS)
    facts["data"]["units"], facts["by_person"] = "clips", None
    facts["holdout"]["num_subjects"] = facts["trained_on"]["num_subjects"] = None
    card = model_card(facts)
    for message in (
        "does not name the people of its clips",
        "A person may be both in training and in test",
        "64 clips, whose people are not named",
        "interval over clips and seeds",
        "one more training, on 256 clips.",
    ):
        assert message in card, message
    assert "people whom no choice" not in card
    assert "By person" not in card
    facts["replaced"], facts["verdicts"] = {"version": 4}, [{"name": "search-0003", "reason": "cheaper."}]
    facts["accuracy_reference"] = {"fertune.margin_spent": "0.013", "fertune.accuracy_reference": "models:/smiles/2"}
    assert "cheaper. Since models:/smiles/2, up to 1.3 points of accuracy may have been given up" in model_card(facts)


def test_a_card_speaks_of_clusters_where_these_stand_for_people():
    facts = copy.deepcopy(FACTS)
    facts["data"] |= {"units": "clusters", "cluster_by": "faces", "cluster_error": "of pairs 1 % were split"}
    card = model_card(facts)
    for message in (
        "Clusters of clips stand for them, by `faces`",
        "Of pairs 1 % were split.",
        "64 clips of 16 clusters that no choice had seen",
        "interval over clusters and seeds",
        "By cluster: lowest",
        "64 clusters (256 clips)",
        "tested on locked-away clusters.",
    ):
        assert message in card, message
    assert "whom no choice" not in card


def test_evidence_of_clusters_counts_and_names_them(ledger):
    for trial in ledger.of_phase("confirm"):
        path = predictions_of(ledger, trial)
        table = pd.read_parquet(path)
        table.assign(cluster="cluster " + table["subject"], subject=None).to_parquet(path)
    (found, _) = evidence(ledger)
    assert (found.units, found.num_subjects, found.tested_on) == ("clusters", 16, "16 clusters, 64 clips")
    assert found.accuracy.method.endswith("over clusters, and seeds")
    assert found.interval_over == "over clusters and seeds"


def test_evidence_of_nameless_clips_and_of_a_leaky_study_is_marked(ledger, capsys):
    (found, _) = evidence(ledger)
    assert "16 people, 64 clips" in evidence_table([found]).title
    assert show_confirmed(ledger, [found], None, on_terminal())
    assert "leaky" not in capsys.readouterr().out
    for trial in ledger.of_phase("confirm"):
        path = predictions_of(ledger, trial)
        pd.read_parquet(path).assign(subject=None).to_parquet(path)
    ledger.open_study(leaky=True)
    (found, _) = evidence(ledger)
    assert (found.units, found.num_subjects, found.leaky) == ("clips", 64, True)
    assert found.accuracy.method.endswith("over clips, and seeds")
    assert show_confirmed(ledger, [found], None, on_terminal())
    shown = capsys.readouterr().out
    for message in ("64 clips, whose people are not named", "leaky: clips dealt at random", LEAKY):
        assert message in shown, message
    assert "people, " not in shown.split("Clips were dealt")[0]
    report = read_report_data(ledger.folder.parent, ledger.folder.name)
    assert "leaky: clips dealt at random" in str(panel(report).body)
    assert "not named" in str(panel(report).body)
    first = str(recommendation.panel(report).lead)
    assert "Leaky: clips were dealt to folds at random" in first
    assert "clips that no choice has seen, whose people are not named" in first
    print_front(ledger, PARETO, on_terminal())
    assert "Pareto front (validation clips); leaky" in capsys.readouterr().out
    print_front(ledger, PARETO, on_terminal(as_json=True))
    show_confirmed(ledger, [found], None, on_terminal(as_json=True))
    assert all(json.loads(line)["leaky"] for line in capsys.readouterr().out.splitlines())


def test_a_card_names_the_commits_of_all_phases_where_they_differ():
    facts = copy.deepcopy(FACTS)
    facts["code"]["commit"] = "a" * 40
    facts["code"]["commits"] = {phase: ["a" * 40] for phase in ("search", "confirm", "refit")}
    assert "fertune 0.2.0, commit aaaaaaaaaaaa. All" in model_card(facts)
    facts["code"]["commits"]["search"] = ["b" * 40, "c" * 40 + "-dirty"]
    facts["code"]["commits"]["confirm"] = [""]
    said = (
        "search bbbbbbbbbbbb and cccccccccccc-dirty, confirm not a checkout, refit aaaaaaaaaaaa, promotion aaaaaaaaaaaa"
    )
    assert f"fertune 0.2.0, commits: {said}. All" in model_card(facts)


def test_the_table_says_what_its_intervals_count_and_how_many_seeds_each_row_has(ledger):
    found, control = evidence(ledger)
    assert evidence_table([found]).caption == "Intervals over people and seeds."
    assert dataclasses.replace(found, seeds=found.seeds[:1]).interval_over == "over people and seeds", (
        "the usual spread"
    )
    assert "2 fresh seeds" in evidence_table([found]).title
    table = evidence_table([found, control])
    assert "fresh seeds" not in table.title
    assert (table.columns[-1].header, list(table.columns[-1].cells)) == ("fresh seeds", ["2", "1"])


def test_a_card_without_robustness_or_optimism_does_not_speak_of_them():
    facts = {**FACTS, "robustness": {}, "search": {**FACTS["search"], "optimism": None}}
    card = model_card(facts)
    assert "of the face hidden" not in card
    assert "promised" not in card


def test_numbers_that_json_does_not_know_are_left_out_by_name_also_within_lists():
    left_out: list[str] = []
    facts = {"none": None, "costs": {"s": math.nan, "n": 1}, "verdicts": [{"p": math.inf}], "pair": (1.0, math.nan)}
    kept = {"none": None, "costs": {"n": 1}, "verdicts": [{}], "pair": [1.0, None]}
    assert (_finite(facts, (), left_out), left_out) == (kept, ["costs.s", "verdicts.0.p", "pair.1"])
