"""The reason of an override and the name of its user: what may be written down, and what is told of it."""

import dataclasses

import pytest

from tests.tuning.evidence.test_evidence import FACTS
from tuning.evidence.model.override import MOST_REASON, MOST_SAID, Override, override_in, override_of
from tuning.evidence.model_card import model_card


@pytest.fixture(autouse=True)
def user(monkeypatch):
    monkeypatch.setenv("LOGNAME", "ada")


@pytest.mark.parametrize(
    ("reason", "given"),
    [
        ("", "an empty text"),
        ("  \t ", "an empty text"),
        ("x" * (MOST_REASON + 1), "501 characters"),
        ("one\ntwo", "U+000A"),
        ("\x1b[31mred", "U+001B"),
        ("\u202etxet", "U+202E"),
        ("a\u2028b", "U+2028"),
    ],
)
def test_a_reason_that_cannot_be_written_down_is_refused(reason, given):
    with pytest.raises(
        ValueError, match=r"--override was given as .*Needed are 1 to 500 characters in one line"
    ) as caught:
        override_of(reason)
    assert given in str(caught.value)


def test_a_name_with_control_characters_is_refused_and_a_user_without_one_is_a_number(monkeypatch):
    monkeypatch.setenv("LOGNAME", "ada\x1b[2J")
    with pytest.raises(ValueError, match=r"name of this user \(LOGNAME, USER\) was given as a text with U\+001B"):
        override_of("it is needed")

    def unknown():
        raise KeyError("getpwuid(): uid not found: 12345")

    monkeypatch.setattr("getpass.getuser", unknown)
    assert override_of("it is needed").user.startswith("user id ")


def test_no_reason_is_no_override_and_words_of_any_language_are_one():
    assert override_of(None) is None
    assert override_of(" für die Vorführung, 見本 ") == Override(reason="für die Vorführung, 見本", user="ada")


def test_the_tags_say_it_and_are_bounded():
    used = Override(reason="demo on Monday", user="ada", refused="It is worse.")
    assert Override.of_tags({"fertune.study": "smiles", **used.tags}) == used
    assert Override.of_tags({"fertune.study": "smiles"}) is None
    long = dataclasses.replace(used, refused="x" * 9000)
    assert len(long.tags["fertune.overridden"]) == MOST_SAID


def test_the_card_says_it_before_anything_else():
    used = Override(reason="demo on Monday", user="ada", refused="It is worse.")
    card = model_card({**FACTS, "override": dataclasses.asdict(used)})
    told = "It was promoted by override: demo on Monday (ada); the gate said: It is worse."
    assert card.startswith(f"# smiles\n\n**The gate refused this model.** {told}\n")
    assert override_in(FACTS) is None
    assert "override" not in model_card(FACTS)
