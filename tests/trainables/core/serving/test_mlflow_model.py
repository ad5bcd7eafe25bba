"""A trained model in other hands: from the registry, in a process that knows nothing."""

import ast
import importlib.metadata
import json
import os
import subprocess
import sys
from pathlib import Path

import mlflow
import pytest

from drawing.media import save_video
from drawing.scenes import draw_scene
from tests.support.mlflow_store import new_store
from tests.support.networks import CLASSES
from tuning.records import registry
from tuning.records.aliases import aliases

ROOT = Path(__file__).resolve().parents[4]


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """A registry with two versions of `smiles`; the URI and the finished run that they were logged to."""
    root = tmp_path_factory.mktemp("store")
    uri = new_store(root)
    client = mlflow.MlflowClient(uri)
    experiment = client.create_experiment("smiles", artifact_location=str(root / "artifacts"))
    run = client.create_run(experiment)
    client.set_terminated(run.info.run_id, end_time=12345)
    return uri, run.info.run_id


@pytest.fixture(scope="module")
def versions(store, folder):
    uri, run_id = store
    return [
        registry.log_and_register(
            tracking_uri=uri,
            run_id=run_id,
            model_folder=folder,
            name="smiles",
            tags={"fertune.trial_id": trial},
            replacing=present,
        )
        for trial, present in (("a", None), ("b", 1))
    ]


def test_the_new_version_is_champion_and_the_old_one_previous(store, versions):
    uri, run_id = store
    client = mlflow.MlflowClient(uri)
    assert versions == [1, 2]
    assert aliases(client, "smiles") == {"champion": 2, "previous": 1}
    version = client.get_model_version("smiles", "2")
    assert version.tags == {"fertune.trial_id": "b"}
    assert version.run_id == run_id
    assert Path(client.get_model_version_download_uri("smiles", "2")).is_relative_to(
        Path(uri[len("sqlite:///") :]).parent
    )
    assert registry.champions(uri) == [("smiles", 2, "models:/smiles@champion")]
    registry.make_champion(client, "smiles", 2, replacing=1)  # once more: nothing is lost
    assert aliases(client, "smiles") == {"champion": 2, "previous": 1}
    run = client.get_run(run_id)
    assert (run.info.status, run.info.end_time) == ("FINISHED", 12345)


def test_without_a_name_only_a_single_champion_is_taken(store, versions, tmp_path):
    uri = new_store(tmp_path)
    with pytest.raises(ValueError, match="No model has been promoted"):
        registry.only_champion(uri)
    client = mlflow.MlflowClient(uri)
    for name in ("smiles", "ck_plus"):
        client.create_registered_model(name)
        client.create_model_version(name, source=str(tmp_path))
        registry.make_champion(client, name, 1, replacing=None)
    with pytest.raises(ValueError, match=r"models:/ck_plus@champion .*models:/smiles@champion"):
        registry.only_champion(uri)
    assert registry.only_champion(store[0]) == "models:/smiles@champion"


def test_a_model_that_is_not_there_is_named_with_those_that_are(store, versions, tmp_path):
    with pytest.raises(ValueError, match="models:/smiles@champion"):
        registry.fetch_model("models:/smlies@champion", store[0], tmp_path)
    with pytest.raises(ValueError, match=r"no model\.json"):
        registry.log_and_register(tracking_uri=store[0], run_id=store[1], model_folder=tmp_path, name="smiles", tags={})


FRESH_PROCESS = """
import json, sys
import mlflow
model = mlflow.pyfunc.load_model(sys.argv[1])
table = model.predict(sys.argv[2:])
again = model.predict(__import__("pandas").DataFrame({"path": sys.argv[3:4]}))
everyone = model.predict([sys.argv[-1]], params={"every_face": True})
print(json.dumps({
    "rows": table.to_dict("records"),
    "again": again.to_dict("records"),
    "everyone": everyone.to_dict("records"),
    "modules": sorted(sys.modules),
    "files": {name: getattr(m, "__file__", None) for name, m in sys.modules.items() if name.startswith("trainables")},
}))
"""


@pytest.fixture(scope="module")
def served(store, versions, faces, tmp_path_factory):
    """What a fresh process in an empty folder says about videos, a text file and pictures with and without a face."""
    empty, other = tmp_path_factory.mktemp("empty"), tmp_path_factory.mktemp("other")
    (other / "x.mp4").write_text("words, not frames")
    video = min((faces / "smiles" / "onset").glob("*.mp4"))
    paths = [video, other / "x.mp4", faces / "stills" / "astronaut.png", faces / "stills" / "coffee.png"]
    save_video(other / "two.mp4", draw_scene("two people", num_frames=6).frames)
    paths.append(other / "two.mp4")
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHONPATH", "MLFLOW_", "RAY_"))}
    done = subprocess.run(
        [sys.executable, "-c", FRESH_PROCESS, "models:/smiles@champion", *map(str, paths)],
        cwd=empty,
        env=environment | {"MLFLOW_TRACKING_URI": store[0], "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert list(empty.iterdir()) == []
    return paths, json.loads(done.stdout.splitlines()[-1])


def test_a_fresh_process_in_an_empty_folder_predicts(served):
    paths, answer = served
    video, text, face, cup, _ = answer["rows"]
    assert [row["path"] for row in answer["rows"]] == [str(path) for path in paths]
    assert (video["clip"]["frames_read"], video["clip"]["frames_expected"], video["clip"]["faces"]) == (16, 16, 1)
    assert text["clip"] is None
    for row in (video, face):
        assert row["error"] is None
        assert row["label"] in CLASSES
        assert set(row["probabilities"]) == set(CLASSES)
    assert (text["label"], text["probabilities"]) == (None, None)
    assert "x.mp4" in text["error"]
    assert "no face" in cup["error"]
    assert answer["again"] == [text]


def test_a_fresh_process_answers_for_everybody_who_is_asked_for(served):
    paths, answer = served
    assert answer["rows"][-1]["clip"]["remarks"] == ["more than one face (2 in 100 / 100 % of the frames)"]
    first, second = answer["everyone"]
    assert first["path"] == second["path"] == str(paths[-1])
    assert first["clip"]["box"]["right"] < second["clip"]["box"]["left"]
    assert first["clip"]["remarks"] == second["clip"]["remarks"] == []
    assert first["probabilities"] != second["probabilities"]
    assert first["probabilities"] == pytest.approx(answer["rows"][-1]["probabilities"])


def test_serving_runs_the_logged_code_without_ray(served):
    modules = served[1]["modules"]
    assert not {"ray", "optuna", "tuning", "search_spaces", "plotly"} & set(modules)
    assert not [file for file in served[1]["files"].values() if file and Path(file).is_relative_to(ROOT)]


def test_every_package_that_serving_imports_is_pinned(served):
    needed = set()
    for name in served[1]["files"]:
        source = ROOT.joinpath(*name.split(".")).with_suffix(".py")
        for node in ast.walk(ast.parse(source.read_text() if source.exists() else "")):
            if isinstance(node, ast.Import):
                needed |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and not node.level:
                needed.add(node.module.split(".")[0])
    owners = importlib.metadata.packages_distributions()
    third_party = {owner for name in needed - sys.stdlib_module_names - {"trainables"} for owner in owners[name][:1]}
    pinned = {requirement.split("==")[0] for requirement in registry.serving_requirements()}
    assert {"torch", "facenet-pytorch"} <= third_party
    assert third_party - {"mlflow-skinny"} <= pinned


def test_the_logged_model_holds_no_pickle_and_no_compiled_leftovers(store, versions, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", store[0])
    local = Path(mlflow.artifacts.download_artifacts("models:/smiles@champion"))
    kinds = {path.suffix for path in local.rglob("*") if path.is_file()}
    assert not kinds & {".pkl", ".pickle", ".pt", ".pth", ".pyc"}
    assert ".safetensors" in kinds
    assert "torch==" in (local / "requirements.txt").read_text()
    assert mlflow.models.get_model_info(str(local)).signature is not None
