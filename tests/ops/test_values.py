"""The value of every public function in float64, against NumPy or against its definition written in NumPy."""

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import glassgrad as gg

RNG = np.random.default_rng(11)
X = RNG.normal(size=(2, 3, 4))
Y = RNG.normal(size=(3, 1))
POSITIVE = RNG.uniform(0.2, 3.0, (3, 4))
UNIT = RNG.uniform(-0.99, 0.99, (3, 4))
TIES = np.array([[1.0, 3.0, 1.0, 3.0], [2.0, 2.0, 2.0, 0.0]])
INTEGERS = np.array([[5, -3, 0], [7, 2, -1]])
TRUTH = np.array([[True, False, True], [False, False, True]])
SPECIAL = np.array([0.0, -0.0, 1.5, -2.5, 0.5, -0.5, np.inf, -np.inf, np.nan])
PLACES = np.array([[2, 0], [-1, 1]])

Case = tuple[Any, Callable[..., Any]]
CASES: dict[str, list[Case]] = {}


def same(name: str, reference: Callable[..., Any], *inputs: Any, **options: Any) -> None:
    """`gg.name(*inputs, **options)` must agree with NumPy's `reference` of the same arguments."""
    module, _, short = name.rpartition(".")
    function = getattr(getattr(gg, module) if module else gg, short)
    CASES.setdefault(name, []).append(
        (lambda: function(*inputs, **options), lambda: reference(*inputs, **options))
    )


def defined(name: str, reference: Any, *inputs: Any, **options: Any) -> None:
    """`gg.name(*inputs, **options)` must agree with the array `reference`, its definition."""
    CASES.setdefault(name, []).append((lambda: getattr(gg, name)(*inputs, **options), lambda: reference))


for name in ("add", "subtract", "multiply", "divide", "maximum", "minimum"):
    same(name, getattr(np, name), X, Y)
    same(name, getattr(np, name), SPECIAL, SPECIAL[:, None])
    same(name, getattr(np, name), INTEGERS, 3 * np.ones(3, np.int64)) if name != "divide" else None
same("remainder", np.remainder, X, Y)
same("remainder", np.remainder, INTEGERS, np.array([3, -2, 4]))
same("pow", np.power, POSITIVE, X)
same("pow", np.power, X, np.array([0.0, 1.0, 3.0, -1.0]))
same("pow", np.power, SPECIAL, SPECIAL[:, None])
same("pow", np.power, INTEGERS, np.array([0, 1, 3]))
for name in ("abs", "sign", "negative", "square", "floor", "ceil", "round", "trunc", "positive"):
    same(name, getattr(np, name), X)
    same(name, getattr(np, name), SPECIAL)
    same(name, getattr(np, name), INTEGERS)
same("reciprocal", np.reciprocal, SPECIAL)
COMPLEX = np.array([3 - 4j, -2.5 + 0.5j, 1e200 + 1e200j, 0j, complex(-0.0, -0.0), complex(np.inf, 1), -3.0])
for name, reference in {
    "abs": np.abs,
    "sign": np.sign,
    "real": np.real,
    "imag": np.imag,
    "conj": np.conj,
}.items():
    same(name, reference, COMPLEX if name != "sign" else COMPLEX[:4])
    same(name, reference, INTEGERS)
same("real", np.real, SPECIAL)
same("imag", np.imag, X)
same("conj", np.conj, X)
same("angle", np.angle, COMPLEX)
same("angle", np.angle, SPECIAL)
defined("complex", X + 1j * Y, X, Y)
same("round", np.round, np.array([2.5 - 3.5j, 0.4 + 0.6j]))
same("round", np.round, X, 2)
same("round", np.round, 1e3 * X, -2)
same("round", np.round, INTEGERS, 3)
for name in ("hypot", "copysign", "nextafter", "floor_divide"):
    same(name, getattr(np, name), X, Y)
    same(name, getattr(np, name), SPECIAL, SPECIAL[:, None])
same("floor_divide", np.floor_divide, INTEGERS, np.array([3, -2, 4]))
same("hypot", np.hypot, np.array([3e200, 3e-200, 0.0]), np.array([4e200, 4e-200, 0.0]))
same("signbit", np.signbit, SPECIAL)
for name in ("bitwise_and", "bitwise_or", "bitwise_xor"):
    same(name, getattr(np, name), INTEGERS, np.array([3, -7, 2**40]))
    same(name, getattr(np, name), TRUTH, TRUTH[::-1])
    same(name, getattr(np, name), INTEGERS.astype(np.int8), np.array([200, 3, 1], np.uint8))
same("bitwise_invert", np.invert, INTEGERS)
same("bitwise_invert", np.invert, np.array([0, 200], np.uint8))
same("bitwise_invert", np.invert, TRUTH)
same("bitwise_left_shift", np.left_shift, INTEGERS, np.array([0, 3, 62]))
same("bitwise_right_shift", np.right_shift, INTEGERS, np.array([0, 1, 62]))
same("clip", np.clip, X, -0.5, 0.5)
same("clip", np.clip, X, np.array([-1.0, -0.1, 0.0, 0.1]), 0.5)
same("clip", np.clip, SPECIAL, -1.0, None)
same("clip", np.clip, SPECIAL, None, 1.0)
same("clip", np.clip, INTEGERS, -1, 2)
same("clip", np.clip, INTEGERS, 0, None)
same("clip", np.clip, INTEGERS, None, 0)
same("clip", np.clip, X, 0.5, -0.5)
defined("clip", X, X)

for name in ("exp", "expm1", "sin", "cos", "tan", "sinh", "cosh", "tanh"):
    same(name, getattr(np, name), X)
    same(name, getattr(np, name), SPECIAL)
for name, reference in {"asin": np.arcsin, "acos": np.arccos}.items():
    same(name, reference, UNIT)
    same(name, reference, SPECIAL)
same("atan", np.arctan, X)
same("atan", np.arctan, SPECIAL)
same("atan2", np.arctan2, X, Y)
same("atan2", np.arctan2, SPECIAL, SPECIAL[:, None])
for name in ("log", "log1p", "sqrt"):
    same(name, getattr(np, name), POSITIVE)
    same(name, getattr(np, name), SPECIAL)
defined("log2", np.log2(POSITIVE), POSITIVE)
defined("log10", np.log10(POSITIVE), POSITIVE)
same("logaddexp", np.logaddexp, X, Y)
same("logaddexp", np.logaddexp, SPECIAL, SPECIAL[:, None])
defined("sigmoid", 1 / (1 + np.exp(-X)), X)
defined("softplus", np.log(1 + np.exp(X)), X)

defined("relu", np.where(X > 0, X, 0), X)
defined("relu", np.array([0, 3]), np.array([-2, 3]))
defined("leaky_relu", np.where(X > 0, X, 0.01 * X), X)
defined("leaky_relu", np.where(X > 0, X, 0.3 * X), X, 0.3)
defined("elu", np.where(X > 0, X, np.exp(X) - 1), X)
defined("elu", np.where(X > 0, X, 2.5 * (np.exp(X) - 1)), X, 2.5)
for axis in (0, 1, -1):
    defined("softmax", np.exp(X) / np.exp(X).sum(axis, keepdims=True), X, axis=axis)
    defined("log_softmax", np.log(np.exp(X) / np.exp(X).sum(axis, keepdims=True)), X, axis=axis)
for axis in (None, 0, -1, (0, 2)):
    for keepdims in (False, True):
        for name in ("sum", "mean", "prod", "max", "min", "std", "var"):
            same(name, getattr(np, name), X, axis=axis, keepdims=keepdims)
        for name in ("all", "any"):
            same(name, getattr(np, name), X > -0.5, axis=axis, keepdims=keepdims)
        wanted = np.log(np.exp(X).sum(axis, keepdims=keepdims))
        defined("logsumexp", wanted, X, axis=axis, keepdims=keepdims)
same("std", np.std, X, axis=1, correction=1)
same("var", np.var, X, axis=1, correction=1)
same("sum", np.sum, TRUTH, axis=1)
same("sum", np.sum, np.full(300, 255, np.uint8))
same("sum", np.sum, np.full(3, 2**31 - 1, np.int32))
same("prod", np.prod, np.full(3, 100, np.int8))
same("prod", np.prod, TRUTH, axis=1)
same("max", np.max, TRUTH, axis=0)
same("max", np.max, np.array([1 + 2j, 1 + 3j, 9j]))
same("min", np.min, np.array([1.0, np.nan, 0.0]))
same("all", np.all, INTEGERS, axis=0)
same("any", np.any, SPECIAL)
for axis in (None, 0, -1):
    for name in ("argmax", "argmin"):
        same(name, getattr(np, name), TIES, axis=axis, keepdims=axis is None)
        same(name, getattr(np, name), TIES, axis=axis)

for name in ("equal", "not_equal", "less", "less_equal", "greater", "greater_equal"):
    same(name, getattr(np, name), SPECIAL, SPECIAL[:, None])
    same(name, getattr(np, name), INTEGERS, 2 * np.ones(3))
same("logical_and", np.logical_and, TRUTH, TRUTH[::-1])
same("logical_xor", np.logical_xor, TRUTH, TRUTH[::-1])
same("logical_or", np.logical_or, TRUTH, TRUTH[::-1])
same("logical_not", np.logical_not, TRUTH)
for name in ("isnan", "isinf", "isfinite"):
    for values in (SPECIAL, INTEGERS, TRUTH, np.array([1j, complex(0, np.inf), complex(np.nan, 1), 2.0])):
        same(name, getattr(np, name), values)
same("where", np.where, X > 0, X, Y)
same("where", np.where, TRUTH, INTEGERS, 0.5 * np.ones(3))

same("matmul", np.matmul, X, X.swapaxes(1, 2))
same("matmul", np.matmul, X[0, 0], X.swapaxes(1, 2))
same("matmul", np.matmul, X, X[0, 0])
same("matmul", np.matmul, X[0, 0], X[0, 1])
same("matmul", np.matmul, INTEGERS, INTEGERS.T)
same("outer", np.outer, X[0, 0], X[0, 1, :2])
defined("vecdot", np.vecdot(X, X[:, :1]), X, X[:, :1])
defined("vecdot", np.vecdot(X, X[:1], axis=1), X, X[:1], axis=1)

same("astype", np.ndarray.astype, X, "float32")
same("astype", np.ndarray.astype, X, "int8")
same("astype", np.ndarray.astype, X, "complex128")
same("astype", np.ndarray.astype, INTEGERS, "bool")
same("broadcast_to", np.broadcast_to, Y, (2, 3, 4))
same("concat", np.concatenate, [X, Y * np.ones((2, 3, 1))], axis=2)
same("concat", np.concatenate, [X, Y], axis=None)
same("concat", np.concatenate, [INTEGERS, 0.5 * TRUTH])
same("expand_dims", np.expand_dims, X, 1)
same("expand_dims", np.expand_dims, X, -1)
defined("flatten", X.reshape(24), X)
defined("flatten", X.reshape(2, 12), X, 1)
defined("flatten", X.reshape(2, 12), X, -2)
same("flip", np.flip, X)
same("flip", np.flip, X, axis=(0, -1))
same("matrix_transpose", np.matrix_transpose, X)
same("moveaxis", np.moveaxis, X, 0, 2)
same("moveaxis", np.moveaxis, X, -1, 0)
same("pad", np.pad, X, [(1, 0), (0, 0), (2, 1)])
same("permute_dims", np.permute_dims, X, (2, 0, 1))
same("permute_dims", np.permute_dims, X, (-1, 1, 0))
same("reshape", np.reshape, X, (4, -1))
same("reshape", np.reshape, X, 24)
same("squeeze", np.squeeze, Y[None], 0)
same("squeeze", np.squeeze, Y[None], (0, 2))
same("stack", np.stack, [X, -X, X], axis=1)
same("stack", np.stack, [X, -X], axis=-1)
defined("stop_gradient", X, X)

for axis in (0, -1):
    defined("argsort", np.argsort(TIES, axis, kind="stable"), TIES, axis=axis)
    # equal elements keep their order, so the largest first is the ascending order of the negatives
    defined("argsort", np.argsort(-TIES, axis, kind="stable"), TIES, axis=axis, descending=True)
    same("sort", np.sort, X, axis=axis)
    defined("sort", -np.sort(-X, axis), X, axis=axis, descending=True)
for k in (-1, 0, 2):
    same("tril", np.tril, X, k=k)
    same("triu", np.triu, X, k=k)
same("tril", np.tril, TRUTH)
same("take", np.take, X, PLACES, axis=1)
same("take", np.take, X[0, 0], PLACES)
same("take_along_axis", np.take_along_axis, X, np.argsort(X, 1), axis=1)
same("take_along_axis", np.take_along_axis, TIES, PLACES, axis=1)
defined("one_hot", np.eye(4, dtype=np.float32)[[2, 0, 3]], np.array([2, 0, 3]), 4)
defined("one_hot", np.eye(3, dtype=bool)[[[2], [0]]], np.array([[2], [0]]), 3, dtype="bool")

same("zeros", np.zeros, (2, 3), dtype="float64")
same("ones", np.ones, 3, dtype="int16")
same("empty", np.zeros, (2, 0), dtype="float32")
same("full", np.full, (2,), 7)
same("full", np.full, (2,), True)
same("full", np.full, (2, 1), 0.1, dtype="float64")
same("zeros_like", np.zeros_like, X)
same("zeros_like", np.zeros_like, INTEGERS)
same("zeros_like", np.zeros_like, X, dtype="int8")
same("ones_like", np.ones_like, INTEGERS)
same("ones_like", np.ones_like, X, dtype="int8")
same("full_like", np.full_like, X, 2)
same("full_like", np.full_like, INTEGERS, 2)
same("full_like", np.full_like, INTEGERS, 0.5, dtype="float64")
same("arange", np.arange, 5)
same("arange", np.arange, 2, 9, 3)
same("arange", np.arange, 5.0, 0.0, -0.5, dtype="float64")
same("linspace", np.linspace, 0.0, 1.0, 7, dtype="float64")
same("linspace", np.linspace, 0.0, 1.0, 7, dtype="float64", endpoint=False)
same("linspace", np.linspace, 0.0, 1.0, 0, dtype="float64")
same("empty_like", np.zeros_like, X)
same("eye", np.eye, 3, dtype="float64")
same("eye", np.eye, 2, 4, k=1, dtype="float64")


@pytest.mark.parametrize(
    ("name", "place"), [(name, place) for name, cases in CASES.items() for place in range(len(cases))]
)
def test_value(name, place):
    found, reference = CASES[name][place]
    with np.errstate(all="ignore"):
        wanted = np.asarray(reference())
    array = found().numpy()
    assert (array.shape, array.dtype) == (wanted.shape, wanted.dtype)
    # sums in another order, or another form of the same formula
    assert np.allclose(array, wanted, rtol=1e-14, atol=1e-15, equal_nan=True)


def test_every_public_function_has_a_value_test():
    elsewhere = {
        # tests/test_array_api
        *("__array_namespace_info__", "can_cast", "finfo", "iinfo", "isdtype", "meshgrid"),
        "result_type",
        *("convolution", "convolution_transpose", "unfold", "fold"),  # test_convolution, test_windows
        *("average_pool", "lp_pool", "max_pool", "interpolate"),  # test_pooling, test_resampling
        *("einsum", "tensordot"),  # test_contractions
        *("cummax", "cummin", "cumulative_prod", "cumulative_sum", "diff"),  # test_cumulative
        *("broadcast_arrays", "repeat", "roll", "tile", "unstack"),  # test_repeating
        *("count_nonzero", "nonzero", "searchsorted"),  # test_searching
        *("unique_all", "unique_counts", "unique_inverse", "unique_values"),  # test_searching
        *("median", "quantile", "top_k"),  # test_statistics
        *("scatter", "scatter_add"),  # test_scattering
        *("acosh", "asinh", "atanh", "erf", "erfc", "erfinv", "lgamma"),  # test_accuracy
        *("digamma", "polygamma", "logit", "xlogy"),  # test_accuracy
    }
    ops = {
        name
        for name, value in vars(gg).items()
        if inspect.isfunction(value) and value.__module__.startswith("glassgrad.ops")
    }
    assert ops - elsewhere == set(CASES)  # those of gg.linalg are in test_linalg_values


@pytest.mark.parametrize("name", ["floor", "ceil", "round", "trunc", "abs", "negative", "square"])
def test_integers_stay_integers(name):
    assert getattr(gg, name)(np.array([1, 2], np.int8)).dtype == gg.int8


@pytest.mark.parametrize(
    ("x1", "x2", "wanted"),
    [
        (np.array([7, 1]), np.array([2, 4]), [3.5, 0.25]),
        (np.array([True, False]), np.array([True, True]), [1.0, 0.0]),
        (np.array([3], np.uint8), 2, [1.5]),
    ],
)
def test_integers_are_divided_as_float32(x1, x2, wanted):
    quotient = gg.divide(x1, x2)
    assert quotient.dtype == gg.float32
    assert quotient.tolist() == wanted


@pytest.mark.parametrize(
    ("base", "exponent", "dtype"),
    [
        (np.array([3]), 2, "int64"),
        (np.array([3]), 2.0, "float32"),
        (np.array([3.0]), 2, "float64"),
        (np.array([3.0]), 2.0, "float64"),
    ],
)
def test_the_dtype_of_a_power_does_not_depend_on_the_value_of_the_exponent(base, exponent, dtype):
    assert gg.pow(base, exponent).dtype == gg.pow(base, exponent + 1).dtype == dtype
    assert gg.pow(base, exponent).tolist() == [9]


def test_where_with_two_python_numbers_takes_their_common_dtype():
    condition = np.array([True, False])
    assert gg.where(condition, 1, 2).dtype == gg.int64
    assert gg.where(condition, 1, 2.5).tolist() == [1.0, 2.5]
    assert gg.where(condition, 2.5, 1).tolist() == [2.5, 1.0]
    assert gg.where(condition, True, False).dtype == gg.bool_


def test_defaults_of_creation_are_float32():
    unit = gg.arange(0.0, 1.0, 0.25)
    for made in (
        gg.zeros(2),
        gg.ones(2),
        gg.empty(2),
        gg.full(2, 0.5),
        unit,
        gg.linspace(0, 1, 3),
        gg.eye(2),
    ):
        assert made.dtype == gg.float32
    assert unit.tolist() == [0.0, 0.25, 0.5, 0.75]
    assert gg.full(2, 1j).dtype == gg.complex64


def test_softmax_and_its_logarithm_of_large_and_infinite_inputs():
    assert gg.softmax(gg.asarray([1000.0, 1000.0, -1000.0])).tolist() == [0.5, 0.5, 0.0]
    assert gg.softmax(gg.asarray([-np.inf, 0.0])).tolist() == [0.0, 1.0]
    assert gg.log_softmax(gg.asarray([-np.inf, 0.0])).tolist() == [-np.inf, 0.0]
    assert np.isnan(gg.softmax(gg.asarray([-np.inf, -np.inf])).numpy()).all()


def test_logsumexp_of_infinities():
    assert gg.logsumexp(gg.asarray([-np.inf, -np.inf])).item() == -np.inf
    assert gg.logsumexp(gg.asarray([np.inf, 0.0])).item() == np.inf
    assert np.isnan(gg.logsumexp(gg.asarray([np.nan, 0.0])).item())
    assert gg.logsumexp(np.array([1000.0, 1000.0])).item() == pytest.approx(1000 + np.log(2), rel=1e-15)


def test_statistics_of_integers_are_float32():
    for function in (gg.mean, gg.var, gg.std):
        assert function(np.array([1, 2, 6])).dtype == gg.float32
    assert gg.mean(np.array([1, 2, 6])).item() == 3.0
    assert gg.var(np.array([1, 2, 6])).item() == pytest.approx(14 / 3, rel=1e-6)


def test_sums_are_accurate_along_every_axis():
    """100,000 float32 numbers of size 1: added one after the other, the error would be of the order of 1e-3."""
    x = np.random.default_rng(0).uniform(0.5, 1.5, (100_000, 2)).astype(np.float32)
    exact = x.astype(np.float64).sum(0)
    assert np.allclose(gg.sum(x, axis=0).numpy(), exact, rtol=2e-7)
    assert np.allclose(gg.sum(x.T, axis=1).numpy(), exact, rtol=2e-7)
    assert np.allclose(gg.sum(x.T.copy(), axis=1).numpy(), exact, rtol=2e-7)
    assert np.allclose(gg.sum(x).numpy(), exact.sum(), rtol=2e-7)
    assert np.allclose(gg.sum(x[:, :1]).numpy(), exact[0], rtol=2e-7)
    assert gg.sum(x, axis=0).dtype == gg.float32


def test_sums_of_half_precision_are_rounded_once():
    x = np.random.default_rng(0).uniform(0, 0.01, 10_000).astype(np.float16)
    assert gg.sum(x).item() == np.float16(x.astype(np.float64).sum())
    assert (
        gg.sum(x.reshape(100, 100), axis=0).tolist()
        == x.reshape(100, 100).astype(np.float64).sum(0).astype(np.float16).tolist()
    )


def test_variance_of_too_few_elements_is_no_number():
    assert np.isnan(gg.var(gg.asarray([1.5]), correction=1).item())
    assert gg.var(gg.asarray([1.0, 2.0]), correction=3).item() == np.inf
