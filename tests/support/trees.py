"""Small trees in the published layouts, written by hand: noise for frames, and what lies about in real copies.

`BUILDERS[name](root)` writes a tree of data set `name` that its reader loads. Each has six people where the set has
people, and differs from a complete copy in size alone.
"""

import csv
import json
from collections.abc import Callable, Mapping
from pathlib import Path

import cv2
import numpy as np

from trainables.data.core.kinds import is_image, is_video

_rng = np.random.default_rng(0)
BGR = np.full((24, 32, 3), (0, 128, 255), np.uint8)  # orange: B 0, G 128, R 255


def write_video(path: Path, num_frames: int = 12) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 25, (64, 48))
    for value in range(num_frames):
        writer.write(np.full((48, 64, 3), 20 * value % 256, np.uint8))
    writer.release()
    return path


def write_image(path: Path, image: np.ndarray = BGR) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    encoded = cv2.imencode(path.suffix.lower(), image)[1]
    path.write_bytes(encoded.tobytes())
    return path


def image(path: Path, *, side: int = 12, kind: str = "grey", value: int | None = None) -> Path:
    """Noise, or one `value`, as an image: `grey`, `rgb`, `rgba` or `deep` (16 bit)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    shape = {"grey": (side, side), "deep": (side, side), "rgb": (side, side, 3), "rgba": (side, side, 4)}[kind]
    pixels = _rng.integers(0, 256, shape, np.uint8) if value is None else np.full(shape, value, np.uint8)
    encoded = cv2.imencode(path.suffix.lower(), pixels.astype(np.uint16) * 257 if kind == "deep" else pixels)[1]
    path.write_bytes(encoded.tobytes())
    return path


def video(path: Path, num_frames: int = 3) -> Path:
    """Noise as a video of 32 px, by a codec that every build of OpenCV has, whatever the name says."""
    path.parent.mkdir(parents=True, exist_ok=True)
    made = path.with_suffix(".avi")
    writer = cv2.VideoWriter(str(made), cv2.VideoWriter.fourcc(*"MJPG"), 25, (32, 32))
    for _ in range(num_frames):
        writer.write(_rng.integers(0, 256, (32, 32, 3), np.uint8))
    writer.release()
    return made.rename(path)


def litter(folder: Path) -> None:
    """What macOS and Windows leave in a folder, twins of its files among it."""
    for path in list(folder.iterdir()):
        if path.is_file():
            path.with_name(f"._{path.name}").write_bytes(b"\x00\x05\x16\x07")
    (folder / ".DS_Store").write_bytes(b"junk")
    (folder / "Thumbs.db").write_bytes(b"junk")


def table(path: Path, rows: list[list[object]]) -> Path:
    """Rows as .csv."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="") as file:
        csv.writer(file).writerows(rows)
    return path


def ck_plus(root: Path) -> Path:
    """Six people, three labelled sequences each of the seven classes in turn, and one sequence without a label."""
    for subject in range(6):
        for take in range(4):
            name = f"S{subject + 10:03d}/{take + 1:03d}"
            stem, last = name.replace("/", "_"), 2 + take
            for frame in range(1, last + 1):
                image(
                    root / "cohn-kanade-images" / name / f"{stem}_{frame:08d}.png",
                    kind="rgb" if subject == 3 else "grey",
                )
            labels = root / "Emotion" / name
            labels.mkdir(parents=True)
            if take < 3:
                code = 1 + (3 * subject + take) % 7
                (labels / f"{stem}_{last:08d}_emotion.txt").write_text(f"   {code:.7e}\n")
            facs = root / "FACS" / name
            facs.mkdir(parents=True)
            (facs / f"{stem}_{last:08d}_facs.txt").write_text("   4.0000000e+00   1.0000000e+00\n")
    litter(root / "cohn-kanade-images" / "S010" / "001")
    return root


def ck_plus_48(root: Path) -> Path:
    """Six people, two sequences of three frames each."""
    names = ("anger", "contempt", "disgust", "fear", "happy", "sadness", "surprise")
    for subject in range(6):
        for take in range(2):
            folder = root / "CK+48" / names[(2 * subject + take) % 7]
            for frame in (9, 10, 11):
                image(folder / f"S{subject + 10:03d}_{take + 1:03d}_{frame:08d}.png", side=48)
    litter(root / "CK+48" / "anger")
    return root


def oulu_casia(root: Path) -> Path:
    """Six people with six expressions under strong visible light, and one of them in the dark and in infrared."""
    for light in ("VL/Strong", "VL/Dark", "NI/Strong"):
        for subject in range(6 if light == "VL/Strong" else 1):
            for name in ("Anger", "Disgust", "Fear", "Happiness", "Sadness", "Surprise"):
                for frame in range(2):
                    image(root / light / f"P{subject + 1:03d}" / name / f"{frame:03d}.jpeg", kind="rgb")
    litter(root / "VL" / "Strong" / "P001" / "Anger")
    return root


def dfew(root: Path, form: str = "clip_224x224", num_clips: int = 40) -> Path:
    """40 clips in one form, in five sets that each test a fifth of them, and a table that knows one more."""
    for number in range(1, num_clips + 1):
        dfew_clip(root, form, number)
    labels = {number: 1 + number % 7 for number in range(1, num_clips + 1)}
    for k in range(5):
        for part in ("train", "test"):
            rows = [[number, label] for number, label in labels.items() if (number // 7 % 5 == k) == (part == "test")]
            path = root / "EmoLabel_DataSplit" / f"{part}(single-labeled)" / f"set_{k + 1}.csv"
            table(path, [["video_name", "label"], *rows])
    return root


def dfew_clip(root: Path, form: str, number: int) -> None:
    """A clip of 11 frames (so that 10 comes after 2) in one of the four forms."""
    clips = root / "Clip" / form
    if form == "original":
        video(clips / f"{number}.mp4")
    elif form == "clip_224x224_avi":
        video(clips / f"{number:05d}.avi")
    else:
        for frame in range(1, 12 if number == 1 else 3):
            name = f"{frame}.jpg" if form == "clip_224x224_16f" else f"{number:05d}_{frame:05d}.jpg"
            image(clips / f"{number:05d}" / name, value=20 * frame)


BAUM1S_ROWS = [
    ["No", "Subject", "Gender", "Clip Name", "Emotion", "Emotion Code"],
    *[
        [3 * subject + take + 1, subject + 1, "f", f"S{subject + 1:03d}_{take + 1:03d}", "x", code]
        for subject in range(6)
        for take, code in enumerate(((1, 6, 9), (7, 8, 13))[subject % 2])
    ],
    [19, 1, "f", "S001_004", "sadness", 10],
    [20, 2, "m", "S002_004", "surprise", 11],
]


def baum1s(root: Path) -> Path:
    """Six people with two clips of the six emotions each and one of another state."""
    for row in BAUM1S_ROWS[1:]:
        name = str(row[3])
        video(root / "BAUM1s_MP4 - All" / name[:4].lower() / f"{name}.mp4")
    table(root / "Annotations_BAUM1s.csv", BAUM1S_ROWS)
    litter(root / "BAUM1s_MP4 - All" / "s001")
    return root


def rml(root: Path) -> Path:
    """Eight speakers, six emotions."""
    for speaker in range(1, 9):
        for letters in ("an", "di", "fe", "ha", "sa", "su"):
            video(root / f"s{speaker}" / f"{letters}{speaker}.avi", 2)
    litter(root / "s1")
    return root


def fer2013(root: Path, num_images: int = 70) -> Path:
    """The table, seven of ten rows for training."""
    root.mkdir(parents=True, exist_ok=True)
    parts = ("Training",) * 7 + ("PublicTest", "PrivateTest", "Training")
    rows = [
        [row // 10 % 7, " ".join(map(str, _rng.integers(0, 256, 48 * 48))), parts[row % 10]]
        for row in range(num_images)
    ]
    table(root / "fer2013.csv", [["emotion", "pixels", "Usage"], *rows])
    return root


def fer2013_plus(root: Path, num_images: int = 70) -> Path:
    """The table of FER2013, and votes for one class after the other."""
    fer2013(root, num_images)
    names = ["neutral", "happiness", "surprise", "sadness", "anger", "disgust", "fear", "contempt", "unknown", "NF"]
    rows = [
        ["Training", f"fer{i:07d}.png", *[8 if c == i // 10 % 8 else 0 for c in range(10)]] for i in range(num_images)
    ]
    table(root / "fer2013new.csv", [["Usage", "Image name", *names], *rows])
    return root


def clip_folder(root: Path) -> Path:
    """Two classes, six people."""
    for name in ("happy", "sad (2)"):
        for subject in range(6):
            image(root / name / f"P{subject}_a" / "1.png")
    return root


def drawn_faces(root: Path) -> Path:
    """The same, with the marker."""
    clip_folder(root)
    (root / "DRAWN.json").write_text(json.dumps({"generator": "fertune drawing"}))
    return root


BUILDERS: dict[str, Callable[[Path], Path]] = {
    build.__name__: build
    for build in (
        ck_plus,
        ck_plus_48,
        oulu_casia,
        dfew,
        baum1s,
        rml,
        fer2013,
        fer2013_plus,
        clip_folder,
        drawn_faces,
    )
}


def write_example(root: Path, example: Mapping[str, str]) -> Path:
    """The files of a reader's `EXAMPLE`: those with a text hold it, images and videos hold noise."""
    for name, text in example.items():
        path = root / name
        if text or not (is_image(path) or is_video(path)):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        else:
            (image if is_image(path) else video)(path)
    return root
