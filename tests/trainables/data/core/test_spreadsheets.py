"""Tables of other hands, as rows of text."""

import openpyxl
import pytest

from trainables.data.core.spreadsheets import read_rows

ROWS = [["name", "weight"], ["Zoë", "0,5"], ["Ben", "1,5"]]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"])
@pytest.mark.parametrize("delimiter", [";", "\t"])
def test_encodings_and_dividers_give_the_same_rows_and_a_decimal_comma_is_no_divider(tmp_path, encoding, delimiter):
    path = tmp_path / "a.csv"
    path.write_text("\n".join(delimiter.join(row) for row in ROWS), encoding=encoding)
    assert read_rows(path) == ROWS


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "cp1252"])
def test_a_cell_in_quotes_may_hold_what_divides_cells_and_rows(tmp_path, encoding):
    path = tmp_path / "a.csv"
    path.write_text('name,note\nO’Brien…,"one, two\nthree"\r\nBen,x\n', encoding=encoding, newline="")
    assert read_rows(path) == [["name", "note"], ["O’Brien…", "one, two\nthree"], ["Ben", "x"]]


def test_what_excel_tells_itself_of_the_divider_is_heard(tmp_path):
    (tmp_path / "a.csv").write_text("sep=;\na;b,c\n1;2\n", encoding="utf-8-sig")
    assert read_rows(tmp_path / "a.csv") == [["a", "b,c"], ["1", "2"]]


def test_a_table_of_tabs_may_be_called_so(tmp_path):
    (tmp_path / "a.tsv").write_text("a\tb\n1\t2\n")
    assert read_rows(tmp_path / "a.tsv") == [["a", "b"], ["1", "2"]]


def test_rows_may_end_as_on_an_old_mac(tmp_path):
    (tmp_path / "a.csv").write_bytes(b"a,b\r1,2\r")
    assert read_rows(tmp_path / "a.csv") == [["a", "b"], ["1", "2"]]


@pytest.mark.parametrize("name", ["a.xls", "a.xlsx", "a.csv"])
def test_a_workbook_under_another_ending_is_read_as_what_it_is(tmp_path, name):
    book = openpyxl.Workbook()
    book.active.append(["a", 1])
    book.save(tmp_path / "book.xlsx")
    (tmp_path / "book.xlsx").rename(tmp_path / name)
    assert read_rows(tmp_path / name) == [["a", "1"]]
