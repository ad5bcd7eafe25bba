"""How hard the three worlds of drawn faces are, for a linear model and people it has not seen.

    python -m benchmarks.drawn_difficulty [--subjects 60] [--seed 0] [--out rows.csv]

Three views of the same clips: the pixels of the apex frame, its true action units, and their change from the first
frame. On easy all three suffice; on hard the apex says little and the change nearly everything, which is what a model
of time is for. It measures the drawing and says nothing about accuracy on real data.
"""

from __future__ import annotations

import argparse
import json

import cv2
import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from benchmarks.core.rows import write_rows
from drawing.action_units import SIX_EXPRESSIONS
from drawing.sequence import DIFFICULTIES, draw_clip, sample_subject
from trainables.core.streams import take_any_text

VIEWS = ("apex_pixels", "apex_action_units", "action_unit_change")
NUM_FOLDS = 3
REGULARISATION = {"apex_pixels": 1e-3, "apex_action_units": 1.0, "action_unit_change": 1.0}


def measure(difficulty: str, num_subjects: int, seed: int) -> dict[str, float]:
    """Accuracy by view, the mean over three folds cut by subject."""
    views, labels, subjects = _views(difficulty, num_subjects, seed)
    accuracy = {}
    for name, features in views.items():
        correct = 0
        for fold in range(NUM_FOLDS):
            test = subjects % NUM_FOLDS == fold
            classifier = LogisticRegression(C=REGULARISATION[name], max_iter=2000)
            model = make_pipeline(StandardScaler(with_std=name != "apex_pixels"), classifier)
            correct += int((model.fit(features[~test], labels[~test]).predict(features[test]) == labels[test]).sum())
        accuracy[name] = correct / len(labels)
    return accuracy


def _views(difficulty: str, num_subjects: int, seed: int) -> tuple[dict[str, np.ndarray], np.ndarray, np.ndarray]:
    """Features by view `(N, D)`, labels `(N,)` and subjects `(N,)` of one clip a class and subject."""
    settings = DIFFICULTIES[difficulty]
    pixels, apex, change, labels, subjects = [], [], [], [], []
    for number in range(num_subjects):
        rng = np.random.default_rng([seed, number])
        subject = sample_subject(rng, settings)
        for label, expression in enumerate(SIX_EXPRESSIONS):
            clip = draw_clip(rng, subject, expression, settings, num_frames=2, size=96)
            pixels.append(_face_pixels(clip.frames[-1]))
            apex.append(clip.action_units[-1])
            change.append(clip.action_units[-1] - clip.action_units[0])
            labels.append(label)
            subjects.append(number)
    views = dict(zip(VIEWS, (np.stack(pixels), np.stack(apex), np.stack(change)), strict=True))
    return views, np.array(labels), np.array(subjects)


def _face_pixels(frame: np.ndarray) -> np.ndarray:
    """The middle of a frame, grey, 40 x 40 px, with its own mean and deviation taken out."""
    size = frame.shape[0]
    face = cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY)[
        int(0.24 * size) : int(0.84 * size), int(0.2 * size) : int(0.8 * size)
    ]
    small = cv2.resize(face, (40, 40), interpolation=cv2.INTER_AREA).astype(np.float64).ravel()
    return (small - small.mean()) / max(float(small.std()), 1e-6)


def main() -> None:
    parser = argparse.ArgumentParser(description="How hard the drawn faces are for a linear model.")
    parser.add_argument("--subjects", type=int, default=60)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", help="raw rows as CSV")
    arguments = parser.parse_args()
    results = {name: measure(name, arguments.subjects, arguments.seed) for name in DIFFICULTIES}
    print(f"{'':8}" + "".join(f"{view:>20}" for view in VIEWS))
    for name, accuracy in results.items():
        print(f"{name:8}" + "".join(f"{100 * accuracy[view]:18.1f} %" for view in VIEWS))
    if arguments.out:
        asked = {"num_subjects": arguments.subjects, "seed": arguments.seed}
        rows = [
            {"difficulty": name, "view": view, "accuracy": accuracy[view]} | asked
            for name, accuracy in results.items()
            for view in VIEWS
        ]
        write_rows(arguments.out, rows)
    print(json.dumps({"num_subjects": arguments.subjects, "seed": arguments.seed, **results}))


if __name__ == "__main__":
    take_any_text()
    main()
