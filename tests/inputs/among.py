"""What lies among the clips and is none: hidden files, links, downloads on their way, thumbnails, loose pictures."""

from __future__ import annotations

from tests.inputs.case import Case
from tests.inputs.laid_out import (
    PEOPLE,
    RIGHT,
    answers,
    as_if_alone,
    beside,
    clips,
    dropped,
    gives,
    link,
    moving_at,
    nothing_is_told,
    pictures_at,
    video_at,
)

CASES = [
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
        "for `predict`: a folder of pictures that move",
        "an answer for each",
        clips({}, moving_at("a.webp"), moving_at("b.png")),
        answers("a.webp", "b.png"),
    ),
    Case(
        "for `predict`: a folder with clips anywhere below",
        "an answer for each",
        clips({"a": ["x 10", "x 2"]}, video_at("a/y.mp4")),
        answers("a/x 2", "a/x 10", "a/y.mp4"),
    ),
]
