"""How far clusters of faces are from people: on clips whose people are named, clustered as if they were not.

python -m benchmarks.face_clusters --data-root clips --weights face_mobilenet_v1.safetensors

The clips are laid out as `clip_folder` reads them. Beside the clips as they are, each is given light, colours and a blur of its
own, as another day and camera would, and faces of 48 px. Every person's clips are compared with every other's: `split` is the
share of pairs of one person that lie in two clusters, `joined` that of pairs of two people in one. A row for each distance up
to which clips are linked; the one that is used is marked.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import tempfile
from collections.abc import Callable, Sequence
from itertools import combinations
from pathlib import Path

import cv2
import numpy as np
from sklearn.metrics import adjusted_rand_score

from trainables.core.face_clusters import DISTANCE, FaceClusterer, linked
from tuning.prepare import prepare

DISTANCES = (0.15, 0.2, DISTANCE, 0.3, 0.35)
SEED = 0


@dataclasses.dataclass(frozen=True, kw_only=True)
class Error:
    """How clusters differ from people: shares of pairs, and the adjusted Rand index."""

    num_people: int
    num_clusters: int
    split: float
    joined: float
    adjusted_rand: float
    largest: int


def error_of(people: Sequence[str], clusters: Sequence[int]) -> Error:
    """How far `clusters[i]` of clip i is from `people[i]`."""
    pairs = [(people[i] == people[j], clusters[i] == clusters[j]) for i, j in combinations(range(len(people)), 2)]
    of_one, of_two = ([together for same, together in pairs if same is one] for one in (True, False))
    return Error(
        num_people=len(set(people)),
        num_clusters=len(set(clusters)),
        split=1 - float(np.mean(of_one)),
        joined=float(np.mean(of_two)),
        adjusted_rand=float(adjusted_rand_score(people, clusters)),
        largest=int(np.unique(clusters, return_counts=True)[1].max()),
    )


def other_light(clip: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The clip `(T, H, W, 3)` with a gamma, a contrast, a colour cast, a shadow from one side and a blur of its own."""
    height, width = clip.shape[1:3]
    angle, depth = rng.uniform(0, 2 * np.pi), rng.uniform(0, 0.5)
    across, down = np.meshgrid(np.linspace(-1, 1, width), np.linspace(-1, 1, height))
    shade = 1 - depth * (1 + np.cos(angle) * across + np.sin(angle) * down) / 2
    cast, gamma, contrast = rng.uniform(0.85, 1.15, 3), rng.uniform(0.6, 1.6), rng.uniform(0.7, 1.2)
    sigma = rng.uniform(0.0, 0.015) * width
    frames = (clip.astype(np.float32) / 255) ** gamma * shade[..., None] * cast
    frames = np.clip(127.5 + (255 * frames - 127.5) * contrast, 0, 255).astype(np.uint8)
    return np.stack([cv2.GaussianBlur(frame, (0, 0), sigma) if sigma > 0.3 else frame for frame in frames])


def of_48_px(clip: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The clip with faces of 48 px, grey, as FER2013 has them; `rng` is not used."""
    small = [
        cv2.resize(cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY), (60, 60), interpolation=cv2.INTER_AREA) for frame in clip
    ]
    return np.stack([cv2.cvtColor(frame, cv2.COLOR_GRAY2RGB) for frame in small])


CHANGES: dict[str, Callable[[np.ndarray, np.random.Generator], np.ndarray]] = {
    "as they are": lambda clip, rng: clip,
    "each in its own light and blur": other_light,
    "grey, 48 px": of_48_px,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data-root", required=True)
    parser.add_argument("--weights", default="", help="the file; default: where published weights are looked for")
    parser.add_argument("--home", type=Path, help="where prepared faces lie; default: a temporary folder")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = prepare("clip_folder", given.data_root, home=given.home or folder)
        people = list(map(str, found.subjects))
        clips = [found.frames[start:end] for start, end in zip(found.offsets[:-1], found.offsets[1:], strict=True)]
        for name, change in CHANGES.items():
            rng = np.random.default_rng(SEED)
            changed = [change(np.asarray(clip), rng) for clip in clips]
            looks = FaceClusterer(given.weights).looks(changed, found.face_size / found.crop_size)
            for distance in DISTANCES:
                row = dataclasses.asdict(error_of(people, linked(looks, distance)))
                print(json.dumps({"clips": name, "distance": distance, "used": distance == DISTANCE} | row))


if __name__ == "__main__":
    main()
