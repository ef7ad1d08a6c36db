"""Products that are only read transposed are computed transposed."""

from typing import Any

import numpy as np
import pytest
from steps import graph_of, steps_of, values

import glassgrad as gg
from glassgrad.compiler.passes import add_biases, merge_products, turn_products
from glassgrad.graph import Graph


def assert_close(after: Graph, before: Graph) -> None:
    for a, b in zip(values(after), values(before), strict=True):
        assert (a.shape, a.dtype) == (b.shape, b.dtype)
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-12)


def test_a_product_is_that_of_the_transposed() -> None:
    before = graph_of(lambda a, b: gg.tanh((a @ b).T), (3, 4), (4, 5))
    after = turn_products(before)
    assert sorted((node.op.name, node.shape) for node in after.body if node.inputs) == [
        ("matmul", (5, 3)),
        ("permute_dims", (4, 3)),
        ("permute_dims", (5, 4)),
        ("tanh", (5, 3)),
    ]
    assert_close(after, before)


def test_what_was_transposed_before_is_itself_again() -> None:
    before = graph_of(lambda a, b: gg.tanh((a.T @ b.T).T), (4, 3), (5, 4))
    after = turn_products(before)
    assert steps_of(after) == ["matmul", "tanh"]
    assert_close(after, before)


@pytest.mark.parametrize(
    "seen", [lambda x: x[:1, :1], lambda x: gg.reshape(x, (1, 1)), lambda x: gg.broadcast_to(x, (1, 1))]
)
def test_one_number_is_its_own_transpose_however_it_is_seen(seen: Any) -> None:
    before = graph_of(lambda a, b: gg.tanh(seen(a @ b)), (1, 5), (5, 1))
    assert_close(turn_products(before), before)


def test_stacks_of_matrices_too() -> None:
    before = graph_of(lambda a, b: gg.matrix_transpose(a @ b), (2, 1, 3, 4), (1, 6, 4, 5))
    after = turn_products(before)
    assert [node.shape for node in after.body if node.op.name == "matmul"] == [(2, 6, 5, 3)]
    assert_close(after, before)


def test_a_sum_of_products_too() -> None:
    before = graph_of(lambda a, b, c, d: (a.T @ b + c.T @ d).T, (4, 3), (4, 5), (4, 3), (4, 5))
    after = turn_products(merge_products(before))
    assert steps_of(after) == ["permute_dims", "permute_dims", "sum_of_products"]
    assert_close(after, before)


def test_what_is_added_is_transposed_too() -> None:
    before = graph_of(lambda a, b, x: (a @ b + gg.cumulative_sum(x, axis=0)).T, (3, 4), (4, 5), (3, 5))
    after = turn_products(merge_products(before))
    assert steps_of(after)[-1] == "sum_of_products"
    assert_close(after, before)


def test_what_would_gain_nothing_stays() -> None:
    def read_twice(a: Any, b: Any) -> Any:
        product = a @ b
        return product.T, product

    for function, shapes in (
        (read_twice, ((3, 4), (4, 5))),
        (lambda a, b: gg.reshape(a @ b, (5, 3)), ((3, 4), (4, 5))),
        (lambda a, b: gg.permute_dims(a @ b, (0, 2, 1)), ((2, 3, 4), (4, 5))),
        (lambda a, b: gg.permute_dims(a @ b, (1, 0, 2)), ((2, 3, 4), (2, 4, 5))),
        (lambda a, b: gg.permute_dims(a @ b, (2, 1, 0)), ((2, 3, 4), (2, 4, 5))),
        (lambda a, b: (a + b).T, ((3, 4), (3, 4))),
        (lambda a, b, c: (a @ b + c).T, ((3, 4), (4, 5), (5,))),
    ):
        before = add_biases(graph_of(function, *shapes))
        assert turn_products(before).body == before.body


@pytest.mark.parametrize("sizes", [(3, 5, 2), (40, 130, 70), (128, 64, 33)])
def test_machine_code(sizes: tuple[int, int, int], rng: np.random.Generator) -> None:
    """Momentum for the weights of a layer that are kept as (outputs, inputs), against NumPy."""
    rows, inputs, outputs = sizes
    x, w, m = (rng.normal(size=shape) for shape in ((rows, inputs), (outputs, inputs), (outputs, inputs)))

    @gg.compile
    def step(x: Any, w: Any, m: Any) -> Any:
        gradient = gg.grad(lambda w: gg.sum(gg.tanh(x @ w.T) ** 2))(w)
        return 0.9 * m + gradient

    found = step(*(gg.asarray(array) for array in (x, w, m)))
    y = np.tanh(x @ w.T)
    np.testing.assert_allclose(found.numpy(), 0.9 * m + (2 * y * (1 - y * y)).T @ x, rtol=0, atol=1e-11)
    assert (outputs, inputs) in [node.shape for node in step.graph.body if node.op.name == "matmul"]
