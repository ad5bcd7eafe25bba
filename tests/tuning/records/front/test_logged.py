"""MLflow holds of each search trial whether it is on the exact front, and how probable it is that it belongs there."""

from tests.support.mlflow_store import new_store
from tests.support.tracked_study import begin, follow, runs_of
from tuning.records.mlflow_client import make_client


def test_the_tag_is_exact_and_the_metric_is_the_probability(tmp_path):
    uri = new_store(tmp_path)

    def write(ledger):
        begin(ledger)
        ledger.select(["search-0000"], "search-0000", front_probability={"search-0000": 0.9, "search-0001": 0.25})

    follow(tmp_path / "smiles", uri, tmp_path, write)
    runs = runs_of(make_client(uri), tmp_path / "smiles")
    found = {
        name: (runs[name].data.tags["fertune.pareto"], runs[name].data.metrics.get("front_probability"))
        for name in ("search-0000", "search-0001", "search-0002")
    }
    assert found == {"search-0000": ("true", 0.9), "search-0001": ("false", 0.25), "search-0002": ("false", None)}
    assert "front_probability" not in runs["confirm-0000"].data.metrics
