"""Data sets: rows in arrays, and what is no data set."""

import numpy as np
import pytest

from glassgrad.data import ArrayDataset, Dataset, from_arrays
from glassgrad.data.dataset import RowIndexError
from glassgrad.errors import ArgumentError, DTypeError, GlassgradError, ShapeError
from glassgrad.tensor import tensor

IMAGES = np.arange(12, dtype=np.float32).reshape(4, 3)
LABELS = np.array([3, 1, 2, 0])


def test_a_row_is_the_tuple_of_every_arrays_entry():
    image, label = from_arrays(IMAGES, LABELS)[2]
    assert image.tolist() == [6.0, 7.0, 8.0]
    assert label == 2


def test_negative_rows_count_from_the_end():
    assert from_arrays(LABELS)[-1] == (0,)
    assert from_arrays(LABELS)[-4] == (3,)


def test_a_for_loop_ends_after_the_last_row():
    assert [int(label) for (label,) in from_arrays(LABELS)] == [3, 1, 2, 0]


@pytest.mark.parametrize("index", [4, -5])
def test_a_row_outside(index):
    with pytest.raises(RowIndexError) as caught:
        from_arrays(IMAGES, LABELS)[index]
    assert str(caught.value) == f"there is no row {index}: this data set has 4 rows, numbered 0 to 3"
    assert isinstance(caught.value, GlassgradError)


def test_a_row_of_an_empty_data_set():
    with pytest.raises(RowIndexError, match=r"^there is no row 0: this data set has 0 rows$"):
        from_arrays(np.zeros((0, 2)))[0]


def test_a_slice_is_no_row():
    with pytest.raises(ArgumentError) as caught:
        from_arrays(LABELS)[0:2]
    assert str(caught.value) == (
        "a row index must be a whole number; got slice(0, 2, None). For several rows use take([0, 1, ...])"
    )


def test_take_gathers_rows_of_every_array():
    images, labels = from_arrays(IMAGES, LABELS).take([3, 0, 3])
    assert images.tolist() == [[9, 10, 11], [0, 1, 2], [9, 10, 11]]
    assert labels.tolist() == [0, 3, 0]


def test_take_copies():
    taken = from_arrays(IMAGES).take([0, 1, 2, 3])[0]
    assert not np.shares_memory(taken, IMAGES)


def test_take_nothing():
    assert from_arrays(IMAGES).take([])[0].shape == (0, 3)


def test_take_outside():
    with pytest.raises(
        RowIndexError, match=r"^there is no row 9: this data set has 4 rows, numbered 0 to 3$"
    ):
        from_arrays(LABELS).take([0, 9])
    with pytest.raises(RowIndexError, match=r"^there is no row -5: this data set has 4 rows"):
        from_arrays(LABELS).take([0, -5])


@pytest.mark.parametrize(
    ("indices", "got"),
    [
        ([[0, 1]], "shape (1, 2) and dtype int64"),
        ([0.0, 1.0], "shape (2,) and dtype float64"),
        ([True, False, True, True], "shape (4,) and dtype bool"),
    ],
)
def test_take_needs_whole_numbers(indices, got):
    with pytest.raises(ArgumentError) as caught:
        from_arrays(LABELS).take(indices)
    assert str(caught.value) == f"take needs a flat list of whole numbers; got {got}"


def test_arrays_are_not_copied():
    assert np.shares_memory(from_arrays(IMAGES).arrays[0], IMAGES)


def test_dtypes_are_kept_and_python_floats_become_float32():
    data = from_arrays(np.zeros(2, np.float64), np.zeros(2, np.uint8), [0.5, 1.5], [1, 2])
    assert [array.dtype.name for array in data.arrays] == ["float64", "uint8", "float32", "int64"]


def test_tensors_are_arrays_too():
    data = from_arrays(tensor([[1.0], [2.0]]), LABELS[:2])
    assert data.arrays[0].tolist() == [[1.0], [2.0]]


def test_unequal_lengths():
    with pytest.raises(ShapeError) as caught:
        from_arrays(IMAGES, LABELS, np.zeros(5))
    assert str(caught.value) == (
        "every array needs the same number of rows; array 0 has 4 (shape (4, 3)), array 2 has 5 (shape (5,))"
    )


def test_a_number_has_no_rows():
    with pytest.raises(ShapeError) as caught:
        from_arrays(IMAGES, 3)
    assert str(caught.value) == "array 1 has shape (), a single number; its first axis must count the rows"


def test_no_arrays():
    with pytest.raises(ArgumentError, match=r"^from_arrays needs at least one array; got none$"):
        from_arrays()


def test_text_is_no_number():
    with pytest.raises(DTypeError) as caught:
        from_arrays(IMAGES, ["a", "b", "c", "d"])
    assert str(caught.value).startswith("array 1: a tensor holds numbers; got ['a', 'b', 'c', 'd']")


def test_class_names_stay_with_the_data():
    assert from_arrays(LABELS, class_names=["a", "b"]).class_names == ("a", "b")
    assert from_arrays(LABELS).class_names == ()


def test_an_array_data_set_is_a_data_set():
    assert isinstance(from_arrays(LABELS), Dataset)
    assert isinstance(from_arrays(LABELS), ArrayDataset)


def test_a_data_set_without_rows_cannot_be_made():
    class Forgetful(Dataset):
        def __len__(self):
            return 1

    with pytest.raises(TypeError, match="__getitem__"):
        Forgetful()
