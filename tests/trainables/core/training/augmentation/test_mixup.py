"""Mixed clips: of which frames they are, that no padding enters, and what they are compared with."""

import pytest
import torch

from trainables.core.training.augmentation.mixup import Mixture, mixed
from trainables.core.training.losses import Loss

LENGTHS = torch.tensor([6, 3, 1, 4])


def numbered() -> torch.Tensor:
    """Frame t of clip i is 10 i + t everywhere, padding not a number."""
    clips = torch.full((4, 6, 2, 2, 3), float("nan"))
    for i, length in enumerate(LENGTHS.tolist()):
        clips[i, :length] = (10 * i + torch.arange(length)).view(-1, 1, 1, 1)
    return clips.permute(0, 1, 4, 2, 3)


def test_a_partner_is_brought_to_the_length_of_the_clip_and_no_padding_enters():
    seen = set()
    for seed in range(20):
        clips, mixture = mixed(numbered(), LENGTHS, 0.4, torch.Generator().manual_seed(seed))
        assert 0.5 <= mixture.own <= 1
        for i, partner in enumerate(mixture.partners.tolist()):
            length, other = int(LENGTHS[i]), int(LENGTHS[partner])
            along = [(other - 1) // 2] if length == 1 else [t * (other - 1) / (length - 1) for t in range(length)]
            for t, place in enumerate(along):
                expected = mixture.own * (10 * i + t) + (1 - mixture.own) * (10 * partner + round(place))
                assert float(clips[i, t].mean()) == pytest.approx(expected, abs=1e-4)
            seen.add((length, other))
    assert len(seen) > 12


def test_inputs_stay_channels_last_in_memory():
    clips, _ = mixed(numbered(), LENGTHS, 0.4, torch.Generator())
    assert clips.flatten(0, 1).is_contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize(("alpha", "mean"), [(1.0, 0.75), (1e-3, 1.0), (1e3, 0.5)])
def test_the_share_is_drawn_from_beta(alpha, mean):
    generator = torch.Generator().manual_seed(0)
    shares = [mixed(torch.zeros(2, 1, 3, 1, 1), torch.ones(2).long(), alpha, generator)[1].own for _ in range(400)]
    assert sum(shares) / 400 == pytest.approx(mean, abs=0.02)


@pytest.mark.parametrize("weights", [None, torch.tensor([1.0, 3.0])])
def test_the_loss_is_mixed_as_the_clips_are(weights):
    logits, labels = torch.randn(2, 3, generator=torch.Generator().manual_seed(0)), torch.tensor([0, 2])
    log_p, by = logits.log_softmax(1), (1.0, 1.0) if weights is None else weights.tolist()
    expected = sum(-by[i] * log_p[i, labels[i]] * 0.7 - by[1 - i] * log_p[i, labels[1 - i]] * 0.3 for i in (0, 1)) / 2
    found = Mixture(0.7, torch.tensor([1, 0])).of(Loss(), logits, labels, weights)
    assert float(found) == pytest.approx(float(expected), rel=1e-5)
