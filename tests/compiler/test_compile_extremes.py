"""Values at the edge in every kind of kernel: NaN, infinities, integers that overflow, arrays with nothing in them.

The witness is eager execution, that is NumPy, element by element.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from compared import assert_same

import glassgrad as gg
from glassgrad import nn
from glassgrad.compiler import compile
from glassgrad.nn import functional

NAN, INF = np.nan, np.inf

# every kind of unit: maps, folds over some and all axes, products, assemblies, gathers, pools, scans, fallbacks
KINDS: dict[str, Callable[..., Any]] = {
    "arithmetic": lambda x, y: (x + y, x - y, x * y, x / y, -x, gg.abs(x), gg.sign(x)),
    "comparison": lambda x, y: (x < y, x <= y, x == y, x != y, x > y, x >= y),
    "tests": lambda x, y: (gg.isnan(x), gg.isinf(x), gg.isfinite(x), gg.logical_not(x > y)),
    "where": lambda x, y: (gg.where(x > y, x, y), gg.where(gg.isnan(x), y, x), gg.where(x == x, x, 0.0)),
    "extrema": lambda x, y: (gg.maximum(x, y), gg.minimum(x, y), gg.maximum(y, x), gg.clip(x, -1.0, 1.0)),
    "functions": lambda x, y: (gg.exp(x), gg.log(gg.abs(x)), gg.tanh(x), gg.sqrt(gg.abs(x)), gg.sigmoid(x)),
    "activations": lambda x, y: (
        functional.relu(x),
        functional.gelu(x),
        functional.silu(x),
        functional.softplus(x),
        functional.elu(x),
        functional.leaky_relu(x),
    ),
    "folds": lambda x, y: (
        gg.sum(x),
        gg.sum(x, axis=0),
        gg.sum(x, axis=1),
        gg.mean(x, axis=1),
        gg.prod(x, axis=1),
    ),
    "largest": lambda x, y: (gg.max(x), gg.min(x), gg.max(x, axis=0), gg.min(x, axis=0), gg.max(x, axis=1)),
    "largest of a formula": lambda x, y: (gg.max(x + y, axis=1), gg.min(x - y, axis=1), gg.max(x * 2.0)),
    "places": lambda x, y: (gg.argmax(x, axis=1), gg.argmin(x, axis=0)),
    "any and all": lambda x, y: (gg.any(x > y), gg.all(x == x, axis=0), gg.any(gg.isnan(x), axis=1)),
    "softmax": lambda x, y: (functional.softmax(x, 1), functional.log_softmax(x, 0), gg.logsumexp(x, axis=1)),
    "normalised": lambda x, y: functional.layer_norm(x, (x.shape[1],)),
    "product": lambda x, y: (x @ y.T, x.T @ y, x[0] @ y[0]),
    "assembly": lambda x, y: (gg.concat([x, y]), gg.pad(x, ((1, 0), (0, 2))), gg.stack([x, y], axis=1)),
    "gather": lambda x, y: (x[gg.asarray([2, 0, 2])], gg.take(x, gg.asarray([1, 1]), axis=1)),
    "running": lambda x, y: (gg.cumulative_sum(x, axis=1), gg.cumulative_sum(x, axis=0)),
    "pool": lambda x, y: (functional.max_pool2d(x[None, None], 2), functional.avg_pool2d(x[None, None], 2)),
    "sorted": lambda x, y: (gg.sort(x, axis=1), gg.sort(x, axis=0)),
    "views": lambda x, y: (x[::-1].T + y.T, x[:, ::2] * 2.0, gg.flip(x, axis=1)),
    "cross-entropy": lambda x, y: functional.cross_entropy(x, gg.asarray([0, 1, 2, 0])),
}


def special(dtype: str, *values: float) -> Any:
    """Ordinary numbers, with these among them in different rows and columns."""
    x = np.random.default_rng(0).normal(size=(4, 6)).astype(dtype)
    for place, value in enumerate(values):
        x[place % 4, (5 * place + 1) % 6] = value
    return gg.asarray(x)


def same_bits_of_nan(found: Any, wanted: Any) -> None:
    """NaN in the same places, infinities of the same sign."""
    left, right = (np.asarray(x.numpy()) for x in (found, wanted))
    np.testing.assert_array_equal(np.isnan(left), np.isnan(right))
    np.testing.assert_array_equal(np.where(np.isinf(left), left, 0), np.where(np.isinf(right), right, 0))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("kind", KINDS)
def test_nan_and_infinity_are_as_in_eager(kind: str, dtype: str) -> None:
    function = KINDS[kind]
    y = special(dtype, 0.5, NAN, INF, -INF)
    for values in ((NAN,), (INF,), (-INF,), (NAN, INF), (INF, -INF), (NAN, NAN, -INF, INF), (0.0, -0.0)):
        assert_same(function, special(dtype, *values), y, calls=2)


@pytest.mark.parametrize(
    "kind", sorted(set(KINDS) - {"comparison", "tests", "any and all", "places", "gather", "where"})
)
def test_a_nan_reaches_what_depends_on_it(kind: str) -> None:
    """Not only as in eager: a result that is all NaN because every input is."""
    everything = gg.asarray(np.full((4, 6), NAN, np.float32))
    results = compile(KINDS[kind])(everything, everything)
    for result in results if isinstance(results, tuple) else [results]:
        if kind not in ("assembly",):  # padding stays what it is
            assert np.isnan(result.numpy()).all(), kind


@pytest.mark.parametrize("kind", ["extrema", "largest", "where", "softmax", "pool", "activations", "product"])
def test_nan_in_gradients_is_as_in_eager(kind: str) -> None:
    function = KINDS[kind]

    def loss(x: Any, y: Any) -> Any:
        return sum(gg.sum(part) for part in function(x, y))

    for values in ((NAN,), (INF, NAN), (-INF,)):
        x, y = special("float64", *values), special("float64", 0.25)
        found, wanted = (kind_of(gg.grad(loss, argnums=(0, 1)))(x, y) for kind_of in (compile, lambda f: f))
        for left, right in zip(found, wanted, strict=True):
            same_bits_of_nan(left, right)


INTEGERS = ["int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"]


@pytest.mark.parametrize("dtype", INTEGERS)
def test_integers_overflow_as_in_eager(dtype: str) -> None:
    limits = np.iinfo(dtype)
    values = np.array(
        [limits.min, limits.min + 1, 0, 1, 2, limits.max - 1, limits.max, limits.max // 2], dtype
    )
    x, y = gg.asarray(values), gg.asarray(values[::-1].copy())
    small = gg.asarray(np.array([1, 2, 3, 1, 2, 3, 1, 2], dtype))
    assert_same(lambda x, y: (x + y, x - y, x * y, x + x, x * x, x - 1), x, y)
    assert_same(lambda x, y: (x // y, x % y), x, small)
    assert_same(lambda x: (gg.sum(x), gg.prod(x), gg.max(x), gg.min(x), gg.cumulative_sum(x)), x)
    assert_same(lambda x, y: (x < y, gg.maximum(x, y), gg.where(x > y, x, y)), x, y)
    assert_same(lambda x, y: (x & y, x | y, x ^ y, ~x, x << 1, x >> 1), x, y)
    if limits.min < 0:
        assert_same(lambda x: (-x, gg.abs(x), gg.sign(x)), x)
    assert_same(lambda x, y: x[:, None] @ y[None, :], x, y)


@pytest.mark.parametrize("target", ["int8", "uint8", "int16", "int32", "int64", "bool"])
def test_integers_are_narrowed_as_in_eager(target: str) -> None:
    x = gg.asarray(np.array([0, 1, -1, 127, 128, 255, 256, 2**31, -(2**31) - 1, 2**40 + 3], np.int64))
    assert_same(lambda x: gg.astype(x, getattr(gg, target if target != "bool" else "bool")), x)


@pytest.mark.parametrize("shape", [(0,), (0, 3), (3, 0), (2, 0, 4), (0, 0)])
def test_arrays_with_nothing_in_them(shape: tuple[int, ...]) -> None:
    x = gg.zeros(shape)
    assert_same(lambda x: (x + 1.0, gg.exp(x) * x, gg.sum(x), gg.sum(x, axis=0), gg.prod(x), x.T), x)
    assert_same(
        lambda x: (gg.concat([x, x]), gg.stack([x, x]), gg.reshape(x, (-1, 1) if x.ndim > 1 else (0, 1))), x
    )
    assert_same(lambda x: (gg.any(x > 0), gg.all(x > 0), gg.where(x > 0, x, 1.0), gg.sort(x)), x)
    assert_same(gg.grad(lambda x: gg.sum(x * x)), x)


def test_sums_of_nothing_beside_something() -> None:
    x, w = gg.zeros((3, 0)), gg.zeros((0, 4))
    assert_same(lambda x, w: (x @ w + 1.0, w @ gg.ones((4, 2)), gg.sum(x, axis=1) + 1.0), x, w)
    layer = nn.Linear(4, 2)
    compiled = compile(lambda x: layer(x))
    assert compiled(gg.zeros((0, 4))).shape == (0, 2)


@pytest.mark.parametrize("dtype", ["float32", "float64", "int32", "bool"])
def test_single_numbers(dtype: str) -> None:
    x = gg.asarray(np.array(3).astype(dtype))
    assert_same(
        lambda x: (x, gg.sum(x), gg.max(x), x[None], gg.reshape(x, (1, 1)), gg.broadcast_to(x, (2, 3))), x
    )
    assert_same(lambda x: (gg.where(x > 0, x, x), x == x, gg.astype(x, gg.float64) * 2.0), x)
    if dtype.startswith("float"):
        assert_same(gg.value_and_grad(lambda x: gg.sin(x) * x), x)
        assert_same(lambda x: (gg.cumulative_sum(x[None]), gg.concat([x[None], x[None]])), x)


def test_memory_that_nobody_has_is_an_error_that_names_the_value() -> None:
    column, row = gg.ones((1 << 21, 1)), gg.ones((1, 1 << 21))

    def function(column: Any, row: Any) -> Any:
        product = column @ row
        return gg.sum(product @ gg.ones((1 << 21, 2)))

    for _ in range(2):
        with pytest.raises(
            MemoryError,
            match=r"Unable to allocate.*The largest value is float32\[2097152, 2097152\], from matmul at "
            r"test_compile_extremes.py:\d+",
        ):
            compile(function)(column, row)
    assert compile(lambda x: x + 1.0)(gg.ones(2)).tolist() == [2.0, 2.0]
