"""Keyframes: the least redundant frames in time order, the same ones in training, evaluation and serving."""

import itertools

import cv2
import numpy as np
import pytest
import torch
from torch import Tensor, nn

from tests.support.stub_faces import StubFinder, prepare_stub, write_clips
from trainables.core.config import TrainerConfig
from trainables.core.prepared.batches import Clips, frame_positions
from trainables.core.prepared.keyframes import GREY_SIZE, keyframes, redundancy
from trainables.core.serving.classifier import Classifier
from trainables.core.training.trainer import predict
from trainables.core.training.workers import Group


def still(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (20, 20, 3), np.uint8)


def clip_of(scenes: str) -> np.ndarray:
    """One frame a letter; equal letters are equal frames."""
    return np.stack([still(ord(scene)) for scene in scenes])


def chosen(scenes: str, num_frames: int, threshold: float = 0.9) -> str:
    frames = clip_of(scenes)
    positions = keyframes(redundancy(frames, np.array([0, len(frames)]), threshold), num_frames)
    return "".join(scenes[position] for position in positions)


def test_what_was_shown_before_is_passed_over() -> None:
    assert chosen("aaaabbbbbcccccccccc", 3) == "abc"
    assert chosen("aaaaaaaaab", 2) == "ab"
    assert chosen("abab", 4) == "abab"


def test_the_coefficient_is_the_correlation_with_the_last_frame_kept() -> None:
    rng = np.random.default_rng(0)
    frames = np.clip(128 + np.cumsum(rng.normal(0, 12, (30, 20, 20, 3)), axis=0), 0, 255).astype(np.uint8)
    threshold, kept, expected = 0.8, 0, [-np.inf]
    grey = frames[:, 2:18, 2:18].astype(float).mean(-1).reshape(30, -1)
    for step in range(1, 30):
        expected.append(np.corrcoef(grey[kept], grey[step])[0, 1])
        kept = step if expected[-1] <= threshold else kept
    found = redundancy(frames, np.array([0, 30]), threshold)
    np.testing.assert_allclose(found, expected, atol=1e-12)
    assert 2 < np.sum(found <= threshold) < 28


def test_only_the_middle_of_a_frame_counts() -> None:
    frames = np.stack([still(0)] * 2)
    frames[1, :2] = frames[1, :, 18:] = 0  # the margin that the network does not see
    assert redundancy(frames, np.array([0, 2]), 0.9)[1] == pytest.approx(1)


def test_the_threshold_tells_what_a_frame_is_compared_with() -> None:
    frames = np.stack([still(0)] * 12)
    for step in range(12):
        frames[step, 2 : 3 + step] = still(1)[2 : 3 + step]  # one scene wipes over the other
    strict, lax = (redundancy(frames, np.array([0, 12]), threshold) for threshold in (0.2, 1.0))
    assert strict[2] < lax[2]  # with the first frame; with the one just before
    assert keyframes(strict, 3).tolist() != keyframes(lax, 3).tolist()


@pytest.mark.parametrize("threshold", [0.0, 0.5, 0.999, 1.0])
def test_there_are_always_as_many_frames_as_asked_for_in_order(threshold: float) -> None:
    for length in (1, 2, 7, 16):
        frames = clip_of("aabbacadaaaabcde"[:length])
        coefficients = redundancy(frames, np.array([0, length]), threshold)
        for num_frames in (1, 3, 16):
            positions = keyframes(coefficients, num_frames)
            assert len(positions) == min(length, num_frames)
            assert (np.diff(positions) > 0).all()
            assert positions[0] == 0  # what the others are compared with


def test_dropped_frames_fill_up_from_the_least_redundant() -> None:
    coefficients = np.array([-np.inf, 0.999, 0.99, 0.97, 0.995, 0.5])
    assert keyframes(coefficients, 2).tolist() == [0, 5]
    assert keyframes(coefficients, 4).tolist() == [0, 2, 3, 5]
    assert keyframes(np.array([-np.inf, 1, 1, 1]), 3).tolist() == [0, 1, 2]


def test_a_clip_has_the_same_coefficients_alone_and_among_others_to_the_last_bit() -> None:
    rng = np.random.default_rng(0)
    lengths = [1, 9, 4, 30, 2]
    clips = [clip_of("".join(rng.choice(list("abc"), length))) for length in lengths]
    noise = rng.integers(0, 30, (sum(lengths), 20, 20, 3), np.uint8)
    frames = np.concatenate(clips) // 2 + noise
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    together = redundancy(frames, offsets, 0.9)
    for start, stop in itertools.pairwise(offsets):
        alone = redundancy(frames[start:stop], np.array([0, stop - start]), 0.9)
        assert np.array_equal(alone, together[start:stop])


@pytest.mark.parametrize("size", [8, GREY_SIZE, 21])
def test_plain_frames_and_frames_of_any_size_have_coefficients(size: int) -> None:
    frames = np.zeros((4, size, size, 3), np.uint8)
    frames[1] = 90
    frames[2, : size // 2] = 200
    assert redundancy(frames, np.array([0, 4]), 0.5).tolist() == [-np.inf, 1, 0, 0]


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    folder = tmp_path_factory.mktemp("keyframes")
    write_clips(folder / "data")  # clips of 2 to 7 noisy frames
    for clip in range(6):  # of which some are shown twice
        images = sorted((folder / "data" / f"clip {clip}").iterdir())
        cv2.imwrite(str(images[1]), cv2.imread(str(images[0])))
    return prepare_stub(folder / "data", folder)


def test_clips_show_their_keyframes_with_and_without_jitter(prepared) -> None:
    clips = Clips(prepared, num_frames=3, image_size=16, frame_selection="keyframes", redundancy_threshold=0.9)
    frames, lengths = clips.batch(range(6))
    again, _ = clips.batch(range(6), torch.Generator().manual_seed(0))
    assert torch.equal(frames, again)
    assert lengths.tolist() == [2, 3, 3, 3, 3, 3]
    coefficients = redundancy(prepared.at_size(20), prepared.offsets, 0.9)
    for clip in range(6):
        start, stop = prepared.offsets[clip : clip + 2]
        positions = keyframes(coefficients[start:stop], 3)
        assert stop - start < 4 or 1 not in positions  # the repetition
        assert np.array_equal(frames[clip, : lengths[clip]], prepared.at_size(20)[start + positions])
    even, _ = Clips(prepared, num_frames=3, image_size=16).batch(range(6))
    assert not torch.equal(frames, even)


class Seeing(nn.Module):
    """Answers with the mean of every frame it is shown, so that other frames are another answer."""

    def forward(self, clips: Tensor, lengths: Tensor) -> Tensor:
        return clips.mean((2, 3, 4)) * 10


@pytest.mark.parametrize("threshold", [0.5, 0.9, 1.0])
def test_a_served_model_is_shown_the_frames_of_the_evaluation(prepared, tmp_path, threshold: float) -> None:
    config = TrainerConfig(
        num_classes=3, num_frames=3, image_size=16, frame_selection="keyframes", redundancy_threshold=threshold
    )
    clips = Clips.of(prepared, config)
    expected = predict(Seeing(), clips, tuple(range(6)), config, Group()).logits
    classifier = Classifier(Seeing(), config, classes=("a", "b", "c"), crop_size=32, device=torch.device("cpu"))
    classifier.finder = StubFinder()
    for clip in range(6):
        folder = tmp_path / str(clip)
        folder.mkdir()
        for step, frame in enumerate(prepared.frames[prepared.offsets[clip] : prepared.offsets[clip + 1]]):
            cv2.imwrite(str(folder / f"{step}.png"), frame[..., ::-1])
        (found,) = classifier.predict([folder])
        np.testing.assert_allclose(
            list(found.probabilities.values()), torch.from_numpy(expected[clip]).softmax(0), atol=1e-5
        )
    lengths = np.diff(prepared.offsets)
    shown = [keyframes(redundancy(prepared.at_size(20), prepared.offsets, threshold)[s : s + n], 3).tolist()
             for s, n in zip(prepared.offsets, lengths, strict=False)]  # fmt: skip
    assert shown != [frame_positions(n, 3).tolist() for n in lengths]


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("frame_selection", "keyframe", "Did you mean 'keyframes'"),
        ("redundancy_threshold", 1.5, "redundancy_threshold was given as 1.5; 0 to 1"),
        ("redundancy_threshold", -0.1, "given as -0.1"),
    ],
)
def test_a_setting_that_is_not_allowed_is_named_with_what_is(field: str, value: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        TrainerConfig(**{field: value})


def test_a_frame_at_the_threshold_itself_is_kept_and_compared_with() -> None:
    frames = np.stack([still(0), np.full((20, 20, 3), 128, np.uint8), still(0)])  # grey correlates with nothing
    assert redundancy(frames, np.array([0, 3]), 0.0).tolist() == [-np.inf, 0.0, 0.0]
