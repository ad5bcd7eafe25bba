"""Fixed copies: two flips by seven rotations, each clip once in each of them, and none across a split."""

import dataclasses
import math
from collections import Counter

import pytest
import torch
from torch import Tensor, nn

from tests.support.builders import make_spec, same_weights, train, untimed
from tests.trainables.core.training.augmentation.moved_frames import OFF, centroid, every_frame, noise, smooth
from trainables.core.config import TrainerConfig
from trainables.core.prepared.splits import load_splits
from trainables.core.serving.classifier import Classifier
from trainables.core.training import costs, trainer
from trainables.core.training.augmentation.augment import ANGLES_DEG, X14, augment, num_copies, rotated, to_input
from trainables.core.training.trainer import Training
from trainables.core.training.trial import Stopped
from trainables.core.training.workers import Group
from trainables.data.core.dataset import Fold

ALL_COPIES = torch.arange(14)


def test_the_fourteen_copies_are_two_flips_by_seven_rotations() -> None:
    assert len(X14) == num_copies("x14") == 14
    assert {mirrored: [angle for flip, angle in X14 if flip == mirrored] for mirrored in (False, True)} == {
        False: list(ANGLES_DEG),
        True: list(ANGLES_DEG),
    }
    assert sorted(ANGLES_DEG) == sorted(-angle for angle in ANGLES_DEG)  # upright on average
    assert num_copies("random") == num_copies("none") == 1


def test_each_copy_is_its_flip_and_rotation_whatever_the_seed_and_the_other_fields() -> None:
    frames = smooth(num_clips=14)
    off, on = OFF, TrainerConfig(image_size=32, max_shift=0.4, max_brightness=0.9)
    found = [
        augment(
            frames,
            every_frame(frames),
            dataclasses.replace(config, augmentation="x14"),
            torch.Generator().manual_seed(seed),
            ALL_COPIES,
        )
        for seed, config in enumerate((off, on))
    ]
    assert torch.equal(*found)
    for copy, (mirrored, angle) in enumerate(X14):
        expected = rotated(frames[:1], torch.tensor([angle]), 32)[0]
        assert torch.allclose(found[0][copy], expected.flip(-1) if mirrored else expected, atol=1e-5)
    assert torch.allclose(found[0], found[0][:, :1].expand_as(found[0]), atol=1e-5)  # all frames of a clip alike
    distinct = {tuple(clip[0].flatten().mul(100).round().tolist()) for clip in found[0]}
    assert len(distinct) == 14


def test_upright_copies_are_the_plain_input_and_its_mirror_image() -> None:
    frames, config = noise(), dataclasses.replace(OFF, augmentation="x14")
    for copy in (X14.index((False, 0.0)), X14.index((True, 0.0))):
        out = augment(frames, every_frame(frames), config, torch.Generator(), torch.full((2,), copy))
        plain = to_input(frames, 32)
        assert torch.allclose(out, plain.flip(-1) if X14[copy][0] else plain, atol=2e-3)


@pytest.mark.parametrize("angle", ANGLES_DEG)
def test_a_rotation_turns_clockwise_by_its_angle(angle: float) -> None:
    frames = smooth(num_clips=1, num_frames=1, side=50)
    before, after = (centroid(x)[0] - 15.5 for x in (to_input(frames, 32), rotated(frames, torch.tensor([angle]), 32)))
    turned = math.degrees(math.atan2(after[1], after[0]) - math.atan2(before[1], before[0]))  # down is positive
    assert turned == pytest.approx(angle, abs=0.7)


def test_the_margin_fills_what_a_rotation_brings_in() -> None:
    stored, angles = noise(num_clips=7, side=40), torch.tensor(ANGLES_DEG)  # a margin of a quarter
    beyond = torch.zeros(7, 3, 60, 60, 3, dtype=torch.uint8)
    beyond[:, :, 10:50, 10:50] = stored
    assert torch.allclose(rotated(stored, angles, 32), rotated(beyond, angles, 32), atol=1e-3)


@pytest.mark.parametrize("augmentation", ["x14", "none"])
def test_masking_stays_on_top(augmentation: str) -> None:
    frames, copies = noise(num_clips=4), torch.tensor([0, 5, 9, 13])
    config = dataclasses.replace(OFF, augmentation=augmentation)
    plain, masked = (
        augment(
            frames,
            every_frame(frames),
            dataclasses.replace(config, masking_rate=rate),
            torch.Generator().manual_seed(0),
            copies,
        )
        for rate in (0.0, 0.3)
    )
    blank = (masked == 0).all(2, keepdim=True)
    assert 0.1 < blank.float().mean() < 0.5
    assert torch.equal(torch.where(blank, plain, masked), plain)
    if augmentation == "none":
        assert torch.equal(plain, to_input(frames, 32))


def test_an_unknown_augmentation_is_named_with_what_is_allowed() -> None:
    with pytest.raises(
        ValueError, match=r"no augmentation named 'x41'\. Did you mean 'x14'\? There are: random, x14, none"
    ):
        TrainerConfig(augmentation="x41")


class Counted:
    """Clips of one black frame each, three of every person, that remember who was asked for."""

    def __init__(self, num_clips: int) -> None:
        self.labels = torch.arange(num_clips).remainder(2).numpy()
        self.people = [f"P{index // 3}" for index in range(num_clips)]
        self.weights = ()
        self.asked: list[list[int]] = []

    def batch(self, indices, jitter=None, *, pinned=False):
        assert jitter is None
        self.asked.append(list(indices))
        return torch.zeros(len(indices), 1, 10, 10, 3, dtype=torch.uint8), torch.ones(len(indices), dtype=torch.int64)


class Linear(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(3, 2)

    def forward(self, clips: Tensor, lengths: Tensor) -> Tensor:
        return self.linear(clips.mean((1, 3, 4)))


def epoch_of(num_clips: int, monkeypatch, rank: int = 0, world_size: int = 1, **fields: object):
    """A training of one epoch on `num_clips` clips under x14: itself, and the clip and copy of all that it saw."""
    config = TrainerConfig(image_size=8, num_frames=1, num_classes=2, epochs=1, augmentation="x14", **fields)
    clips = Counted(num_clips)
    training = Training(
        Linear(), clips, Fold(train=tuple(range(num_clips)), validation=(), test=()), config, seed=0, group=Group()
    )
    training.group = Group(rank=rank, world_size=world_size)
    seen: list[int] = []

    def watched(frames, lengths, config, generator, copies):
        seen.extend(copies.tolist())
        return augment(frames, lengths, config, generator, copies)

    monkeypatch.setattr(trainer, "augment", watched)
    monkeypatch.setattr(Group, "gather", lambda self, value: [value])
    monkeypatch.setattr(Group, "share_buffers", lambda self, model: None)
    training.run_epoch()
    asked = [index for batch in clips.asked for index in batch]
    return training, list(zip(asked, seen, strict=True))


@pytest.mark.parametrize(("num_clips", "num_copies"), [(327, 4578), (480, 6720)])  # CK+ and Oulu-CASIA
def test_every_clip_is_trained_on_once_in_each_of_its_fourteen_forms(num_clips, num_copies, monkeypatch) -> None:
    training, seen = epoch_of(num_clips, monkeypatch, batch_size=64)
    assert len(seen) == len(set(seen)) == training.clips_per_epoch == num_copies
    assert set(Counter(index for index, _ in seen).values()) == {14}
    assert training.steps_per_epoch == len(training.step_times_s) == math.ceil(num_copies / 64)
    training.step_times_s, training.references = [0.5] * 9, []
    assert training.train_time.seconds == pytest.approx(0.5 * math.ceil(num_copies / 64))


def test_the_workers_of_a_group_share_the_copies(monkeypatch) -> None:
    shards = [epoch_of(10, monkeypatch, rank=rank, world_size=2, batch_size=8)[1] for rank in range(2)]
    assert len(shards[0]) == len(shards[1]) == 70
    assert len({*shards[0], *shards[1]}) == 140


def test_the_copies_of_a_subject_stay_in_neighbouring_batches(monkeypatch) -> None:
    _, seen = epoch_of(12, monkeypatch, batch_size=42, batch_by="subject")  # 4 people of 3 clips: 42 copies each
    subjects = [{index // 3 for index, _ in seen[start : start + 42]} for start in range(0, 168, 42)]
    assert [len(group) for group in subjects] == [1, 1, 1, 1]
    assert len(set().union(*subjects)) == 4


@pytest.mark.slow
@pytest.mark.parametrize("phase", ["search", "confirm", "refit"])
def test_no_augmented_copy_crosses_a_split(tiny, prepared, tmp_path, monkeypatch, phase) -> None:
    changed: list[int] = []
    real = trainer._batch

    def watched(clips, indices, device, jitter=None):
        changed.extend(indices if torch.is_grad_enabled() else [])  # evaluation records no gradient
        return real(clips, indices, device, jitter=jitter)

    monkeypatch.setattr(trainer, "_batch", watched)
    spec = make_spec(prepared, tmp_path / "t", phase=phase, epochs=1, augmentation="x14")
    _, metrics = train(spec)
    splits = load_splits(tmp_path / "splits.json")
    view = splits.view(phase, 0)
    assert Counter(changed) == dict.fromkeys(view.train, 14)
    elsewhere = {prepared.subject_ids[index] for index in (*view.validation, *view.test, *splits.holdout)}
    assert not elsewhere & {prepared.subject_ids[index] for index in changed}
    classifier = Classifier.load(tmp_path / "t", device="cpu")
    each = costs.train_flops(classifier.model, classifier.config)
    assert metrics["train_flops"] == each * 14 * len(view.train)


@pytest.mark.slow
def test_a_resumed_trial_under_fixed_copies_equals_an_uninterrupted_one(tiny, prepared, tmp_path) -> None:
    settings = {"epochs": 2, "augmentation": "x14", "masking_rate": 0.2, "batch_by": "subject", "batch_size": 32}
    whole, metrics = train(make_spec(prepared, tmp_path / "whole", **settings))
    spec = make_spec(prepared, tmp_path / "halted", **settings)
    with pytest.raises(Stopped):
        train(spec, stop_after=1)
    rest, resumed = train(spec)
    assert rest == whole[1:]
    assert untimed(resumed) == untimed(metrics)
    models = [Classifier.load(tmp_path / name, device="cpu").model.state_dict() for name in ("whole", "halted")]
    assert same_weights(*models)
