"""Questions in the registry: what they pay, two homes on one store, two processes at once, a server without a lock."""

import json
import subprocess
import sys

import mlflow
import pytest

from tests.conftest import ROOT
from tests.support.mlflow_store import new_store
from tuning.records import tags
from tuning.records.budget import asking
from tuning.records.budget.asking import ask, questions, settle
from tuning.records.budget.question import Balance, key_hash, questions_in
from tuning.statistics.gate.alpha_investing import WEALTH, next_level

SALT = "clip_folder task"


def level_after(known) -> float:
    return next_level(Balance.after("", known).left)


@pytest.fixture
def uri(tmp_path):
    return new_store(tmp_path)


def asked(uri, key, name="task", salt=SALT, **given):
    return ask(uri, name, salt, key_hash(key), level_after, **given)


def test_a_question_is_paid_for_once_and_kept_with_the_registered_model(uri):
    first, second = asked(uri, "one", study="a", challenger="search-0001"), asked(uri, "two")
    assert (first.level, second.level) == (0.02, 0.012)
    again = asked(uri, "one", study="another")
    assert (again.level, again.study) == (0.02, "a")
    assert [one.state for one in questions(uri, "task", SALT)] == ["asked", "asked"]
    stated = mlflow.MlflowClient(uri).get_registered_model("task").tags
    assert len(stated) == 2
    assert all(
        name.startswith(tags.QUESTION) and len(name) <= 250 and len(value) < 5000 for name, value in stated.items()
    )


def test_a_promotion_earns_level_back_and_cannot_be_taken_back(uri):
    for key, promoted in (("one", False), ("two", True), ("three", False)):
        asked(uri, key)
        settle(uri, "task", SALT, key_hash(key), promoted=promoted)
    settle(uri, "task", SALT, key_hash("two"), promoted=False)
    balance = Balance.after("task", questions(uri, "task", SALT))
    assert (balance.asked, balance.promoted) == (3, 1)
    assert [one.state for one in questions(uri, "task", SALT)] == ["refused", "promoted", "refused"]
    assert balance.left == pytest.approx(0.6 * (0.018 + 0.05))
    with pytest.raises(ValueError, match="was not asked about task"):
        settle(uri, "task", SALT, key_hash("four"), promoted=True)


def test_other_people_and_other_models_have_budgets_of_their_own(uri):
    asked(uri, "one")
    assert asked(uri, "one", salt="others task").level == 0.02
    assert asked(uri, "one", name="task-drawn").level == 0.02
    assert questions(uri, "nothing", SALT) == []
    assert len(questions(uri, "task", SALT)) == 1


def test_words_of_any_length_fit_into_a_tag(uri):
    long = asked(uri, "one", study="é" * 4000, challenger='"' * 4000)
    (kept,) = questions(uri, "task", SALT)
    assert kept == long
    assert len(kept.value) < 5000


ASK = """
import sys
from tests.tuning.records.budget.test_asking import asked
sys.stdin.readline()
print(asked(sys.argv[1], sys.argv[2]).level)
"""


@pytest.mark.slow
def test_of_two_processes_that_ask_at_once_each_pays_what_is_left_to_it(uri):
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", ASK, uri, key], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for key in ("one", "two")
    ]
    for process in processes:
        process.stdin.write("\n")
        process.stdin.flush()
    answers = [float(process.communicate(timeout=120)[0]) for process in processes]
    assert sorted(answers) == [0.012, 0.02]
    assert Balance.after("task", questions(uri, "task", SALT)).left == pytest.approx(0.018)


@pytest.fixture
def server(uri, monkeypatch):
    """The store without its lock; `meddling` is done right after this process wrote its question, once each."""
    monkeypatch.setattr(asking, "PAUSE_S", 0.001)
    monkeypatch.setattr("tuning.records.aliases.database_path", lambda uri: None)
    meddling, write = [], mlflow.MlflowClient.set_registered_model_tag

    def meddled(self, name, key, value):
        write(self, name, key, value)
        if json.loads(value)["state"] == "asking" and meddling:
            meddling.pop(0)()

    monkeypatch.setattr(mlflow.MlflowClient, "set_registered_model_tag", meddled)
    return meddling


def other(uri, key):
    """What another machine writes that read the list before it was written to."""
    given = {"people": asking.people_hash(SALT), "key": key_hash(key), "nonce": "f" * 8}
    mine = asking.Question(**given, level=0.02, state="asked", study="", challenger="", salt=SALT, asked_at=0.0)
    mlflow.MlflowClient(uri).set_registered_model_tag("task", mine.tag, mine.value)


def test_on_a_server_who_loses_the_race_is_told_and_asks_again_at_what_is_left(uri, server):
    told = []
    server.append(lambda: other(uri, "two"))
    assert asked(uri, "one", tell=told.append).level == 0.012
    assert told == ["Somebody else asked about task in the same moment; the question is asked again at what is left."]
    assert {one.key: one.level for one in questions(uri, "task", SALT)} == {
        key_hash("one"): 0.012,
        key_hash("two"): 0.02,
    }


def test_who_loses_the_race_to_the_same_question_has_its_level_and_pays_nothing(uri, server):
    server.append(lambda: other(uri, "one"))
    assert asked(uri, "one").level == 0.02
    assert len(questions(uri, "task", SALT)) == 1


def test_where_others_keep_asking_it_gives_up_and_has_paid_nothing(uri, server):
    told = []
    server.extend(lambda number=number: other(uri, number) for number in range(50))
    with pytest.raises(TimeoutError, match=f"could not be asked in {asking.MOST_TRIES} tries"):
        asked(uri, "one", tell=told.append)
    assert len(told) == 1
    assert key_hash("one") not in [one.key for one in questions(uri, "task", SALT)]


def test_who_dies_on_the_way_has_paid(uri, server):
    def dies():
        raise KeyboardInterrupt

    server.append(dies)
    with pytest.raises(KeyboardInterrupt):
        asked(uri, "one")
    assert Balance.after("task", questions(uri, "task", SALT)).left == pytest.approx(0.6 * WEALTH)
    assert asked(uri, "one").level == 0.012, "nobody knows whether its answers were read"


def test_a_tag_that_cannot_be_read_is_an_error_and_no_refund(uri):
    asked(uri, "one")
    ((name, kept),) = mlflow.MlflowClient(uri).get_registered_model("task").tags.items()
    for value in ("{", "[]", '{"level": 0.01}', json.dumps(json.loads("{}"))):
        mlflow.MlflowClient(uri).set_registered_model_tag("task", name, value)
        with pytest.raises(ValueError, match="no question of fertune"):
            asked(uri, "two")
    with pytest.raises(ValueError, match="level 7"):
        questions_in({name: json.dumps({**json.loads(kept), "level": 7})})
