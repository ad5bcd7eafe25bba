"""ONNX files: the same answers as PyTorch's for any batch and length, said in the file what it is, and what int8 costs."""

import json

import mlflow
import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from torch import nn

from tests.conftest import ROOT
from tests.support.builders import SETTINGS, make_spec, prepare_random, tiny_trainable, train
from tests.support.mlflow_store import new_store
from tests.support.networks import save_model
from trainables.core import lookup
from trainables.core.config import MEAN, make_config
from trainables.core.prepared.batches import Clips
from trainables.core.prepared.splits import load_splits, make_splits
from trainables.core.serving.classifier import Classifier
from trainables.core.serving.onnx import OnnxModel, export_onnx
from trainables.core.training.metrics import scores
from trainables.core.training.trainer import predict
from trainables.core.training.workers import Group
from tuning.export import FORMATS, export
from tuning.records import registry

pytestmark = [pytest.mark.usefixtures("tiny"), pytest.mark.slow]


def write_network(folder, trainable, **changes):
    """A trial's folder with a network of `trainable`, its statistics those of noise, so that it tells noise apart."""
    module = lookup.load("trainables", trainable, "trainable")
    small = getattr(module, "SMALL", SETTINGS)
    config = make_config(module.Config, {**small, "num_classes": 3, **changes})
    torch.manual_seed(0)
    model = module.build_model(config)
    for part in model.modules():
        if isinstance(part, nn.BatchNorm1d | nn.BatchNorm2d):
            part.momentum = None  # the mean of what it has seen
    with torch.no_grad():
        shape = (4, config.num_frames, 3, config.image_size, config.image_size)
        model.train()(torch.randn(shape), torch.full((4,), config.num_frames))
    return save_model(folder, model, trainable, config, ("a", "b", "c"), 40)


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A home with prepared data and a study of one trial, of the tiny network."""
    home = tmp_path_factory.mktemp("home")
    prepared = prepare_random(home)
    (home / "test").mkdir()
    make_splits(prepared, salt="test").save(home / "test" / "splits.json")
    with tiny_trainable():
        train(make_spec(prepared, home / "test" / "trials" / "search-0000", splits=home / "test" / "splits.json"))
    return home


@pytest.fixture(scope="module")
def prepared(home):
    return prepare_random(home)  # finds what is there


@pytest.fixture(scope="module")
def trained(home):
    return home / "test" / "trials" / "search-0000"


@pytest.fixture(scope="module")
def exported(prepared, trained, tmp_path_factory):
    with tiny_trainable():
        out = tmp_path_factory.mktemp("out") / "deep" / "smiles.onnx"
        return export_onnx(trained, out, prepared=prepared, indices=tuple(range(8)))


@pytest.mark.parametrize("backbone", ["mobilenet_tf_12", "expression_net"])
def test_a_network_that_reads_other_colours_is_exported_with_them(backbone, tmp_path):
    start = {"num_classes": 3, "backbone": backbone, "attention": "eca"}
    folder = write_network(tmp_path / "start", "res_rbg", **start)
    weights = str(folder / "model.safetensors")
    again = write_network(tmp_path / "model", "res_rbg", **start, weights=weights)
    assert export_onnx(again, tmp_path / "model.onnx").max_difference < 1e-5


@pytest.mark.filterwarnings("error::torch.jit.TracerWarning")
@pytest.mark.parametrize("trainable", lookup.names("trainables"))
def test_every_trainable_is_exported_for_any_batch_and_length(trainable, tmp_path):
    folder = write_network(tmp_path, trainable)
    exported = export_onnx(folder, tmp_path / "x.onnx")
    assert exported.max_difference <= 1e-4
    model, given = Classifier.load(folder, device="cpu"), torch.Generator().manual_seed(1)
    size = model.config.image_size
    spread = []
    for lengths, num_frames in (([2], 2), ([7, 1, 4], 7), ([1, 3], 5)):
        clips, counts = torch.randn(len(lengths), num_frames, 3, size, size, generator=given), torch.tensor(lengths)
        with torch.inference_mode():
            expected = model.model(clips, counts)
        found = OnnxModel(exported.path)(clips, counts)
        torch.testing.assert_close(found, expected, atol=1e-4, rtol=0)
        padded = torch.arange(num_frames)[None, :, None, None, None] >= counts[:, None, None, None, None]
        again = OnnxModel(exported.path)(torch.where(padded, 9.0, clips), counts)
        torch.testing.assert_close(again, found, atol=1e-4, rtol=0)  # what stands in padding does not matter
        spread.append(found)
    assert torch.cat(spread).std(0).max() > 1e-3  # else the network would answer all alike, and any file would pass


def test_the_file_says_what_a_reader_must_know_and_nothing_of_its_maker(exported, prepared):
    session = onnxruntime.InferenceSession(exported.path, providers=["CPUExecutionProvider"])
    said = session.get_modelmeta().custom_metadata_map
    assert json.loads(said["classes"]) == ["happy", "sad"]
    assert (said["image_size"], said["num_frames"], said["frame_selection"]) == ("32", "3", "even")
    assert tuple(json.loads(said["mean"])) == MEAN
    assert said["dataset_fingerprint"] == prepared.fingerprint
    inputs = {value.name: (value.type, value.shape) for value in session.get_inputs()}
    assert inputs == {
        "clips": ("tensor(float)", ["batch", "frames", 3, 32, 32]),
        "lengths": ("tensor(int64)", ["batch"]),
    }
    assert [(value.name, value.type) for value in session.get_outputs()] == [("logits", "tensor(float)")]
    for path in (exported.path, exported.int8.path):
        assert str(ROOT).encode() not in path.read_bytes()
        assert json.loads({p.key: p.value for p in onnx.load(path).metadata_props}["classes"]) == ["happy", "sad"]


def test_sizes_times_and_the_cost_of_8_bits_are_those_of_the_files(exported, prepared, trained):
    assert exported.path.name == "smiles.onnx"
    assert exported.int8.path == exported.path.with_name("smiles.int8.onnx")
    for one in (exported, exported.int8):
        assert one.size_mb == one.path.stat().st_size / 2**20
        assert 0 < one.latency_ms < 1000
    assert "ConvInteger" in {node.op_type for node in onnx.load(exported.int8.path).graph.node}
    classifier, clips = Classifier.load(trained, device="cpu"), Clips(prepared, num_frames=3, image_size=32)
    full, small, torchs = (
        predict(model, clips, tuple(range(8)), classifier.config, Group())
        for model in (OnnxModel(exported.path), OnnxModel(exported.int8.path), classifier.model)
    )
    np.testing.assert_allclose(full.logits, torchs.logits, atol=1e-4)
    assert not np.array_equal(full.logits, small.logits)
    assert exported.accuracy == scores(full)["accuracy"]
    assert exported.int8.num_clips == 8
    assert exported.int8.agreement == np.mean(full.logits.argmax(1) == small.logits.argmax(1))
    assert exported.int8.accuracy_change == scores(small)["accuracy"] - exported.accuracy


def test_repvgg_is_exported_as_it_is_deployed(tmp_path):
    folder = write_network(tmp_path, "static_cnn", architecture="repvgg_a0", num_frames=1)
    exported = export_onnx(folder, tmp_path / "x.onnx")
    graph = onnx.load(exported.path).graph
    assert not any(node.op_type == "BatchNormalization" for node in graph.node)
    assert sum(node.op_type == "Conv" for node in graph.node) == 22  # one for each block, in training three branches
    model = Classifier.load(folder, device="cpu").model
    clip = torch.randn(1, 1, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        expected = model(clip, torch.tensor([1]))  # the trained form
    torch.testing.assert_close(OnnxModel(exported.path)(clip, torch.tensor([1])), expected, atol=1e-4, rtol=1e-4)
    assert exported.int8.agreement is None


def test_a_file_that_disagrees_is_not_left_behind(trained, tmp_path, monkeypatch):
    monkeypatch.setattr("trainables.core.serving.onnx.TOLERANCE", -1.0)
    with pytest.raises(ValueError, match=r"tiny was not exported: a logit differs from PyTorch's by .*is allowed"):
        export_onnx(trained, tmp_path / "x.onnx")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("forward", "message"),
    [
        (
            lambda self, clips, lengths: clips[:, 0, :2, 0, 0] * (1 if clips.sum() > 0 else 2),
            r"tiny cannot be exported to ONNX: \w+",
        ),
        (lambda self, clips, lengths: torch.zeros(len(clips), 2) + clips.mean(), r"ties itself to the number of clips"),
    ],
    ids=["a choice by data", "a fixed batch"],
)
def test_a_network_that_onnx_cannot_hold_is_told_in_a_message(trained, tmp_path, monkeypatch, forward, message):
    monkeypatch.setattr(lookup.load("trainables", "tiny", "trainable").Tiny, "forward", forward)
    with pytest.raises(ValueError, match=message) as caught:
        export_onnx(trained, tmp_path / "x.onnx")
    assert "\n" not in str(caught.value)
    assert not list(tmp_path.iterdir())


def test_clips_of_other_classes_are_refused(prepared, tmp_path):
    folder = write_network(tmp_path, "tiny")
    with pytest.raises(ValueError, match=r"has the classes happy, sad, and the model answers a, b, c"):
        export_onnx(folder, tmp_path / "x.onnx", prepared=prepared, indices=(0,))


def test_a_file_that_is_no_model_is_refused(tmp_path):
    (tmp_path / "x.onnx").write_text("words")
    with pytest.raises(ValueError, match="onnxruntime cannot read this file"):
        OnnxModel(tmp_path / "x.onnx")


def test_an_unknown_format_is_answered_with_what_there_is(tmp_path):
    with pytest.raises(ValueError, match=r"no export format named 'onxx'. Did you mean 'onnx'\? There are: onnx"):
        export(tmp_path / "x", format="onxx", home=tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_registered_model_is_exported_and_its_run_told(home, trained, prepared, tmp_path, monkeypatch):
    uri = new_store(home)
    client = mlflow.MlflowClient(uri)
    experiment = client.create_experiment("test", artifact_location=str(home / "artifacts"))
    run_id = client.create_run(experiment, tags={"fertune.study": "test"}).info.run_id
    client.set_terminated(run_id, end_time=12345)
    registry.log_and_register(tracking_uri=uri, run_id=run_id, model_folder=trained, name="faces", tags={})
    found = export(tmp_path / "faces.onnx", format="onnx", home=home)
    validation = load_splits(home / "test" / "splits.json").view("search", 0).validation
    assert found.int8.num_clips == len(validation)
    run = client.get_run(run_id)
    assert (run.info.status, run.info.end_time) == ("FINISHED", 12345)
    assert run.data.metrics == {
        "onnx_size_mb": found.size_mb,
        "onnx_latency_ms": found.latency_ms,
        "onnx_max_difference": found.max_difference,
        "onnx_int8_size_mb": found.int8.size_mb,
        "onnx_int8_latency_ms": found.int8.latency_ms,
        "onnx_int8_agreement": found.int8.agreement,
        "onnx_int8_accuracy_change": found.int8.accuracy_change,
    }
    with pytest.raises(ValueError, match=r"models:/face@champion cannot be loaded.*models:/faces@champion"):
        export(tmp_path / "y.onnx", model="models:/face@champion", format="onnx", home=home)
    given = {}
    monkeypatch.setitem(FORMATS, "onnx", lambda folder, out, **clips: given.update(clips) or found)
    (home / "test" / "splits.json").rename(home / "test" / "moved.json")
    export(tmp_path / "z.onnx", model="models:/faces/1", format="onnx", home=home)
    assert given == {"prepared": None, "indices": ()}  # without the study's data there is no cost to count
