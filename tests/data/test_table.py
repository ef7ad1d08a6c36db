"""Tables: what Python's csv module writes comes back, and every wrong file is told where it is wrong."""

import csv
import os
import stat
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, strategies as st

from glassgrad.data import Table, read_table, write_predictions
from glassgrad.errors import ArgumentError, CheckpointError, DataError, ShapeError
from glassgrad.tensor import tensor


def write(folder, content):
    path = folder / "table.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def error_of(folder, content):
    """The message for a file with this content, less the folder's name."""
    path = write(folder, content)
    with pytest.raises(DataError) as caught:
        read_table(path)
    return str(caught.value).replace(str(path), "table.csv")


# --- reading ---------------------------------------------------------------------------------------------

FIELD = st.text(st.characters(exclude_categories=["Cs"]))  # anything that UTF-8 can write
TABLES = st.integers(1, 4).flatmap(
    lambda width: st.tuples(
        st.lists(FIELD.filter(str.strip), min_size=width, max_size=width, unique_by=str.strip),
        st.lists(st.lists(FIELD, min_size=width, max_size=width), min_size=1, max_size=5),
    )
)


@given(TABLES, st.sampled_from(["\n", "\r\n"]), st.booleans(), st.booleans())
def test_what_the_csv_module_writes_comes_back(tmp_path_factory, contents, line_end, bom, quote_all):
    names, rows = contents
    path = tmp_path_factory.getbasetemp() / "round.csv"
    with path.open("w", newline="", encoding="utf-8-sig" if bom else "utf-8") as file:
        # with "\\n" as line end, some versions of csv.writer leave a lone "\\r" unquoted, which ends a line
        quoting = csv.QUOTE_ALL if quote_all or line_end == "\n" else csv.QUOTE_MINIMAL
        csv.writer(file, lineterminator=line_end, quoting=quoting).writerows([names, *rows])
    table = read_table(path)
    assert table.names == tuple(name.strip() for name in names)
    assert [list(row) for row in zip(*table.columns.values(), strict=True)] == rows


def test_cells_and_lines(tmp_path):
    table = read_table(write(tmp_path, "name,legs\nRex,4\nTweety, 2 \n"))
    assert table.columns == {"name": ["Rex", "Tweety"], "legs": ["4", " 2 "]}
    assert table.lines == [2, 3]
    assert len(table) == 2


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_are_those_of_the_file_behind_quoted_breaks_and_blank_lines(tmp_path, end):
    text = end.join(['a,"b', 'b"', "1,2", "", '"3', "", '3",4', "5,6", ""])
    table = read_table(write(tmp_path, text))
    assert table.names == ("a", f"b{end}b")
    assert table.columns["a"] == ["1", f"3{end}{end}3", "5"]
    assert table.lines == [3, 5, 8]


def test_no_line_end_at_the_end(tmp_path):
    assert read_table(write(tmp_path, "a\n1")).columns == {"a": ["1"]}


def test_blank_lines_before_the_header(tmp_path):
    table = read_table(write(tmp_path, "\n\na\n1\n"))
    assert (table.names, table.lines) == (("a",), [4])


def test_a_string_is_a_path_too(tmp_path):
    path = str(write(tmp_path, "a\n1\n"))
    assert read_table(path).path == path


# --- wrong files -----------------------------------------------------------------------------------------


def test_no_such_file(tmp_path):
    path = tmp_path / "none.csv"
    with pytest.raises(DataError) as caught:
        read_table(path)
    assert str(caught.value) == f"{path}: there is no such file"


def test_a_folder(tmp_path):
    with pytest.raises(DataError) as caught:
        read_table(tmp_path)
    assert str(caught.value) == f"{tmp_path}: cannot be read: Is a directory"


@pytest.mark.parametrize("content", ["", "\n", "\n\r\n\n", b"\xef\xbb\xbf"])
def test_an_empty_file(tmp_path, content):
    assert error_of(tmp_path, content) == (
        "table.csv:1: the file is empty; its first line should hold the column names"
    )


@pytest.mark.parametrize(("content", "line"), [("a,b\n", 1), ("a,b", 1), ("\na,b\n\n\n", 2)])
def test_a_header_only(tmp_path, content, line):
    assert error_of(tmp_path, content) == f"table.csv:{line}: there are column names but no rows below them"


def test_repeated_names(tmp_path):
    assert error_of(tmp_path, "b,a, b,c,a\n1,2,3,4,5\n") == (
        "table.csv:1: these column names occur more than once: 'a', 'b'"
    )


def test_a_column_without_a_name(tmp_path):
    assert error_of(tmp_path, ",a\n0,5\n1,6\n") == (
        "table.csv:1: column 1 of 2 has no name. If it only numbers the rows, remove it (pandas leaves it "
        "out with index=False); otherwise name it"
    )


@pytest.mark.parametrize(
    ("content", "line", "got"),
    [
        ("a,b\n1,2\n1,2,3\n", 3, 3),
        ("a,b\n1\n", 2, 1),
        ('a,b\n"1\n1",2\n\n3\n', 5, 1),
        ("a,b\n1,2,\n", 2, 3),
        ("a,b\n1,2\n   \n", 3, 1),
    ],
)
def test_a_ragged_row(tmp_path, content, line, got):
    assert error_of(tmp_path, content) == (
        f"table.csv:{line}: expected 2 fields, as in the header, got {got}. A field that holds a comma or a "
        f"line break must stand in double quotes"
    )


@pytest.mark.parametrize(
    ("content", "line", "byte"),
    [
        (b"a,b\n1,2\n3,caf\xe9\n", 3, "e9"),
        (b"\xef\xbb\xbfa,b\r\n1,2\r\n\xff,2\r\n", 3, "ff"),
        (b"a\r1\r\x80\r", 3, "80"),
        ("a,b\n1,2\n".encode("utf-16"), 1, "ff"),
    ],
)
def test_bytes_that_are_not_utf_8(tmp_path, content, line, byte):
    assert error_of(tmp_path, content) == (
        f"table.csv:{line}: byte 0x{byte} is not UTF-8. Save the file as UTF-8 (in a spreadsheet: 'CSV "
        f"UTF-8')"
    )


@pytest.mark.parametrize(
    ("content", "line", "reason"),
    [
        ('a,b\n1,2\n"3,4\n5,6\n', 3, "unexpected end of data"),
        ('a,b\n1,2\n"3"3,4\n', 3, "',' expected after '\"'"),
        ("a\n" + "1" * 200_000 + "\n", 2, "field larger than field limit (131072)"),
    ],
)
def test_wrong_quotes(tmp_path, content, line, reason):
    assert error_of(tmp_path, content) == (
        f"table.csv:{line}: the row that starts here is not valid CSV: {reason}. Most often a double quote "
        f"is never closed, or stands inside a quoted field without being doubled"
    )


# --- the table -------------------------------------------------------------------------------------------

PETS = Table("pets.csv", {"name": ["Rex", "Tweety", "Tom"], "legs": ["4", "2", "4"]}, [2, 3, 5])


def test_a_column_knows_where_its_cells_stand():
    column = PETS.column("legs")
    assert (column.name, column.cells, column.where(2)) == ("legs", ["4", "2", "4"], "pets.csv:5")


@pytest.mark.parametrize(
    ("name", "close"), [("LEGS", " Did you mean 'legs'?"), ("leg", " Did you mean 'legs'?"), ("x", "")]
)
def test_no_such_column(name, close):
    with pytest.raises(DataError) as caught:
        PETS.column(name)
    assert str(caught.value) == f"pets.csv: there is no column {name!r}. Columns: 'name', 'legs'.{close}"


def test_many_columns_are_not_all_listed():
    table = Table("wide.csv", {f"c{number}": ["1"] for number in range(100)}, [2])
    with pytest.raises(DataError, match=r"'c18', 'c19', \.\.\. \(100 in all\)\.$"):
        table.column("zzz")


def test_take_keeps_the_lines():
    taken = PETS.take([2, 0])
    assert taken == Table("pets.csv", {"name": ["Tom", "Rex"], "legs": ["4", "4"]}, [5, 2])
    assert len(PETS.take([])) == 0


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([3], "pets.csv: there is no row 3; the table has 3 rows, counted from 0"),
        ([0, -1], "pets.csv: there is no row -1; the table has 3 rows, counted from 0"),
        ([0.5], "rows must be a flat list of whole numbers; got shape (1,) and dtype float64"),
        ([True, False, True], "rows must be a flat list of whole numbers; got shape (3,) and dtype bool"),
        (1, "rows must be a flat list of whole numbers; got shape () and dtype int64"),
    ],
)
def test_take_of_wrong_rows(rows, message):
    with pytest.raises(ArgumentError) as caught:
        PETS.take(rows)
    assert str(caught.value) == message


# --- writing ---------------------------------------------------------------------------------------------


def read_back(path):
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.reader(file))


def test_predictions_are_read_back_by_the_csv_module(tmp_path):
    path = tmp_path / "out.csv"
    columns = {
        "line": [2, 3],
        "species": ['a "b", c', "d\ne"],
        "p": np.array([0.1, 0.25], np.float32),
        "q": tensor([1.5, 2.0]),
        "r": [1 / 3, 1e300],
    }
    write_predictions(path, columns)
    assert read_back(path) == [
        ["line", "species", "p", "q", "r"],
        ["2", 'a "b", c', "0.1", "1.5", "0.3333333333333333"],
        ["3", "d\ne", "0.25", "2.0", "1e+300"],
    ]


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1))
def test_written_numbers_come_back_in_every_bit(tmp_path_factory, numbers):
    path = tmp_path_factory.getbasetemp() / "numbers.csv"
    write_predictions(path, {"x": numbers})
    assert [float(cell) for (cell,) in read_back(path)[1:]] == numbers


def test_no_rows_leave_a_header(tmp_path):
    write_predictions(tmp_path / "out.csv", {"a": [], "b": []})
    assert read_back(tmp_path / "out.csv") == [["a", "b"]]


def test_columns_of_different_lengths(tmp_path):
    with pytest.raises(ShapeError) as caught:
        write_predictions(tmp_path / "out.csv", {"a": [1, 2], "b": [1]})
    assert str(caught.value) == "every column needs the same number of rows; 'a' has 2, 'b' has 1"
    assert list(tmp_path.iterdir()) == []


def test_a_column_of_rows(tmp_path):
    with pytest.raises(ShapeError) as caught:
        write_predictions(tmp_path / "out.csv", {"p": np.zeros((2, 3))})
    assert str(caught.value) == "column 'p' needs one value per row, shape (n,); got shape (2, 3)"


def test_no_columns(tmp_path):
    with pytest.raises(ArgumentError, match=r"^write_predictions needs at least one column; got none$"):
        write_predictions(tmp_path / "out.csv", {})


def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    path = tmp_path / "out.csv"
    path.write_text("old")

    def fail(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(
        CheckpointError, match=r"could not write the predictions .*out\.csv.*No space left on device"
    ):
        write_predictions(path, {"a": [1]})
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_does_not_exist(tmp_path):
    with pytest.raises(CheckpointError, match=r"could not write the predictions .*No such file or directory"):
        write_predictions(tmp_path / "none" / "out.csv", {"a": [1]})


def test_others_may_read_the_file_as_usual(tmp_path):
    (tmp_path / "usual").write_text("")
    write_predictions(Path(tmp_path, "out.csv"), {"a": [1]})
    modes = [stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("usual", "out.csv")]
    assert modes[0] == modes[1]
