"""In which state a study ended: by its trials, of whatever phase, and by what ended its driver."""

import pytest

from tests.support.builders import make_trial
from tuning.execution.signals import Interrupted
from tuning.records.ledger import Ledger
from tuning.records.projection.outcome import outcome

FULL = OSError(28, "No space left on device")


@pytest.mark.parametrize(
    ("states", "error", "ended"),
    [
        ({"search": ["FINISHED", "FAILED", "KILLED"]}, None, "FINISHED"),
        ({"search": ["FAILED", "FAILED"]}, None, "FAILED"),
        ({"confirm": ["FINISHED"]}, None, "FINISHED"),
        ({"refit": ["FINISHED"]}, None, "FINISHED"),
        ({"search": ["FINISHED"], "confirm": ["INTERRUPTED"]}, None, "KILLED"),
        ({"search": ["INTERRUPTED", "INTERRUPTED"]}, None, "KILLED"),
        ({"search": ["FINISHED", "RUNNING"]}, None, "KILLED"),  # its driver was killed
        ({}, None, "FAILED"),
        ({}, Interrupted("stopped by SIGTERM"), "KILLED"),
        ({"search": ["FINISHED"]}, Interrupted("stopped by SIGINT"), "KILLED"),
        ({"search": ["FINISHED", "INTERRUPTED"]}, FULL, "FAILED"),
        ({"search": ["FINISHED"]}, FULL, "FAILED"),  # between two trials
        ({"search": ["FINISHED"]}, ValueError("the gate refused it"), "FINISHED"),
        ({"search": ["INTERRUPTED"]}, RuntimeError("Ray went away"), "FAILED"),
    ],
)
def test_a_study_ends_as_its_trials_and_its_driver_did(tmp_path, states, error, ended):
    with Ledger.write(tmp_path) as ledger:
        ledger.open_study(dataset_fingerprint="one")
        for phase, listed in states.items():
            for number, state in enumerate(listed):
                ledger.start(make_trial(number, trial_id=f"{phase}-{number:04d}", phase=phase))
                if state != "RUNNING":
                    ledger.end(f"{phase}-{number:04d}", state)
        assert outcome(ledger, error) == ended


def test_what_was_left_half_run_on_data_of_before_counts_no_more(tmp_path):
    with Ledger.write(tmp_path) as ledger:
        ledger.open_study(dataset_fingerprint="one")
        ledger.start(make_trial())
        ledger.end("search-0000", "INTERRUPTED")
        ledger.open_study(dataset_fingerprint="two")
        assert outcome(ledger) == "KILLED", "nothing has begun on the new data"
        ledger.start(make_trial(1))
        ledger.end("search-0001", "FINISHED")
        assert outcome(ledger) == "FINISHED"
