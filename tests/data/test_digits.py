"""The digits, compared with scikit-learn's own copy."""

import sys

import numpy as np
import pytest
from sklearn.datasets import load_digits

from glassgrad.data import digits
from glassgrad.errors import DataError


def in_one_order(images, labels):
    rows = np.column_stack([labels, images])
    return rows[np.lexsort(rows.T)]


def test_both_parts_together_are_the_whole_set():
    source = load_digits()
    train, test = digits()
    images = np.concatenate([train.arrays[0], test.arrays[0]])
    labels = np.concatenate([train.arrays[1], test.arrays[1]])
    assert images.dtype == np.float32
    assert labels.dtype == np.int64
    np.testing.assert_array_equal(in_one_order(images * 16, labels), in_one_order(source.data, source.target))


def test_the_grey_values_fill_the_range_from_0_to_1():
    images = digits()[0].arrays[0]
    assert (images.min(), images.max()) == (0.0, 1.0)


def test_a_fifth_of_every_digit_is_for_testing():
    train, test = digits()
    counts = np.bincount(load_digits().target)
    assert (len(train), len(test)) == (1438, 359)
    np.testing.assert_allclose(np.bincount(test.arrays[1]), counts / 5, atol=1.1)


def test_class_names():
    train, test = digits()
    assert train.class_names == test.class_names == tuple("0123456789")


def test_the_seed_chooses_the_rows():
    again, other = digits()[1], digits(seed=1)[1]
    assert np.array_equal(digits()[1].arrays[0], again.arrays[0])
    assert not np.array_equal(again.arrays[0], other.arrays[0])


def test_without_scikit_learn(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    with pytest.raises(DataError) as caught:
        digits()
    assert str(caught.value) == (
        "the digits come with scikit-learn, which is not installed: pip install 'glassgrad[data]'"
    )
