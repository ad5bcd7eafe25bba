"""RML: 720 videos of 8 speakers who act six emotions in six languages.

Wang and Guan, "Recognizing Human Emotional State From Audiovisual Signals", IEEE Transactions on Multimedia 2008. The
first two letters of a name tell the emotion. Each speaker is tested once; the next validates.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from trainables.data.core.dataset import DataError, Dataset, Sample
from trainables.data.core.finding import list_folders, list_videos
from trainables.data.core.frames import read_frames
from trainables.data.core.layout import levels_below, listed, outermost, require_folder, shortfall
from trainables.data.core.protocols import tested_in_turn

LAYOUT = "s1 to s8 (or rml-1/s1, or with a folder for each language in them) with an1.avi, di1.avi, fe1, ha1, sa1, su1"
CLASSES = ("anger", "disgust", "fear", "happiness", "sadness", "surprise")
LETTERS = ("an", "di", "fe", "ha", "sa", "su")  # of CLASSES
NUM_CLIPS, NUM_SPEAKERS = 720, 8


def load(root: Path) -> Dataset:
    """The videos of RML under `root`, in folds that leave one speaker out.

    Raises `DataError` for a layout other than this one, and for fewer than three speakers.
    """
    root = Path(root)
    require_folder(root, LAYOUT)
    start = outermost(root, r"s\d+|rml[-_ ]?\d+").absolute()
    speakers = [folder for level in levels_below(start) for folder in level if _is_speaker(folder)]
    if not speakers:
        raise DataError(f"{root}: no folder of a speaker was found in here. Expected: {LAYOUT}.")
    base = Path(os.path.commonpath([speaker.parent for speaker in speakers]))
    samples, unnamed = [], []
    speaker_of = {video: speaker.name.lower() for speaker in speakers for video in _videos(speaker)}
    for video, subject in speaker_of.items():
        name, letters = video.relative_to(base).as_posix(), video.name[:2].lower()
        if letters in LETTERS:
            samples.append(Sample(clip_id=name, label=LETTERS.index(letters), subject=subject, paths=(video,)))
        else:
            unnamed.append(name)
    if not samples:
        raise DataError(
            f"{root}: no video in {listed(list(map(str, speakers)))} tells its emotion. Expected: {LAYOUT}."
        )
    folds, fold_notes = tested_in_turn([str(sample.subject) for sample in samples], NUM_SPEAKERS)
    notes = [*shortfall(len(samples), NUM_CLIPS, "videos"), *fold_notes]
    if unnamed:
        notes.append(f"{len(unnamed)} videos whose names tell no emotion are left out ({listed(unnamed)})")
    return Dataset(name="rml", classes=CLASSES, samples=samples, folds=folds, read=read_frames, notes=tuple(notes))


def _is_speaker(folder: Path) -> bool:
    return re.fullmatch(r"s\d+", folder.name, re.IGNORECASE) is not None and bool(_videos(folder))


def _videos(speaker: Path) -> list[Path]:
    """The videos of a speaker, in the folder or in those of the languages in it."""
    return [video for folder in (speaker, *list_folders(speaker)) for video in list_videos(folder)]
