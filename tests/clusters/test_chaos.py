"""A few faults of different kinds, at random moments: nothing is lost, doubled, told differently or left behind."""

from benchmarks.chaos import chaos
from tests.support.ray_head import WITH_RAY

pytestmark = WITH_RAY
KINDS = ("worker", "controller", "mailbox", "node", "driver_kill", "mlflow", "torn_ledger")


def test_a_study_loses_nothing_whatever_dies(tmp_path):
    found = chaos(tmp_path, KINDS, faults=len(KINDS), seed=0, minutes=8, trials=4)
    wrong = {key: found[key] for key in ("lost_trials", "duplicate_runs", "disagreements", "orphans")}
    assert wrong == dict.fromkeys(wrong, 0), (tmp_path / "rounds.jsonl").read_text()
    assert found["by_kind"] == dict.fromkeys(KINDS, 1)
