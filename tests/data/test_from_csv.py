"""A CSV file to training and test sets, checked on scikit-learn's iris table."""

import csv as standard_csv

import numpy as np
import pytest
from sklearn.datasets import load_iris
from sklearn.preprocessing import StandardScaler

from glassgrad.data import DataLoader, csv
from glassgrad.errors import ArgumentError, DataError


def write(folder, *rows):
    path = folder / "table.csv"
    with path.open("w", newline="") as file:
        standard_csv.writer(file).writerows(rows)
    return path


@pytest.fixture
def iris(tmp_path):
    source = load_iris()
    names = [str(source.target_names[label]) for label in source.target]
    rows = ([*map(repr, features), name] for features, name in zip(source.data.tolist(), names, strict=True))
    return write(tmp_path, [*source.feature_names, "species"], *rows)


def original_rows(schema, features):
    """Features in the unit of the file, one decimal as iris has."""
    means = [column.mean for column in schema.columns]
    deviations = [column.deviation for column in schema.columns]
    return np.round(features.astype(np.float64) * deviations + means, 1)


def test_iris_is_parted_without_loss(iris):
    source = load_iris()
    train, test, schema = csv(iris, target="species")
    assert (len(train), len(test)) == (120, 30)
    assert np.bincount(test.arrays[1]).tolist() == [10, 10, 10]
    assert train.class_names == test.class_names == tuple(source.target_names)
    found = np.concatenate([original_rows(schema, part.arrays[0]) for part in (train, test)])
    labels = np.concatenate([train.arrays[1], test.arrays[1]])
    rows = np.column_stack([found, labels])
    expected = np.column_stack([source.data, source.target])
    np.testing.assert_array_equal(rows[np.lexsort(rows.T)], expected[np.lexsort(expected.T)])


def test_iris_is_standardised_by_its_training_rows(iris):
    train, test, schema = csv(iris, target="species")
    scaler = StandardScaler().fit(original_rows(schema, train.arrays[0]))
    for part in (train, test):
        expected = scaler.transform(original_rows(schema, part.arrays[0]))
        np.testing.assert_allclose(part.arrays[0], expected, atol=1e-5)


def test_the_seed_chooses_the_rows(iris):
    first, again, other = (csv(iris, "species", seed=seed)[1].arrays[0] for seed in (0, 0, 1))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_a_regression_goes_back_to_its_own_unit(tmp_path):
    path = write(tmp_path, ["x", "price"], *([x, 2.5 * x + 1] for x in range(20)))
    train, test, schema = csv(path, target="price", test_fraction=0.25)
    assert schema.task == "regression"
    assert (train.arrays[1].shape, test.arrays[1].shape) == ((15, 1), (5, 1))
    prices = np.concatenate([schema.decode(part.arrays[1]) for part in (train, test)])
    np.testing.assert_allclose(np.sort(prices), 2.5 * np.arange(20) + 1, rtol=1e-6)


@pytest.mark.parametrize("seed", range(20))
def test_rare_categories_and_classes_train(tmp_path, seed):
    rows = [[x, "rare" if x == 7 else "often", "odd" if x == 3 else "even"] for x in range(12)]
    path = write(tmp_path, ["x", "colour", "kind"], *rows)
    train, test, schema = csv(path, target="kind", seed=seed)
    assert (len(train), len(test)) == (10, 2)
    assert schema.class_names == ("even", "odd")
    assert schema.feature_names == ("x", "colour=often", "colour=rare")


def test_notes_tell_every_decision(tmp_path):
    rows = [[f"pet {number}", number % 3, 7, number % 2] for number in range(30)]
    _, _, schema = csv(write(tmp_path, ["name", "x", "seven", "y"], *rows), target="y")
    assert schema.feature_names == ("x",)
    assert schema.notes == (
        "the target 'y' holds 2 different whole numbers, taken for class labels; for numbers to predict, say "
        "task='regression'",
        "column 'name' is left out: it is text with 30 different values in 30 rows, so it identifies rows, "
        "and nothing "
        "learnt from it would hold for others",
        "column 'seven' is left out: it is '7' in every training row",
    )


def test_the_task_can_be_said(tmp_path):
    path = write(tmp_path, ["x", "y"], *([x * x, x % 2] for x in range(10)))
    assert csv(path, "y")[2].task == "classification"
    assert csv(path, "y", task="regression")[2].task == "regression"


def test_the_parts_go_into_a_loader(iris):
    train, _, _ = csv(iris, target="species")
    features, labels = next(iter(DataLoader(train, batch_size=32, shuffle=True)))
    assert (features.shape, features.dtype, labels.shape, labels.dtype) == (
        (32, 4),
        np.float32,
        (32,),
        np.int64,
    )


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (
            [["a", "y"], ["1", "b"]],
            "a split needs at least 2 rows, one to learn from and one to test on; got 1",
        ),
        (
            [["a", "y"], ["1", "b"], ["2", "c"]],
            "none of the 2 rows can be spared for testing: each is the only one with its class or with one "
            "of its "
            "categories. Add rows, or merge rare categories",
        ),
        ([["a", "z"], ["1", "b"]], "there is no target column 'y'. Columns: 'a', 'z'."),
    ],
)
def test_tables_that_cannot_be_parted(tmp_path, rows, message):
    path = write(tmp_path, *rows)
    with pytest.raises(DataError) as caught:
        csv(path, target="y")
    assert str(caught.value) == f"{path}: {message}"


def test_missing_values_anywhere_in_the_file(tmp_path):
    path = write(tmp_path, ["a", "y"], *([x, "b" if x % 2 else "c"] for x in range(20)), ["", "b"])
    with pytest.raises(DataError) as caught:
        csv(path, target="y")
    assert str(caught.value) == (
        f"{path}:22: missing values: 'a' has 1 (line 22). A cell is missing when it is empty or one of NA, "
        f"nan, NaN, null, ?. Fill it in, or remove its row or its column"
    )


def test_a_slip_anywhere_in_the_file(tmp_path):
    path = write(tmp_path, ["a", "y"], *([x, "b" if x % 2 else "c"] for x in range(20)), ["2O", "b"])
    with pytest.raises(
        DataError, match=r":22: in column 'a', 20 cells are numbers and 1 is not: '2O' \(line 22\)\."
    ):
        csv(path, target="y")


def test_an_unknown_task(tmp_path):
    path = write(tmp_path, ["a", "y"], *([x, x % 2] for x in range(9)))
    with pytest.raises(
        ArgumentError, match=r"^task must be 'auto', 'classification' or 'regression'; got 'classify'$"
    ):
        csv(path, "y", task="classify")
