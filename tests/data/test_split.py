"""Splits: disjoint, complete, repeatable, in proportion, and never testing what cannot be learnt."""

import numpy as np
import pytest
from hypothesis import given, strategies as st

from glassgrad.data import split
from glassgrad.errors import ArgumentError, DataError, ShapeError


@given(n=st.integers(2, 200), fraction=st.floats(0.01, 0.99), seed=st.integers(0, 2**64 - 1))
def test_a_plain_split_has_every_row_once_and_the_asked_share(n, fraction, seed):
    train, test = split(n, fraction, seed)
    assert sorted([*train.tolist(), *test.tolist()]) == list(range(n))
    assert len(test) == min(max(1, round(n * fraction)), n - 1)


@given(data=st.data(), seed=st.integers(0, 2**32))
def test_every_value_of_every_group_trains(data, seed):
    n = data.draw(st.integers(4, 60))
    groups = [
        np.array(data.draw(st.lists(st.integers(0, 3), min_size=n, max_size=n)))
        for _ in range(data.draw(st.integers(1, 3)))
    ]
    try:
        train, test = split(n, 0.3, seed, groups)
    except DataError:
        # every row can be needed only if there are as many values as rows
        assert sum(len(set(group.tolist())) for group in groups) >= n
        return
    assert sorted([*train.tolist(), *test.tolist()]) == list(range(n))
    for group in groups:
        assert set(group[train].tolist()) == set(group.tolist())


@given(counts=st.lists(st.integers(2, 40), min_size=2, max_size=5), seed=st.integers(0, 2**32))
def test_every_class_has_its_share(counts, seed):
    labels = np.repeat(np.arange(len(counts)), counts)
    _, test = split(len(labels), 0.25, seed, [labels])
    found = np.bincount(labels[test], minlength=len(counts))
    spare = np.array(counts) - 1  # one row of each class always trains
    exact = spare * len(test) / spare.sum()
    assert np.all(np.abs(found - exact) < 1.0 + 1e-9)


def test_the_rows_come_in_random_order():
    train, _ = split(100, 0.2, seed=0, groups=[np.arange(100) // 50])
    assert train.tolist() != sorted(train.tolist())
    first_half = (train[:40] < 50).mean()
    assert 0.2 < first_half < 0.8


def test_every_row_is_tested_equally_often():
    tested = np.zeros(10)
    for seed in range(3000):
        tested[split(10, 0.3, seed)[1]] += 1
    # each count is near 900 with a standard deviation of sqrt(3000 * 0.3 * 0.7) = 25
    assert np.all(np.abs(tested - 900) < 5 * 25)


def test_every_row_of_a_class_is_tested_equally_often():
    labels = np.array([0] * 5 + [1] * 5)
    tested = np.zeros(10)
    for seed in range(3000):
        tested[split(10, 0.4, seed, [labels])[1]] += 1
    # two of five rows of each class: near 1200, with a standard deviation of sqrt(3000 * 0.4 * 0.6) = 27
    assert np.all(np.abs(tested - 1200) < 5 * 27)


def test_every_one_of_many_small_classes_is_tested_equally_often():
    labels = np.arange(20) // 2
    tested = np.zeros(10)
    for seed in range(2000):
        tested[labels[split(20, 0.15, seed, [labels])[1]]] += 1
    # three of ten classes: near 600, with a standard deviation of sqrt(2000 * 0.3 * 0.7) = 20
    assert np.all(np.abs(tested - 600) < 5 * 20)


def test_the_first_group_is_the_one_in_proportion():
    classes, colours = np.arange(100) // 50, np.arange(100) % 10
    for seed in range(20):
        _, test = split(100, 0.1, seed, [classes, colours])
        assert 4 <= (classes[test] == 0).sum() <= 6


def test_the_seed_decides():
    assert np.array_equal(split(50, 0.2, seed=1)[1], split(50, 0.2, seed=1)[1])
    assert not np.array_equal(split(50, 0.2, seed=1)[1], split(50, 0.2, seed=2)[1])


def test_a_single_row_of_a_class_trains():
    labels = np.array([0] * 9 + [1])
    for seed in range(50):
        train, _ = split(10, 0.5, seed, [labels])
        assert 9 in train


@pytest.mark.parametrize("fraction", [0.0, 1.0, -0.1, 1.5, float("nan")])
def test_wrong_fractions(fraction):
    with pytest.raises(ArgumentError) as caught:
        split(10, fraction)
    assert str(caught.value) == f"test_fraction must lie between 0 and 1, both excluded; got {fraction}"


@pytest.mark.parametrize("n", [0, 1])
def test_too_few_rows(n):
    with pytest.raises(DataError) as caught:
        split(n)
    assert (
        str(caught.value) == f"a split needs at least 2 rows, one to learn from and one to test on; got {n}"
    )


def test_no_row_to_spare():
    with pytest.raises(DataError) as caught:
        split(3, 0.5, 0, [np.array([0, 1, 2])])
    assert str(caught.value) == (
        "none of the 3 rows can be spared for testing: each is the only one with its class or with one of "
        "its categories. Add rows, or merge rare categories"
    )


def test_a_group_of_another_length():
    with pytest.raises(ShapeError) as caught:
        split(3, 0.5, 0, [np.zeros(3), np.zeros(4)])
    assert str(caught.value) == "group 1 must have shape (3,), one value per row; got (4,)"
