"""Res-RBG: published parameter counts, padding without influence, gradients everywhere, the ablation's rows."""

import functools
import itertools

import pytest
import torch
from torch import Tensor, nn

from tests.support.networks import assert_padding_is_unseen, blanked, gradients, network, noisy_clips
from trainables import res_rbg
from trainables.core.config import check_keys, make_config
from trainables.models.attention import frame_gates
from trainables.models.padding import BatchNorm1d, masked_mean, on_rows, reverse, valid_rows
from trainables.models.rbg import RBG, BidirectionalGRU
from trainables.models.res_rbg import Deviation, ResRBG
from trainables.res_rbg import PRESETS, Config, build_model

TINY = {"backbone": "resnet18", "gru_hidden": 8, "image_size": 32, "num_frames": 4, "num_classes": 3}
LENGTHS = torch.tensor([4, 2, 1])


tiny = functools.partial(network, res_rbg, **TINY)


@pytest.mark.parametrize(
    ("preset", "hidden", "counts"),
    [
        ("h512", 512, (37.431, 46.885, 56.339)),
        ("h512", 256, (27.783, 30.150, 32.518)),
        ("paper_64m", 696, (46.738, 64.199, 81.661)),
    ],
)
def test_parameter_counts_are_the_published_ones(preset: str, hidden: int, counts: tuple[float, ...]) -> None:
    for depth, millions in zip((1, 2, 3), counts, strict=True):
        config = make_config(Config, PRESETS[preset] | {"gru_hidden": hidden, "rbg_depth": depth})
        with torch.device("meta"):
            model = build_model(config)
        assert round(sum(parameter.numel() for parameter in model.parameters()) / 1e6, 3) == millions


def test_the_named_presets_are_the_networks_of_two_blocks() -> None:
    assert PRESETS["h512"]["rbg_depth"] == PRESETS["paper_64m"]["rbg_depth"] == 2
    assert make_config(Config, PRESETS["paper_64m"]) == Config() == make_config(Config, PRESETS["full"])


def test_each_row_of_the_ablation_writes_out_every_field_and_changes_one_component() -> None:
    rows = [PRESETS[name] for name in ("baseline", "random_masking", "bi_gru", "rbg", "eca", "full")]
    assert len({frozenset(row) for row in PRESETS.values()}) == 1
    changes = [{key for key in a if a[key] != b[key]} for a, b in itertools.pairwise(rows)]
    assert changes == [{"masking_rate"}, {"recurrent", "rbg_depth"}, {"recurrent"}, {"attention"}, {"attention"}]
    assert rows[0]["masking_rate"] == rows[0]["rbg_depth"] == 0
    assert rows[0]["attention"] == "none"


def test_the_bi_gru_row_has_the_same_layers_without_batchnorm() -> None:
    norms, grus = {}, {}
    for name in ("bi_gru", "rbg"):
        head = tiny(recurrent=name).head
        norms[name] = sum(isinstance(module, BatchNorm1d) for module in head.modules())
        grus[name] = sum(isinstance(module, BidirectionalGRU) for module in head.modules())
    assert norms == {"bi_gru": 0, "rbg": 4}
    assert grus == {"bi_gru": 4, "rbg": 4}


@pytest.mark.parametrize("shortcut", ["linear", "parameter_free"])
def test_a_block_whose_grus_are_silent_is_its_shortcut(shortcut: str) -> None:
    torch.manual_seed(0)
    head = RBG(6, 3, hidden=4, depth=2, shortcut=shortcut).eval()
    for block in head.blocks:
        for parameter in block.grus.parameters():
            nn.init.zeros_(parameter)
    x, lengths = torch.randn(1, 3, 4), torch.tensor([3])
    if shortcut == "parameter_free":
        assert torch.equal(head.blocks[0](x, lengths, None), torch.cat((x, x), -1))
    wide = torch.randn(1, 3, 8)
    assert torch.equal(head.blocks[1](wide, lengths, None), wide)


@pytest.mark.slow
@pytest.mark.parametrize("gate", frame_gates())
@pytest.mark.parametrize("temporal", ["gru", "mean"])
def test_a_gradient_reaches_every_parameter(gate: str, temporal: str) -> None:
    changes = [preset | TINY | {"temporal": temporal, "attention": gate} for preset in PRESETS.values()]
    # presets that are one network at this size, gate and head are tried once
    ignored = {"masking_rate"} if temporal == "gru" else {"masking_rate", "recurrent", "rbg_depth", "shortcut"}
    networks = {str({key: row[key] for key in sorted(row.keys() - ignored)}): row for row in changes}
    assert len(networks) == (4 if temporal == "gru" else 1)
    for row in networks.values():
        model = tiny(**row).train()
        loss = nn.functional.cross_entropy(model(noisy_clips(4), LENGTHS), torch.tensor([0, 1, 2]))
        loss.backward()
        silent = [name for name, p in model.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0]
        assert not silent


@pytest.mark.slow
@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"temporal": "mean"},
        {"recurrent": "bi_gru"},
        {"rbg_depth": 0},
        {"rbg_depth": 3, "shortcut": "linear"},
        {"neck": "deviation"},
    ],
    ids=str,
)
def test_padding_never_changes_the_logits_of_a_clip(changes: dict[str, object], training: bool) -> None:
    model = tiny(**changes).train(training)
    assert_padding_is_unseen(model, noisy_clips(4), LENGTHS, ((7.0, 3), (float("nan"), 1)), atol=1e-5)


@pytest.mark.slow
def test_what_stands_in_padded_frames_never_changes_a_gradient() -> None:
    found = [gradients(tiny(), blanked(noisy_clips(4), LENGTHS, value), LENGTHS) for value in (0.0, float("nan"))]
    assert all(torch.allclose(a, b, atol=1e-5) for a, b in zip(*found, strict=True))


def test_a_clip_alone_has_the_logits_it_has_in_a_batch() -> None:
    model = tiny().eval()
    x = noisy_clips(4)
    batch = model(x, LENGTHS)
    for row, length in enumerate(LENGTHS.tolist()):
        alone = model(x[row : row + 1, :length], torch.tensor([length]))
        assert torch.allclose(alone[0], batch[row], atol=1e-5)


def test_the_deviation_from_a_clips_mean_has_nothing_of_what_stays_over_the_clip() -> None:
    torch.manual_seed(0)
    neck, lengths = Deviation(5).eval(), torch.tensor([4, 2])
    x, look = torch.randn(2, 4, 5), torch.randn(2, 1, 5)
    neck.mix.weight.chunk(2, dim=1)[0].data.zero_()
    valid = torch.tensor([[True] * 4, [True, True, False, False]])
    assert torch.allclose(neck(x + look, lengths, None)[valid], neck(x, lengths, None)[valid], atol=1e-5)


@pytest.mark.parametrize("preset", PRESETS)
def test_one_valid_step_trains(preset: str) -> None:
    model = tiny(**(PRESETS[preset] | TINY), neck="deviation").train()
    logits = model(noisy_clips(4, 1), torch.tensor([1]))
    logits.square().sum().backward()
    assert all(parameter.grad.isfinite().all() for parameter in model.parameters())


@pytest.mark.parametrize("neck", ["none", "deviation"])
@pytest.mark.parametrize(("temporal", "blind"), [("gru", False), ("mean", True)])
def test_only_the_control_is_blind_to_order(temporal: str, blind: bool, neck: str) -> None:
    model = tiny(temporal=temporal, neck=neck).eval()
    x, lengths = noisy_clips(4), torch.full((3,), 4)
    assert torch.allclose(model(x, lengths), model(x.flip(1), lengths), atol=1e-6) == blind


def test_the_readout_is_the_mean_of_the_logits_of_valid_steps() -> None:
    torch.manual_seed(0)
    head = RBG(6, 3, hidden=4, depth=1).eval()
    steps: list[Tensor] = []
    head.head.register_forward_hook(lambda module, inputs, output: steps.append(output))
    logits = head(torch.randn(2, 5, 6), torch.tensor([5, 2]), None)
    assert torch.allclose(logits, torch.stack((steps[0][0].mean(0), steps[0][1, :2].mean(0))), atol=1e-6)


def test_the_bidirectional_gru_is_pytorchs_on_a_packed_sequence() -> None:
    torch.manual_seed(0)
    ours, theirs = BidirectionalGRU(5, 4), nn.GRU(5, 4, batch_first=True, bidirectional=True)
    backwards = {f"{key}_reverse": value for key, value in ours.back.state_dict().items()}
    theirs.load_state_dict(ours.ahead.state_dict() | backwards)
    x, lengths = torch.randn(3, 6, 5), torch.tensor([6, 1, 4])
    packed = nn.utils.rnn.pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
    expected, _ = nn.utils.rnn.pad_packed_sequence(theirs(packed)[0], batch_first=True)
    for row, length in enumerate(lengths.tolist()):
        assert torch.allclose(ours(x, lengths)[row, :length], expected[row, :length], atol=1e-6)


def test_reverse_turns_valid_steps_and_leaves_padding() -> None:
    x = torch.arange(4.0).expand(2, 4).unsqueeze(-1)
    assert reverse(x, torch.tensor([4, 2])).squeeze(-1).tolist() == [[3, 2, 1, 0], [1, 0, 2, 3]]


def test_masked_mean_counts_valid_steps_only() -> None:
    x = torch.tensor([[[1.0], [3.0], [float("nan")]]])
    assert masked_mean(x, torch.tensor([2])).tolist() == [[2.0]]


def test_only_valid_rows_enter_batch_statistics() -> None:
    norm = BatchNorm1d(1, momentum=1.0)
    x = torch.tensor([[[1.0], [1e6]], [[2.0], [3.0]]])
    out = on_rows(norm, x, valid_rows(torch.tensor([1, 2]), 2, x.device))
    assert norm.running_mean.item() == pytest.approx(2.0)
    assert out[0, 1].item() == 0


def test_a_clip_without_a_frame_is_a_broken_invariant() -> None:
    with pytest.raises(AssertionError, match="without a valid frame"):
        valid_rows(torch.tensor([0, 2]), 2, torch.device("cpu"))


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:The tensor attributes")  # a GRU keeps a list of its own weights
def test_the_network_can_be_exported_for_any_batch() -> None:
    torch.manual_seed(0)
    frames = nn.Sequential(nn.Conv2d(3, 4, 3, stride=16), nn.Flatten())  # a ResNet takes seconds, and is no risk
    model = ResRBG(frames, RBG(16, 3, hidden=4, depth=1)).eval()
    batch = {0: torch.export.Dim("batch")}
    program = torch.export.export(
        model, (noisy_clips(4, 2), torch.tensor([4, 2])), dynamic_shapes={"clips": batch, "lengths": batch}
    )
    assert torch.allclose(program.module()(noisy_clips(4), LENGTHS), model(noisy_clips(4), LENGTHS), atol=1e-5)


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("backbone", "resnet51", "Did you mean 'resnet50'"),
        ("attention", None, "There are: none, se, eca, g_eca, spatial"),
        ("temporal", "grus", "Did you mean 'gru'"),
        ("recurrent", "bigru", "Did you mean 'bi_gru'"),
        ("shortcut", "liner", "Did you mean 'linear'"),
        ("weights", "imagenet1k", "Did you mean 'imagenet'"),
        ("rbg_depth", 4, "given as 4; a whole number from 0 to 3"),
        ("rbg_depth", 1.5, "given as 1.5"),
        ("gru_hidden", 0, "given as 0; a whole number of at least 1"),
        ("dropout", 1.0, "given as 1.0; 0 .off. up to below 1"),
        ("masking_rate", -0.1, "masking_rate was given as -0.1"),
    ],
)
def test_a_value_that_is_not_allowed_is_named_with_what_is(field: str, value: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make_config(Config, {field: value})


def test_keys_are_checked_without_values() -> None:
    check_keys(Config, ["rbg_depth", "lr"])
    with pytest.raises(ValueError, match="Did you mean 'gru_hidden'"):
        check_keys(Config, ["gru_hiden"])
