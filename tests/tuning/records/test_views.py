"""What MLflow's UI is told of a study, and the links that open it."""

import json
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.support.mlflow_store import new_store
from tests.support.sample_study import FACTS
from tests.support.tracked_study import begin, follow
from tuning.records.mlflow_client import make_client
from tuning.records.views import (
    LOCAL,
    MOST_COLUMNS,
    MOST_COMPARED,
    NOTE,
    compare_url,
    experiment_tags,
    how_to_compare,
    study_url,
)

VIEW = "mlflow.sharedViewState."
PARAMETERS = ["rbg_depth", "gru_hidden", "attention", "masking_rate"]
OBJECTIVES = ["accuracy", "train_time_s", "param_count"]


def view(tags, key):
    """A saved view as MLflow's front end reads it: an envelope around the state of the page."""
    envelope = json.loads(tags[VIEW + key])
    assert isinstance(envelope["createdAt"], int)
    return envelope["name"], json.loads(envelope["state"])


def query(url):
    """The route of a link into MLflow's UI and what it asks for."""
    route, _, asked = urlsplit(url).fragment.partition("?")
    return route, {key: values[0] for key, values in parse_qs(asked).items()}


def test_views_show_objectives_and_searched_parameters_best_first():
    tags = experiment_tags("smiles", FACTS, "1ed9e4")
    columns = [f"metrics.`{key}`" for key in OBJECTIVES] + [f"params.`{key}`" for key in PARAMETERS]
    for key, name, only in (
        ("trials", "All search trials", "tags.`fertune.phase` = 'search'"),
        ("front", "Pareto front", "tags.`fertune.pareto` = 'true'"),
    ):
        found, state = view(tags, key)
        assert found == name
        assert state["selectedColumns"] == columns
        assert [column for column in state["columnOrder"] if column in columns] == columns
        assert (state["orderByKey"], state["orderByAsc"]) == ("metrics.`accuracy`", False)
        assert state["searchFilter"] == f"{only} AND tags.`fertune.ledger` = '1ed9e4'"
    assert "smiles" in tags[NOTE]


def test_what_is_to_be_small_comes_first_where_it_is_small():
    _, state = view(experiment_tags("smiles", {**FACTS, "objectives": [["latency_ms", "min"]]}, ""), "trials")
    assert (state["orderByKey"], state["orderByAsc"]) == ("metrics.`latency_ms`", True)
    assert [chart["type"] for chart in state["compareRunCharts"]] == ["PARALLEL"]


def test_charts_are_the_objectives_over_each_other_and_parallel_coordinates():
    _, state = view(experiment_tags("smiles", FACTS, ""), "front")
    *scatters, parallel = state["compareRunCharts"]
    assert [(chart["xaxis"]["key"], chart["yaxis"]["key"]) for chart in scatters] == [
        ("train_time_s", "accuracy"),
        ("param_count", "accuracy"),
    ]
    assert (parallel["selectedParams"], parallel["selectedMetrics"]) == (PARAMETERS, ["accuracy"])
    (section,) = state["compareRunSections"]
    assert {chart["metricSectionId"] for chart in state["compareRunCharts"]} == {section["uuid"]}


def test_an_ablation_is_shown_by_variant_with_what_variants_change():
    design = {"variants": {"full": {"attention": "g_eca"}, "plain": {"attention": "none", "rbg_depth": 0}}}
    tags = experiment_tags("gates", {**FACTS, "space": {}, "design": design}, "")
    _, state = view(tags, "trials")
    assert state["searchFilter"].startswith("tags.`fertune.phase` = 'ablation'")
    assert state["selectedColumns"][0] == "tags.`fertune.variant`"
    assert state["selectedColumns"][-2:] == ["params.`attention`", "params.`rbg_depth`"]
    assert VIEW + "front" not in tags


def test_a_large_space_fits_into_a_tag():
    space = {f"a_parameter_with_a_rather_long_name_{number:04d}": "[0, 1]" for number in range(200)}
    tags = experiment_tags("smiles", {**FACTS, "space": space}, "0123456789abcdef")
    assert max(len(value) for value in tags.values()) <= 5000
    _, state = view(tags, "trials")
    assert len(state["selectedColumns"]) == len(OBJECTIVES) + MOST_COLUMNS


def test_a_study_of_which_nothing_is_known_has_views():
    _, state = view(experiment_tags("smiles", {}, ""), "trials")
    assert state["selectedColumns"] == state["compareRunCharts"] == []


def test_links_carry_view_and_runs():
    assert query(study_url("http://mlflow.example:5000/", "7", "front")) == (
        "/experiments/7/runs",
        {"viewStateShareKey": "front", "workflowType": "machine_learning"},
    )
    _, asked = query(study_url("http://mlflow.example:5000", "7", "front", "charts"))
    assert asked["compareRunsMode"] == "CHART"
    url = compare_url("http://mlflow.example:5000", ["7"], ["a1", "b2"])
    assert not set(url) & set(' "[]')  # a terminal knows where it ends
    route, asked = query(url)
    assert route == "/compare-runs"
    assert (json.loads(asked["runs"]), json.loads(asked["experiments"])) == (["a1", "b2"], ["7"])


def test_with_a_server_the_lines_are_links_without_a_password():
    lines = how_to_compare("https://ada:s3cret@mlflow.example", "7", ["a1", "b2"])
    assert "s3cret" not in "".join(lines)
    assert not any("mlflow ui" in line for line in lines)
    links = [line.split()[-1] for line in lines[1:]]
    assert links == [
        study_url("https://mlflow.example", "7"),
        study_url("https://mlflow.example", "7", "front", "charts"),
        compare_url("https://mlflow.example", ["7"], ["a1", "b2"]),
    ]


def test_a_file_is_served_by_a_command_first():
    lines = how_to_compare("sqlite:////home/ada l/runs/mlflow.db", "7", ["a1", "b2"])
    (command,) = [line.strip() for line in lines if "mlflow ui" in line]
    assert command == ".venv/bin/mlflow ui --backend-store-uri 'sqlite:////home/ada l/runs/mlflow.db' --port 5000"
    assert compare_url(LOCAL, ["7"], ["a1", "b2"]) in lines[-1]


def test_a_database_is_served_without_telling_its_password():
    text = "\n".join(how_to_compare("postgresql://ada:s3cret@db.example/mlflow", "7", []))
    assert '--backend-store-uri "$MLFLOW_TRACKING_URI" ' in text
    assert "s3cret" not in text


@pytest.mark.parametrize("size", [0, 1, MOST_COMPARED + 1])
def test_a_front_that_is_no_comparison_is_shown_as_a_view(size):
    lines = how_to_compare("http://127.0.0.1:5000", "7", [f"{number:032x}" for number in range(size)])
    assert not any("compare-runs" in line for line in lines)
    assert any("viewStateShareKey=front" in line for line in lines) == (size > 0)


@pytest.mark.slow
def test_the_tracker_tells_mlflow_and_links_to_it(tmp_path):
    uri = new_store(tmp_path)

    def write(ledger):
        ledger.open_study(**{key: FACTS[key] for key in ("space", "objectives")})
        begin(ledger)

    tracker = follow(tmp_path / "smiles", uri, tmp_path, write)
    client = make_client(uri)
    experiment = client.get_experiment_by_name("fertune/smiles")
    (parent,) = client.search_runs([experiment.experiment_id], "tags.`fertune.trial_id` = 'study'")
    _, state = view(experiment.tags, "front")
    assert "metrics.`param_count`" in state["selectedColumns"]
    (front,) = client.search_runs([experiment.experiment_id], state["searchFilter"])
    assert front.info.run_name == "search-0000"
    assert experiment.tags[NOTE] == parent.data.tags[NOTE]
    lines = tracker.how_to_compare()
    assert lines == how_to_compare(uri, experiment.experiment_id, [front.info.run_id])


def test_no_link_leads_to_what_mlflow_does_not_have(tmp_path):
    tracker = follow(tmp_path / "smiles", "http://127.0.0.1:9", tmp_path, begin, patience_s=0.5)
    assert tracker.how_to_compare() == []
