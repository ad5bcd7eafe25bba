"""The stages of every backbone, by one rule."""

import pytest
import torch

from trainables import deep_residual_attention, res_rbg, static_cnn, tdrag
from trainables.core.config import make_config
from trainables.models.backbones import BACKBONES, frame_network
from trainables.models.cnn import ARCHITECTURES
from trainables.models.stages import stages

FRAME_NETWORKS = {name: 5 for name in BACKBONES if name.startswith("resnet")}
FRAME_NETWORKS |= {"mobilenet_tf": 14, "mobilenet_tf_12": 13, "expression_net": 4}
LIBRARY = {"vgg16": 14, "vgg19": 17, "resnet50": 5, "resnet101": 5, "densenet121": 8, "googlenet": 12}
LIBRARY |= {"mobilenet_v1": 6, "efficientnet_v2_s": 8, "shufflenet_v2": 5, "repvgg_a0": 5}
CASES = [
    *((res_rbg, {"backbone": name, "attention": "eca"}, count) for name, count in FRAME_NETWORKS.items()),
    (deep_residual_attention, {"attention": "se"}, 5),
    (tdrag, {}, 5),
    *((static_cnn, {"architecture": name}, count) for name, count in LIBRARY.items()),
]
FRESH = ("head.", "perceptron.", ".gate.", "network.fc.", ".aux1.", ".aux2.", "network.classifier.weight")


def test_every_network_is_among_the_cases():
    assert FRAME_NETWORKS.keys() == BACKBONES.keys()
    assert LIBRARY.keys() == ARCHITECTURES.keys()


@pytest.mark.parametrize(("trainable", "settings", "count"), CASES)
def test_they_hold_each_parameter_once_and_in_order_but_what_starts_afresh(trainable, settings, count):
    config = make_config(trainable.Config, settings)
    with torch.device("meta"):
        model = trainable.build_model(config)
    found = model.stages()
    assert config.num_stages() == len(found) == count
    names = {parameter: name for name, parameter in model.named_parameters()}
    staged = [[names[one] for module in stage for one in module.parameters(recurse=False)] for stage in found]
    flat = [name for stage in staged for name in stage]
    assert all(staged)
    assert flat == [name for name in names.values() if name in flat], "once each, from the input on"
    fresh = [name for name in names.values() if name not in flat]
    assert fresh, "a head"
    heads = [name for name in fresh if not any(part in name for part in FRESH)]
    assert {name.rpartition(".")[0].removeprefix("frames.network.") for name in heads} <= {
        *("classifier", "classifier.1", "classifier.6")
    }


def test_a_batch_norm_belongs_to_the_layer_before_it():
    backbone, _ = frame_network("resnet18", "none")
    assert stages(backbone)[0] == [backbone.conv1, backbone.bn1]


def test_a_gate_of_the_file_belongs_to_its_stage_and_a_new_one_to_none(tmp_path):
    path = str(tmp_path / "own.pth")
    torch.save(frame_network("expression_net", "eca")[0].state_dict(), path)
    for gate, among in (("eca", True), ("se", False)):
        backbone, _ = frame_network("expression_net", gate, path)
        modules = [module for stage in stages(backbone) for module in stage]
        inner = next(iter(backbone.blocks[0].gate.children()))
        assert (inner in modules) == among


def test_more_stages_than_there_are_cannot_be_frozen():
    with pytest.raises(ValueError, match=r"^frozen_stages was given as 5; a whole number from 0 to 4, the stages that"):
        res_rbg.Config(backbone="expression_net", frozen_stages=5)
    assert res_rbg.Config(backbone="expression_net", frozen_stages=4).frozen_stages == 4
