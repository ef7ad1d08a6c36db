"""Learning a schema: from the training rows alone, with every decision of its own told in a note."""

import numpy as np
import pytest

from glassgrad.data import Table, learn_schema
from glassgrad.data.columns import CategoryColumn, NumberColumn
from glassgrad.data.learn_schema import identifies_rows, infer_task
from glassgrad.data.table import Column
from glassgrad.errors import ArgumentError, DataError


def table(**columns):
    rows = len(next(iter(columns.values())))
    return Table(
        "table.csv",
        {name: [str(cell) for cell in cells] for name, cells in columns.items()},
        list(range(2, 2 + rows)),
    )


def column(cells):
    return Column("table.csv", "y", [str(cell) for cell in cells], range(2, 2 + len(cells)))


PETS = table(
    age=[1, 3, 5, 3],
    coat=["long", "short", "long", "short"],
    kind=["dog", "cat", "dog", "cat"],
    weight=[10, 2, 14, 6],
)


def message_of(*arguments, **options):
    with pytest.raises(DataError) as caught:
        learn_schema(*arguments, **options)
    return str(caught.value)


# --- what is learnt --------------------------------------------------------------------------------------


def test_a_classification():
    schema = learn_schema(PETS, "kind", rows=[0, 1, 2, 3])
    assert schema.columns == (
        NumberColumn("age", 3.0, np.sqrt(2.0)),
        CategoryColumn("coat", ("long", "short")),
        NumberColumn("weight", 8.0, np.sqrt(20.0)),
    )
    assert schema.target == CategoryColumn("kind", ("cat", "dog"))
    assert schema.notes == ()


def test_a_regression():
    schema = learn_schema(PETS, "weight", rows=[0, 1, 2, 3])
    assert schema.target == NumberColumn("weight", 8.0, np.sqrt(20.0))
    assert [learnt.name for learnt in schema.columns] == ["age", "coat", "kind"]
    assert schema.notes == (
        "the target 'weight' holds numbers, predicted as such; for class labels, say task='classification'",
    )


def test_the_other_rows_have_no_influence():
    other = table(
        age=[1, 3, "text", ""],
        coat=["long", "short", "?", "new"],
        kind=["dog", "cat", 7, ""],
        weight=[10, 2, "", 1e300],
    )
    expected = learn_schema(PETS.take([0, 1]), "kind", rows=[0, 1])
    assert learn_schema(other, "kind", rows=[0, 1]) == expected
    assert learn_schema(PETS, "kind", rows=[0, 1]) == expected


# --- what the target is ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cells", "task"),
    [
        (["a", "b", "a"], "classification"),
        ([0, 1, 0], "classification"),
        ([1, 2], "classification"),
        (["0.0", "1.0", "1.0"], "classification"),
        ([-1, 1, 1], "classification"),
        ([0, 1, 2] * 5, "classification"),
        ([0, 1, 2] * 4 + [0, 1], "regression"),
        (list(range(20)) * 5, "classification"),
        (list(range(21)) * 50, "regression"),
        ([0.5, 1.5] * 20, "regression"),
        ([0.0, 1.0, 0.25] * 20, "regression"),
        (["2019", "2020", "2021", "2022"], "regression"),
    ],
)
def test_the_task_follows_from_the_target(cells, task):
    assert infer_task(column(cells))[0] == task


def test_whole_numbers_taken_for_classes_are_told():
    schema = learn_schema(table(x=[0.5, 1, 4, 7], y=[0, 1, 1, 0]), "y", rows=range(4))
    assert schema.class_names == ("0", "1")
    assert schema.notes == (
        "the target 'y' holds 2 different whole numbers, taken for class labels; for numbers to predict, say "
        "task='regression'",
    )


def test_the_task_can_be_said():
    data = table(x=[0.5, 1, 4, 7], y=[0, 1, 1, 0])
    assert learn_schema(data, "y", range(4), task="regression").target == NumberColumn("y", 0.5, 0.5)
    assert learn_schema(data, "y", range(4), task="classification").notes == ()


def test_a_target_with_a_slip():
    message = message_of(table(x=[1, 2, 4], y=[0.5, 1.5, "two"]), "y", range(3))
    assert message == (
        "table.csv:4: in column 'y', 2 cells are numbers and 1 is not: 'two' (line 4). Write numbers such "
        "as 3.5 in all of them; or, if the column holds names, write the numbers as text too, such as 'no "
        "7'; or, if they are class labels, say task='classification'"
    )
    labels = learn_schema(table(x=[1, 2, 4, 4], y=[0, 0, 1, "many"]), "y", range(4), task="classification")
    assert labels.class_names == ("0", "1", "many")


def test_a_regression_of_text():
    message = message_of(PETS, "kind", range(4), task="regression")
    assert message.startswith("table.csv:2: column 'kind' holds numbers, but here it has 'dog'. ")


def test_an_unknown_task():
    with pytest.raises(ArgumentError) as caught:
        learn_schema(PETS, "kind", range(4), task="clustering")
    assert str(caught.value) == "task must be 'auto', 'classification' or 'regression'; got 'clustering'"


@pytest.mark.parametrize("cells", [["a", "a ", "a"], [7, "7.0", 7]])
def test_a_target_that_never_varies(cells):
    assert message_of(table(x=[1, 2, 4], y=cells), "y", range(3)) == (
        f"table.csv:2: the target 'y' is '{cells[0]}' in every training row; there is nothing to learn"
    )


def test_a_class_for_every_row():
    assert message_of(table(x=[1, 2, 4], y=["a", "b", "c"]), "y", range(3)) == (
        "table.csv:2: the target 'y' has its own value in each of the 3 training rows; a class can be "
        "learnt only from rows that share it. Is 'y' the right column?"
    )


@pytest.mark.parametrize(
    ("target", "close"),
    [("Kind", " Did you mean 'kind'?"), ("heavy", ""), ("wieght", " Did you mean 'weight'?")],
)
def test_no_such_target(target, close):
    assert message_of(PETS, target, range(4)) == (
        f"table.csv: there is no target column {target!r}. Columns: 'age', 'coat', 'kind', 'weight'.{close}"
    )


def test_a_table_with_other_separators():
    assert message_of(table(**{"age;kind": ["1;dog", "2;cat"]}), "kind", range(2)) == (
        "table.csv: there is no target column 'kind', only the one column 'age;kind'. "
        "The fields seem to be separated by ';'; they must be separated by commas."
    )


# --- which features stay ---------------------------------------------------------------------------------


def test_constant_columns_are_left_out_with_a_note():
    data = table(x=[1, 2, 4], one=["1", "1.0", "1"], same=["a", "a", "a "], y=[0, 1, 1])
    schema = learn_schema(data, "y", range(3), task="classification")
    assert schema.feature_names == ("x",)
    assert schema.notes == (
        "column 'one' is left out: it is '1' in every training row",
        "column 'same' is left out: it is 'a' in every training row",
    )


def test_a_text_that_identifies_rows_is_left_out_with_a_note():
    data = table(name=["Rex", "Tom", "Kim"], x=[1, 2, 4], y=["a", "b", "b"])
    schema = learn_schema(data, "y", range(3))
    assert schema.feature_names == ("x",)
    assert schema.notes == (
        "column 'name' is left out: it is text with 3 different values in 3 rows, so it identifies rows, "
        "and nothing "
        "learnt from it would hold for others",
    )


@pytest.mark.parametrize(
    ("cells", "identifies"),
    [
        (["a", "b", "c"], True),
        (["a", "b", "b"], False),
        ([f"name {number}" for number in range(20)] + ["name 0"], False),
        ([f"name {number}" for number in range(21)] + ["name 0"], True),
        ([f"name {number}" for number in range(21)] * 2, False),
        ([f"name {number}" for number in range(1000)] * 3, False),
        ([f"name {number}" for number in range(1001)] * 3, True),
    ],
)
def test_which_texts_identify_rows(cells, identifies):
    assert identifies_rows(column(cells)) is identifies


def test_a_column_that_counts_the_rows_is_kept_and_told():
    data = table(id=range(10, 20), x=[3, 1, 4, 1, 5, 9, 2, 6, 5, 3], y=["a", "b"] * 5)
    schema = learn_schema(data, "y", rows=[7, 2, 0, 5])
    assert schema.feature_names == ("id", "x")
    assert schema.notes == (
        "column 'id' counts the rows; if that is all it does, remove it from the file, because it can give "
        "the answer "
        "away where the rows are sorted",
    )


def test_no_feature_is_left():
    assert message_of(table(x=[1, 1, 1], y=["a", "b", "b"]), "y", range(3)) == (
        "table.csv: no column is left to predict 'y' from: column 'x' is left out: it is '1' in every "
        "training row"
    )
    assert message_of(table(y=["a", "b", "b"]), "y", range(3)) == (
        "table.csv: no column is left to predict 'y' from: it is the only column"
    )


# --- wrong cells and rows --------------------------------------------------------------------------------


def test_missing_values_of_all_columns_are_told_at_once():
    data = table(x=[1, "", 4, "NA"], name=["a", "b", "?", "c"], y=[0, 1, 1, 1])
    assert message_of(data, "y", range(4)) == (
        "table.csv:3: missing values: 'x' has 2 (lines 3, 5), 'name' has 1 (line 4). A cell is missing when "
        "it is empty or one of NA, nan, NaN, null, ?. Fill it in, or remove its row or its column"
    )


def test_a_feature_with_a_slip():
    message = message_of(table(x=[1, 2, "tree"], y=["a", "b", "b"]), "y", range(3))
    assert message.startswith(
        "table.csv:4: in column 'x', 2 cells are numbers and 1 is not: 'tree' (line 4). "
    )


def test_no_training_rows():
    assert message_of(PETS, "kind", []) == "table.csv: there are no training rows to learn from"


def test_rows_outside_the_table():
    with pytest.raises(
        ArgumentError, match=r"^table\.csv: there is no row 4; the table has 4 rows, counted from 0$"
    ):
        learn_schema(PETS, "kind", [0, 4])
