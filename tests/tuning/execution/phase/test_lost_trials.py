"""What is lost under a trial costs no trial; and no more run than there are places for."""

from types import SimpleNamespace

import pytest
from ray.tune.search import Searcher

from tuning.execution import bookkeeper
from tuning.records.ledger import Ledger

DONE = {"done": True, "metrics/accuracy": 0.5}


def events(desk, kind):
    return [event for event in desk.ledger.events if event["event"] == kind]


def test_a_trial_whose_actor_died_is_handed_out_again_first_and_goes_on(desk):
    desk.books.suggest("a")
    desk.books.on_trial_result("a", {"epoch": 1})
    desk.books.on_trial_complete("a", error=True)
    trial = desk.ledger.trials["search-0000"]
    assert (trial.state, trial.deaths) == ("RUNNING", 0), "it is not to blame"
    assert [event["own"] for event in events(desk, "died")] == [False]
    assert desk.listener.ended == []
    assert desk.books.suggest("b")["spec"]["trial_id"] == "search-0000"
    desk.books.on_trial_result("b", {"epoch": 2})
    assert [row["epoch"] for row in trial.curve] == [1, 2]
    desk.books.on_trial_complete("b", DONE)
    assert trial.state == "FINISHED"
    assert desk.books.suggest("c")["spec"]["trial_id"] == "search-0001"


def test_deaths_of_its_workers_are_kept_and_handed_on(desk):
    desk.books.suggest("a")
    for own in (True, False, True):
        desk.books.on_trial_result("a", {"died": "Its worker died.", "own": own})
    desk.books.on_trial_complete("a", error=True)
    assert desk.ledger.trials["search-0000"].deaths == 2
    assert Ledger.read(desk.ledger.folder).trials["search-0000"].deaths == 2
    assert desk.books.suggest("b")["deaths"] == 2
    assert desk.listener.notes[0] == "search-0000: Its worker died. It goes on from its checkpoint."


def test_one_that_is_lost_again_and_again_is_failed_and_one_that_comes_on_is_not(desk):
    for number in range(bookkeeper.MOST_LOSSES):
        desk.books.suggest(f"a{number}")
        desk.books.on_trial_complete(f"a{number}", error=True)
    desk.books.suggest("b")
    desk.books.on_trial_result("b", {"epoch": 1})
    desk.books.on_trial_complete("b", error=True)
    for number in range(bookkeeper.MOST_LOSSES):
        assert desk.ledger.trials["search-0000"].state == "RUNNING"
        desk.books.suggest(f"c{number}")
        desk.books.on_trial_complete(f"c{number}", error=True)
    trial = desk.ledger.trials["search-0000"]
    assert (trial.state, desk.listener.ended) == ("FAILED", ["search-0000"])
    assert trial.error.startswith(f"It was lost {bookkeeper.MOST_LOSSES + 1} times in a row")


def test_while_trials_run_there_may_be_more_to_do_and_only_as_many_places_are_kept(desk):
    wanted = []
    desk.books.places = SimpleNamespace(granted=5, trouble="", lost=False, waits_for="", want=wanted.append)
    desk.books.suggest("a")
    desk.books.suggest("b")
    assert desk.books.suggest("c") is None
    desk.books.on_trial_complete("a", error=True)
    assert not desk.books.over
    assert desk.books.suggest("d")["spec"]["trial_id"] == "search-0000"
    for tune_id in "bd":
        desk.books.on_trial_complete(tune_id, DONE)
        assert desk.books.suggest("e") == (None if tune_id == "b" else Searcher.FINISHED)
    assert wanted == [2, 1]
    assert desk.books.over


def test_no_more_trials_run_than_there_are_places(desk):
    desk.books.places = SimpleNamespace(granted=0, trouble="", lost=False, waits_for="")
    assert desk.books.suggest("a") is None
    desk.books.places.granted = 1
    assert desk.books.suggest("a")["spec"]["trial_id"] == "search-0000"
    assert desk.books.suggest("b") is None
    desk.books.on_trial_complete("a", DONE)
    assert desk.books.suggest("b")["spec"]["trial_id"] == "search-0001"
    desk.books.close()


def test_that_it_waits_and_behind_whom_is_told_once(desk):
    desk.books.places = places = SimpleNamespace(
        granted=0, trouble="", lost=False, waits_for="demo waits behind smiles"
    )
    for _ in range(3):
        assert not desk.books.stopper.stop_all()
    places.waits_for = ""
    desk.books.stopper.stop_all()
    places.waits_for = "demo waits behind smiles"
    desk.books.stopper.stop_all()
    assert desk.listener.notes == ["demo waits behind smiles."] * 2


def test_where_no_place_can_be_had_the_study_stops_with_the_reason(desk):
    desk.books.suggest("a")
    desk.books.places = SimpleNamespace(granted=2, trouble="No slot could be started.", lost=False, waits_for="")
    assert desk.books.stopper.stop_all(), "Tune asks for no trial while as many as may run at once do"
    assert desk.books.suggest("b") == Searcher.FINISHED
    with pytest.raises(RuntimeError, match="No slot could be started"):
        desk.books.close()
    assert desk.ledger.trials["search-0000"].state == "INTERRUPTED"


def test_a_file_of_the_study_that_vanished_stops_it_and_fails_no_trial(desk):
    gone = []
    desk.books._gone = lambda: "".join(gone)
    desk.books.suggest("a")
    desk.books.suggest("b")
    gone.append("splits.json was removed.")
    desk.books.on_trial_complete("a", {"done": True, "failed": "FileNotFoundError: splits.json"})
    assert desk.books.suggest("c") == Searcher.FINISHED
    assert desk.books.stopper.stop_all()
    with pytest.raises(FileNotFoundError, match="removed"):
        desk.books.close()
    assert {trial.state for trial in desk.ledger.trials.values()} == {"INTERRUPTED"}


def test_where_ray_has_no_machine_left_its_run_ends_and_the_next_goes_on_with_the_trials(desk):
    desk.books.suggest("a")
    desk.books.places = SimpleNamespace(granted=2, trouble="", lost=True, waits_for="")
    assert desk.books.suggest("b") == Searcher.FINISHED
    assert desk.books.stopper.stop_all()
    desk.books.hand_out_again()
    desk.books.places = bookkeeper.Unlimited()
    assert not desk.books.stopper.stop_all()
    assert [desk.books.suggest(name)["spec"]["trial_id"] for name in "cd"] == ["search-0000", "search-0001"]
    desk.books.close()
