"""Computing once what is computed several times."""

from typing import Any

import numpy as np
from steps import PlusOne, assert_same_values, graph_of, steps_of

import glassgrad as gg
from glassgrad.compiler.passes import duplicates, merge_duplicates


def test_equal_ops_on_equal_inputs_are_one() -> None:
    before = graph_of(lambda x: (gg.sin(x) + 1.0) * (gg.sin(x) + 1.0), (3,))
    after = merge_duplicates(before)
    assert steps_of(before) == ["sin", "add", "sin", "add", "multiply"]
    assert steps_of(after) == ["sin", "add", "multiply"]
    assert_same_values(after, before)


def test_other_static_parameters_are_other_ops() -> None:
    def function(x: Any) -> Any:
        return gg.sum(x, axis=0) + gg.sum(x, axis=1), x[0], x[1], gg.reshape(x, (1, 9)), gg.reshape(x, (9, 1))

    before = graph_of(function, (3, 3))
    after = merge_duplicates(before)
    assert steps_of(after) == steps_of(before)
    assert_same_values(after, before)


def test_other_inputs_or_another_order_of_them_is_another_value() -> None:
    before = graph_of(lambda x, y: (x - y) * (y - x), (3,), (3,))
    assert steps_of(merge_duplicates(before)) == steps_of(before)


def test_equal_small_constants_are_one() -> None:
    before = graph_of(lambda x: x + np.ones(2) + np.ones(2) + np.zeros(2), (2,))
    after = merge_duplicates(before)
    assert sum(node.value is not None for node in after.body) == 2
    assert_same_values(after, before)


def test_zeros_of_both_signs_are_two() -> None:
    before = graph_of(lambda x: (x * np.array([0.0]), x * np.array([-0.0])), (1,))
    after = merge_duplicates(before)
    assert steps_of(after) == ["multiply", "multiply"]
    assert_same_values(after, before)


def test_constants_of_other_dtypes_and_shapes_are_others() -> None:
    a, b, c = np.zeros(2), np.zeros(2, np.int64), np.zeros((1, 2))
    before = graph_of(lambda x: (x + a, x + b, x + c), (2,))
    assert sum(node.value is not None for node in merge_duplicates(before).body) == 3


def test_large_constants_are_compared_by_identity() -> None:
    large = np.ones(duplicates.SMALL)
    twice = gg.asarray(large)
    before = graph_of(lambda x: (x + twice, x + twice, x * large.copy()), (duplicates.SMALL,))
    after = merge_duplicates(before)
    assert sum(node.value is not None for node in after.body) == 2
    assert_same_values(after, before)


def test_users_own_functions_are_not_merged() -> None:
    before = graph_of(lambda x: PlusOne.apply(x) + PlusOne.apply(x), (2,))
    assert len(steps_of(merge_duplicates(before))) == 3


def test_draws_of_random_numbers_stay_apart() -> None:
    compiled = gg.compile(lambda: gg.random.uniform(3) - gg.random.uniform(3))
    assert (compiled().numpy() != 0).all()
