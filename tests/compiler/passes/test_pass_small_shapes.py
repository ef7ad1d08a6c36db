"""All passes keep the values of small products and chosen rows, in whichever way they are seen: sizes of 1 fit many ways.

What is right is what the function gives when it runs as it is.
"""

from collections.abc import Callable
from itertools import product
from typing import Any

import numpy as np
import pytest

import glassgrad as gg
from glassgrad.compiler.passes import chosen, simplify
from glassgrad.compiler.runtime.numpy import Program

SIZES = (1, 2, 3)
CHOSEN = ((1,), (4,), (2, 3), (6, 1), (2, 1, 3))

SEEN: dict[str, Callable[[Any], Any]] = {
    "as it is": lambda x: x,
    "transposed": gg.matrix_transpose,
    "turned": lambda x: gg.permute_dims(x, tuple(range(x.ndim))[::-1]),
    "reshaped": lambda x: gg.reshape(x, x.shape[::-1]),
    "flat": lambda x: gg.reshape(x, (-1,)),
    "first row": lambda x: x[:1],
    "first column": lambda x: x[..., :1],
    "first": lambda x: x[0],
    "backwards": gg.flip,
    "broadcast": lambda x: gg.broadcast_to(x, x.shape),
    "more axes": lambda x: gg.expand_dims(x, axis=0),
}


@pytest.fixture(autouse=True)
def always_before_choosing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chosen, "MOVED", 0)


def agrees(function: Callable[..., Any], *arrays: Any) -> bool:
    """Compare, where the function can be run on these; whether it could."""
    try:
        wanted = function(*map(gg.asarray, arrays))
    except gg.GlassgradError:
        return False
    graph = gg.trace(function, *(gg.Spec(array.shape, str(array.dtype)) for array in arrays))
    found = Program(simplify(graph))(list(arrays))
    for a, b in zip(found, wanted if isinstance(wanted, tuple) else (wanted,), strict=True):
        np.testing.assert_allclose(a, b.numpy(), rtol=1e-12, atol=1e-12)
        assert a.shape == b.shape
    return True


@pytest.mark.parametrize("first", SEEN)
@pytest.mark.parametrize("stack", [(), (2,)])
def test_products(first: str, stack: tuple[int, ...], rng: np.random.Generator) -> None:
    count = 0
    for (rows, summed, columns), then in product(product(SIZES, repeat=3), SEEN):
        a, b = rng.normal(size=(*stack, rows, summed)), rng.normal(size=(*stack, summed, columns))
        count += agrees(lambda a, b, then=then: gg.tanh(SEEN[then](SEEN[first](a @ b))), a, b)
    assert count >= 100


@pytest.mark.parametrize("seen", SEEN)
@pytest.mark.parametrize("late", [False, True])
def test_chosen_rows(seen: str, late: bool, rng: np.random.Generator) -> None:
    def layer(i: Any, table: Any, w: Any) -> Any:
        rows = gg.take(table, i, axis=0)
        return gg.tanh(SEEN[seen](rows @ w) if late else SEEN[seen](rows * 2.0) @ w)

    def gradients(i: Any, table: Any, w: Any) -> Any:
        return gg.grad(lambda table, w: gg.sum(layer(i, table, w)), argnums=(0, 1))(table, w)

    count = 0
    for (size, width, columns), shape in product(product(SIZES, repeat=3), CHOSEN):
        table, w = rng.normal(size=(size, width)), rng.normal(size=(width, columns))
        i = rng.integers(0, size, size=shape)
        count += agrees(layer, i, table, w) + agrees(gradients, i, table, w)
    assert count >= 20
