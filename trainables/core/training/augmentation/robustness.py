"""Robustness: accuracy of a trained model under occlusion and rotation, measured after everything is chosen.

Strengths are whole numbers: the share of the face's box that is covered, in per cent, and the rotation, in degrees. At
strength 0 stands the plain accuracy. What happens to a clip depends on its place in the prepared data and on nothing
else, so that all configurations of a study meet the same difficulties.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from trainables.core import files
from trainables.core.training.augmentation.augment import rotated, to_input
from trainables.core.training.metrics import scores
from trainables.core.training.predictions import Predictions
from trainables.core.training.trainer import Training, View, predict

# Our choice: from a spectacle's glass to half of the face, and from what annotators overlook to a head on a shoulder.
OCCLUSIONS_PERCENT = (5, 10, 20, 30, 40, 50)
ROTATIONS_DEG = (5, 10, 15, 20, 30, 45)
SEED = 20250617

Curve = dict[int, float]  # accuracy by strength


def robustness(training: Training, plain: Predictions) -> dict[str, Curve]:
    """The curves `accuracy_under_occlusion` and `accuracy_under_rotation` on the clips of `plain`.

    `plain` are the predictions of the chosen epoch on the same clips, undisturbed. Every rank of the group takes part.
    """
    model, size = training.restore_best(), training.config.image_size
    num_clips = len(training.clips)

    def accuracy(view: View) -> float:
        indices = tuple(plain.indices.tolist())
        return scores(predict(model, training.clips, indices, training.config, training.group, view))["accuracy"]

    occluded = {percent: accuracy(occlusion(percent, size, num_clips)) for percent in OCCLUSIONS_PERCENT}
    turned = {degrees: accuracy(rotation(degrees, size, num_clips)) for degrees in ROTATIONS_DEG}
    undisturbed = {0: scores(plain)["accuracy"]}
    return {
        "accuracy_under_occlusion": undisturbed | occluded,
        "accuracy_under_rotation": undisturbed | turned,
    }


def occlusion(percent: float, image_size: int, num_clips: int) -> View:
    """A square of `percent` of the crop is blank (the mean colour, as in masking), the same on all frames of a clip.

    Its place is drawn once for each of the `num_clips` prepared clips; a larger square covers what a smaller one does.
    Raises `ValueError` for a share that is not between 0 and 100 %.
    """
    if not 0 <= percent <= 100:
        raise ValueError(f"The share to cover was given as {percent!r} %; 0 to 100 is allowed.")
    side = round(math.sqrt(percent / 100) * image_size)
    corners = (_draws(num_clips)[:, :2] * (image_size - side)).round()  # top and left, in px

    def view(frames: Tensor, indices: list[int]) -> Tensor:
        top, left = corners[indices].to(frames.device).unbind(1)
        across = torch.arange(image_size, device=frames.device)
        rows, columns = ((across >= first[:, None]) & (across < first[:, None] + side) for first in (top, left))
        block = rows[:, None, None, :, None] & columns[:, None, None, None, :]  # (B, 1, 1, R, R)
        return to_input(frames, image_size).masked_fill_(block, 0)

    return view


def rotation(degrees: float, image_size: int, num_clips: int) -> View:
    """Every clip is turned by `degrees`, all its frames alike; which way is drawn once for each prepared clip."""
    signs = torch.where(_draws(num_clips)[:, 2] < 0.5, -1.0, 1.0)

    def view(frames: Tensor, indices: list[int]) -> Tensor:
        return rotated(frames, degrees * signs[indices], image_size)

    return view


def write_robustness(folder: Path, curves: Sequence[dict[str, Curve]]) -> None:
    """Write `robustness.json`: each curve as `strengths` and `accuracies`, the mean over `curves` (one for a fold).

    Writes nothing where there are none.
    """
    if not curves:
        return
    described = {
        name: {
            "strengths": list(curves[0][name]),
            "accuracies": [float(np.mean([curve[name][strength] for curve in curves])) for strength in curves[0][name]],
        }
        for name in curves[0]
    }
    (folder / files.ROBUSTNESS).write_text(json.dumps({"split": "holdout", "seed": SEED, **described}, indent=1))


def _draws(num_clips: int) -> Tensor:
    return torch.rand(num_clips, 3, generator=torch.Generator().manual_seed(SEED))
