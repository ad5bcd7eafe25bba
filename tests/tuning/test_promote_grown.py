"""A challenger of grown data: tested on people on whom the champion's search did not choose, and said on how many."""

import json

import mlflow
import pytest

from tests.support.builders import prepare_random
from tuning.evidence.contest import Refused
from tuning.evidence.evidence_file import read_evidence
from tuning.promote import promote_winner
from tuning.records import registry, tags
from tuning.records.aliases import aliases

GOOD, FAIR = 0.97, 0.7


@pytest.fixture(scope="module")
def grown(store):
    """The faces of the store, and of more people beside them, by how many there are in all."""
    return {count: prepare_random(store["home"], num_subjects=count) for count in (90, 180)}


@pytest.fixture
def client(store):
    return mlflow.MlflowClient(store["uri"])


def held(runner):
    return {runner.prepared.subjects[index] for index in runner.splits.holdout}


def test_a_version_says_by_hashes_whom_its_search_chose_on(begin, client, store, tmp_path):
    runner = begin({4: GOOD}).search(4)
    promoted = promote_winner(runner)
    folder, _ = registry.fetch_model(promoted.uri, store["uri"], tmp_path)
    stored = json.loads((folder / "chosen_on.json").read_text())
    assert len(stored["people"]) == 64
    assert "P0" not in json.dumps(stored["people"])
    facts = read_evidence(folder / "evidence.json")
    stated = client.get_model_version(promoted.name, "1").tags
    assert facts["chosen_on"] == {"file": "chosen_on.json", "sha256": stated["fertune.chosen_on"]}
    champion = registry.present_champion(store["uri"], promoted.name)
    assert champion[1]["fertune.chosen_on"] == stated["fertune.chosen_on"]


def test_ten_people_more_and_a_challenger_trained_on_all_is_tested_on_all_who_are_held_out(begin, client, store, grown):
    first = begin({4: FAIR}, name="old").search(4)
    promote_winner(first)
    runner = begin({8: GOOD, 4: FAIR}, name="new", prepared=grown[90]).search(8)
    assert held(first) < held(runner)
    promoted = promote_winner(runner)
    assert (promoted.version, promoted.verdict.superior) == (2, True)
    facts = read_evidence(runner.folder / "trials" / "refit-0000" / "evidence.json")
    assert facts["holdout"]["num_subjects"] == len(held(runner))


def test_the_champions_configuration_is_trained_again_on_data_that_have_only_grown(begin, client, store, grown):
    first = begin({4: GOOD}, name="old").search(4)
    promote_winner(first)
    runner = begin({4: GOOD}, name="new", prepared=grown[90]).search(4)
    promoted = promote_winner(runner)
    assert (promoted.version, promoted.verdict) == (2, None)
    assert "trained again on data that have grown" in runner.notes[-1]
    assert aliases(client, promoted.name) == {"champion": 2, "previous": 1}
    folder = runner.folder / "trials" / "refit-0000"
    assert read_evidence(folder / "evidence.json")["renews"] == 1
    assert "the configuration of version 1, trained again" in (folder / "MODEL_CARD.md").read_text()
    again = promote_winner(runner)
    assert (again.version, again.already) == (2, True)
    assert not promote_winner(runner).verdict
    shrunk = begin({4: GOOD}, name="shrunk").search(4)
    with pytest.raises(Refused, match="would be trained again if the data had only grown"):
        promote_winner(shrunk)


def test_what_a_refit_may_have_given_up_is_carried_on(begin, client, store, grown):
    name = promote_winner(begin({4: GOOD}, name="old").search(4)).name
    client.set_model_version_tag(name, "1", tags.MARGIN_SPENT, "0.015")
    client.set_model_version_tag(name, "1", tags.ACCURACY_REFERENCE, "models:/before/7")
    promote_winner(begin({4: GOOD}, name="new", prepared=grown[90]).search(4))
    stated = client.get_model_version(name, "2").tags
    assert (stated[tags.MARGIN_SPENT], stated[tags.ACCURACY_REFERENCE]) == ("0.015", "models:/before/7")
