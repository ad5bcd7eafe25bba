"""Drawn layouts, each in its own words: the tree is shaped as the owners of that data set ship it, traps included."""

import re
from collections import Counter, defaultdict

import cv2
import numpy as np
import pytest

from drawing.tree import MARKER
from tests.support.drawn_trees import SIX, files, image, rows_of, table_of

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("drawn trees")]  # drawn once for both modules of them


def test_ck_plus_labels_bear_the_name_of_the_last_frame(tree):
    root = tree("ck_plus")
    assert files(root, "*") == [MARKER, "Emotion", "cohn-kanade-images"]
    assert files(root, "cohn-kanade-images/*") == [f"cohn-kanade-images/{s}" for s in ("S005", "S010", "S015", "S020")]
    frames = files(root, "cohn-kanade-images/S010/002/*")
    assert frames == [f"cohn-kanade-images/S010/002/S010_002_{n:08d}.png" for n in range(1, len(frames) + 1)]
    (label,) = files(root, "Emotion/S010/002/*")
    assert label == f"Emotion/S010/002/S010_002_{len(frames):08d}_emotion.txt"
    assert (root / label).read_text() == "   1.0000000e+00\n"  # anger
    codes = [float(path.read_text()) for path in root.glob("Emotion/*/*/S*.txt")]
    assert Counter(codes) == {1: 4, 2: 4, 3: 4, 4: 4, 5: 4, 6: 4, 7: 5}
    assert {len(list(folder.glob("S*"))) for folder in root.glob("cohn-kanade-images/*/[0-9]*")} == {3, 4}


def test_ck_plus_is_mostly_grey_and_has_its_traps(tree):
    root = tree("ck_plus")
    shapes = {path.parts[-3]: image(path).shape for path in root.glob("cohn-kanade-images/*/*/S*.png")}
    assert shapes == {"S005": (64, 84), "S010": (64, 84), "S015": (64, 84), "S020": (64, 86, 3)}
    assert files(root, "cohn-kanade-images/S015/008/*")  # frames without a label, beside an empty folder
    assert (root / "Emotion/S015/008").is_dir()
    assert not files(root, "Emotion/S015/008/*")
    assert files(root, "Emotion/S005/009/*")  # a label without frames
    assert not (root / "cohn-kanade-images/S005/009").exists()
    assert (root / "cohn-kanade-images/.DS_Store").is_file()
    assert len(list((root / "cohn-kanade-images/S005/001").glob("._*.png"))) == 4
    assert len(list((root / "Emotion/S005/001").glob("._*.txt"))) == 1


def test_ck_plus_48_keeps_three_peak_frames_of_a_sequence(tree):
    root = tree("ck_plus_48") / "CK+48"
    assert files(root, "*") == ["anger", "contempt", "disgust", "fear", "happy", "sadness", "surprise"]
    numbers = defaultdict(list)
    for path in root.glob("*/S*.png"):
        subject, sequence, frame = re.fullmatch(r"(S\d{3})_(\d{3})_(\d{8})\.png", path.name).groups()
        numbers[subject, sequence].append(int(frame))
        assert image(path).shape == (48, 48)
    assert len(numbers) == 28
    assert all(sorted(frames) == list(range(min(frames), min(frames) + 3)) for frames in numbers.values())


def test_oulu_casia_is_whole_in_visible_strong_light(tree):
    root = tree("oulu_casia")
    assert files(root, "VL/Strong/*/*/000.jpeg") == [
        f"VL/Strong/P00{n}/{name.capitalize()}/000.jpeg" for n in (1, 2, 3, 4) for name in SIX
    ]
    assert files(root, "NI/Dark/P001/Fear/*") == [f"NI/Dark/P001/Fear/00{n}.jpeg" for n in range(4)]
    assert files(root, "*/*/P002") == ["VL/Strong/P002"]
    assert len(files(root, "*/*/P001")) == 6
    assert image(root / "VL/Strong/P001/Fear/000.jpeg").shape == (64, 86, 3)
    assert image(root / "NI/Strong/P001/Fear/000.jpeg").shape == (64, 86)
    bright, weak, dark = (image(root / f"VL/{light}/P001/Fear/003.jpeg").mean() for light in ("Strong", "Weak", "Dark"))
    assert bright > weak > dark


def test_dfew_has_sets_annotation_and_one_whole_form(tree):
    root = tree("dfew")
    assert len(files(root, "Clip/clip_224x224/*")) == 31  # 28 labelled, 2 unclear, 1 empty
    assert files(root, "Clip/clip_224x224/00001/*") == [
        f"Clip/clip_224x224/00001/00001_0000{n}.jpg" for n in (1, 2, 3, 4)
    ]
    assert files(root, "Clip/original/*") == ["Clip/original/1.mp4", "Clip/original/2.mp4"]
    assert files(root, "Clip/clip_224x224_16f/00002/1?.jpg")[-1] == "Clip/clip_224x224_16f/00002/16.jpg"
    assert files(root, "Clip/clip_224x224_avi/*") == [f"Clip/clip_224x224_avi/0000{n}.avi" for n in (1, 2)]
    head, *votes = table_of(root / "Annotation" / "annotation.xlsx")
    emotions = ["1happy", "2sad", "3neutral", "4angry", "5surprise", "6disgust", "7fear"]
    assert head == [*emotions, "order", "label"]
    labels = {row[7]: row[8] for row in votes}
    assert Counter(labels.values()) == {0: 2, 1: 5, 2: 4, 3: 4, 4: 4, 5: 4, 6: 4, 7: 4}
    assert all(sum(row[:7]) == 10 and (not row[8] or row[row[8] - 1] >= 7) for row in votes)
    tested = []
    for number in range(1, 6):
        parts = {}
        for part in ("train", "test"):
            first, *rows = rows_of(root / "EmoLabel_DataSplit" / f"{part}(single-labeled)" / f"set_{number}.csv")
            assert first == ["video_name", "label"]
            parts[part] = {int(name): int(label) for name, label in rows}
        assert {**parts["train"], **parts["test"]} == {n: label for n, label in labels.items() if label}
        assert not set(parts["train"]) & set(parts["test"])
        tested += parts["test"]
    assert sorted(tested) == sorted(n for n, label in labels.items() if label)


@pytest.mark.parametrize(
    ("form", "last"),
    [("original", "28.mp4"), ("clip_224x224_16f", "00028/16.jpg"), ("clip_224x224_avi", "00028.avi")],
)
def test_dfew_in_another_form(tree, form, last):
    root = tree("dfew", form=form, traps=False)
    assert (root / "Clip" / form / last).is_file()
    assert len(files(root, "Clip/clip_224x224/*")) == 2


def test_baum1s_numbers_clips_by_subject_and_codes_emotions(tree):
    root = tree("baum1s")
    assert files(root, "BAUM1s_MP4 - All/s002/*") == [f"BAUM1s_MP4 - All/s002/S002_00{n}.mp4" for n in range(1, 9)]
    head, *rows = table_of(root / "Annotations_BAUM1s.xlsx")
    assert head == ["No", "Subject No", "Clip No", "Clip Name", "Emotion", "Emotion Code", "Gender"]
    assert [row[3] for row in rows] == [f"S00{s}_00{n}" for s in range(1, 5) for n in range(1, 9)]
    assert all(row[3].startswith(f"S{row[1]:03d}_") for row in rows)
    assert Counter((row[4], row[5]) for row in rows) == {
        ("Anger", 1): 4,
        ("Disgust", 6): 4,
        ("Fear", 7): 4,
        ("Happiness", 8): 4,
        ("Happiness", 9): 1,
        ("Neutral", 9): 3,
        ("Sadness", 10): 4,
        ("Surprise", 11): 4,
        ("Thinking", 12): 4,
    }
    assert len({tuple(row[5] for row in rows if row[1] == s) for s in range(1, 5)}) > 1  # no order that tells the class
    same = rows_of(tree("baum1s", table="csv") / "Annotations_BAUM1s.csv")
    assert same == [[str(value) for value in row] for row in [head, *rows]]


def test_rml_tells_the_class_by_two_letters(tree):
    root = tree("rml")
    assert files(root, "*/*") == sorted(
        [f"s{n}/{name[:2]}1.avi" for n in range(1, 5) for name in SIX] + ["s1/an2.avi"],
    )
    capture = cv2.VideoCapture(str(root / "s1" / "an2.avi"))
    promised, read = capture.get(cv2.CAP_PROP_FRAME_COUNT), 0
    while capture.read()[0]:
        read += 1
    assert 0 < read < promised == 4
    assert (root / "s1" / "._an2.avi").is_file()


def test_rml_in_its_other_forms(tree):
    small = {"traps": False, "size": 32, "num_subjects": 5}
    packs = files(tree("rml", form="packs", **small), "*/*/an1.avi")
    assert packs == [*(f"rml-1/s{n}/an1.avi" for n in (1, 2, 3, 4)), "rml-2/s5/an1.avi"]
    by_language = files(tree("rml", form="languages", clips_per_class=2, **small), "s1/*/ha*.avi")
    assert by_language == ["s1/english/ha1.avi", "s1/mandarin/ha2.avi"]
    with pytest.raises(ValueError, match="no form of RML 'zip'; there are: plain, packs, languages"):
        tree("rml", form="zip")


def test_fer2013_rows_are_pictures_with_a_usage(tree):
    head, *rows = rows_of(tree("fer2013") / "fer2013.csv")
    assert head == ["emotion", "pixels", "Usage"]
    assert Counter(row[2] for row in rows) == {"Training": 29, "PublicTest": 14, "PrivateTest": 14}
    assert [row[2] for row in rows] == sorted((row[2] for row in rows), key="Training PublicTest PrivateTest".index)
    assert Counter(int(row[0]) for row in rows) == {0: 8, 1: 8, 2: 8, 3: 8, 4: 9, 5: 8, 6: 8}
    pictures = np.array([row[1].split() for row in rows], int)
    assert pictures.shape == (57, 48 * 48)
    assert pictures.max() <= 255
    assert (pictures == 0).all(axis=1).sum() == 1


def test_fer2013_in_folders_merges_the_tests(tree):
    root, rows = tree("fer2013", form="folders"), rows_of(tree("fer2013") / "fer2013.csv")[1:]
    codes = ["angry", "disgust", "fear", "happy", "sad", "surprise", "neutral"]
    classes = ["angry", "disgust", "fear", "happy", "neutral", "sad", "surprise"]
    assert files(root, "*/*") == [f"{part}/{name}" for part in ("test", "train") for name in classes]
    assert {path.name.split("_")[0] for path in root.glob("test/*/*.png")} == {"PublicTest", "PrivateTest"}
    assert {path.name.split("_")[0] for path in root.glob("train/*/*.png")} == {"Training"}
    for path in root.glob("*/*/*.png"):  # the same pictures as in the csv, named after their rows
        emotion, pixels, usage = rows[int(path.stem.split("_")[1])]
        assert (path.parent.name, path.stem.split("_")[0]) == (codes[int(emotion)], usage)
        assert image(path).ravel().tolist() == list(map(int, pixels.split()))


def test_fer_plus_votes_go_with_the_rows(tree):
    root = tree("fer2013_plus")
    head, *votes = rows_of(root / "fer2013new.csv")
    rows = rows_of(root / "fer2013.csv")[1:]
    voted = ["neutral", "happiness", "surprise", "sadness", "anger", "disgust", "fear", "contempt", "unknown", "NF"]
    assert head == ["Usage", "Image name", *voted]
    shown = Counter()
    for number, (vote, row) in enumerate(zip(votes, rows, strict=True)):
        assert vote[0] == row[2]
        assert sum(map(int, vote[2:])) == 10
        black = set(row[1].split()) == {"0"}
        assert vote[1] == ("" if black else f"fer{number:07d}.png")
        most = max(voted, key=dict(zip(voted, map(int, vote[2:]), strict=True)).get)
        shown[most] += 1
        codes = {"contempt": 6, "NF": 4, "neutral": 6} | {name: code for code, name in enumerate(SIX)}
        assert number == len(rows) - 1 or int(row[0]) == codes[most]
    assert votes[-1][2:] == ["0", "0", "5", "0", "0", "0", "5", "0", "0", "0"]  # a copy of the row before, undecided
    assert rows[-1] == rows[-2]
    assert shown - Counter(surprise=1) == Counter(dict.fromkeys([*SIX, "neutral", "contempt"], 8) | {"NF": 1})


def test_clip_folder_mixes_kinds_of_clips_and_images(tree):
    root = tree("clip_folder")
    assert files(root, "*") == [MARKER, *SIX]
    assert files(root, "sadness/*") == [
        f"sadness/{name}" for name in ("P01_00.mp4", "P02_00", "P03_take [00]", "P04_00.mp4")
    ]
    assert files(root, "fear/P03_take [[]00]/*") == [f"fear/P03_take [00]/00{n}.JPG" for n in range(1, 5)]
    kinds = {name: (root / name / "P02_00" / "1.png").read_bytes()[25] for name in SIX}  # the header's colour type
    assert list(kinds.values()) == [0, 2, 3, 6, 0, 2]
    assert {image(path).shape for path in (root / "anger/P01_two sizes").glob("[0-9]*")} == {(64, 64, 3), (32, 32, 3)}
    assert list((root / "anger/P01_empty").iterdir()) == []
    assert b"\xff\xd9" not in (root / "anger/P01_truncated image/4.jpg").read_bytes()
