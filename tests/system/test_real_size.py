"""Every study at the size of its paper: the network is built with values and takes one training step."""

import math

import pytest
import torch

from search_spaces.core.study import load_study
from trainables.core import lookup
from trainables.core.config import make_config
from trainables.core.prepared.stored import margin_size
from trainables.core.training.augmentation.augment import augment, num_copies
from trainables.core.training.layout import channels_last
from trainables.core.training.trainer import as_tuple

NUM_CLASSES = 7


def configurations():
    """The first point of each search, and the first and the last variant of each ablation, once."""
    seen = set()
    for name in lookup.names("search_spaces"):
        study = load_study(name)
        if study.design is not None:
            variants = list(study.design.variants.items())
            points = dict([variants[0], variants[-1]])
        else:
            drawn = {key: domain.sample(random_state=0) for key, domain in study.parameters.items()}
            points = {"first": {**drawn, **(study.first_points[0] if study.first_points else {})}}
        for point, changes in points.items():
            settings = {**study.settings, **changes, "num_classes": NUM_CLASSES}
            alike = (study.trainable, repr(sorted(settings.items())))
            if alike not in seen:
                seen.add(alike)
                yield pytest.param(study.trainable, settings, id=f"{name}-{point}")


@pytest.mark.parametrize(("trainable", "settings"), configurations())
def test_one_training_step(trainable, settings):
    module = lookup.load("trainables", trainable, "trainable")
    config = make_config(module.Config, settings)
    torch.manual_seed(0)
    model = channels_last(module.build_model(config)).train()
    side = margin_size(config.image_size)
    frames = torch.randint(0, 256, (2, config.num_frames, side, side, 3), dtype=torch.uint8)
    copies = torch.arange(2) if num_copies(config.augmentation) > 1 else None
    lengths = torch.tensor([config.num_frames, max(1, config.num_frames // 2)])
    frames[1, int(lengths[1]) :] = 0
    inputs = augment(frames, lengths, config, torch.Generator().manual_seed(0), copies)
    optimizer = torch.optim.AdamW(model.parameters(), lr=config.lr)
    before = [parameter.detach().clone() for parameter in model.parameters()]
    logits = as_tuple(model(inputs, lengths))[0]
    assert logits.shape == (2, NUM_CLASSES)
    loss = torch.nn.functional.cross_entropy(logits.float(), torch.tensor([0, 1]))
    loss.backward()
    optimizer.step()
    assert math.isfinite(loss.item())
    moved = sum(not torch.equal(old, new) for old, new in zip(before, model.parameters(), strict=True))
    assert moved > 0.5 * len(before)
