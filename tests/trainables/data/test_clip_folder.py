"""Own clips and drawn faces: one layout, told apart by a marker."""

import re
from pathlib import Path

import pytest

from tests.support.trees import write_image
from trainables.core.prepared.content import UNREADABLE, content_hashes
from trainables.data import clip_folder, drawn_faces
from trainables.data.core.dataset import DataError


@pytest.fixture
def root(tmp_path) -> Path:
    """Two classes, six people, videos and folders of frames, and what operating systems leave behind."""
    root = tmp_path / "my clips (new)"
    for name in ("happy", "sad [2]"):
        for subject in range(6):
            if subject % 2:
                write_image(root / name / f"P{subject}_a b%d" / "2.PNG")
                write_image(root / name / f"P{subject}_a b%d" / "10.png")
                write_image(root / name / f"P{subject}_a b%d" / "._2.PNG")
            else:
                (root / name).mkdir(parents=True, exist_ok=True)
                (root / name / f"P{subject}_take.MP4").write_text("a video")
        (root / name / "._P0_take.MP4").write_text("twin")
        (root / name / ".DS_Store").write_text("junk")
    (root / ".cache").mkdir()
    (root / "readme.txt").write_text("notes")
    return root


def test_classes_subjects_and_frames_are_found_in_order(root):
    dataset = clip_folder.load(root)
    assert (dataset.name, dataset.classes) == ("clip_folder", ("happy", "sad [2]"))
    assert (len(dataset.samples), len(dataset.folds), dataset.cut_by_subject) == (12, 5, True)
    sample = next(sample for sample in dataset.samples if sample.clip_id == "happy/P1_a b%d")
    assert (sample.label, sample.subject, [path.name for path in sample.paths]) == (0, "P1", ["2.PNG", "10.png"])
    assert {sample.clip_id for sample in dataset.samples} >= {"happy/P0_take.MP4", "sad [2]/P5_a b%d"}
    assert len(list(dataset.read(sample))) == 2


def test_fewer_subjects_give_fewer_folds_down_to_three(tmp_path):
    for count in (1, 2, 3, 4):
        root = tmp_path / str(count)
        for name in ("a", "b"):
            for subject in range(count):
                write_image(root / name / f"P{subject}_x" / "1.png")
        if count < 3:
            with pytest.raises(DataError, match=("1 subject ", r"2 subjects \(P0, P1\); at least 3")[count - 1]):
                clip_folder.load(root)
        else:
            assert len(clip_folder.load(root).folds) == count


def test_an_empty_folder_of_frames_is_kept_to_be_named_and_dropped(root):
    (root / "happy" / "P3_empty").mkdir()
    dataset = clip_folder.load(root)
    sample = next(sample for sample in dataset.samples if sample.clip_id == "happy/P3_empty")
    with pytest.raises(DataError, match="happy/P3_empty"):
        list(dataset.read(sample))


def test_what_is_wrong_with_the_folder_is_said(tmp_path):
    with pytest.raises(DataError, match="no such folder"):
        clip_folder.load(tmp_path / "missing")
    (tmp_path / "file").write_text("x")
    with pytest.raises(DataError, match="this is a file"):
        clip_folder.load(tmp_path / "file")
    (tmp_path / "root").mkdir()
    with pytest.raises(DataError, match="no class folders"):
        clip_folder.load(tmp_path / "root")
    write_image(tmp_path / "root" / "happy" / "P1_x" / "1.png")
    with pytest.raises(DataError, match=r"only one class \(happy\)"):
        clip_folder.load(tmp_path / "root")
    (tmp_path / "root" / "sad").mkdir()
    with pytest.raises(DataError, match=r"only one class \(happy\).*sad: no clips in here"):
        clip_folder.load(tmp_path / "root")
    write_image(tmp_path / "root" / "sad" / "loose.png")
    with pytest.raises(DataError, match="It holds images"):
        clip_folder.load(tmp_path / "root")


@pytest.mark.parametrize("name", ["nobody", "_x"])
def test_a_clip_without_a_subject_is_named_with_what_is_allowed(root, name):
    write_image(root / "happy" / name / "1.png")
    with pytest.raises(DataError, match=rf"happy/{name}: .*<subject>_<anything>"):
        clip_folder.load(root)


def test_drawn_faces_and_real_ones_are_never_taken_for_each_other(root):
    assert not clip_folder.load(root).drawn
    with pytest.raises(DataError, match=r"not drawn faces.*clip_folder"):
        drawn_faces.load(root)
    (root / "DRAWN.json").write_text('{"difficulty": "easy", "num_subjects": 6, "seed": 0}')
    assert clip_folder.load(root).drawn
    dataset = drawn_faces.load(root)
    assert dataset.drawn
    assert (dataset.name, len(dataset.samples)) == ("drawn_faces", 12)
    with pytest.raises(DataError, match="no such folder"):
        drawn_faces.load(root / "missing")


def test_a_closed_clip_is_one_dropped_clip_with_the_reason(root, closed):
    closed(root / "happy" / "P1_a b%d")
    dataset = clip_folder.load(root)
    assert len(dataset.samples) == 12
    sample = next(sample for sample in dataset.samples if sample.clip_id == "happy/P1_a b%d")
    with pytest.raises(DataError, match=r"P1_a b%d: this folder cannot be read \(Permission denied\)"):
        list(dataset.read(sample))
    content = content_hashes(sample.paths, root.parent / "hashes")
    assert set(content.values()) <= {UNREADABLE}


def test_a_class_that_one_subject_shows_is_called_by_its_name(root):
    write_image(root / "calm" / "P3_a" / "1.png")
    with pytest.raises(DataError, match=r"my clips \(new\): Class 'calm' has one subject only \(P3\)"):
        clip_folder.load(root)


def test_where_the_classes_lie_a_level_deeper_that_is_asked(tmp_path):
    clips_in(tmp_path / "clips", happy=["P1_a", "P2_a"], sad=["P1_a", "P3_a"])
    with pytest.raises(
        DataError, match=rf"no class folder has clips.*Do the classes lie in {tmp_path}/clips\? Then give"
    ):
        clip_folder.load(tmp_path)


def clips_in(root, **names):
    for folder, stems in names.items():
        for stem in stems:
            write_image(root / folder / stem / "1.png")
    return root


def test_several_spellings_are_one_class_and_one_person_and_are_told(tmp_path):
    root = clip_folders(tmp_path)
    dataset = clip_folder.load(root)
    assert dataset.classes == ("Happy", "sad")
    assert sorted({sample.subject for sample in dataset.samples}) == ["ANNA ", "Ben", "Cid", "Zo\xeb"]
    assert {sample.label for sample in dataset.samples if sample.clip_id.startswith("happy")} == {0}
    assert "classes: 'Happy' and 'happy' are taken for one name" in dataset.notes
    assert "people: 'ANNA ', 'Anna' and 'anna' are taken for one name" in dataset.notes
    for fold in dataset.folds:
        parts = [{dataset.samples[i].subject for i in part} for part in (fold.train, fold.validation, fold.test)]
        assert sum(map(len, parts)) == len(set.union(*parts))


def test_spellings_are_kept_apart_where_that_is_wished(tmp_path):
    dataset = clip_folder.load(clip_folders(tmp_path), keep_spelling=True)
    assert dataset.classes == ("Happy", "happy", "sad")
    assert len({sample.subject for sample in dataset.samples}) == 7
    assert dataset.notes == ()


def clip_folders(root: Path) -> Path:
    return clips_in(
        root,
        Happy=["ANNA _3", "Anna_1", "Ben_1", "Cid_1", "Zo\xeb_1"],
        happy=["Ben_2", "Cid_2"],
        sad=["ANNA _9", "Anna_9", "anna_2", "Ben_3", "Cid_3", "Zo\xeb_3", "Zoe\u0308_2"],
    )


@pytest.mark.parametrize(
    ("folders", "message"),
    [
        (
            {"train": ["1_surprise", "2_fear"], "test": ["1_surprise", "2_fear"]},
            r"test, train are parts of a data set.*classes would be test, train, and the people 1, 2\.",
        ),
        ({"Training Set": ["happy"], "Validation Set": ["happy"], "extra": ["happy"]}, "people happy"),
        ({"fold_1": ["P1_a"], "fold_2": ["P1_a"]}, "fold_1, fold_2 are parts"),
        (
            {"anna": ["happy_1", "sad_1", "angry_1"], "ben": ["happy_1", "sad_1", "angry_1"]},
            r"the folders are people.*classes would be anna, ben, and the people angry, happy, sad",
        ),
        ({f"P{n:02}": ["wave_1", "nod_1", "blink_1"] for n in range(4)}, "the folders are people"),
        ({"happy": ["happy_001", "happy_002"], "sad": ["sad_001"], "calm": ["calm_1"]}, "called by their class"),
        ({"happy": ["take1_anna", "take2_anna"], "sad": ["take1_ben", "take3_ben"]}, "numbers the takes"),
        ({"happy": ["IMG_0001", "VID_0001"], "sad": ["MVI_0001", "IMG_3"]}, "names no person"),
        ({"happy": ["001_x", "002_x"], "sad": ["003_x", "004_x"]}, "numbers the clips.*P001 says so"),
    ],
    ids=[
        "parts",
        "parts of sets",
        "folds",
        "people on top",
        "numbered people on top",
        "class",
        "takes",
        "cameras",
        "once",
    ],
)
def test_another_layout_is_refused_with_what_it_would_make(tmp_path, folders, message):
    with pytest.raises(DataError, match=message):
        clip_folder.load(clips_in(tmp_path, **folders))


@pytest.mark.parametrize(
    ("folders", "note"),
    [
        ({"happy": ["P1_a", "P1_b", "P2_a"], "sad": ["P3_a", "P4_a"]}, "every person shows one class only"),
        ({name: ["P1_a", "P2_a", "P3_a"] for name in "abcd"}, r"more classes \(4\) than people \(3\)"),
    ],
)
def test_what_is_only_suspicious_is_told(tmp_path, folders, note):
    (told,) = clip_folder.load(clips_in(tmp_path, **folders)).notes
    assert re.search(note, told)


@pytest.mark.parametrize(
    "folders",
    [
        {name: [f"P{n:03}_{name}" for n in range(5)] for name in ("onset", "offset", "neutral", "smile")},
        {name: [f"{n}_{name}" for n in range(5)] for name in ("1", "2", "3")},
        {name: [f"{who}_1" for who in ("anna", "ben", "cid", "dora")] for name in ("S1", "S2", "S3")},
        {name: ["Joy_1", "anna_1", "ben_1"] for name in ("test", "smile")},
    ],
    ids=["class in the name", "numbers", "classes that look like people", "names that mean something"],
)
def test_a_right_layout_is_never_refused_and_nothing_is_told(tmp_path, folders):
    assert clip_folder.load(clips_in(tmp_path, **folders)).notes == ()


def test_what_lies_among_the_clips_is_told_by_kind_and_ends_nothing(root):
    before = clip_folder.load(root)
    assert before.notes == ()
    happy = root / "happy"
    for name in ("P1_x.mp4.part", ".P2_x.mp4.icloud", "P3_x", "P4_x.heic", "P5_x.jpg"):
        (happy / name).write_text("x")
    (happy / "P6_x.mp4").symlink_to(root / ".git" / "annex" / "P6_x.mp4")
    write_image(happy / "@eaDir" / "P0_take.MP4" / "SYNOVIDEO.jpg")
    write_image(root / "@eaDir" / "x.jpg")
    write_image(happy / "P0_take" / "1.png")
    (root / "docs").mkdir()
    dataset = clip_folder.load(root)
    assert dataset.samples == before.samples
    assert dataset.notes == (
        "1 video beside the frames taken from it: one clip, the video (happy/P0_take)",
        "no class, as no clip lies in it: docs",
        "not read: 1 .heic file (happy/P4_x.heic)",
        "not read: 1 file without an ending (happy/P3_x)",
        "not read: 1 link that leads nowhere (happy/P6_x.mp4)",
        "not read: 1 loose picture (happy/P5_x.jpg)",
        "not read: 2 thumbnails of a file server (@eaDir/x.jpg, happy/@eaDir/P0_take.MP4/SYNOVIDEO.jpg)",
        "not read: 2 unfinished downloads (happy/.P2_x.mp4.icloud, happy/P1_x.mp4.part)",
    )


def test_where_links_alone_are_left_the_refusal_says_so(tmp_path):
    clips_in(tmp_path, happy=["P1_a", "P2_a", "P3_a"])
    (tmp_path / "sad").mkdir()
    for n in range(2):
        (tmp_path / "sad" / f"P{n}_x.mp4").symlink_to(tmp_path / "gone" / "x")
    with pytest.raises(
        DataError, match=r"only one class \(happy\).*sad: no clips.*2 links that lead nowhere \(sad/P0_x"
    ):
        clip_folder.load(tmp_path)


def test_a_picture_that_moves_is_a_clip_of_its_class_and_a_still_one_beside_it_is_none(root):
    from PIL import Image

    pictures = [Image.new("RGB", (8, 8), (level, 0, 0)) for level in (0, 100, 200)]
    for name in ("a.gif", "b.webp", "c.png", "d.apng"):
        kind = "PNG" if name.endswith("png") else None
        pictures[0].save(root / "happy" / f"P1_{name}", kind, save_all=True, append_images=pictures[1:])
    write_image(root / "happy" / "P1_e.png")
    dataset = clip_folder.load(root)
    found = [clip for clip in dataset.samples if clip.subject == "P1" and clip.paths[0].parent == root / "happy"]
    assert [sample.clip_id for sample in found] == [
        f"happy/P1_{name}" for name in ("a.gif", "b.webp", "c.png", "d.apng")
    ]
    assert [len(list(dataset.read(sample))) for sample in found] == [3] * 4
    assert "not read: 1 loose picture (happy/P1_e.png)" in dataset.notes
