"""Names and layouts: how clips are called and where they lie, and what lies among them."""

from __future__ import annotations

from pathlib import Path

from tests.inputs import among, names, twins
from tests.inputs.case import Case, Family
from tests.inputs.laid_out import (
    PEOPLE,
    RIGHT,
    as_if_alone,
    beside,
    clips,
    dropped,
    gives,
    is_refused,
    moving_at,
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
        "pictures that move beside folders of frames: `P4_x.webp`, `.png`, `.gif`, `.tif`, `.avif`",
        "clips",
        clips(RIGHT, moving_at("sad/P4_x.webp"), moving_at("sad/P5_x.png")),
        gives({"happy": [*PEOPLE], "sad": ["P4", "P5", *PEOPLE]}),
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
FAMILY = Family(
    "Names and layouts",
    "Of clips of your own (`clip_folder`), the folder is the class and what stands before the first `_` is the person. What is "
    "passed over is counted and named, never taken for data, and never ends the rest.",
    [*RIGHT_LAYOUTS, *WRONG_LAYOUTS, *among.CASES, *names.CASES, *twins.CASES],
)
