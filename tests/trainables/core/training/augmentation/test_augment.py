"""Augmentation: the centre is a pure slice, a clip changes as one, a seed decides everything."""

import dataclasses

import pytest
import torch
from torch import Tensor

from tests.trainables.core.training.augmentation.moved_frames import OFF, centroid, every_frame, noise, smooth
from trainables.core.config import MEAN, STD, TrainerConfig
from trainables.core.training.augmentation.augment import augment, ramped, to_input


def changed(frames: Tensor, seed: int = 0, **fields: object) -> Tensor:
    config = dataclasses.replace(OFF, **fields)
    return augment(frames, every_frame(frames), config, torch.Generator().manual_seed(seed))


@pytest.mark.parametrize(("side", "first"), [(40, 4), (41, 4), (32, 0)])
def test_the_input_is_the_centre_normalised(side: int, first: int) -> None:
    frames = noise(side=side)
    out = to_input(frames, 32)
    expected = frames[:, :, first : first + 32, first : first + 32].permute(0, 1, 4, 2, 3) / 255
    expected = (expected - torch.tensor(MEAN).view(3, 1, 1)) / torch.tensor(STD).view(3, 1, 1)
    assert torch.allclose(out, expected, atol=1e-6)


@pytest.mark.parametrize("make", [lambda frames: to_input(frames, 32), changed], ids=["to_input", "augment"])
def test_type_shape_and_memory_are_what_a_convolution_wants(make) -> None:
    frames = noise()
    before = frames.clone()
    out = make(frames)
    assert (out.shape, out.dtype) == ((2, 3, 3, 32, 32), torch.float32)
    assert out.flatten(0, 1).is_contiguous(memory_format=torch.channels_last)
    assert torch.equal(frames, before)


@pytest.mark.parametrize("side", [40, 41, 32])
def test_with_everything_off_training_sees_what_evaluation_sees(side: int) -> None:
    frames = noise(side=side)
    assert torch.allclose(changed(frames), to_input(frames, 32), atol=2e-3)


def test_flip_mirrors_some_clips_and_no_others() -> None:
    frames = noise(num_clips=16)
    plain, out = to_input(frames, 32), changed(frames, flip=True)
    kept = [torch.allclose(a, b, atol=2e-3) for a, b in zip(out, plain, strict=True)]
    mirrored = [torch.allclose(a, b.flip(-1), atol=2e-3) for a, b in zip(out, plain, strict=True)]
    assert [a != b for a, b in zip(kept, mirrored, strict=True)] == [True] * 16
    assert 0 < sum(mirrored) < 16


@pytest.mark.parametrize(
    "fields",
    [{"max_rotation_deg": 20.0}, {"max_shift": 0.1}, {"max_zoom": 0.2}, {"max_brightness": 0.3}, {"masking_rate": 0.4}],
    ids=str,
)
def test_each_field_changes_clips_each_by_its_own_draw_and_all_frames_alike(fields: dict[str, float]) -> None:
    frames = smooth()
    out = changed(frames, **fields)
    assert not torch.allclose(out, to_input(frames, 32), atol=0.05)
    assert not torch.allclose(out[0], out[1], atol=0.01)
    assert torch.allclose(out, out[:, :1].expand_as(out), atol=1e-5)  # the frames were alike and still are


def test_a_shift_moves_by_up_to_its_share_of_the_crop() -> None:
    frames = smooth(num_clips=400, num_frames=1, side=50)
    moved = centroid(changed(frames, max_shift=0.1)) - centroid(to_input(frames, 32))
    assert 3.0 < moved.abs().max() < 3.3  # a tenth of 32 px
    assert moved.abs().amin() < 0.1


def test_a_rotation_keeps_the_distance_to_the_centre() -> None:
    frames = smooth(num_clips=200, num_frames=1, side=50)
    before, after = (centroid(x) - 15.5 for x in (to_input(frames, 32), changed(frames, max_rotation_deg=30.0)))
    assert torch.allclose(after.norm(dim=1), before.norm(dim=1), atol=0.15)
    angle = torch.rad2deg(torch.atan2(after[:, 1], after[:, 0]) - torch.atan2(before[:, 1], before[:, 0]))
    assert 28 < angle.abs().max() < 31


def test_brightness_and_contrast_stay_within_white_and_black() -> None:
    frames = noise(num_clips=8)
    mean, std = torch.tensor(MEAN).view(3, 1, 1), torch.tensor(STD).view(3, 1, 1)
    colours = changed(frames, max_brightness=0.5) * std + mean
    assert colours.min() > -1e-5
    assert colours.max() < 1 + 1e-5
    assert colours.mean((1, 2, 3, 4)).std() > 0.05


@pytest.mark.parametrize("fields", [{"max_brightness": 0.5}, {"max_drift": 1.0, "max_rotation_deg": 20.0}], ids=str)
def test_a_short_clip_changes_as_if_there_were_no_padding(fields: dict[str, float]) -> None:
    whole, lengths = noise(num_clips=2, num_frames=6), torch.tensor([6, 2])
    padded = whole.clone()
    padded[1, 2:] = 0
    config = dataclasses.replace(OFF, **fields)
    longer = augment(padded, lengths, config, torch.Generator().manual_seed(0))
    shorter = augment(padded[:, :2], torch.tensor([2, 2]), config, torch.Generator().manual_seed(0))
    assert torch.allclose(longer[1, :2], shorter[1], atol=1e-5)
    assert torch.equal(longer[0], augment(whole, every_frame(whole), config, torch.Generator().manual_seed(0))[0])


def test_masked_blocks_are_zero_on_all_frames_of_a_clip() -> None:
    frames = noise(num_clips=4)
    out = changed(frames, masking_rate=0.3)
    blank = (out == 0).all(2)  # (B, T, H, W), all colours at once
    assert 0.1 < blank.float().mean() < 0.5
    assert torch.equal(blank, blank[:, :1].expand_as(blank))
    seen = ~blank.unsqueeze(2).expand_as(out)
    assert torch.allclose(out[seen], changed(frames)[seen])


def test_one_seed_gives_one_batch_and_the_global_generator_is_left_alone() -> None:
    config = TrainerConfig(image_size=32, masking_rate=0.2)
    state = torch.get_rng_state()
    first, again, other = (
        augment(noise(), every_frame(noise()), config, torch.Generator().manual_seed(seed)) for seed in (3, 3, 4)
    )
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize("make", [lambda frames: to_input(frames, 32), changed], ids=["to_input", "augment"])
def test_frames_smaller_than_the_crop_are_refused(make) -> None:
    with pytest.raises(ValueError, match=r"30 x 30 px.*image_size 32"):
        make(noise(side=30))


def test_a_drift_moves_a_clip_evenly_and_mirrors_no_frame_alone() -> None:
    frames = smooth(num_clips=3, num_frames=5)[:, :1].expand(-1, 5, -1, -1, -1).contiguous()
    off = {"max_rotation_deg": 0.0, "max_zoom": 0.0, "max_brightness": 0.0}
    still = changed(frames, **off, flip=True, max_shift=0.1)
    assert torch.equal(still[:, :1].expand_as(still), still)
    moved = changed(frames, **off, flip=False, max_shift=0.1, max_drift=1.0)
    steps = torch.stack([centroid(moved[:, [place]]) for place in range(5)], 1).diff(dim=1)
    assert steps.abs().max() > 0.1
    torch.testing.assert_close(steps, steps[:, :1].expand_as(steps), atol=0.15, rtol=0)


def test_the_ranges_grow_from_nothing_over_the_first_epochs() -> None:
    config = TrainerConfig(
        image_size=16, ramp_epochs=4, max_rotation_deg=20.0, max_shift=0.1, max_zoom=0.2, max_brightness=0.4
    )
    shown = [ramped(config, epoch) for epoch in range(6)]
    assert [one.max_rotation_deg for one in shown] == [0, 5, 10, 15, 20, 20]
    assert [one.max_brightness for one in shown] == pytest.approx([0, 0.1, 0.2, 0.3, 0.4, 0.4])
    assert (shown[2].max_shift, shown[2].max_zoom) == (0.05, 0.1)
    assert shown[4] is config
    off = TrainerConfig(image_size=16)
    assert ramped(off, 0) is off
