"""Masking: the expected share, square blocks, one seed one mask."""

import pytest
import torch
from torch import Tensor

from trainables.core.training.augmentation.masking import block_mask


def mask(num_clips: int, rate: float, seed: int = 0, size: tuple[int, int] = (45, 37), block: int = 8) -> Tensor:
    return block_mask(num_clips, *size, rate, torch.Generator().manual_seed(seed), "cpu", block=block)


@pytest.mark.parametrize("rate", [0.05, 0.3, 0.8])
def test_the_expected_share_is_the_rate_at_every_pixel(rate: float) -> None:
    masks = mask(4000, rate).float()
    assert masks.mean().item() == pytest.approx(rate, abs=0.01)
    # 6 standard errors of one pixel over 4,000 clips; corners and borders included
    assert (masks.mean((0, 1)) - rate).abs().max() < 6 * (rate * (1 - rate) / 4000) ** 0.5


def test_masked_areas_are_square_blocks() -> None:
    for masks in mask(20, 0.05, size=(64, 64)).squeeze(1):
        for lines in (masks, masks.T):
            for line in lines[lines.any(1)]:
                # inside the frame the lengths of runs are multiples of a block
                edges = torch.diff(line.int(), prepend=torch.tensor([0]), append=torch.tensor([0])).nonzero().flatten()
                runs = [(a.item(), b.item()) for a, b in zip(edges[::2], edges[1::2], strict=True)]
                assert all((b - a) % 8 == 0 for a, b in runs if a > 0 and b < 64)


def test_each_clip_has_its_own_mask_and_one_seed_gives_one_mask() -> None:
    masks = mask(2, 0.5)
    assert masks.shape == (2, 1, 45, 37)
    assert masks.dtype == torch.bool
    assert not torch.equal(masks[0], masks[1])
    assert torch.equal(masks, mask(2, 0.5))
    assert not torch.equal(masks, mask(2, 0.5, seed=1))


def test_rate_zero_masks_nothing() -> None:
    assert not mask(3, 0.0).any()


def test_the_default_block_scales_with_the_frame() -> None:
    for size in (5, 32, 112):
        masks = block_mask(200, size, size, 0.3, torch.Generator().manual_seed(0), "cpu")
        assert masks.float().mean().item() == pytest.approx(0.3, abs=0.03)


@pytest.mark.parametrize("rate", [-0.1, 1.0, float("nan")])
def test_a_rate_that_is_no_share_is_refused(rate: float) -> None:
    with pytest.raises(ValueError, match="masking rate was given as"):
        mask(1, rate)


def test_rows_and_columns_of_the_grid_are_shifted_by_draws_of_their_own():
    masks = block_mask(64, 28, 28, 0.5, torch.Generator().manual_seed(0), "cpu", block=4)[:, 0]
    edges = [(mask[1:] != mask[:-1]).any(dim=1).nonzero() % 4 for mask in masks]
    across = [(mask.T[1:] != mask.T[:-1]).any(dim=1).nonzero() % 4 for mask in masks]
    assert all(len(found.unique()) == 1 for found in (*edges, *across)), "blocks of 4 px"
    shifts = [(int(one[0]), int(other[0])) for one, other in zip(edges, across, strict=True)]
    assert len(set(shifts)) == 16
