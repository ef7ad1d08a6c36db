"""What is done with chosen rows of a table is done with the table."""

from typing import Any

import numpy as np
import pytest
from steps import graph_of, steps_of

import glassgrad as gg
from glassgrad.compiler.passes import compute_before_choosing
from glassgrad.compiler.runtime.numpy import Program
from glassgrad.graph import Graph

WIDTH = 64
TABLE = (5, WIDTH)


def traced(function: Any, *shapes: tuple[int, ...], chosen: tuple[int, ...] = (4, 30)) -> Graph:
    """The graph of a function of index array and float64 arrays."""
    return gg.trace(function, gg.Spec(chosen, "int64"), *(gg.Spec(shape, "float64") for shape in shapes))


def values(graph: Graph) -> list[Any]:
    rng = np.random.default_rng(5)
    chosen, *others = graph.inputs
    numbers = rng.integers(-TABLE[0], TABLE[0], size=chosen.shape)
    return Program(graph)([numbers, *(rng.normal(size=node.shape) for node in others)])


def assert_same_values(after: Graph, before: Graph) -> None:
    for a, b in zip(values(after), values(before), strict=True):
        assert (a.shape, a.dtype) == (b.shape, b.dtype)
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-12)


def sizes_of(graph: Graph, name: str) -> list[tuple[int, ...]]:
    """The shapes of what the ops of a name make."""
    return [node.shape for node in graph.body if node.op.name == name]


def embed(c: Any, table: Any) -> Any:
    return gg.take(table, c, axis=0)


def flat(x: Any) -> Any:
    return gg.reshape(x, (-1, x.shape[-1]))


ARRANGED = {
    "as it is": lambda c, t: embed(c, t),
    "flat": lambda c, t: flat(embed(c, t)),
    "turned": lambda c, t: gg.permute_dims(embed(c, t), (1, 0, 2)),
    "turned and flat": lambda c, t: flat(gg.permute_dims(embed(c, t), (1, 0, 2))),
    "seen by columns first": lambda c, t: gg.permute_dims(gg.permute_dims(embed(c, t), (2, 0, 1)), (1, 2, 0)),
    "turned twice": lambda c, t: gg.permute_dims(gg.reshape(embed(c, t), (2, 3, 20, WIDTH)), (2, 0, 1, 3)),
    "in other rows": lambda c, t: gg.reshape(embed(c, t), (2, 1, 60, WIDTH)),
}


@pytest.mark.parametrize("arranged", ARRANGED)
def test_a_product_is_one_with_the_table(arranged: str) -> None:
    before = traced(lambda c, t, w: ARRANGED[arranged](c, t) @ w, TABLE, (WIDTH, 7))
    after = compute_before_choosing(before)
    assert sizes_of(after, "matmul") == [(5, 7)]
    assert after.outputs[0].op.name == "index"
    assert_same_values(after, before)


def test_formulas_of_rows_alike_follow() -> None:
    def layer(c: Any, t: Any, w: Any, b: Any, scale: Any) -> Any:
        return gg.tanh(embed(c, t) @ w + b) * scale

    for shapes in (((7,), ()), ((1, 7), (1, 1, 1)), ((1, 1, 7), (7,))):
        before = traced(layer, TABLE, (WIDTH, 7), *shapes)
        after = compute_before_choosing(before)
        assert sizes_of(after, "matmul") == sizes_of(after, "tanh") == sizes_of(after, "multiply") == [(5, 7)]
        assert_same_values(after, before)


@pytest.mark.parametrize("turned", [False, True])
def test_a_sum_over_chosen_rows_adds_up_the_others_first(turned: bool) -> None:
    def gradient(c: Any, t: Any, g: Any) -> Any:
        rows = flat(gg.permute_dims(embed(c, t), (1, 0, 2)))
        return g.T @ rows if turned else rows.T @ g

    before = traced(gradient, TABLE, (120, 7))
    after = compute_before_choosing(before)
    assert sizes_of(after, "index_add") == [(5, 7)]
    assert not sizes_of(after, "index")
    assert_same_values(after, before)


@pytest.mark.parametrize("is_flat", [False, True])
@pytest.mark.parametrize("arranged", ARRANGED)
def test_rows_of_a_product_are_added_up_first(arranged: str, is_flat: bool) -> None:
    """The gradient of the table: by a function that is linear in it."""

    def gradient(c: Any, t: Any, w: Any, g: Any) -> Any:
        def loss(t: Any) -> Any:
            rows = ARRANGED[arranged](c, t)
            return gg.sum(flat((flat(rows) if is_flat else rows) @ w) * g)

        return gg.grad(loss)(t)

    before = traced(gradient, TABLE, (WIDTH, WIDTH), (120, WIDTH))
    after = compute_before_choosing(before)
    assert sizes_of(after, "index_add") == [(5, WIDTH)]
    assert (5, WIDTH) in sizes_of(after, "matmul")
    assert (120, WIDTH) not in sizes_of(after, "matmul")
    assert_same_values(after, before)


def test_what_gains_nothing_stays() -> None:
    def by_column(c: Any, t: Any, w: Any) -> Any:
        return gg.take(t, c, axis=1) @ w

    def read_twice(c: Any, t: Any, x: Any, w: Any) -> Any:
        product = x @ w
        _, back = gg.vjp(lambda t: embed(c, t), t)
        return product, back(product)

    def read_twice_in_another_shape(c: Any, t: Any, x: Any, w: Any) -> Any:
        product = x @ w
        _, back = gg.vjp(lambda t: embed(gg.reshape(c, (4, 30)), t), t)
        return product, back(gg.reshape(product, (4, 30, WIDTH)))

    def with_other_rows(c: Any, t: Any, w: Any) -> Any:
        return embed(c, t) * w

    for function, chosen, shapes in (
        (lambda c, t, w: embed(c, t) @ w, (9,), (TABLE, (WIDTH, 7))),  # hardly more rows than the table has
        (lambda c, t, w: embed(c, t) @ w, (120,), ((5, 8), (8, 7))),  # less work than moving the results
        (lambda c, t, w: embed(c, t)[:, ::2] @ w, (120,), (TABLE, (WIDTH // 2, 7))),
        (lambda c, t, w: gg.flip(embed(c, t), axis=0) @ w, (120,), (TABLE, (WIDTH, 7))),
        (lambda c, t, w: gg.reshape(embed(c, t), (60, 2 * WIDTH)) @ w, (120,), (TABLE, (2 * WIDTH, 7))),
        (lambda c, t, w: embed(c, t) @ w, (120,), (TABLE, (120, WIDTH, 7))),
        (by_column, (120,), ((5, WIDTH), (120, 7))),
        (read_twice, (120,), (TABLE, (120, WIDTH), (WIDTH, WIDTH))),
        (read_twice_in_another_shape, (120,), (TABLE, (120, WIDTH), (WIDTH, WIDTH))),
        (lambda c, t: gg.tanh(embed(c, t)), (9,), (TABLE,)),
        (with_other_rows, (120,), (TABLE, (120, WIDTH))),
        (with_other_rows, (120,), (TABLE, (120, 1))),
    ):
        before = traced(function, *shapes, chosen=chosen)
        assert compute_before_choosing(before).body == before.body


def test_a_table_chosen_from_itself_is_one_step() -> None:
    before = traced(lambda c, t: embed(c, t) * embed(c, t), TABLE)
    assert steps_of(compute_before_choosing(before)) == ["index", "index", "multiply"]
    shared = traced(lambda c, t: (lambda rows: rows * rows)(embed(c, t)), TABLE)
    after = compute_before_choosing(shared)
    assert steps_of(after) == ["multiply", "index"]
    assert_same_values(after, shared)


def test_a_graph_without_rows_stays() -> None:
    before = graph_of(lambda a, b: a @ b + 1.0, (3, 4), (4, 5))
    assert compute_before_choosing(before).body == before.body


def test_machine_code(rng: np.random.Generator) -> None:
    """An embedding and two layers, loss and gradients, against NumPy's sums in float64."""
    table, w, v = rng.normal(size=TABLE), rng.normal(size=(WIDTH, 32)), rng.normal(size=(32, 3))
    bias, chosen = rng.normal(size=32), rng.integers(0, 5, size=(16, 40))

    def loss(table: Any, w: Any, bias: Any, v: Any) -> Any:
        hidden = gg.tanh(gg.permute_dims(embed(gg.asarray(chosen), table), (1, 0, 2)) @ w + bias)
        return gg.sum((hidden @ v) ** 2)

    given = [gg.asarray(x, "float64") for x in (table, w, bias, v)]
    found, (g_table, g_w, g_bias, g_v) = gg.compile(gg.value_and_grad(loss, argnums=(0, 1, 2, 3)))(*given)

    rows = table[chosen.T.reshape(-1)]
    hidden = np.tanh(rows @ w + bias)
    out = hidden @ v
    back = (2 * out @ v.T) * (1 - hidden**2)
    by_row = np.zeros(TABLE)
    np.add.at(by_row, chosen.T.reshape(-1), back @ w.T)
    np.testing.assert_allclose(found.numpy(), (out**2).sum(), rtol=1e-12)
    for a, b in ((g_table, by_row), (g_w, rows.T @ back), (g_bias, back.sum(0)), (g_v, hidden.T @ (2 * out))):
        np.testing.assert_allclose(a.numpy(), b, rtol=1e-10, atol=1e-10)
