"""Starting from a file: every form that state dicts are kept in, what misfits, what is told, gates that change nothing."""

import hashlib
import json

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from trainables import deep_residual_attention, res_rbg, static_cnn, tdrag
from trainables.core.config import make_config
from trainables.core.starting import loaded_into
from trainables.models.backbones import frame_network
from trainables.models.cnn import static_cnn as cnn
from trainables.models.colours import AsTrained
from trainables.models.published import digest_of
from trainables.models.resnet3d import ResNet3d
from trainables.models.sources import IMAGENET, Colours


@pytest.fixture(scope="module")
def theirs() -> dict[str, torch.Tensor]:
    """The state dict of a ResNet-18 with its classifier, as others train it."""
    torch.manual_seed(0)
    network = frame_network("resnet18", "none")[0]
    for norm in (module for module in network.modules() if isinstance(module, nn.BatchNorm2d)):
        nn.init.uniform_(norm.weight, 0.5, 1.5)
        nn.init.uniform_(norm.running_mean, -0.1, 0.1)
    return network.state_dict() | {"fc.weight": torch.randn(7, 512), "fc.bias": torch.randn(7)}


def stored(path, state):
    torch.save(state, path)
    return str(path)


def holds(network, state) -> bool:
    return all(torch.equal(value, state[key]) for key, value in network.state_dict().items() if "colours." not in key)


FORMS = {
    "plain": lambda state: state,
    "lightning": lambda state: {"epoch": 3, "state_dict": {f"model.{key}": value for key, value in state.items()}},
    "data_parallel": lambda state: {"state_dict": {f"module.{key}": value for key, value in state.items()}},
    "twice": lambda state: {"model": {"state_dict": {f"module.encoder.{key}": value for key, value in state.items()}}},
    "dan": lambda state: {"iter": 1, "model_state_dict": state, "optimizer_state_dict": {"state": {}}},
    "beside_a_head": lambda state: (
        {f"backbone.{key}": value for key, value in state.items()} | {"head.w": torch.ones(2)}
    ),
    "without_counters": lambda state: {key: value for key, value in state.items() if "num_batches" not in key},
}


@pytest.mark.parametrize("form", FORMS)
def test_a_state_dict_is_found_in_whatever_it_is_kept(form, theirs, tmp_path):
    path = stored(tmp_path / "own.pth", FORMS[form](theirs))
    network, _ = frame_network("resnet18", "none", path)
    assert holds(network, theirs)
    loaded = loaded_into(network)
    assert len(loaded.loaded) == 40  # 20 convolutions, 20 normalisations
    assert [layer.rpartition(".")[2] for layer in loaded.left_out] == (
        ["fc", "head"] if form == "beside_a_head" else ["fc"]
    )
    assert loaded.fresh == ()


def test_safetensors_and_half_precision_are_read(theirs, tmp_path):
    save_file({key: value.half() for key, value in theirs.items()}, tmp_path / "own.safetensors")
    network, _ = frame_network("resnet18", "none", str(tmp_path / "own.safetensors"))
    assert network.conv1.weight.dtype == torch.float32
    assert torch.equal(network.conv1.weight, theirs["conv1.weight"].half().float())


def test_every_trainable_takes_a_path(theirs, tmp_path):
    path = stored(tmp_path / "own.pth", theirs)
    for module in (res_rbg, deep_residual_attention):
        settings = {"backbone": "resnet18", "weights": path, "attention": "none", "gru_hidden": 8}
        settings = {key: value for key, value in settings.items() if key in module.Config.__dataclass_fields__}
        model = module.build_model(make_config(module.Config, settings))
        assert holds(model.backbone, theirs)
    torch.manual_seed(1)
    videos = ResNet3d("none", width=4).state_dict()
    path = stored(tmp_path / "videos.pth", {f"module.{key}": value for key, value in videos.items()})
    model = tdrag.build_model(
        make_config(tdrag.Config, {"weights": path, "width": 4, "attention": "se", "gru_hidden": 8})
    )
    assert all(
        torch.equal(model.backbone.state_dict()[key], value) for key, value in videos.items() if "conv2.1" not in key
    )
    assert model.backbone.colours.mean.flatten().tolist() == pytest.approx([110.2008, 100.63983, 95.99475])
    torch.manual_seed(1)
    images = cnn("shufflenet_v2", 1000).frames.network.state_dict()
    path = stored(tmp_path / "images.pth", images)
    model = static_cnn.build_model(make_config(static_cnn.Config, {"architecture": "shufflenet_v2", "weights": path}))
    assert torch.equal(model.frames.network.conv5[0].weight, images["conv5.0.weight"])
    assert loaded_into(model).fresh == ("fc",)


def test_a_file_that_misfits_is_refused_with_the_names(theirs, tmp_path):
    path = stored(tmp_path / "own.pth", theirs)
    with pytest.raises(
        ValueError, match=r"own.pth does not hold the weights of resnet34: missing layer1\.2\.conv1\.weight"
    ):
        frame_network("resnet34", "none", path)
    with pytest.raises(
        ValueError, match=r"resnet50: missing .* layer1\.0\.conv1\.weight \(64, 64, 3, 3\) for \(64, 64, 1"
    ):
        frame_network("resnet50", "none", path)
    with pytest.raises(ValueError, match=r"weights of expression_net: missing blocks\.0\.conv0\.weight"):
        frame_network("expression_net", "none", path)
    torch.manual_seed(0)
    deeper = stored(tmp_path / "deeper.pth", frame_network("resnet34", "none")[0].state_dict())
    with pytest.raises(ValueError, match=r"weights of resnet18: not expected layer1\.2\.conv1\.weight, .* more\."):
        frame_network("resnet18", "none", deeper)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (nn.Linear(2, 2), "no whole models, which would run code"),
        ({"epoch": 3}, "holds no state dict, also none under state_dict, model_state_dict"),
        ([torch.ones(2)], "holds no state dict"),
    ],
)
def test_what_is_no_state_dict_is_refused(content, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        frame_network("resnet18", "none", stored(tmp_path / "own.pth", content))


def test_a_path_that_is_not_there_says_who_has_to_see_it():
    with pytest.raises(
        ValueError, match=r"there is no file /none/own\.pth\. .* a folder that all of them share"
    ) as caught:
        frame_network("resnet18", "none", "/none/own.pth")
    assert "Paths count from" in str(caught.value)
    with pytest.raises(
        ValueError, match=r"not at /none/face_expression\.safetensors, and nothing is downloaded"
    ) as caught:
        frame_network("expression_net", "none", "/none/face_expression.safetensors")
    assert "as https://www.npmjs.com/package/@vladmandic/face-api" in str(caught.value)


def test_a_name_that_is_not_there_says_where_to_put_it_and_where_it_is_from(hub):
    with pytest.raises(
        ValueError, match=r"resnet18_msceleb\.pth, and nothing is downloaded.* as https://github.com/yaoing/DAN"
    ):
        frame_network("resnet18", "none", "msceleb")
    with pytest.raises(ValueError, match="resnet50_ft_dag") as caught:
        frame_network("resnet50_caffe", "none", "vggface2")
    assert f"curl -L --create-dirs -o {hub / 'resnet50_ft_dag.pth'} http://www.robots.ox.ac.uk" in str(caught.value)


def test_what_was_loaded_is_told_with_where_it_is_from(theirs, hub):
    path = hub / "resnet18_msceleb.pth"
    torch.save({"state_dict": theirs}, path)
    loaded = loaded_into(frame_network("resnet18", "eca", "msceleb")[0])
    assert loaded.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert (loaded.licence, loaded.published) == ("not stated", None)
    sentence = loaded.sentence()
    assert sentence.startswith(f"resnet18 starts from {path}, trained on MS-Celeb-1M, faces of celebrities")
    assert "40 layers loaded; 1 layer of the file left out (fc); 8 layers made fresh (layer1.0.gate.conv, " in sentence
    torch.save(theirs, hub / "resnet18-f37072fd.pth")
    loaded = loaded_into(frame_network("resnet18", "none", "imagenet")[0])
    assert loaded.published is False
    assert loaded.sentence().endswith("its checksum is not the published one.")
    assert loaded_into(frame_network("resnet18", "none")[0]) is None


@pytest.mark.parametrize("gate", ["se", "eca", "g_eca", "spatial"])
def test_a_fresh_gate_changes_no_bit_of_what_published_weights_see_and_learns(gate, theirs, tmp_path):
    path = stored(tmp_path / "own.pth", theirs)
    x = torch.randn(4, 3, 32, 32)
    plain, gated = (frame_network("resnet18", one, path)[0] for one in ("none", gate))
    assert torch.equal(gated.eval()(x), plain.eval()(x))
    optimizer = torch.optim.SGD(gated.parameters(), lr=1e-6)
    for _ in range(2):  # what stands before the last layer of a gate moves from the second step on
        optimizer.zero_grad()
        gated.train()(x).square().sum().backward()
        optimizer.step()
    gates = [(key, value) for key, value in gated.named_parameters() if ".gate." in key]
    assert gates
    assert all(value.grad.abs().sum() > 0 for key, value in gates)


def test_a_fresh_gate_over_time_changes_nothing_either(tmp_path):
    torch.manual_seed(0)
    path = stored(tmp_path / "videos.pth", ResNet3d("none", width=4).state_dict())
    x, lengths = torch.randn(2, 4, 3, 32, 32), torch.tensor([4, 2])
    features = []
    for gate in ("none", "spatial_3d", "se"):
        network = ResNet3d(gate, width=4)
        network.start_from(path)
        features.append(network.eval()(x, lengths)[0])
    assert torch.equal(features[0], features[1])
    assert torch.equal(features[0], features[2])


def test_a_model_of_fertunes_brings_its_gates_and_its_colours(tmp_path):
    folder = tmp_path / "trial"
    folder.mkdir()
    torch.manual_seed(0)
    config = make_config(res_rbg.Config, {"backbone": "expression_net", "attention": "se", "gru_hidden": 8})
    state = res_rbg.build_model(config).state_dict()
    show = AsTrained(Colours(order="BGR", mean=(1.0, 2.0, 3.0), scale=(4.0, 5.0, 6.0))).state_dict()
    before = {"trained_on": "VGGFace2", "licence": "MIT"}
    (folder / "model.json").write_text(json.dumps({"dataset": "ck_plus", "starts_from": before}))
    path = folder / "model.safetensors"
    save_file(state | {f"backbone.colours.{key}": value for key, value in show.items()}, path)
    network, _ = frame_network("expression_net", "se", str(path))
    assert torch.equal(network.blocks[3].gate.excite.weight, state["backbone.blocks.3.gate.excite.weight"])
    assert (network.colours.order.tolist(), network.colours.mean.flatten().tolist()) == ([2, 1, 0], [1, 2, 3])
    loaded = loaded_into(network)
    assert loaded.fresh == ()
    assert loaded.trained_on == "data set ck_plus, after VGGFace2"
    save_file(state, path)  # from nothing: it was shown the colours that all networks here are given
    network, _ = frame_network("expression_net", "se", str(path))
    assert torch.equal(network.colours.mean, AsTrained(IMAGENET).mean)


def test_gates_of_another_kind_are_left_out_and_made_fresh(tmp_path):
    torch.manual_seed(0)
    path = stored(tmp_path / "own.pth", frame_network("resnet18", "eca")[0].state_dict())
    loaded = loaded_into(frame_network("resnet18", "se", path)[0])
    assert len(loaded.left_out) == 8
    assert len(loaded.fresh) == 16
    assert all(".gate." in layer for layer in (*loaded.left_out, *loaded.fresh))


def test_from_nothing_gates_start_as_they_did(theirs):
    torch.manual_seed(0)
    gate = frame_network("resnet18", "se")[0].layer1[0].gate
    assert gate.excite.weight.abs().sum() > 0


def test_what_weights_are_is_told_by_the_content_of_their_files(tmp_path, monkeypatch):
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    own = tmp_path / "own.pth"
    assert digest_of("none") == digest_of(str(own)) == digest_of("imagenet") == ""
    own.write_bytes(b"one")
    assert digest_of(str(own)) == hashlib.sha256(b"one").hexdigest()
    before = digest_of(str(own))
    own.write_bytes(b"other")
    assert digest_of(str(own)) != before
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "checkpoints" / "resnet18-f37072fd.pth").write_bytes(b"published")
    assert digest_of("imagenet") == hashlib.sha256(b"published").hexdigest()
