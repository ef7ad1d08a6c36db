"""Sums of values that are all rearranged in the same way are added first."""

from typing import Any

import numpy as np
from steps import assert_same_values, graph_of, steps_of, values

import glassgrad as gg
from glassgrad.compiler.passes import add_before_rearranging, merge_products


def test_transposes_of_what_is_added() -> None:
    before = graph_of(lambda a, b, c: a.T + b.T + c.T, (2, 3), (2, 3), (2, 3))
    after = add_before_rearranging(before)
    assert steps_of(after) == ["add", "add", "permute_dims"]
    assert_same_values(after, before)


def test_then_products_meet() -> None:
    def function(a: Any, b: Any, c: Any) -> Any:
        return (a @ b).T + (c @ b).T

    before = graph_of(function, (2, 3), (3, 4), (2, 3))
    after = merge_products(add_before_rearranging(before))
    assert steps_of(after) == ["sum_of_products", "permute_dims"]
    for a, b in zip(values(after), values(before), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-13)


def test_what_is_broadcast_is_added_before() -> None:
    before = graph_of(lambda a, b: gg.broadcast_to(a, (4, 3)) + gg.broadcast_to(b, (4, 3)), (3,), (3,))
    after = add_before_rearranging(before)
    assert steps_of(after) == ["add", "broadcast_to"]
    assert_same_values(after, before)


def test_pieces_of_larger_values_stay() -> None:
    before = graph_of(lambda a, b: a[:2] + b[:2], (5,), (5,))
    assert add_before_rearranging(before).body == before.body


def test_another_order_or_another_shape_stays() -> None:
    def function(a: Any, b: Any, c: Any) -> Any:
        return a.T + b, gg.reshape(a, (9,)) + gg.reshape(c, (9,))

    before = graph_of(function, (3, 3), (3, 3), (1, 9))
    assert add_before_rearranging(before).body == before.body


def test_other_terms_stay_terms() -> None:
    before = graph_of(lambda a, b, x: (a.T + gg.sin(x)) + b.T, (2, 3), (2, 3), (3, 2))
    after = add_before_rearranging(before)
    assert sorted(steps_of(after)) == ["add", "add", "permute_dims", "sin"]
    for a, b in zip(values(after), values(before), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-14)


def test_what_others_read_too_stays() -> None:
    def function(a: Any, b: Any) -> Any:
        first = a.T
        return first + b.T, first

    before = graph_of(function, (2, 3), (2, 3))
    assert add_before_rearranging(before).body == before.body
