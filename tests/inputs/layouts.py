"""Names and layouts: how clips are called and where they lie, and what lies among them."""

from __future__ import annotations

from pathlib import Path

from tests.inputs import names
from tests.inputs.case import Case, Family
from tests.inputs.laid_out import (
    PEOPLE,
    RIGHT,
    answers,
    as_if_alone,
    beside,
    clips,
    dropped,
    gives,
    is_refused,
    link,
    nothing_is_told,
    owners_preprocessed_copy,
    pictures_at,
    shade,
    video_at,
    visible_light,
)
from tests.support import trees


def of_links(folder: Path) -> Path:
    """The clips of a class lie on another disk."""
    clips({"happy": RIGHT["happy"]})(folder / "clips")
    (folder / "clips" / "sad").mkdir()
    for name in RIGHT["sad"]:
        place = trees.image(folder / "disk" / name / "1.png", value=shade(f"sad/{name}")).parent
        (folder / "clips" / "sad" / name).symlink_to(place)
    return folder / "clips"


RIGHT_LAYOUTS = [
    Case(
        "`happy/P1_a/1.png`: a folder of frames for each clip",
        "classes and people by their names; folds by person",
        clips(),
        nothing_is_told,
    ),
    Case(
        "videos beside folders of frames",
        "both are clips",
        clips(RIGHT, video_at("sad/P1_b.mp4")),
        gives({"happy": [*PEOPLE], "sad": ["P1", *PEOPLE]}),
    ),
    Case(
        "endings in upper case: `P1_b.MP4`",
        "read",
        clips(RIGHT, lambda root: video_at("happy/P4_b.mp4")(root).rename(root / "happy" / "P4_b.MP4")),
        gives({"happy": ["P4", *PEOPLE], "sad": [*PEOPLE]}),
    ),
    Case(
        "a folder of frames that is called as a video: `P4_x.mp4/1.png`",
        "read",
        clips({**RIGHT, "sad": [*RIGHT["sad"], "P4_x.mp4"]}),
        gives({"happy": [*PEOPLE], "sad": [*PEOPLE, "P4"]}),
    ),
    Case(
        "brackets, blanks and `%d` in names",
        "read",
        clips({"happy (2) [new]": ["P1_a b%d", "P2_#1", "P3_a&b"], "sad": ["P1_", "P2_", "P3_"]}),
        gives({"happy (2) [new]": [*PEOPLE], "sad": [*PEOPLE]}),
    ),
    Case(
        "links to clips that lie elsewhere",
        "read",
        of_links,
        gives({"happy": [*PEOPLE], "sad": [*PEOPLE]}),
    ),
    Case(
        "clips in which every person shows one class alone",
        "read, told: “every person shows one class only”",
        clips({"happy": ["P1_a", "P1_b", "P2_a"], "sad": ["P3_a", "P4_a"]}),
        gives({"happy": ["P1", "P1", "P2"], "sad": ["P3", "P4"]}),
    ),
    Case(
        "Oulu-CASIA in its owners' preprocessed copy, `NI_Acropped` beside `VL_Acropped`",
        "visible light is read",
        owners_preprocessed_copy,
        visible_light,
    ),
]
WRONG_LAYOUTS = [
    Case(
        "`train/happy/...`, `test/happy/...`",
        "refused, with the classes and people that it would make: “test, train are parts of a data set. "
        "Read so, the classes would be test, train, and the people happy, sad.”",
        clips({part: ["happy", "sad"] for part in ("train", "test")}),
        is_refused,
    ),
    Case(
        "`anna/happy_1`: people on top",
        "refused: “the folders are people, and the clips are called by their class. "
        "Read so, the classes would be anna, ben, and the people angry, happy, sad.”",
        clips({who: ["happy_1", "sad_1", "angry_1"] for who in ("anna", "ben")}),
        is_refused,
    ),
    Case(
        "`happy/take1_anna`: takes first",
        "refused: “what stands before the first _ numbers the takes and names no person”",
        clips({"happy": ["take1_a", "take2_a"], "sad": ["take1_b", "take3_b"]}),
        is_refused,
    ),
    Case(
        "`happy/IMG_0001`, as cameras call them",
        "refused: “numbers the takes and names no person”",
        clips({"happy": ["IMG_0001", "VID_0002"], "sad": ["MVI_0003"]}),
        is_refused,
    ),
    Case(
        "`happy/001_x`, a number for each clip",
        "refused: “what stands before the first _ numbers the clips and names no person”",
        clips({"happy": ["001_x", "002_x"], "sad": ["003_x"]}),
        is_refused,
    ),
    Case(
        "`happy/happy_001`: no person in the name",
        "refused: “the clips are called by their class, not by a person”",
        clips({"happy": ["happy_001", "happy_002"], "sad": ["sad_001"]}),
        is_refused,
    ),
    Case(
        "`happy/anna-1`: no `_` behind the person",
        "refused: “the name does not tell the subject”",
        clips({"happy": ["anna-1"], "sad": ["ben-1"]}),
        is_refused,
    ),
    Case(
        "a level too much: `clips/happy/P1_a` read from above `clips`",
        "refused, with what may be meant: “Do the classes lie in”",
        clips({"clips/happy": ["P1_a"], "clips/sad": ["P1_a"]}),
        is_refused,
    ),
    Case(
        "a level too deep: `sad/P4_x/take 1/1.png`",
        "that clip is dropped: “the clip has no frames (its folder holds no image)”",
        clips({**RIGHT, "sad/P4_x": ["take 1"]}),
        dropped("sad/P4_x"),
    ),
    Case(
        "an empty folder of frames",
        "that clip is dropped: “the clip has no frames (its folder holds no image)”",
        clips(RIGHT, lambda root: (root / "sad" / "P4_x").mkdir()),
        dropped("sad/P4_x"),
    ),
    Case(
        "an empty class folder",
        "no class, told: “no class, as no clip lies in it: angry”",
        clips(RIGHT, lambda root: (root / "angry").mkdir()),
        as_if_alone,
    ),
    Case(
        "one class only",
        "refused: “only one class (happy); at least two are needed”",
        clips({"happy": RIGHT["happy"]}),
        is_refused,
    ),
    Case(
        "one person only",
        "refused: “1 subject (P1); at least 3 are needed, one each to train, validate and test”",
        clips({"happy": ["P1_a"], "sad": ["P1_b"]}),
        is_refused,
    ),
    Case(
        "a class folder of pictures",
        "refused: “this class folder has no clips. It holds images; put the frames of each clip into a folder”",
        clips({"happy": RIGHT["happy"]}, pictures_at("sad/P1_a.png")),
        is_refused,
    ),
    Case(
        "a file instead of a folder",
        "refused: “this is a file; the folder that holds the data set is needed”",
        clips({}, beside("clips")),
        lambda root: is_refused(root / "clips"),
    ),
    Case(
        "a folder that is not there",
        "refused: “there is no such folder”",
        clips({}),
        lambda root: is_refused(root / "clips"),
    ),
]
AMONG_THE_CLIPS = [
    Case(
        "`.DS_Store`, `._P1_a.mp4`, `Thumbs.db`, hidden files, `__MACOSX`",
        "passed over; nothing is told",
        clips(
            RIGHT,
            beside(
                ".DS_Store",
                "happy/._P1_a.mp4",
                "happy/P1_happy/Thumbs.db",
                "happy/P1_happy/.2.png",
                "__MACOSX/P1_a.png",
            ),
        ),
        nothing_is_told,
    ),
    Case(
        "texts and tables: `readme.txt`, `labels.csv`",
        "passed over; nothing is told",
        clips(RIGHT, beside("readme.txt", "happy/labels.csv")),
        nothing_is_told,
    ),
    Case(
        "a link that leads nowhere (git-annex, an unmounted disk)",
        "not a clip, told: “not read: 1 link that leads nowhere (happy/P4_x.mp4)”",
        clips(RIGHT, link("happy/P4_x.mp4", "unmounted/x.mp4")),
        as_if_alone,
    ),
    Case(
        "a link back to a folder above",
        "looked into once; that clip is dropped: “the clip has no frames”",
        clips(RIGHT, link("sad/P4_x", ".")),
        dropped("sad/P4_x"),
    ),
    Case(
        "downloads on their way: `.part`, `.crdownload`, `.icloud`",
        "not clips, told: “not read: 3 unfinished downloads (sad/.C_x.mp4.icloud, sad/A_x.mp4.part, sad/B_x.mp4.crdownload)”",
        clips(RIGHT, beside("sad/A_x.mp4.part", "sad/B_x.mp4.crdownload", "sad/.C_x.mp4.icloud")),
        as_if_alone,
    ),
    Case(
        "`@eaDir` and other thumbnails of a file server",
        "not clips, told: “not read: 1 thumbnail of a file server (happy/@eaDir/P1_a.mp4/SYNOVIDEO.jpg)”",
        clips(RIGHT, pictures_at("happy/@eaDir/P1_a.mp4/SYNOVIDEO.jpg")),
        as_if_alone,
    ),
    Case(
        "a video beside the folder of its frames",
        "one clip, told: “1 video beside the frames taken from it: one clip, the video (sad/P4_x)”",
        clips({**RIGHT, "sad": [*RIGHT["sad"], "P4_x"]}, video_at("sad/P4_x.mp4")),
        gives({"happy": [*PEOPLE], "sad": ["P4", *PEOPLE]}),
    ),
    Case(
        "loose pictures beside clips",
        "not clips, told: “not read: 1 loose picture (happy/P4_x.png)”",
        clips(RIGHT, pictures_at("happy/P4_x.png")),
        as_if_alone,
    ),
    Case(
        "`.heic` pictures of a telephone",
        "nothing here decodes them, told: “not read: 1 .heic file (happy/P4_x.heic)”",
        clips(RIGHT, beside("happy/P4_x.heic")),
        as_if_alone,
    ),
    Case(
        "a file without an ending",
        "not a clip, told: “not read: 1 file without an ending (happy/P4_x)”",
        clips(RIGHT, beside("happy/P4_x")),
        as_if_alone,
    ),
    Case(
        "an archive beside the clips",
        "not a clip, told: “not read: 1 .zip file (clips.zip)”",
        clips(RIGHT, beside("clips.zip")),
        as_if_alone,
    ),
    Case(
        "for `predict`: a video and its thumbnail beside it",
        "one answer, by the video",
        clips({}, video_at("P1_a.mp4"), pictures_at("P1_a.webp.jpg")),
        answers("P1_a.mp4"),
    ),
    Case(
        "for `predict`: a folder with clips anywhere below",
        "an answer for each",
        clips({"a": ["x 10", "x 2"]}, video_at("a/y.mp4")),
        answers("a/x 2", "a/x 10", "a/y.mp4"),
    ),
]
FAMILY = Family(
    "Names and layouts",
    "Of clips of your own (`clip_folder`), the folder is the class and what stands before the first `_` is the person. What is "
    "passed over is counted and named, never taken for data, and never ends the rest.",
    [*RIGHT_LAYOUTS, *WRONG_LAYOUTS, *AMONG_THE_CLIPS, *names.CASES],
)
