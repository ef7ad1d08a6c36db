"""Parameters and buffers that a compiled function reads and assigns, in every order."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from compared import assert_close

import glassgrad as gg
from glassgrad.compiler import compile

X = gg.asarray([1.0, -2.0, 3.0])


class Cells:
    """Two buffers and a parameter."""

    def __init__(self) -> None:
        self.a, self.b = gg.nn.Buffer([1.0, 2.0, 3.0]), gg.nn.Buffer([10.0, 20.0, 30.0])
        self.p = gg.nn.Parameter([0.5, -0.5, 2.0])

    def values(self) -> list[Any]:
        return [cell.numpy().copy() for cell in (self.a, self.b, self.p)]


def swap(c: Cells, x: Any) -> Any:
    a, b = c.a + 0.0, c.b + 0.0
    c.a.assign(b)
    c.b.assign(a)
    return x


def swap_as_they_are(c: Cells, x: Any) -> Any:
    old = c.a.detach()
    c.a.assign(c.b)
    c.b.assign(old)
    return x


def assign_twice(c: Cells, x: Any) -> Any:
    before = c.a * 1.0
    c.a.assign(c.a + x)
    between = c.a * 1.0
    c.a.assign(c.a * 2.0)
    return before, between, c.a * 1.0


def one_value_in_two(c: Cells, x: Any) -> Any:
    y = gg.tanh(x) + c.a
    c.a.assign(y)
    c.b.assign(y)
    return y


def numbers_and_arrays(c: Cells, x: Any) -> Any:
    c.a.assign([1.0, 1.0, 1.0])
    c.b.assign(np.ones(3, np.float32) * 4)
    return c.a + c.b + x


def differentiate_around(c: Cells, x: Any) -> Any:
    loss = gg.sum(c.p * c.p * x)
    c.p.grad = None
    loss.backward()
    c.p.assign(c.p - 0.1 * c.p.grad)
    second = gg.sum(c.p * x)
    c.p.grad = None
    second.backward()
    gradient = c.p.grad
    c.p.grad = None
    return loss, gradient, second


def clip_gradients(c: Cells, x: Any) -> Any:
    c.p.grad = None
    gg.sum(gg.sin(c.p) * x).backward()
    norm = gg.sqrt(gg.sum(c.p.grad * c.p.grad))
    c.p.grad = c.p.grad * gg.minimum(1.0, 0.1 / norm)
    c.p.assign((c.p - c.p.grad).detach())
    return norm


def moving_average(c: Cells, x: Any) -> Any:
    differentiate_around(c, x)
    c.a.assign(0.9 * c.a + 0.1 * c.p.detach())
    return c.a + 0.0


def read_through_grad(c: Cells, x: Any) -> Any:
    return gg.grad(lambda x: gg.sum(x * x * c.p))(x), gg.jvp(lambda x: x * c.b, (x,), (x,))


def assign_unchanged(c: Cells, x: Any) -> Any:
    c.a.assign(c.a)
    c.b.assign(c.b[::-1])
    return x * 1.0


FUNCTIONS: list[Callable[..., Any]] = [
    swap,
    swap_as_they_are,
    assign_twice,
    one_value_in_two,
    numbers_and_arrays,
    differentiate_around,
    clip_gradients,
    moving_average,
    read_through_grad,
    assign_unchanged,
]


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: function.__name__)
def test_cells(function: Any) -> None:
    eager, traced = Cells(), Cells()
    compiled = compile(lambda x: function(traced, x))
    for call in range(4):
        x = X * (call + 1.0)
        assert_close(compiled(x), function(eager, x))
        for a, b in zip(traced.values(), eager.values(), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-5)
    assert compiled.compilations == 1


def test_values_taken_before_are_not_changed() -> None:
    cell = gg.nn.Buffer(np.zeros(50_000))
    compiled = compile(lambda: (cell.assign(cell + 1.0), None)[1])
    kept = []
    for call in range(5):
        kept.append(cell.numpy())
        compiled()
        for value, array in enumerate(kept):
            assert (array == value).all()
        assert cell.numpy()[0] == call + 1


def test_a_cell_that_dies_is_no_input_of_others() -> None:
    compiled = compile(lambda x: x + 1.0)
    cell = gg.nn.Buffer([1.0])
    compiled(X)
    del cell
    assert len(compiled.graph.inputs) == 1
