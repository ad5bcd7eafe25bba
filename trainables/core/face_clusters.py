"""Clips clustered by whose face they show: features of a network that was trained to recognise people, average linkage.

The network is the MobileNet of HSE_FaceRec_tf, trained on VGGFace2 (`vggface2` in `trainables/models/sources.py`). A clip is
the mean of its frames' features, each of length 1; two clips differ by one minus the cosine. What is told of the error is
measured by `python -m benchmarks.face_clusters` (benchmarks/RESULTS.md).
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from trainables.core.baselines.features import frozen_features
from trainables.core.faces.mtcnn import one_thread
from trainables.core.wording import counted
from trainables.data.core.dataset import DataError
from trainables.models.sources import path_of, source_of

NAME, BACKBONE = "vggface2", "mobilenet_tf"
SIZE = 160  # px, that the face is shown at
NUM_FRAMES = 4  # of each clip, evenly
# One minus the cosine. A person in two clusters is what misleads a test, two people in one only cost it power: so it is higher
# than where both are rarest.
DISTANCE = 0.25
MOST_CLIPS = 20_000  # whose distances fill 1.6 GB
# By benchmarks/face_clusters.py, at this distance.
ERROR = (
    "measured on 80 people before one camera (320 clips of four expressions): 0 % of the pairs of one person split, 0.7 % of "
    "the pairs of two people joined, adjusted Rand index 0.74; with light and blur changed from clip to clip 2.3 %, 0.2 % and "
    "0.91; over days, cameras and ages it errs more (the only two such pictures at hand, of one woman, were split)"
)


@dataclasses.dataclass(frozen=True)
class FaceClusterer:
    """Tells faces apart by the network in the file `weights`, or the published one where that is empty."""

    weights: str = ""

    @property
    def path(self) -> Path:
        """Where the weights lie, or should."""
        return path_of(self.weights or NAME, BACKBONE)

    @property
    def error(self) -> str:
        return ERROR

    @property
    def settings(self) -> dict[str, Any]:
        """Raises `ValueError` where there is no such file."""
        self.require()
        return {
            "network": BACKBONE,
            "sha256": _sha256(self.path, self.path.stat().st_mtime_ns),
            "px": SIZE,
            "frames": NUM_FRAMES,
            "linkage": "average",
            "distance": DISTANCE,
        }

    def require(self) -> None:
        """Raises `ValueError` where the weights are not there, saying how they come there."""
        if not self.path.is_file():
            source = source_of(NAME, BACKBONE)
            assert source is not None
            raise ValueError(
                f"Clusters of faces need a network that tells people apart, and there is no file {self.path}. Nothing is "
                f"downloaded: put it there, {source.how_to_get(self.path)}, or name the file: --cluster-by faces:FILE. Else "
                "give a column or a pattern."
            )

    def clusters(self, clips: Sequence[np.ndarray], face_share: float) -> list[int]:
        """The cluster of each of `clips`, uint8 `(T, size, size, 3)`; the face fills `face_share` of the middle.

        Raises `DataError` for more clips than can be compared each with each.
        """
        if len(clips) > MOST_CLIPS:
            raise DataError(
                f"{counted(len(clips), 'clip')} are more than can be clustered by face ({MOST_CLIPS:,}): give a column or a "
                "pattern."
            )
        return linked(self.looks(clips, face_share), DISTANCE)

    def looks(self, clips: Sequence[np.ndarray], face_share: float) -> np.ndarray:
        """What each clip looks like, float32 `(N, D)`, each of length 1."""
        self.require()
        features = frozen_features(str(self.path), BACKBONE, torch.device("cpu"), SIZE)
        found = []
        with one_thread():
            for clip in clips:
                chosen = np.unique(np.linspace(0, len(clip) - 1, NUM_FRAMES).round().astype(int))
                size = clip.shape[1]
                side = round(face_share * size)
                top = (size - side) // 2
                frames = torch.from_numpy(np.array(clip[chosen, top : top + side, top : top + side]))
                of_frames = F.normalize(features.of(frames.permute(0, 3, 1, 2).float()), dim=1)
                found.append(F.normalize(of_frames.mean(0), dim=0).numpy())
        return np.stack(found)


def linked(looks: np.ndarray, distance: float) -> list[int]:
    """The cluster of each of `looks` `(N, D)` of length 1: average linkage, up to `distance` (one minus the cosine)."""
    from scipy.cluster.hierarchy import fcluster, linkage  # here, as those who train may not need it
    from scipy.spatial.distance import pdist

    if len(looks) < 2:
        return [1] * len(looks)
    apart = np.maximum(pdist(looks.astype(np.float64), "sqeuclidean") / 2, 0.0)  # of vectors of length 1
    return fcluster(linkage(apart, "average"), distance, "distance").tolist()


@functools.lru_cache(maxsize=8)
def _sha256(path: Path, changed_ns: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
