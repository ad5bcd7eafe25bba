"""Videos in one folder per person, `<person>/<class>_<take>.mp4`: happy or sad. Five folds by person, or fewer."""

from __future__ import annotations

from pathlib import Path

from trainables.data.core.dataset import DataError, Dataset, Sample
from trainables.data.core.finding import list_folders, list_videos
from trainables.data.core.frames import read_frames
from trainables.data.core.layout import require_folder
from trainables.data.core.protocols import tested_in_turn

LAYOUT = "<person>/<class>_<take>.mp4, such as anna/happy_1.mp4; the classes are happy and sad"
CLASSES = ("happy", "sad")
EXAMPLE = {f"person {number}/{name}_1.avi": "" for number in range(6) for name in CLASSES}


def load(root: Path) -> Dataset:
    """The videos under `root`. Raises `DataError` for a layout other than this one, and for fewer than three people."""
    root = Path(root)
    require_folder(root, LAYOUT)
    samples = [
        Sample(
            clip_id=f"{folder.name}/{video.name}",
            label=CLASSES.index(video.name.partition("_")[0].lower()),
            subject=folder.name,
            paths=(video,),
        )
        for folder in list_folders(root)
        for video in list_videos(folder)
        if video.name.partition("_")[0].lower() in CLASSES
    ]
    if not samples:
        raise DataError(f"{root}: no video in here is named by its class. Expected: {LAYOUT}.")
    folds, notes = tested_in_turn([str(sample.subject) for sample in samples], 5)
    return Dataset(name="person_folders", classes=CLASSES, samples=samples, folds=folds, read=read_frames, notes=notes)
