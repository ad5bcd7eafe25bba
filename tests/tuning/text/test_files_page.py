"""The page of a home's files is the one that the code's definitions give."""

from tuning.text.files_page import PAGE, page


def test_the_page_is_as_generated():
    assert PAGE.read_text(encoding="utf-8") == page(), "run `make docs`"
