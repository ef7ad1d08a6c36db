"""Biases are added with the products that they belong to."""

from typing import Any

import numpy as np
import pytest
from steps import graph_of, steps_of, values

import glassgrad as gg
from glassgrad.compiler.passes import add_biases


def assert_close(after: Any, before: Any) -> None:
    for a, b in zip(values(after), values(before), strict=True):
        assert (a.shape, a.dtype) == (b.shape, b.dtype)
        np.testing.assert_allclose(a, b, rtol=1e-13)


@pytest.mark.parametrize("shape", [(4,), (1, 4)])
@pytest.mark.parametrize("first", [False, True])
def test_a_bias_is_added_with_the_product(shape: tuple[int, ...], first: bool) -> None:
    before = graph_of(lambda a, b, c: c + a @ b if first else a @ b + c, (2, 3), (3, 4), shape)
    after = add_biases(before)
    assert steps_of(after) == ["sum_of_products"]
    assert_close(after, before)


def test_a_sum_of_two_biases_is_one() -> None:
    before = graph_of(lambda a, b, c, d: a @ b + (c + d), (2, 3), (3, 4), (4,), (4,))
    after = add_biases(before)
    assert steps_of(after) == ["add", "sum_of_products"]
    assert_close(after, before)


def test_what_is_no_bias_stays() -> None:
    def shared(a: Any, b: Any, c: Any) -> Any:
        product = a @ b
        return product + c, gg.sin(product)

    for function, shape in (
        (shared, (4,)),
        (lambda a, b, c: a @ b + c, ()),
        (lambda a, b, c: a @ b + c, (2, 1)),
        (lambda a, b, c: a @ b - c, (4,)),
    ):
        before = graph_of(function, (2, 3), (3, 4), shape)
        assert add_biases(before).body == before.body


def test_a_product_of_one_column_beside_a_row_is_no_product_with_a_bias() -> None:
    before = graph_of(lambda a, b, c: a @ b + c, (2, 3), (3, 1), (4,))
    assert add_biases(before).body == before.body


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("sizes", [(3, 5, 2), (40, 130, 70), (128, 64, 33)])
def test_machine_code(sizes: tuple[int, int, int], turned: bool, rng: np.random.Generator) -> None:
    """A linear layer with its weights either way, forward and back."""
    rows, summed, columns = sizes
    x, b = gg.asarray(rng.normal(size=(rows, summed))), gg.asarray(rng.normal(size=columns))
    w = gg.asarray(rng.normal(size=(columns, summed) if turned else (summed, columns)))

    def loss(x: Any, w: Any, b: Any) -> Any:
        return gg.sum(gg.tanh(x @ (w.T if turned else w) + b) ** 2)

    compiled = gg.compile(gg.value_and_grad(loss, argnums=(0, 1, 2)))
    value, gradients = compiled(x, w, b)
    wanted, right = gg.value_and_grad(loss, argnums=(0, 1, 2))(x, w, b)
    assert "sum_of_products" in steps_of(compiled.graph)
    np.testing.assert_allclose(value.numpy(), wanted.numpy(), rtol=1e-12)
    for a, c in zip(gradients, right, strict=True):
        np.testing.assert_allclose(a.numpy(), c.numpy(), rtol=0, atol=1e-11)
