"""Text in pictures: every name is shown as it is, or told apart from all others."""

import numpy as np
import pytest

from tuning.text.pictures.lettering import Lettering, legible

LETTERING = Lettering(size=16, colour=(200, 0, 0))
LONG = "onset/a-person-with-a-long-name_take-0123456789.mp4"


def drawn(text, lettering=LETTERING):
    picture = np.full((40, 400, 3), 255, np.uint8)
    lettering.write(picture, text, 10, 25)
    return picture


@pytest.mark.parametrize(
    "name", ["Zoë_Müller", "Łukasz Żółć", "张伟", "さくら", "김민준", "Ивáн", "Αλέξης", "a – b … 88°"]
)
def test_letters_of_europe_and_east_asia_are_drawn_as_they_are(name):
    assert legible(name) == name
    unknown = drawn("?")
    assert all(not np.array_equal(drawn(letter), unknown) for letter in name)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Zoe\u0308", "Zo\u00eb"),  # as macOS writes it
        ("अ_1", r"\u0905_1"),
        ("نور", r"\u0646\u0648\u0631"),
        ("\U0001f600", r"\U0001f600"),
        ("caf\udce9", r"caf\udce9"),
        ("two\nlines\t", r"two\nlines\t"),
        ("a\u3000b\u202fc", "a b c"),
        ("\u0301a", r"\u0301a"),
        ("a\u200bb", r"a\u200bb"),
    ],
)
def test_what_cannot_be_drawn_is_written_out(name, shown):
    assert legible(name) == shown


def test_text_is_drawn_in_its_colour_and_within_its_width():
    picture = drawn("Müller_张伟")
    inked = np.flatnonzero((picture != 255).any(axis=(0, 2)))
    assert inked[0] >= 10
    assert inked[-1] < 10 + LETTERING.width("Müller_张伟")
    assert LETTERING.width("Müller_张伟") - 6 < inked[-1] - inked[0]
    assert (200, 0, 0) in set(map(tuple, picture.reshape(-1, 3).tolist()))


def test_a_heavier_weight_has_more_ink():
    heavy = Lettering(size=16, colour=(200, 0, 0), weight=700)
    assert drawn("smile", heavy).sum() < drawn("smile").sum()


def test_a_long_name_loses_its_middle():
    short = LETTERING.shortened(LONG, 200)
    assert 180 < LETTERING.width(short) <= 200
    start, end = short.split("…")
    assert LONG.startswith(start)
    assert LONG.endswith(end)
    assert abs(len(start) - len(end)) <= 1
    assert LETTERING.shortened(LONG, 1000) == LONG
    assert LETTERING.shortened(LONG, 1) == "…"


def test_sentences_are_wrapped_and_what_is_too_long_is_cut():
    text = "the face shows in 9 of 36 frames looked at\n(25 %); at least 50 % are needed"
    lines = LETTERING.wrapped(text, 150, most=9)
    assert " ".join(lines).split() == text.split()
    assert all(LETTERING.width(line) <= 150 for line in lines)
    cut = LETTERING.wrapped(text, 150, most=2)
    assert cut[0] == lines[0]
    assert cut[1].endswith("…")
    assert LETTERING.width(cut[1]) <= 150
    assert LETTERING.wrapped("", 150, most=2) == []


def test_a_word_that_is_wider_than_a_line_is_broken():
    lines = LETTERING.wrapped(f"see {LONG}", 120, most=9)
    assert "".join(lines) == f"see{LONG}"
    assert len(lines) > 3
    assert all(LETTERING.width(line) <= 120 for line in lines)
