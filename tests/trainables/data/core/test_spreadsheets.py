"""Tables of other hands, as rows of text."""

import pytest

from trainables.data.core.spreadsheets import read_rows

ROWS = [["name", "weight"], ["Zoë", "0,5"], ["Ben", "1,5"]]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"])
@pytest.mark.parametrize("delimiter", [";", "\t"])
def test_encodings_and_dividers_give_the_same_rows_and_a_decimal_comma_is_no_divider(tmp_path, encoding, delimiter):
    path = tmp_path / "a.csv"
    path.write_text("\n".join(delimiter.join(row) for row in ROWS), encoding=encoding)
    assert read_rows(path) == ROWS
