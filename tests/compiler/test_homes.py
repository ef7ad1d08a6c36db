"""Parts of a larger value are written where they belong in it; nothing else is, and results stay the same."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import glassgrad as gg
from glassgrad.compiler.kernels import Assembly, Units
from glassgrad.graph import Graph


def units(function: Callable[..., Any], *shapes: tuple[int, ...]) -> Units:
    return Units(gg.trace(function, *(gg.Spec(shape, "float64") for shape in shapes)))


def copies(found: Units) -> int:
    """How many parts are copied."""
    return sum(len(unit.parts) for unit in found.units if isinstance(unit, Assembly))


def agree(function: Callable[..., Any], *shapes: tuple[int, ...]) -> None:
    rng = np.random.default_rng(5)
    arrays = [gg.asarray(rng.normal(size=shape)) for shape in shapes]
    compiled = gg.compile(function)
    for found, wanted in zip(_listed(compiled(*arrays)), _listed(function(*arrays)), strict=True):
        np.testing.assert_allclose(found.numpy(), wanted.numpy(), rtol=1e-12, atol=1e-12)


def _listed(found: Any) -> Any:
    return found if isinstance(found, tuple | list) else [found]


def rows(x: Any) -> Any:
    return gg.concat([gg.sin(x), gg.cos(x), gg.exp(x)], axis=0)


FREE: dict[str, tuple[Callable[..., Any], tuple[tuple[int, ...], ...]]] = {
    "rows": (lambda x: rows(x) @ x.T, ((4, 9),)),
    "columns": (lambda x: gg.concat([gg.sin(x), gg.cos(x)], axis=1) * 2.0, ((5, 16),)),
    "stacked, seen in another shape": (lambda x: gg.stack([gg.sin(x), x * 2.0]) @ x.T, ((3, 8),)),
    "sums": (lambda x: gg.stack([gg.sum(x, axis=0), gg.max(x, axis=0)]) * 2.0, ((4, 16),)),
    "a whole within a whole": (lambda x: gg.concat([rows(x), rows(x * 2.0)], axis=0) @ x.T, ((2, 8),)),
    "products": (lambda x: gg.concat([x @ x.T, x @ gg.sin(x).T], axis=1) * 2.0, ((16, 9),)),
    "products with long sums": (lambda x: gg.concat([x.T @ x, x.T @ gg.sin(x)]) * 2.0, ((4096, 8),)),
    "products with long sums side by side": (
        lambda x: gg.concat([x.T @ x, x.T @ gg.sin(x)], axis=1) * 2.0,
        ((4096, 8),),
    ),
    "stacks of products side by side": (
        lambda x: gg.reshape(gg.permute_dims(x @ gg.matrix_transpose(x), (1, 0, 2)), (12, 36)) * 2.0,
        ((3, 12, 5),),
    ),
    "a reshape that would copy": (
        lambda x: gg.reshape(gg.permute_dims(gg.sin(x), (1, 0, 2)), (4, 24)) @ gg.reshape(x, (24, 4)),
        ((3, 4, 8),),
    ),
    "read by others too": (
        lambda x: (s := gg.sin(x), gg.concat([s, gg.cos(x)], axis=1) * 2.0 + s[:1, :1])[1],
        ((3, 8),),
    ),
}


@pytest.mark.parametrize("name", FREE)
def test_nothing_is_copied(name: str) -> None:
    function, shapes = FREE[name]
    assert copies(units(function, *shapes)) == 0
    agree(function, *shapes)


COPIED: dict[str, tuple[Callable[..., Any], tuple[tuple[int, ...], ...], int]] = {
    "an input": (lambda x: gg.concat([x, gg.sin(x)], axis=0) * 2.0, ((2, 8),), 1),
    "a result": (lambda x: (s := gg.sin(x), gg.concat([s, gg.cos(x)], axis=0) * 2.0), ((2, 8),), 1),
    "one value at two places": (lambda x: (s := gg.sin(x), gg.concat([s, s], axis=0) * 2.0)[1], ((2, 8),), 1),
    "in two wholes": (
        lambda x: (s := gg.sin(x), gg.concat([s, gg.cos(x)]) @ gg.concat([s, gg.exp(x)]).T)[1],
        ((2, 8),),
        1,
    ),
    "few elements in a row": (lambda x: gg.concat([gg.sin(x), gg.cos(x)], axis=1) * 2.0, ((9, 3),), 2),
    "seen elsewhere in a shape that would need a copy": (
        lambda x: (s := gg.sin(x), gg.concat([s, gg.cos(x)], axis=1) @ gg.reshape(s, (32, 3)))[1],
        ((6, 16),),
        1,
    ),
    "only a piece of what is made": (lambda x: gg.concat([gg.sin(x)[:, 1:], x], axis=1) * 2.0, ((2, 9),), 2),
    "a row written across": (
        lambda x: gg.concat([gg.sin(x).T, gg.cos(x).T], axis=1) * 3.0,
        ((16, 8),),
        2,
    ),
    "zeros around": (lambda x: gg.pad(gg.sin(x), [(1, 1), (0, 0)]) @ x.T, ((2, 8),), 1),
}


@pytest.mark.parametrize("name", COPIED)
def test_what_must_be_copied(name: str) -> None:
    function, shapes, count = COPIED[name]
    assert copies(units(function, *shapes)) == count
    agree(function, *shapes)


def test_a_whole_lives_from_its_first_part_on() -> None:
    found = units(lambda x: gg.concat([gg.sin(x @ x), gg.cos(gg.sin(x @ x) @ x)], axis=0) @ x, (8, 8))
    whole = next(node for node in found.graph.body if node.op.name == "concat")
    parts = [found.born[node] for node in whole.inputs]
    assert found.written[whole] == min(parts)
    assert found.born[whole] == max(parts)


def test_a_long_chain_of_views() -> None:
    def function(x: Any) -> Any:
        y = gg.sin(x)
        for _ in range(3000):
            y = gg.reshape(y, (4, 8) if y.ndim == 1 else (32,))
        return gg.concat([gg.reshape(y, (32,)), gg.reshape(x, (32,))]) * 2.0

    graph = gg.trace(function, gg.Spec((32,), "float64"))
    assert isinstance(graph, Graph)
    assert copies(Units(graph)) == 1


def test_the_gradient_of_an_unrolled_recurrence() -> None:
    def loss(w: Any, x: Any) -> Any:
        state, states = gg.zeros((4, 8), dtype=gg.float64), []
        for t in range(5):
            gates = gg.tanh(state @ w + x[t])
            state = gates[:, :8] * gates[:, 8:]
            states.append(state)
        return gg.sum(gg.stack(states) ** 2)

    agree(gg.grad(loss, argnums=(0, 1)), (8, 16), (5, 4, 16))
