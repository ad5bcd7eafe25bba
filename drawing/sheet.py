"""A contact sheet of drawn faces: expressions by subjects at the apex, and one onset frame by frame."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from drawing.action_units import SIX_EXPRESSIONS
from drawing.sequence import DIFFICULTIES, Difficulty, Subject, draw_clip, sample_subject
from drawing.tree import check_difficulty

CAPTION = "drawn faces, not photographs"
TILE, STRIP_FRAMES, NUM_FRAMES = 128, 8, 16
PAPER, INK = (252, 252, 250), (60, 60, 64)


def write_sheet(path: Path, *, difficulty: str = "easy", seed: int = 143, num_subjects: int = 4) -> None:
    """Writes the sheet as PNG: a row a subject, a column an expression, below them one onset from rest to apex.

    Raises `ValueError` for an unknown difficulty and `OSError` where the file cannot be written.
    """
    check_difficulty(difficulty)
    # Print shows proportions better without grain, and compresses better.
    settings = replace(DIFFICULTIES[difficulty], noise=0.0, identity=1.0)
    subjects = [sample_subject(np.random.default_rng([seed, number]), settings) for number in range(num_subjects)]
    rows = [np.hstack([_apex(subject, name, settings, seed) for name in SIX_EXPRESSIONS]) for subject in subjects]
    width = rows[0].shape[1]
    onset = draw_clip(
        np.random.default_rng(seed), subjects[0], "happiness", settings, num_frames=NUM_FRAMES, size=2 * TILE
    )
    chosen = np.linspace(0, NUM_FRAMES - 1, STRIP_FRAMES).astype(int)
    strip = cv2.resize(
        np.hstack(list(onset.frames[chosen])), (width, width // STRIP_FRAMES), interpolation=cv2.INTER_AREA
    )
    head = _text_line(
        width, [(name, (column + 0.5) / len(SIX_EXPRESSIONS)) for column, name in enumerate(SIX_EXPRESSIONS)]
    )
    middle = _text_line(width, [("one clip, from rest to apex", 0.5)])
    foot = _text_line(width, [(CAPTION, 0.5)])
    sheet = np.vstack([head, *rows, middle, strip, foot])
    sheet = cv2.copyMakeBorder(sheet, 6, 6, 10, 10, cv2.BORDER_CONSTANT, value=PAPER)
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    encoded, data = cv2.imencode(".png", cv2.cvtColor(sheet, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_PNG_COMPRESSION, 9])
    assert encoded
    path.write_bytes(data.tobytes())


def _apex(subject: Subject, expression: str, settings: Difficulty, seed: int) -> np.ndarray:
    rng = np.random.default_rng([seed, SIX_EXPRESSIONS.index(expression)])
    frames = draw_clip(rng, subject, expression, settings, num_frames=2, size=TILE).frames
    return frames[-1]


def _text_line(width: int, labels: list[tuple[str, float]]) -> np.ndarray:
    """A line of text on paper, each word centred at its share of the width."""
    line = np.full((26, width, 3), PAPER, np.uint8)
    for label, place in labels:
        (length, _), _ = cv2.getTextSize(label, cv2.FONT_HERSHEY_SIMPLEX, 0.45, 1)
        corner = (int(place * width - length / 2), 18)
        cv2.putText(line, label, corner, cv2.FONT_HERSHEY_SIMPLEX, 0.45, INK, 1, cv2.LINE_AA)
    return line
