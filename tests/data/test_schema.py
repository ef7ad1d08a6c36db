"""What a table means to a model: inputs, targets, predictions, and what is wrong with a table to predict."""

import json

import numpy as np
import pytest

from glassgrad.data import Table, TableSchema
from glassgrad.data.columns import CategoryColumn, NumberColumn
from glassgrad.errors import CheckpointError, DataError, DTypeError, NotFiniteError, ShapeError
from glassgrad.tensor import tensor

COLUMNS = (NumberColumn("age", 3.0, 2.0), CategoryColumn("coat", ("long", "short", "wire")))
CLASSES = TableSchema(COLUMNS, CategoryColumn("kind", ("cat", "dog")), notes=("a note",))
NUMBERS = TableSchema(COLUMNS, NumberColumn("weight", 10.0, 4.0))


def pets(**changes):
    columns = {
        "coat": ["short", "wire"],
        "name": ["Rex", "Tom"],
        "age": ["5", "2"],
        "kind": ["dog", "cat"],
        "weight": ["14", "8"],
    }
    return Table("pets.csv", columns | changes, [2, 4])


# --- numbers in, predictions out -------------------------------------------------------------------------


def test_features_are_standardised_numbers_and_one_hot_texts():
    features = CLASSES.features(pets())
    assert features.dtype == np.float32
    assert features.tolist() == [[1.0, 0.0, 1.0, 0.0], [-0.5, 0.0, 0.0, 1.0]]
    assert CLASSES.feature_names == ("age", "coat=long", "coat=short", "coat=wire")


def test_features_need_no_target():
    table = pets().without(["kind", "weight", "name"])
    assert CLASSES.features(table).shape == (2, 4)


def test_targets_of_a_classification_are_class_numbers():
    targets = CLASSES.targets(pets())
    assert (targets.tolist(), targets.dtype) == ([1, 0], np.int64)
    assert (CLASSES.task, CLASSES.class_names) == ("classification", ("cat", "dog"))


def test_targets_of_a_regression_are_a_column_of_standardised_numbers():
    targets = NUMBERS.targets(pets())
    assert (targets.tolist(), targets.dtype) == ([[1.0], [-0.5]], np.float32)
    assert (NUMBERS.task, NUMBERS.class_names) == ("regression", ())


@pytest.mark.parametrize("outputs", [[[-1.0, 3.0], [0.5, 0.25]], np.array([[0.1, 0.9], [0.7, 0.3]])])
def test_the_largest_output_names_the_class(outputs):
    assert CLASSES.decode(outputs) == ["dog", "cat"]


def test_predictions_of_numbers_are_in_the_unit_of_the_file():
    assert NUMBERS.decode(np.array([[1.0], [-0.5]], np.float32)) == [14.0, 8.0]


def test_tensors_are_decoded_even_in_the_middle_of_a_graph():
    assert NUMBERS.decode(tensor([[0.25]], requires_grad=True)) == [11.0]


@pytest.mark.parametrize(
    ("schema", "shape", "expected"),
    [
        (CLASSES, (2, 3), "(n, 2)"),
        (CLASSES, (2,), "(n, 2)"),
        (NUMBERS, (2, 2), "(n, 1)"),
        (NUMBERS, (2,), "(n, 1)"),
    ],
)
def test_outputs_of_another_shape(schema, shape, expected):
    with pytest.raises(ShapeError) as caught:
        schema.decode(np.zeros(shape))
    assert str(caught.value) == f"decode needs outputs of shape {expected}; got {shape}"


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf])
def test_outputs_that_are_not_finite(wrong):
    with pytest.raises(NotFiniteError) as caught:
        CLASSES.decode(np.array([[0.0, 1.0], [wrong, 1.0]]))
    assert str(caught.value) == f"the model's output for row 1 is not finite: [{wrong}, 1.0]"


def test_outputs_that_are_text():
    with pytest.raises(DTypeError):
        CLASSES.decode([["a", "b"]])


# --- wrong tables ----------------------------------------------------------------------------------------


def test_a_missing_column():
    with pytest.raises(DataError) as caught:
        CLASSES.features(Table("new.csv", {"Age": ["5"], "coat": ["short"]}, [2]))
    assert str(caught.value) == (
        "new.csv: the model was trained with columns that this table lacks: 'age'. "
        "Columns: 'Age', 'coat'. Did you mean 'Age'?"
    )


def test_several_missing_columns_are_named_at_once():
    with pytest.raises(DataError, match=r"^new\.csv: .* lacks: 'age', 'coat'\. Columns: 'x'\.$"):
        CLASSES.features(Table("new.csv", {"x": ["5"]}, [2]))


def test_an_unseen_category():
    with pytest.raises(DataError) as caught:
        CLASSES.features(pets(coat=["short", "shrt"]))
    assert str(caught.value) == (
        "pets.csv:4: column 'coat' has 'shrt', which no training row had. Known values: 'long', 'short', "
        "'wire'. Did you mean 'short'? Correct the cell, or train with rows that have it"
    )


def test_text_in_a_column_of_numbers():
    with pytest.raises(
        DataError, match=r"^pets\.csv:4: column 'age' holds numbers, but here it has 'two'\. "
    ):
        CLASSES.features(pets(age=["5", "two"]))


def test_missing_values():
    with pytest.raises(DataError) as caught:
        CLASSES.features(pets(age=["5", "NA"], coat=["", " ? "]))
    assert str(caught.value) == (
        "pets.csv:2: missing values: 'age' has 1 (line 4), 'coat' has 2 (lines 2, 4). A cell is missing "
        "when it is empty or one of NA, nan, NaN, null, ?. Fill it in, or remove its row or its column"
    )


def test_only_the_first_lines_with_missing_values_are_listed():
    table = Table("new.csv", {"age": [""] * 8, "coat": ["long"] * 8}, list(range(2, 10)))
    with pytest.raises(DataError, match=r"'age' has 8 \(lines 2, 3, 4, 5, 6, \.\.\.\)\. A cell"):
        CLASSES.features(table)


def test_missing_values_in_columns_not_used_do_not_matter():
    assert CLASSES.features(pets(name=["", "NA"], kind=["?", ""])).shape == (2, 4)


def test_a_target_without_value_or_without_column():
    with pytest.raises(DataError, match=r"^pets\.csv:4: missing values: 'kind' has 1 \(line 4\)\."):
        CLASSES.targets(pets(kind=["dog", ""]))
    with pytest.raises(DataError) as caught:
        CLASSES.targets(pets().without(["kind"]))
    assert str(caught.value) == (
        "pets.csv: there is no column 'kind'. Columns: 'coat', 'name', 'age', 'weight'."
    )


def test_an_unseen_class():
    with pytest.raises(
        DataError, match=r"^pets\.csv:2: column 'kind' has 'bird', which no training row had\. "
    ):
        CLASSES.targets(pets(kind=["bird", "cat"]))


# --- JSON ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("schema", [CLASSES, NUMBERS])
def test_a_schema_goes_through_json(schema):
    assert TableSchema.from_json(json.loads(json.dumps(schema.to_json()))) == schema


@pytest.mark.parametrize(
    "change", [{"columns": []}, {"columns": [{}]}, {"target": None}, {"notes": "text"}, {"notes": [1]}]
)
def test_damaged_json(change):
    with pytest.raises(CheckpointError, match=r"^this is not the description of a table"):
        TableSchema.from_json(CLASSES.to_json() | change)


def test_json_that_is_no_schema():
    with pytest.raises(CheckpointError) as caught:
        TableSchema.from_json({"weights": 1})
    assert str(caught.value) == "this is not the description of a table: {'weights': 1}"
