"""Drawn faces in the layout of Oulu-CASIA (Zhao et al., Image and Vision Computing 2011).

`{NI,VL}/{Dark,Strong,Weak}/P001/Anger/000.jpeg`...: near infrared (grey) and visible light, three illuminations, six
classes, neutral to apex, 320:240. The usual protocol knows VL/Strong alone, which is drawn in full; in each of the other
five conditions stand the first `num_subjects_elsewhere` people, with the same movement in another light.

Traps: the ending `.jpeg` and numbers from 000 on are the owners'; a `Thumbs.db` in one clip, as Windows leaves it.
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from drawing.action_units import SIX_EXPRESSIONS
from drawing.media import save_image
from drawing.shots import Progress, draw_shots, everyone, grey, widened
from drawing.traps import add_thumbs_db
from drawing.tree import check_at_least, write_tree

CAMERAS = ("NI", "VL")
BRIGHTNESS = {"Dark": 0.35, "Strong": 1.0, "Weak": 0.6}


def write(
    root: Path,
    *,
    difficulty: str = "medium",
    num_subjects: int = 6,
    num_subjects_elsewhere: int = 1,
    num_frames: int = 8,
    size: int = 120,
    seed: int = 0,
    traps: bool = True,
    on_progress: Progress | None = None,
) -> None:
    """Draws `num_subjects` people with a clip per class of `num_frames` frames, `size` px high.

    Raises `ValueError` for settings too small, and for a `root` that holds another drawing or anything else.
    """
    check_at_least(num_subjects=(num_subjects, 1), num_subjects_elsewhere=(num_subjects_elsewhere, 0))
    check_at_least(num_frames=(num_frames, 2), size=(size, 32))

    def draw(folder: Path) -> None:
        shots = everyone(num_subjects, SIX_EXPRESSIONS, num_frames)
        for shot, square in draw_shots(shots, difficulty=difficulty, size=size, seed=seed, on_progress=on_progress):
            frames = widened(square, 320 / 240)
            for camera in CAMERAS:
                for light in BRIGHTNESS:
                    if (camera, light) == ("VL", "Strong") or shot.subject < num_subjects_elsewhere:
                        clip = folder / camera / light / f"P{shot.subject + 1:03d}" / shot.expression.capitalize()
                        _save(clip, frames, camera, light)
        if traps:
            add_thumbs_db(folder / "VL" / "Strong" / "P001" / "Anger")

    write_tree(
        root,
        "oulu_casia",
        draw,
        difficulty=difficulty,
        num_subjects=num_subjects,
        num_subjects_elsewhere=num_subjects_elsewhere,
        num_frames=num_frames,
        size=size,
        seed=seed,
        traps=traps,
    )


def _save(clip: Path, frames: np.ndarray, camera: str, light: str) -> None:
    shown = frames if camera == "VL" else grey(frames)
    for index, frame in enumerate(shown):
        save_image(clip / f"{index:03d}.jpeg", cv2.convertScaleAbs(frame, alpha=BRIGHTNESS[light]))
