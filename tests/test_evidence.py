"""How much the search had promised too much, and the file and the card that a promotion leaves."""

import copy
import json

import pytest

from dashboards.core.data import read_report_data
from dashboards.evidence import panel
from tests.sample_study import add_confirmation, select, write_sample
from tuning.evidence import difference, evidence, predictions_of
from tuning.evidence_file import read_evidence, sha256_of, write_evidence
from tuning.ledger import Ledger
from tuning.model_card import as_description, model_card
from tuning.statistics import Interval, _wilson
from tuning.terminal import evidence_table

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
    "code": {"commit": "", "versions": {"torch": "2.15.0"}},
}
FACTS["data"] |= {"drawn": False, "smoke": False}


def test_a_difference_of_two_proportions_is_newcombes():
    """Newcombe, Statistics in Medicine 17, 1998, table II, example (a): 56/70 and 48/80 by method 10."""
    one, other = (
        Interval(mean=hits / num, low=low, high=high, confidence=0.95, method="Wilson")
        for hits, num in ((56, 70), (48, 80))
        for low, high in [_wilson(hits / num, num, 0.95)]
    )
    found = difference(one, other)
    assert (round(found.mean, 4), round(found.low, 4), round(found.high, 4)) == (0.2, 0.0524, 0.3339)


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
    assert said in list(evidence_table([found, control]).columns[5].cells)
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
    for words in (
        "right in 90.0 % of 64 clips of 16 people",
        "95 % interval 80.0 % to 95.0 %",
        "| onset | 87.5 % | 16 |",
        "No clip of smile was tested.",
        "lowest 50.0 %",
        "+3.0 points against the figure above (interval -2.0 to +8.0)",
        "40.0 % with 50 % of the face hidden; 80.0 % with 5 degrees of rotation",
        "differences between groups were not measured",
        "Article 5(1)(f)",
        "except for medical or safety reasons",
        "Annex III",
        "Article 50",
        "no legal advice",
        "licence",
    ):
        assert words in card, words
    assert "drawn" not in card
    assert as_description(card) == card, "all of it fits into a registry"


def test_a_description_is_cut_in_whole_lines():
    kept = as_description("word " * 5 + "\n" + "a line\n" * 2000)
    assert len(kept) <= 5000
    assert kept.endswith("a line\n\n(The rest stands in MODEL_CARD.md, beside the model.)")


def test_a_card_of_drawn_faces_or_of_a_smoke_run_begins_with_it():
    facts = copy.deepcopy(FACTS)
    facts["data"] |= {"drawn": True, "smoke": True}
    first = model_card(facts).split("##")[0]
    assert "drawn by a program" in first
    assert "smoke run" in first


def test_a_card_without_robustness_or_optimism_does_not_speak_of_them():
    facts = {**FACTS, "robustness": {}, "search": {**FACTS["search"], "optimism": None}}
    card = model_card(facts)
    assert "of the face hidden" not in card
    assert "promised" not in card
