"""New values of cells in the memory of the old ones, in functions that read the old values in every way."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from compared import assert_close
from fast_calls import WARM

import glassgrad as gg
from glassgrad.compiler import compile

pytestmark = pytest.mark.usefixtures("short_and_long")


class Three:
    """Three square cells."""

    def __init__(self) -> None:
        rng = np.random.default_rng(1)
        self.cells = [gg.nn.Buffer(rng.normal(size=(6, 6))) for _ in range(3)]

    def values(self) -> list[Any]:
        return [cell.numpy().copy() for cell in self.cells]


INDEX = gg.asarray([3, 1, 1, 0, 5, 2])


def transposed_and_itself(a: Any, b: Any, c: Any, x: Any) -> Any:
    a.assign(a + a.T)


def a_row_of_itself(a: Any, b: Any, c: Any, x: Any) -> Any:
    a.assign(a * 0.5 + a[2])


def its_first_row(a: Any, b: Any, c: Any, x: Any) -> Any:
    a.assign(a * 0.5 + a[:1])


def one_value_in_two(a: Any, b: Any, c: Any, x: Any) -> Any:
    value = gg.tanh(a + b)
    a.assign(value)
    b.assign(value)
    c.assign(gg.sum(c, axis=0, keepdims=True) * 0.1 + c)


def backwards(a: Any, b: Any, c: Any, x: Any) -> Any:
    a.assign(a[::-1] - a)


def chosen_rows(a: Any, b: Any, c: Any, x: Any) -> Any:
    a.assign(a[INDEX] + x)


def put_into_itself(a: Any, b: Any, c: Any, x: Any) -> Any:
    a.assign(a.at[INDEX].add(a[::-1]))


def without_its_mean(a: Any, b: Any, c: Any, x: Any) -> Any:
    a.assign(a - gg.mean(a, axis=0, keepdims=True))
    return gg.sum(a, axis=0)


def sums_beside_the_update(a: Any, b: Any, c: Any, x: Any) -> Any:
    old = a * 1.0
    a.assign(a * 0.5 + x)
    return gg.sum(old * old, axis=0), gg.sum(a, axis=0), gg.max(old, axis=1)


def product_with_the_old_value(a: Any, b: Any, c: Any, x: Any) -> Any:
    old = a.detach()
    a.assign(gg.tanh(a) + x)
    return (old * 1.0) @ gg.tanh(a), a.T + 0.0


def one_after_the_other(a: Any, b: Any, c: Any, x: Any) -> Any:
    a.assign(a + b)
    b.assign(b * 0.5 + a)
    c.assign(gg.sin(c) + a * b)


def around(a: Any, b: Any, c: Any, x: Any) -> Any:
    first = a + 0.0
    a.assign(b * 1.5)
    b.assign(c + a)
    c.assign(first + b)


def old_value_returned(a: Any, b: Any, c: Any, x: Any) -> Any:
    old = a.detach()
    a.assign(a + x)
    return gg.reshape(old, (36,)), old.T


def new_value_returned(a: Any, b: Any, c: Any, x: Any) -> Any:
    a.assign(a + x)
    b.assign(a.detach())
    return a + 0.0, a[1:3]


def parts_of_one(a: Any, b: Any, c: Any, x: Any) -> Any:
    a.assign(gg.concat([a[3:], a[:3] * 2.0], axis=0))
    b.assign(gg.concat([b[:2] * 2.0, b[2:]], axis=0))


def integers_and_where(a: Any, b: Any, c: Any, x: Any) -> Any:
    a.assign(gg.where(a > b, a, b))
    b.assign(gg.where(a > b.T, b, a))
    return gg.argmax(a, axis=0)


UPDATES: list[Callable[..., Any]] = [
    transposed_and_itself,
    a_row_of_itself,
    its_first_row,
    one_value_in_two,
    backwards,
    chosen_rows,
    put_into_itself,
    without_its_mean,
    sums_beside_the_update,
    product_with_the_old_value,
    one_after_the_other,
    around,
    old_value_returned,
    new_value_returned,
    parts_of_one,
    integers_and_where,
]


def assert_same_updates(function: Any) -> Any:
    """Compiled and as it is, a function of three cells and a tensor gives and leaves the same."""
    eager, traced = Three(), Three()
    compiled = compile(lambda x: function(*traced.cells, x))
    x = gg.asarray(np.random.default_rng(2).normal(size=(6, 6)))
    for _ in range(WARM + 3):
        assert_close(compiled(x), function(*eager.cells, x))
        for a, b in zip(traced.values(), eager.values(), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-9)
    return compiled


@pytest.mark.parametrize("function", UPDATES, ids=lambda function: function.__name__)
def test_updates(function: Any) -> None:
    assert_same_updates(function)


def random_update(seed: int) -> Any:
    """A function that reads three cells in many ways and assigns them, some several times."""

    def function(a: Any, b: Any, c: Any, x: Any) -> Any:
        rng = np.random.default_rng(seed)
        cells = [a, b, c]
        values = [x, a * 1.0, *(cell.detach() for cell in cells)]

        def some() -> Any:
            return values[rng.integers(len(values))] if rng.random() < 0.5 else cells[rng.integers(3)]

        ways = [
            lambda u, v: gg.sin(u) + v,
            lambda u, v: u * 0.5 - v,
            lambda u, v: gg.maximum(u, v.T),
            lambda u, v: gg.tanh(u @ v * 0.1),
            lambda u, v: u[::-1] * 0.3 + v,
            lambda u, v: gg.softmax(u) + v * 0.5,
            lambda u, v: gg.mean(u, axis=0) + gg.cos(v),
            lambda u, v: u[INDEX] * 0.5 + gg.sum(v, axis=1, keepdims=True) * 0.1,
            lambda u, v: gg.where(u > 0, u, v) * 0.9,
        ]
        for _ in range(8):
            values.append(ways[rng.integers(len(ways))](some(), some()))
            if rng.random() < 0.5:
                cells[rng.integers(3)].assign(gg.clip(some() * 0.8 + some() * 0.1, -3.0, 3.0))
        return values[-1], gg.sum(values[-2])

    return function


def test_random_updates(request: Any) -> None:
    shared = sum(len(assert_same_updates(random_update(seed)).last.program.in_place) for seed in range(30))
    assert shared >= 20
