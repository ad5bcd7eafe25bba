"""Names: spellings of people and classes, names of frames and their order, names of videos."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from pathlib import Path

from tests.inputs.case import Case, Check
from tests.inputs.laid_out import RIGHT, beside, called, clips, gives, is_read_here, ordered, shade
from tests.support.stub_faces import StubFinder
from trainables.core.prepared.cache import prepare
from trainables.data import clip_folder

ODD = (b"P1_caf\xe9.mp4", b"P2_two\nlines.mp4", b"P3_10:30:05.mp4", b"P1_%05d.mp4")
OTHERS = ["B_1", "C_1", "D_1"]
SAID_TWICE = {"happy": ["ANNA _3", "Anna_1", *OTHERS], "sad": [*OTHERS, "anna_2"]}
keep_spelling = functools.partial(clip_folder.load, keep_spelling=True)


def people_of(happy: str, sad: str) -> dict[str, list[str]]:
    """The people by class, letter by letter, with Anna in full."""
    return {
        name: ["Anna" if one == "A" else one for one in people] for name, people in (("happy", happy), ("sad", sad))
    }


def clip_called(name: bytes) -> Callable[[Path], object]:
    """Writes a video of that name and, so that no two are one clip, of a length of its own."""
    return lambda root: called(name, num_frames=8 + ODD.index(name))(root / "sad")


def keeps(*odd: str) -> Check:
    """Checks that `prepare` keeps the clips in the right layout and the odd ones, pixels and all."""

    def check(root: Path) -> str:
        dataset = clip_folder.load(root)
        prepared = prepare(dataset, root.with_name("home"), crop_size=32, finder=StubFinder())
        right = [f"{folder}/{name}" for folder, names in RIGHT.items() for name in names]
        assert sorted(prepared.clip_ids) == sorted([*right, *(f"sad/{name}" for name in odd)])
        for place, name in enumerate(prepared.clip_ids):
            frames = prepared.frames[prepared.offsets[place] : prepared.offsets[place + 1]]
            assert len(frames) == (1 if name in right else 8 + odd.index(name.partition("/")[2]))
            assert name not in right or (frames == shade(name)).all()
        return "; ".join(dropped.reason for dropped in prepared.dropped)

    return check


SPELLINGS = [
    Case(
        "`Anna_1`, `anna_2`, `ANNA _3`",
        "one person, told: “people: 'ANNA ', 'Anna' and 'anna' are taken for one name”",
        clips(SAID_TWICE),
        gives({"happy": ["ANNA ", "ANNA ", *"BCD"], "sad": [*"BCD", "ANNA "]}),
    ),
    Case(
        "the same with `--keep-spelling`",
        "three people",
        clips(SAID_TWICE),
        gives({"happy": ["ANNA ", "Anna", *"BCD"], "sad": [*"BCD", "anna"]}, keep_spelling),
    ),
    Case(
        "`Zo\u00eb_1` with its \u00eb in one character and in two, as macOS writes it",
        r"one person, told by what differs: “people: 'Zo\xeb' and 'Zoe\u0308' are taken for one name”",
        clips({"happy": [*OTHERS, "Zo\u00eb_1"], "sad": [*OTHERS, "Zoe\u0308_2"]}),
        gives({"happy": [*"BCD", "Zo\u00eb"], "sad": [*"BCD", "Zo\u00eb"]}),
    ),
    Case(
        "`\uff30\uff11_a` in the wide letters of East Asian keyboards, and `P1_b`",
        "one person, told: “are taken for one name”",
        clips({"happy": [*OTHERS, "P1_b"], "sad": [*OTHERS, "\uff30\uff11_a"]}),
        gives({"happy": [*"BCD", "P1"], "sad": [*"BCD", "P1"]}),
    ),
    Case(
        "class folders `Happy` and `happy`",
        "one class, told: “classes: 'Happy' and 'happy' are taken for one name”",
        clips({"Happy": ["B_1", "C_1"], "happy": ["D_1"], "sad": OTHERS}),
        gives({"Happy": [*"BCD"], "sad": [*"BCD"]}),
    ),
    Case(
        "people in any script",
        "read",
        clips({name: ["\u4e3d_1", "\u0646\u0648\u0631_1", "\U0001f600_1"] for name in RIGHT}),
        gives({name: ["\u0646\u0648\u0631", "\u4e3d", "\U0001f600"] for name in RIGHT}),
    ),
]
NAMES = [
    ordered(
        "frames `1.png`, `2.png`, `10.png`, without zeros in front",
        "in the order of the numbers",
        "1.png",
        "2.png",
        "10.png",
    ),
    ordered(
        "frames named by seconds: `0.04.png`, `0.2.png`, `10.0.png`",
        "in the order of time",
        "0.0.png",
        "0.04.png",
        "0.2.png",
        "10.0.png",
    ),
    ordered(
        "frames with signs: `-2.png`, `0.png`, `+1.png`",
        "in the order of the numbers",
        "-2.png",
        "-1.png",
        "0.png",
        "+1.png",
    ),
    ordered("frames `frame_0.04s.jpg`", "in the order of time", "frame_0.04s.png", "frame_0.2s.png", "frame_1.0s.png"),
    ordered(
        "frames `P1-2.png`, `P1-10.png`",
        "in the order of the numbers: the dash is no sign",
        "P1-1.png",
        "P1-2.png",
        "P1-10.png",
    ),
    *(
        Case(f"a video called {given}", "read", called(name), is_read_here)
        for given, name in (
            ("by a time: `2024-01-02T10:30:05.mp4`", b"2024-01-02T10:30:05.mp4"),
            ("in bytes that are not UTF-8", b"caf\xe9.mp4"),
            ("with a line break", b"two\nlines.mp4"),
            ("like an option: `-x.mp4`", b"-x.mp4"),
            ("like a pattern: `%05d.mp4`, `[a]*.mp4`", b"%05d[a]*.mp4"),
        )
    ),
]
PREPARED = [
    Case(
        "such names in `prepare`",
        "kept under their names",
        clips(RIGHT, *(clip_called(name) for name in ODD)),
        keeps(*(os.fsdecode(name) for name in ODD)),
    ),
    Case(
        "a video that cannot be read among others, in `prepare`",
        "that one is dropped, by name and with the reason: “sad/P1_x.mp4: not a readable video”",
        clips(RIGHT, beside("sad/P1_x.mp4")),
        keeps(),
    ),
]
CASES = [*SPELLINGS, *NAMES, *PREPARED]
