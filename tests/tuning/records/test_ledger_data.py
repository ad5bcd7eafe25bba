"""A study that goes on with other data: what counts, and what stays."""

from tests.support.builders import make_trial
from tuning.records.ledger import Ledger


def test_trials_belong_to_the_data_that_they_were_begun_on(tmp_path):
    with Ledger.write(tmp_path) as ledger:
        ledger.open_study(dataset_fingerprint="a")
        for number in range(3):
            ledger.start(make_trial(number))
        for number in range(2):
            ledger.end(f"search-{number:04d}", "FINISHED", {"accuracy": 0.5})
        ledger.select(["search-0000", "search-0001"], "search-0001")
        ledger.open_study(dataset_fingerprint="a", num_samples=9)
        assert ledger.data_version == 1
        ledger.open_study(dataset_fingerprint="b")
        assert (ledger.of_phase("search"), ledger.selection, ledger.next_id("search")) == ([], {}, "search-0003")
        assert [trial.trial_id for trial in ledger.former_front] == ["search-0001", "search-0000"]
        ledger.start(make_trial(3))
        ledger.start(ledger.trials["search-0002"])  # resumed all the same, it stays where it began
        ledger.note("noted", words="since then")
    again = Ledger.read(tmp_path)
    assert [trial.trial_id for trial in again.of_phase("search")] == ["search-0003"]
    assert [trial.data_version for trial in again.trials.values()] == [1, 1, 1, 2]
    assert [event["event"] for event in again.events_of_data()] == ["study", "started", "started", "noted"]
    assert again.search_size(5, extend=2) == 3


def test_baselines_are_those_of_the_present_data(tmp_path):
    with Ledger.write(tmp_path) as ledger:
        assert ledger.baselines == []
        ledger.open_study(dataset_fingerprint="a")
        ledger.note("baselines", phase="search", folds=[0], rows=[{"name": "majority", "accuracy": 0.25}])
        assert [(one.name, one.accuracy) for one in ledger.baselines] == [("majority", 0.25)]
        ledger.open_study(dataset_fingerprint="b")
        assert ledger.baselines == []


def test_a_version_without_a_front_leaves_the_one_before_it_to_try_first(tmp_path):
    with Ledger.write(tmp_path) as ledger:
        ledger.open_study(dataset_fingerprint="a")
        ledger.start(make_trial(0))
        ledger.end("search-0000", "FINISHED", {"accuracy": 0.5})
        ledger.select(["search-0000"], None)
        for fingerprint in "bc":
            ledger.open_study(dataset_fingerprint=fingerprint)
        assert (ledger.data_version, [trial.trial_id for trial in ledger.former_front]) == (3, ["search-0000"])
