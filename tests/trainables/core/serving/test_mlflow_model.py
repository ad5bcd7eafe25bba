"""A trained model in other hands: from the folder of a trial, and from the registry in a process that knows nothing."""

import ast
import importlib.metadata
import json
import os
import subprocess
import sys
from pathlib import Path

import cv2
import mlflow
import numpy as np
import pytest
import torch

from tests.support.builders import of_earlier_version
from tests.support.mlflow_store import new_store
from tests.support.networks import save_model
from trainables import res_rbg
from trainables.core.config import make_config
from trainables.core.prepared.batches import Clips
from trainables.core.prepared.cache import prepare
from trainables.core.prepared.faces import CroppedClip, NoFace
from trainables.core.serving.classifier import Classifier
from trainables.core.training.trainer import predict
from trainables.core.training.workers import Group
from trainables.data.core.dataset import Dataset, Fold, Sample
from trainables.data.core.frames import read_frames
from tuning.records import registry
from tuning.records.aliases import aliases

ROOT = Path(__file__).resolve().parents[4]
CLASSES = ("neutral", "offset", "onset", "smile")
CROP_SIZE = 48
CONFIG = {
    "backbone": "resnet18",
    "attention": "eca",
    "gru_hidden": 16,
    "rbg_depth": 1,
    "num_classes": len(CLASSES),
    "num_frames": 6,
    "image_size": 32,
}


def write_model(folder, described=CONFIG, trainable="res_rbg", crop_size=CROP_SIZE):
    """A trial's folder with random weights of `CONFIG`, as the trainer writes it; `described` is what it says."""
    torch.manual_seed(0)
    model = res_rbg.build_model(make_config(res_rbg.Config, CONFIG))
    return save_model(folder, model, trainable, described, CLASSES, crop_size)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_model(tmp_path_factory.mktemp("trial"))


class WholeFrame:
    """Stands for the detector: the whole frame is the face, unless it is black."""

    settings = {"detector": "whole frame"}  # noqa: RUF012

    def crop_clip(self, frames, size):
        kept = [cv2.resize(frame, (size, size)) for frame in frames]
        if not np.any(kept):
            raise NoFace(f"no face in any of {len(kept)} frames")
        return CroppedClip(np.stack(kept), len(kept), 1, 1.0)


def write_frames(folder, num_frames, seed):
    folder.mkdir(parents=True)
    rng = np.random.default_rng(seed)
    for i in range(num_frames):
        cv2.imwrite(str(folder / f"{i}.png"), rng.integers(1, 255, (60, 50, 3), dtype=np.uint8))
    return folder


@pytest.mark.slow
@pytest.mark.parametrize(("image_size", "crop_size", "earlier"), [(32, 48, False), (40, 48, True), (224, 280, False)])
def test_the_same_frames_get_the_same_answer_as_in_the_trainers_evaluation(image_size, crop_size, earlier, tmp_path):
    lengths = [2, 6, 11, 12]  # shorter than, equal to and longer than what the network reads; 10 before 2 by name
    paths = [write_frames(tmp_path / f"clip{i}", length, seed=i) for i, length in enumerate(lengths)]
    samples = [
        Sample(clip_id=path.name, label=i % 4, subject=str(i), paths=tuple(path / f"{k}.png" for k in range(length)))
        for i, (path, length) in enumerate(zip(paths, lengths, strict=True))
    ]
    folds = [Fold(train=(0, 1), validation=(2,), test=(3,))]
    dataset = Dataset(name="noise", classes=CLASSES, samples=samples, folds=folds, read=read_frames)
    prepared = prepare(dataset, tmp_path / "storage", crop_size=crop_size, finder=WholeFrame(), num_processes=1)
    prepared = of_earlier_version(prepared) if earlier else prepared
    folder = write_model(tmp_path / "trial", {**CONFIG, "image_size": image_size}, crop_size=crop_size)
    classifier = Classifier.load(folder, device="cpu")
    classifier.faces = WholeFrame()
    clips = Clips(prepared, num_frames=CONFIG["num_frames"], image_size=image_size)
    expected = predict(classifier.model, clips, (0, 1, 2, 3), classifier.config, Group())
    expected = torch.from_numpy(expected.logits).softmax(dim=1).numpy()
    found = classifier.predict(paths)
    np.testing.assert_allclose([list(p.probabilities.values()) for p in found], expected, atol=1e-5)
    assert [p.label for p in found] == [CLASSES[i] for i in expected.argmax(axis=1)]


def test_a_bad_file_keeps_no_other_from_its_answer(folder, tmp_path):
    classifier = Classifier.load(folder, device="cpu")
    classifier.faces = WholeFrame()
    good = write_frames(tmp_path / "clips" / "good", 3, seed=0)
    (tmp_path / "x.mp4").write_text("words, not frames")
    (tmp_path / "empty").mkdir()
    black = tmp_path / "black.png"
    cv2.imwrite(str(black), np.zeros((40, 40, 3), np.uint8))
    given = [tmp_path / "x.mp4", tmp_path / "absent.avi", tmp_path / "empty", black, good / "0.png", tmp_path / "clips"]
    found = classifier.predict(given)
    assert [p.path for p in found] == [str(path) for path in (*given[:5], good)]
    for prediction in found[:4]:
        assert prediction.error
        assert prediction.label is None
        assert prediction.probabilities is None
    assert "no face" in found[3].error
    for prediction in found[4:]:
        assert prediction.error is None
        assert tuple(prediction.probabilities) == CLASSES
        assert sum(prediction.probabilities.values()) == pytest.approx(1)
        assert prediction.label == max(prediction.probabilities, key=prediction.probabilities.get)


def test_a_model_started_from_published_weights_needs_no_such_file_to_serve(tmp_path):
    assert Classifier.load(write_model(tmp_path / "a", {**CONFIG, "weights": "imagenet"}), device="cpu").model


@pytest.mark.slow
def test_a_folder_without_a_model_or_with_a_damaged_one_is_refused(folder, tmp_path):
    with pytest.raises(ValueError, match=r"model\.json and model\.safetensors belong here"):
        Classifier.load(tmp_path)
    damaged = write_model(tmp_path / "damaged")
    (damaged / "model.safetensors").write_bytes(b"\x00" * 40)
    with pytest.raises(ValueError, match="no model that can be read"):
        Classifier.load(damaged)
    with pytest.raises(ValueError, match="do not fit"):
        Classifier.load(write_model(tmp_path / "other", described={**CONFIG, "gru_hidden": 24}))
    with pytest.raises(ValueError, match="res_rgb"):
        Classifier.load(write_model(tmp_path / "unknown", trainable="res_rgb"))


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
print(json.dumps({
    "rows": table.to_dict("records"),
    "again": again.to_dict("records"),
    "modules": sorted(sys.modules),
    "files": {name: getattr(m, "__file__", None) for name, m in sys.modules.items() if name.startswith("trainables")},
}))
"""


@pytest.fixture(scope="module")
def served(store, versions, faces, tmp_path_factory):
    """What a fresh process in an empty folder says about a video, a text file and pictures with and without a face."""
    empty, other = tmp_path_factory.mktemp("empty"), tmp_path_factory.mktemp("other")
    (other / "x.mp4").write_text("words, not frames")
    video = min((faces / "smiles" / "onset").glob("*.mp4"))
    paths = [video, other / "x.mp4", faces / "stills" / "astronaut.png", faces / "stills" / "coffee.png"]
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
    video, text, face, cup = answer["rows"]
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
