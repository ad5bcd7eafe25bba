"""The drawn world as clips in class folders: `<root>/<class>/<subject>_<nn>.mp4`, with subjects `D001`, `D002`, ...

Everyone shows every expression, so folds are cut by subject. Difficulty as measured by a linear model on people it has
not seen (`python -m benchmarks.drawn_difficulty`, 60 subjects, six classes, one clip each, three folds), accuracy in %,
seed 0 (on which the settings were tuned), then seed 1:

| | pixels of the apex frame | its true action units | their change from rest |
|---|---|---|---|
| easy | 99.7, 99.4 | 100.0, 100.0 | 100.0, 100.0 |
| medium | 60.8, 62.5 | 91.1, 86.1 | 99.4, 98.6 |
| hard | 31.7, 36.7 | 50.6, 50.3 | 94.4, 93.9 |

It says nothing about accuracy on real data.
"""

from __future__ import annotations

import json
import shutil
import time
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np

from drawing.action_units import EXPRESSIONS, SIX_EXPRESSIONS
from drawing.sequence import DIFFICULTIES, Difficulty, draw_clip, sample_subject

MARKER = "DRAWN.json"
GENERATOR = "fertune drawing"
FRAMES_PER_SECOND = 25
ABANDONED_AFTER_S = 3600.0


def write(
    root: Path,
    *,
    difficulty: str = "medium",
    num_subjects: int,
    clips_per_class: int = 1,
    num_frames: int = 16,
    size: int = 160,
    seed: int = 0,
    classes: Sequence[str] = SIX_EXPRESSIONS,
    on_progress: Callable[[int, int], None] | None = None,
) -> None:
    """Draws `num_subjects` people with `clips_per_class` clips of `num_frames` frames, `size` x `size` px, into `root`.

    `on_progress(clips_done, clips_in_all)` is called after each clip. A `root` that already holds the same drawing is
    left as it is. The folder appears at once when all of it is drawn, so an interrupted drawing is simply drawn again,
    and two processes may draw the same folder at once.

    Raises `ValueError` for unknown settings, and for a `root` that holds another drawing or anything else.
    """
    root = Path(root)
    _check(difficulty, num_subjects, clips_per_class, num_frames, size, classes)
    marker = {
        "generator": GENERATOR,
        "layout": "drawn_faces",
        "difficulty": difficulty,
        "settings": {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in vars(DIFFICULTIES[difficulty]).items()
        },
        "num_subjects": num_subjects,
        "clips_per_class": clips_per_class,
        "num_frames": num_frames,
        "size": size,
        "seed": seed,
        "classes": list(classes),
    }
    if _stands(root, marker):
        return
    root.parent.mkdir(parents=True, exist_ok=True)
    _remove_abandoned(root)
    draft = root.parent / f".{root.name}.drawing-{uuid.uuid4().hex[:8]}"
    draft.mkdir()
    try:
        _draw(
            draft, DIFFICULTIES[difficulty], num_subjects, clips_per_class, num_frames, size, seed, classes, on_progress
        )
        (draft / MARKER).write_text(json.dumps(marker, indent=2) + "\n")
        try:
            draft.rename(root)
        except OSError:  # someone else was first
            if not _stands(root, marker):
                raise
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _check(
    difficulty: str, num_subjects: int, clips_per_class: int, num_frames: int, size: int, classes: Sequence[str]
) -> None:
    if difficulty not in DIFFICULTIES:
        raise ValueError(f"There is no difficulty {difficulty!r}; there are: {', '.join(DIFFICULTIES)}.")
    strangers = [name for name in classes if name not in EXPRESSIONS]
    if strangers or not classes or len(set(classes)) != len(classes):
        given = ", ".join(classes) or "none"
        raise ValueError(f"Classes to draw are some of {', '.join(EXPRESSIONS)}, each once; given: {given}.")
    for name, value, least in (
        ("num_subjects", num_subjects, 1),
        ("clips_per_class", clips_per_class, 1),
        ("num_frames", num_frames, 2),
        ("size", size, 32),
    ):
        if value < least:
            raise ValueError(f"{name} is {value}; at least {least} is needed.")
    if size % 2:
        raise ValueError(f"size is {size}; video frames need an even one.")


def _stands(root: Path, marker: dict) -> bool:
    """Whether `root` already holds the drawing of `marker`. Raises `ValueError` if it holds something else."""
    if not root.exists():
        return False
    if not root.is_dir():
        raise ValueError(f"{root} is a file; a drawing needs a folder.")
    path = root / MARKER
    if path.is_file():
        try:
            found = json.loads(path.read_text())
        except ValueError:
            found = None
        if found == marker:
            return True
        if isinstance(found, dict) and found.get("generator") == GENERATOR:
            other = [
                f"{key} {found.get(key)!r}, not {marker[key]!r}" for key in marker if found.get(key) != marker[key]
            ]
            raise ValueError(f"{root} holds another drawing ({'; '.join(other)}). Choose another folder or delete it.")
    if any(root.iterdir()):
        raise ValueError(f"{root} is not empty and was not drawn here. Choose an empty or a new folder.")
    return False


def _draw(
    root: Path,
    difficulty: Difficulty,
    num_subjects: int,
    clips_per_class: int,
    num_frames: int,
    size: int,
    seed: int,
    classes: Sequence[str],
    on_progress: Callable[[int, int], None] | None,
) -> None:
    """Draws all clips; each depends on seed, subject, class and number alone, whatever else is drawn."""
    for name in classes:
        (root / name).mkdir()
    done = 0
    for number in range(num_subjects):
        subject = sample_subject(np.random.default_rng([seed, number]), difficulty)
        for name in classes:
            for take in range(clips_per_class):
                rng = np.random.default_rng([seed, number, list(EXPRESSIONS).index(name), take])
                clip = draw_clip(rng, subject, name, difficulty, num_frames=num_frames, size=size)
                _save_video(root / name / f"D{number + 1:03d}_{take:02d}.mp4", clip.frames)
                done += 1
                if on_progress is not None:
                    on_progress(done, num_subjects * len(classes) * clips_per_class)


def _save_video(path: Path, frames: np.ndarray) -> None:
    """Writes RGB `frames` `(T, H, W, 3)` as MPEG-4; without an encoder, as a folder of PNG files named as the video."""
    height, width = frames.shape[1:3]
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), FRAMES_PER_SECOND, (width, height))
    pictures = [cv2.cvtColor(frame, cv2.COLOR_RGB2BGR) for frame in frames]
    if writer.isOpened():
        for picture in pictures:
            writer.write(picture)
        writer.release()
        return
    path.unlink(missing_ok=True)
    folder = path.with_suffix("")
    folder.mkdir()
    for index, picture in enumerate(pictures):
        if not cv2.imwrite(str(folder / f"{index:03d}.png"), picture):
            raise OSError(f"{folder / f'{index:03d}.png'} could not be written.")


def _remove_abandoned(root: Path) -> None:
    """Deletes drafts of `root` whose process was killed long ago; a drawing takes seconds to minutes."""
    for draft in root.parent.glob(f".{root.name}.drawing-*"):
        try:
            if time.time() - max(entry.stat().st_mtime for entry in (draft, *draft.iterdir())) > ABANDONED_AFTER_S:
                shutil.rmtree(draft, ignore_errors=True)
        except OSError:  # its owner finished meanwhile
            continue
