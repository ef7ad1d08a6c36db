"""Sums of products of matrices become one op."""

import itertools
from typing import Any

import numpy as np
import pytest
from steps import graph_of, steps_of, values

import glassgrad as gg
from glassgrad.compiler.passes import merge_duplicates, merge_products, products
from glassgrad.compiler.passes.products import SumOfProducts
from glassgrad.graph import CONSTANT, Aval, Graph


def assert_close(after: Graph, before: Graph) -> None:
    assert after.inputs == before.inputs
    for a, b in zip(values(after), values(before), strict=True):
        assert (a.shape, a.dtype) == (b.shape, b.dtype)
        np.testing.assert_allclose(a, b, rtol=1e-12)


def pairs(graph: Graph) -> list[int]:
    return [node.op.pairs for node in graph.body if isinstance(node.op, SumOfProducts)]


def test_a_sum_of_products_is_one_op() -> None:
    before = graph_of(lambda a, b, c, d: a @ b + c @ d, (2, 3), (3, 4), (2, 3), (3, 4))
    after = merge_products(before)
    assert steps_of(after) == ["sum_of_products"]
    assert after.outputs[0].inputs == before.inputs
    assert_close(after, before)


def test_however_it_is_bracketed() -> None:
    before = graph_of(lambda a, b: (a @ b + (b @ a + a @ a)) + (b @ b + a @ b), (3, 3), (3, 3))
    after = merge_products(before)
    assert pairs(after) == [5]
    assert_close(after, before)


def test_other_terms_and_other_sizes_stay() -> None:
    def function(x: Any, a: Any, b: Any, c: Any, d: Any) -> Any:
        return gg.sin(x) + a @ b + c @ d + a @ b[:, ::-1]

    before = graph_of(function, (2, 2), (2, 3), (3, 2), (2, 5), (5, 2))
    after = merge_products(before)
    assert pairs(after) == [2]
    assert sorted(steps_of(after)) == sorted(["sin", "index", "matmul", "sum_of_products", "add", "add"])
    assert_close(after, before)


def test_a_product_that_others_read_stays() -> None:
    def function(a: Any, b: Any) -> Any:
        product = a @ b
        return product + b @ a, gg.sin(product)

    before = graph_of(function, (3, 3), (3, 3))
    after = merge_products(before)
    assert sorted(steps_of(after)) == ["matmul", "sin", "sum_of_products"]
    assert pairs(after) == [1]
    assert_close(after, before)


def test_what_lies_in_memory_is_added_with_the_product() -> None:
    before = graph_of(lambda x, a, b: x[1:3] + a @ b, (4, 4), (2, 3), (3, 4))
    after = merge_products(before)
    assert steps_of(after) == ["index", "sum_of_products"]
    assert_close(after, before)


def test_what_a_kernel_would_compute_is_added_there() -> None:
    before = graph_of(lambda x, a, b: gg.sin(x) + a @ b, (2, 4), (2, 3), (3, 4))
    assert merge_products(before).body == before.body


@pytest.mark.parametrize("lies", ["as it is", "transposed", "every other", "broadcast"])
@pytest.mark.parametrize("turned", [False, True])
def test_machine_code_of_what_is_added(lies: str, turned: bool, rng: np.random.Generator) -> None:
    views = {
        "as it is": lambda x: x[:20, :33],
        "transposed": lambda x: x.T[:20, :33],
        "every other": lambda x: x[:40:2, :66:2],
        "broadcast": lambda x: gg.broadcast_to(x[:20, :1], (20, 33)),
    }
    x, a, b = rng.normal(size=(70, 70)), rng.normal(size=(20, 65)), rng.normal(size=(65, 33))
    if turned:
        b = np.ascontiguousarray(b.T)

    def function(x: Any, a: Any, b: Any) -> Any:
        return views[lies](x) + a @ (b.T if turned else b)

    given = [gg.asarray(value) for value in (x, a, b)]
    compiled = gg.compile(function)
    np.testing.assert_allclose(compiled(*given).numpy(), function(*given).numpy(), rtol=0, atol=1e-12)
    assert pairs(compiled.graph) == [1]


@pytest.mark.parametrize("shapes", [((2, 3, 3), (3, 3)), ((3, 0), (0, 3))])
def test_stacks_and_empty_products_stay(shapes: Any) -> None:
    before = graph_of(lambda a, b, c, d: a @ b + c @ d, *shapes, *shapes)
    assert merge_products(before).body == before.body


def test_integers_and_mixed_dtypes_stay() -> None:
    whole = [gg.Spec((2, 2), "int64")] * 4
    mixed = [gg.Spec((2, 2), name) for name in ("float32", "float64", "float64", "float32")]
    for specs in (whole, mixed):
        before = gg.trace(lambda a, b, c, d: a @ b + c @ d, *specs)
        assert merge_products(before).body == before.body


def test_very_many_are_cut(monkeypatch: Any) -> None:
    monkeypatch.setattr(products, "MOST", 3)

    def function(*x: Any) -> Any:
        total = x[0] @ x[1]
        for a, b in itertools.pairwise(x[1:]):
            total = total + a @ b
        return total

    before = graph_of(function, *[(3, 3)] * 8)
    after = merge_products(before)
    assert pairs(after) == [3, 3]
    assert_close(after, before)


def test_the_op_says_what_it_makes(rng: np.random.Generator) -> None:
    op = SumOfProducts(2, CONSTANT)
    a, b, c, d = (rng.normal(size=shape) for shape in ((2, 3), (3, 4), (2, 3), (3, 4)))
    assert op.shape(*(Aval(x.shape, x.dtype) for x in (a, b, c, d))) == Aval((2, 4), a.dtype)
    np.testing.assert_allclose(op.forward(a, b, c, d), a @ b + c @ d, rtol=1e-14)
    assert op.parameters[0] == "pairs=2"


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_machine_code(dtype: Any, rng: np.random.Generator) -> None:
    """The gradient of a weight that every step of a recurrence uses, in several layouts."""
    w, x = rng.normal(size=(5, 5)).astype(dtype) * 0.3, rng.normal(size=(7, 4, 5)).astype(dtype)

    def loss(w: Any) -> Any:
        state = gg.zeros((4, 5), dtype=gg.asarray(x).dtype)
        for step in x:
            state = gg.tanh(state @ w + gg.asarray(step))
        return gg.sum(state * state)

    compiled = gg.compile(gg.grad(loss))
    found = compiled(gg.asarray(w)).numpy()
    assert [count for count in pairs(compiled.graph) if count > 1] == [7]
    np.testing.assert_allclose(
        found, gg.grad(loss)(gg.asarray(w)).numpy(), rtol=1e-5 if dtype == np.float32 else 1e-12
    )


def test_matrices_that_lie_in_different_ways(rng: np.random.Generator) -> None:
    """Strided, transposed and plain ones: all are summed, none as another lies."""
    a, b, c = (gg.asarray(rng.normal(size=(9, 9))) for _ in range(3))

    def function(a: Any, b: Any, c: Any) -> Any:
        joined = gg.concat([gg.sin(a), gg.sin(b)], axis=1)
        left, right = joined[:, :9], joined[:, 9:]
        total = a @ b + a.T @ b + left @ right + b @ c.T + right @ left
        return total + left.T @ c + c @ a

    np.testing.assert_allclose(gg.compile(function)(a, b, c).numpy(), function(a, b, c).numpy(), rtol=1e-11)


def test_a_term_that_is_there_twice_is_added_twice() -> None:
    """One of the two is added while the product is stored; the other stays, and is not lost."""

    def doubled(a: Any, b: Any, x: Any) -> Any:
        return a @ x + (b @ x + b @ x)

    def gradients(y: Any, x: Any) -> Any:
        def loss(y: Any, x: Any) -> Any:
            return gg.sum(gg.tanh(y @ x)) + gg.sum(gg.tanh(y @ x + y @ x))

        return gg.grad(loss, argnums=(0, 1))(y, x)

    for before in (graph_of(doubled, (4, 4), (4, 4), (4, 4)), graph_of(gradients, (4, 4), (4, 4))):
        after = merge_products(merge_duplicates(before))
        assert set(pairs(after)) == {1}
        assert_close(after, before)
