"""Changes that grow over the first epochs: what a training is shown while they do."""

import pytest
import torch

from tests.support.builders import same_weights
from tests.support.extension import tiny
from trainables.core.prepared.batches import Clips
from trainables.core.training.trainer import Training
from trainables.core.training.workers import Group
from trainables.data.core.dataset import Fold

pytestmark = pytest.mark.usefixtures("tiny")

STILL = {"max_rotation_deg": 0.0, "max_shift": 0.0, "max_zoom": 0.0, "max_brightness": 0.0}


def test_the_first_epoch_is_shown_clips_as_they_are_and_a_later_one_is_not(prepared):
    def begin(**settings):
        config = tiny.Config(num_classes=2, num_frames=3, image_size=32, batch_size=4, epochs=3, **settings)
        torch.manual_seed(0)
        fold = Fold(train=tuple(range(10)), validation=(), test=())
        return Training(tiny.build_model(config), Clips.of(prepared, config), fold, config, seed=0, group=Group())

    ramped, still = begin(ramp_epochs=2), begin(**STILL)
    assert ramped.run_epoch() == still.run_epoch()
    assert same_weights(ramped.bare.state_dict(), still.bare.state_dict())
    ramped.run_epoch(), still.run_epoch()
    assert not same_weights(ramped.bare.state_dict(), still.bare.state_dict())
