"""Several networks as one model: it answers with the mean of their probabilities, on disk, as ONNX and in the form deployed."""

import json

import onnx
import pytest
import torch
from torch import nn

from tests.support.networks import CLASSES, CONFIG, noisy_clips, save_model
from trainables import res_rbg, static_cnn
from trainables.core.config import make_config
from trainables.core.serving.averaged import Averaged, write_averaged
from trainables.core.serving.classifier import Classifier
from trainables.core.serving.onnx import OnnxModel, export_onnx
from trainables.core.training.costs import param_count

LENGTHS = torch.tensor([6, 3, 1])


class Fixed(nn.Module):
    """Gives the same logits whatever it sees."""

    def __init__(self, *logits):
        super().__init__()
        self.logits = torch.tensor([logits])

    def forward(self, clips, lengths):
        return self.logits.to(clips.dtype)


def write_member(folder, seed, module=res_rbg, **settings):
    settings = {**CONFIG, **settings} if module is res_rbg else {"num_classes": 4, "image_size": 32, **settings}
    config = make_config(module.Config, settings)
    torch.manual_seed(seed)
    return save_model(folder, module.build_model(config), module.__name__.rpartition(".")[2], config, CLASSES, 48)


@pytest.fixture(scope="module")
def members(tmp_path_factory):
    place = tmp_path_factory.mktemp("members")
    return [write_member(place / f"refit-{seed}", seed) for seed in range(3)]


@pytest.fixture(scope="module")
def folder(members, tmp_path_factory):
    place = tmp_path_factory.mktemp("model") / "averaged"
    write_averaged(place, members)
    return place


def probabilities(folder, clips):
    with torch.inference_mode():
        return Classifier.load(folder, device="cpu").model(clips, LENGTHS).softmax(dim=1)


def test_the_softmax_of_what_it_answers_is_the_mean_of_its_members():
    model = Averaged([Fixed(0.0, 0.0), Fixed(1.0, -2.0), Fixed(500.0, -500.0)])
    expected = torch.stack([member.logits.softmax(1) for member in model.members]).mean(0)
    found = model(torch.zeros(1), torch.tensor([1]))
    torch.testing.assert_close(found.softmax(1), expected)
    torch.testing.assert_close(found.exp(), expected)
    sure = Averaged([Fixed(500.0, -500.0), Fixed(400.0, -400.0)])(torch.zeros(1), torch.tensor([1]))
    assert sure.isfinite().all(), "where no float32 holds the probability"
    assert sure.argmax() == 0


def test_answers_in_half_precision_are_averaged_in_single_precision():
    found = Averaged([Fixed(3.0, 1.0), Fixed(1.0, 2.0)])(torch.zeros(1, dtype=torch.bfloat16), torch.tensor([1]))
    assert found.dtype == torch.float32


def test_it_is_loaded_as_any_other_model_is_and_answers_with_the_mean(members, folder):
    clips = noisy_clips(CONFIG["num_frames"])
    each = torch.stack([probabilities(member, clips) for member in members])
    assert not torch.allclose(each[0], each[1], atol=1e-3)
    torch.testing.assert_close(probabilities(folder, clips), each.mean(0), atol=1e-6, rtol=1e-5)
    described = json.loads((folder / "model.json").read_text())
    assert described == {**json.loads((members[0] / "model.json").read_text()), "num_members": 3}
    assert sorted(path.name for path in folder.iterdir()) == ["model.json", "model.safetensors"]
    one, all_of_them = (Classifier.load(place, device="cpu").model for place in (members[0], folder))
    assert param_count(all_of_them) == 3 * param_count(one)


def test_the_average_of_one_training_again_and_again_is_that_training(members, tmp_path):
    write_averaged(tmp_path, members[:1] * 2)
    clips = noisy_clips(CONFIG["num_frames"])
    torch.testing.assert_close(probabilities(tmp_path, clips), probabilities(members[0], clips))


def test_trainings_of_several_configurations_are_not_averaged(members, tmp_path):
    other = write_member(tmp_path / "other", 0, gru_hidden=8)
    with pytest.raises(ValueError, match=r"other is not averaged with .*refit-0: they differ in config\.$"):
        write_averaged(tmp_path / "averaged", [*members, other])
    assert not (tmp_path / "averaged").exists()


def test_a_file_of_other_networks_than_it_says_is_refused(members, folder, tmp_path):
    (tmp_path / "model.json").write_text((folder / "model.json").read_text())
    (tmp_path / "model.safetensors").write_bytes((members[0] / "model.safetensors").read_bytes())
    with pytest.raises(ValueError, match=r"weights do not fit the settings in model\.json"):
        Classifier.load(tmp_path, device="cpu")


@pytest.mark.slow
def test_its_onnx_file_holds_all_members_and_says_how_many(members, folder, tmp_path):
    one, exported = (export_onnx(place, tmp_path / f"{place.name}.onnx") for place in (members[0], folder))
    assert (one.num_members, exported.num_members) == (1, 3)
    assert exported.size_mb == pytest.approx(3 * one.size_mb, rel=0.05)
    clips = noisy_clips(CONFIG["num_frames"])
    found = OnnxModel(exported.path)(clips, LENGTHS).softmax(dim=1)
    torch.testing.assert_close(found, probabilities(folder, clips), atol=1e-5, rtol=1e-4)
    told = {prop.key: prop.value for prop in onnx.load(exported.path).metadata_props}
    assert told["num_members"] == "3"


@pytest.mark.slow
def test_members_are_exported_as_each_is_deployed(tmp_path):
    settings = {"module": static_cnn, "architecture": "repvgg_a0", "num_frames": 1}
    write_averaged(tmp_path / "averaged", [write_member(tmp_path / str(seed), seed, **settings) for seed in (0, 1)])
    exported = export_onnx(tmp_path / "averaged", tmp_path / "x.onnx")
    nodes = onnx.load(exported.path).graph.node
    assert sum(node.op_type == "Conv" for node in nodes) == 2 * 22, "one for each block, in training three branches"
