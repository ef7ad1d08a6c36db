"""One column of cells to numbers and back, by hand and against NumPy."""

import json

import numpy as np
import pytest
from hypothesis import given, strategies as st

from glassgrad.data.columns import (
    CategoryColumn,
    NumberColumn,
    column_from_json,
    holds_numbers,
    is_missing,
    parse_number,
)
from glassgrad.data.table import Column
from glassgrad.errors import CheckpointError, DataError


def column(*cells, name="x"):
    return Column("table.csv", name, cells, range(2, 2 + len(cells)))


# --- cells -----------------------------------------------------------------------------------------------


@given(st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(10**300), 10**300))
def test_every_number_that_python_writes_is_read(number):
    assert parse_number(str(number)) == float(number)


@pytest.mark.parametrize("cell", ["3", " 3.5\t", "+3", "-.5", "5.", "1e5", "1E-5", "007"])
def test_numbers(cell):
    assert parse_number(cell) == float(cell)


@pytest.mark.parametrize(
    "cell",
    ["", "1_000", "1,5", "1 000", "inf", "nan", "1e999", "0x10", "٣", "3kg", "--1", "e5", ".", "1.2.3"],
)
def test_no_numbers(cell):
    assert parse_number(cell) is None


def test_a_very_long_cell_takes_no_longer_than_its_length():
    assert parse_number("1" * 100_000 + "x") is None


@pytest.mark.parametrize("cell", ["", "  ", "NA", "nan", "NaN", "null", "?", " NA "])
def test_missing(cell):
    assert is_missing(cell)


@pytest.mark.parametrize("cell", ["0", "none", "unknown", "-", "N", "NAN?"])
def test_not_missing(cell):
    assert not is_missing(cell)


# --- numbers or text -------------------------------------------------------------------------------------


def test_a_column_of_numbers():
    assert holds_numbers(column("1", "2.5", " -3e4 "))


@pytest.mark.parametrize("cells", [("a", "b"), ("1", "a", "b")])
def test_a_column_of_text(cells):
    assert not holds_numbers(column(*cells))


def test_a_column_with_a_slip():
    with pytest.raises(DataError) as caught:
        holds_numbers(column("1", "2", "thre", "4", name="age"))
    assert str(caught.value) == (
        "table.csv:4: in column 'age', 3 cells are numbers and 1 is not: 'thre' (line 4). Write numbers "
        "such as 3.5 in all of them; or, if the column holds names, write the numbers as text too, such as "
        "'no 7'"
    )


def test_a_column_with_many_slips_shows_three():
    with pytest.raises(DataError) as caught:
        holds_numbers(column("1", "2", "3", "4", "a", "b", "c", "d"))
    assert "4 are not: 'a' (line 6), 'b' (line 7), 'c' (line 8) and so on. Write" in str(caught.value)


# --- numbers ---------------------------------------------------------------------------------------------


def test_standardising_by_hand():
    learnt = NumberColumn.learn(column("2", "4", "4", "4", "5", "5", "7", "9"))
    assert (learnt.mean, learnt.deviation) == (5.0, 2.0)
    encoded = learnt.encode(column("5", "9", "0"))
    assert encoded.dtype == np.float32
    assert encoded.tolist() == [0.0, 2.0, -2.5]


@given(st.lists(st.floats(-1e9, 1e9), min_size=2, max_size=50).filter(lambda v: np.ptp(v) > 1e-3))
def test_standardising_agrees_with_numpy(values):
    cells = column(*map(str, values))
    learnt = NumberColumn.learn(cells)
    np.testing.assert_allclose(
        [learnt.mean, learnt.deviation], [np.mean(values), np.std(values)], rtol=1e-9, atol=1e-6
    )
    scale = np.abs(values).max() + 1.0
    np.testing.assert_allclose(learnt.decode(learnt.encode(cells)), values, atol=1e-5 * scale)


@pytest.mark.parametrize("unit", [1e-300, 1e-160, 1e160, 1e300])
def test_tiny_and_huge_numbers_keep_their_shape(unit):
    cells = column(*(repr(number * unit) for number in (2, 4, 4, 4, 5, 5, 7, 9)))
    learnt = NumberColumn.learn(cells)
    np.testing.assert_allclose(learnt.encode(cells), [-1.5, -0.5, -0.5, -0.5, 0, 0, 1, 2], atol=1e-6)


@pytest.mark.parametrize(
    ("cells", "line", "largest", "mean", "deviation"),
    [
        (("1", "1e308", "1.5e308"), 4, "1.5e308", "inf", "nan"),
        (("0", *["5e-324"] * 99), 3, "5e-324", "4.94066e-324", "0"),
    ],
)
def test_numbers_that_float64_cannot_standardise(cells, line, largest, mean, deviation):
    with pytest.raises(DataError) as caught:
        NumberColumn.learn(column(*cells))
    assert str(caught.value) == (
        f"table.csv:{line}: column 'x' has numbers up to {largest}; their mean ({mean}) or standard "
        f"deviation ({deviation}) does not fit float64. Write the column in another unit"
    )


def test_text_among_numbers():
    with pytest.raises(DataError) as caught:
        NumberColumn("age", 3.0, 1.0).encode(column("1", "3,5", name="age"))
    assert str(caught.value) == (
        "table.csv:3: column 'age' holds numbers, but here it has '3,5'. Write a number such as 3.5: a "
        "decimal point, no unit, nothing between the thousands"
    )


@pytest.mark.parametrize("deviation", [1.0, 1e-300])
def test_a_number_that_float32_cannot_hold(deviation):
    with pytest.raises(DataError) as caught:
        NumberColumn("age", 3.0, deviation).encode(column("3", " 1e300 ", name="age"))
    assert str(caught.value) == (
        f"table.csv:3: column 'age' has 1e300, too far from the training rows (mean 3, standard deviation "
        f"{deviation:g}) for float32"
    )


# --- categories ------------------------------------------------------------------------------------------


def test_categories_are_sorted_and_stripped():
    learnt = CategoryColumn.learn(column("b", " a", "b ", "C"))
    assert learnt.categories == ("C", "a", "b")
    encoded = learnt.encode(column("a ", "C", "b"))
    assert (encoded.tolist(), encoded.dtype) == ([1, 0, 2], np.int64)


def test_numeric_labels_are_sorted_by_size():
    assert CategoryColumn.learn(column("10", "9", "-1", "9")).categories == ("-1", "9", "10")


def test_one_number_in_two_spellings():
    with pytest.raises(DataError) as caught:
        CategoryColumn.learn(column("0", "1", "1.0", name="y"))
    assert str(caught.value) == (
        "table.csv:4: column 'y' writes one number in two ways, '1' and '1.0', which would become two "
        "classes. Write it in one way"
    )


def test_an_unknown_category():
    with pytest.raises(DataError) as caught:
        CategoryColumn("city", ("Basel", "Bern")).encode(column("Bern", "bern ", name="city"))
    assert str(caught.value) == (
        "table.csv:3: column 'city' has 'bern', which no training row had. Known values: 'Basel', 'Bern'. "
        "Did you mean 'Bern'? Correct the cell, or train with rows that have it"
    )


# --- JSON ------------------------------------------------------------------------------------------------


@given(
    st.builds(NumberColumn, st.text(), st.floats(-1e300, 1e300), st.floats(5e-324, 1e300))
    | st.builds(CategoryColumn, st.text(), st.lists(st.text(), min_size=1, unique=True).map(tuple))
)
def test_a_column_goes_through_json(learnt):
    assert column_from_json(json.loads(json.dumps(learnt.to_json()))) == learnt


@pytest.mark.parametrize(
    "value",
    [
        None,
        [],
        {},
        {"kind": "number", "name": "x", "mean": 0.0},
        {"kind": "number", "name": "x", "mean": 0.0, "deviation": 0.0},
        {"kind": "number", "name": "x", "mean": float("nan"), "deviation": 1.0},
        {"kind": "number", "name": "x", "mean": 0.0, "deviation": float("inf")},
        {"kind": "number", "name": 3, "mean": 0.0, "deviation": 1.0},
        {"kind": "category", "name": "x", "categories": []},
        {"kind": "category", "name": "x", "categories": ["a", "a"]},
        {"kind": "category", "name": "x", "categories": ["a", 1]},
        {"kind": "category", "name": "x", "categories": ["a", ["b"]]},
        {"kind": "category", "name": "x", "categories": "ab"},
        {"kind": "other", "name": "x"},
    ],
)
def test_damaged_json(value):
    with pytest.raises(CheckpointError, match=r"^this is not the description of a table column: "):
        column_from_json(value)
