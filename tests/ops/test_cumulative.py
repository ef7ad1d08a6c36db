"""Cumulative ops and differences: NumPy's and PyTorch's values and gradients, zeros and NaNs, and what is refused."""

import numpy as np
import pytest

import glassgrad as gg
from glassgrad.errors import ArgumentError, DTypeError, ShapeError

RNG = np.random.default_rng(3)
X = RNG.normal(size=(3, 4, 2))


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_values_are_numpys(axis):
    x = gg.asarray(X)
    assert np.array_equal(gg.cumulative_sum(x, axis=axis).numpy(), np.cumsum(X, axis))
    assert np.array_equal(gg.cumulative_prod(x, axis=axis).numpy(), np.cumprod(X, axis))
    assert np.array_equal(gg.cummax(x, axis=axis).numpy(), np.maximum.accumulate(X, axis))
    assert np.array_equal(gg.cummin(x, axis=axis).numpy(), np.minimum.accumulate(X, axis))
    for n in range(5):
        assert np.array_equal(gg.diff(x, axis=axis, n=n).numpy(), np.diff(X, n, axis))


def test_an_initial_element():
    x = np.array([[2, 3], [5, 7]])
    assert gg.cumulative_sum(x, axis=1, include_initial=True).tolist() == [[0, 2, 5], [0, 5, 12]]
    assert gg.cumulative_prod(x, axis=0, include_initial=True).tolist() == [[1, 1], [2, 3], [10, 21]]
    assert gg.cumulative_sum(gg.zeros(0), include_initial=True).tolist() == [0.0]


def test_dtypes():
    small = np.array([100, 100, 100], np.int8)
    assert gg.cumulative_sum(small).dtype == gg.int64
    assert gg.cumulative_sum(small).tolist() == [100, 200, 300]
    assert gg.cumulative_sum(small, dtype=gg.int8).tolist() == [100, -56, 44]
    assert gg.cumulative_prod(small, dtype=gg.float64).tolist() == [1e2, 1e4, 1e6]
    assert gg.cumulative_sum(np.array([True, True])).tolist() == [1, 2]
    assert gg.cumulative_sum(np.ones(3, np.uint8)).dtype == gg.uint64
    assert gg.cumulative_sum(np.ones(3, np.float16)).dtype == gg.float16


def test_single_precision_is_added_up_in_double():
    x = np.full(10**6, 0.1, np.float32)
    assert gg.cumulative_sum(x)[-1].item() == np.float32(np.float64(np.float32(0.1)) * 10**6)
    x = x + np.float32(0.1) * 1j
    found = gg.cumulative_sum(x.astype(np.complex64))[-1].item()
    assert abs(found - (2 + 1j) * float(np.float32(0.1)) * 10**6 + 1e5) < 1e-2  # a spacing of float32 there


def test_differences_undo_sums_and_join_what_is_around():
    x = gg.asarray(X)
    found = gg.diff(gg.cumulative_sum(x, axis=1, include_initial=True), axis=1)
    assert np.allclose(found.numpy(), X, rtol=1e-14)
    joined = gg.diff(x, axis=0, prepend=gg.zeros((1, 4, 2)), append=gg.ones((2, 4, 2)))
    around = np.diff(X, axis=0, prepend=np.zeros((1, 4, 2)), append=np.ones((2, 4, 2)))
    assert np.array_equal(joined.numpy(), around)
    assert gg.diff(gg.asarray([True, False, False])).tolist() == [True, False]
    assert gg.diff(gg.asarray([1.0]), n=3).shape == (0,)


def test_gradients_of_a_cumulative_product_with_zeros_are_pytorchs():
    torch = pytest.importorskip("torch")
    for x in ([2.0, 0.0, 3.0, 4.0], [0.0, 2.0, 0.0, 3.0], [0.0, 0.0, 0.0], [1.5, -2.0, 3.0]):
        weights = np.arange(1.0, len(x) + 1)
        witness = torch.tensor(x, dtype=torch.float64, requires_grad=True)
        (torch.cumprod(witness, 0) * torch.tensor(weights)).sum().backward()
        found = gg.grad(lambda x, w=weights: gg.sum(gg.cumulative_prod(x) * w))(np.array(x))
        assert np.allclose(found.numpy(), witness.grad.numpy(), rtol=1e-14)


def test_gradients_of_a_long_product_need_no_table():
    """A table of all pairs of factors would have 10^10 elements."""
    x = np.exp(RNG.normal(size=100_000) / 1000)
    x[500] = 0.0
    gradient = gg.grad(gg.prod)(x).numpy()
    assert np.isclose(gradient[500], np.prod(np.delete(x, 500)), rtol=1e-10)
    assert not np.delete(gradient, 500).any()


def test_complex_products_have_conjugate_slopes():
    """L = re(prod): the gradient is the conjugate of the product of the others."""
    z = RNG.normal(size=4) + 1j * RNG.normal(size=4)
    others = np.array([np.prod(np.delete(z, i)) for i in range(4)])
    assert np.allclose(gg.grad(lambda z: gg.real(gg.prod(z)))(z).numpy(), others.conj(), rtol=1e-13)
    last = gg.grad(lambda z: gg.real(gg.cumulative_prod(z)[-1]))(z).numpy()
    assert np.allclose(last, others.conj(), rtol=1e-13)


COMPLEX = {
    "cumulative_prod": gg.cumulative_prod,
    "cumulative_sum": gg.cumulative_sum,
    "diff": gg.diff,
    "mean": gg.mean,
    "multiply": lambda z: gg.asarray(z).at[np.array([0, 0, 2])].multiply(np.array([1 + 2j, 0.5j, -1 + 1j])),
    "prod": gg.prod,
    "repeat": lambda z: gg.repeat(z, [1, 2, 0, 1, 1]),
    "set": lambda z: gg.asarray(z).at[np.array([0, 0])].set(z[1:3]),
    "std": gg.std,
    "var": gg.var,
}


@pytest.mark.parametrize("name", COMPLEX)
def test_complex_tangents_and_cotangents(name):
    """The tangent against differences, the cotangent against the tangent: re <g, J dz> = re <J' g, dz>."""
    function = COMPLEX[name]
    z, dz = RNG.normal(size=(2, 5)) + 1j * RNG.normal(size=(2, 5))
    y, moved = gg.jvp(function, (z,), (dz,))
    step = 1e-6
    differences = (function(z + step * dz).numpy() - function(z - step * dz).numpy()) / (2 * step)
    assert np.allclose(moved.numpy(), differences, rtol=1e-7, atol=1e-8)
    upstream = RNG.normal(size=y.shape) + (1j * RNG.normal(size=y.shape) if y.dtype.kind == "c" else 0)
    (back,) = gg.vjp(function, z)[1](upstream)
    assert np.isclose(np.vdot(upstream, moved.numpy()).real, np.vdot(back.numpy(), dz).real, rtol=1e-11)


def test_running_extrema_keep_the_first_of_equals_and_every_nan():
    x = gg.tensor([1.0, 3.0, 3.0, 2.0, 4.0], requires_grad=True)
    gg.sum(gg.cummax(x) * gg.asarray([1.0, 10.0, 100.0, 1000.0, 10000.0])).backward()
    assert x.grad.tolist() == [1.0, 1110.0, 0.0, 0.0, 10000.0]
    values = np.array([2.0, np.nan, 1.0, np.nan, np.inf, -np.inf])
    assert np.array_equal(gg.cummax(values).numpy(), np.maximum.accumulate(values), equal_nan=True)
    assert np.array_equal(gg.cummin(values).numpy(), np.minimum.accumulate(values), equal_nan=True)
    x = gg.tensor(values, requires_grad=True)
    gg.sum(gg.cummax(x)).backward()
    assert x.grad.tolist() == [1.0, 5.0, 0.0, 0.0, 0.0, 0.0]


@pytest.mark.parametrize("function", [gg.cummax, gg.cummin, gg.diff, lambda x: gg.diff(x, n=3, axis=0)])
def test_gradients_of_composed_functions(function):
    gg.gradcheck(function, RNG.permutation(24.0 * np.arange(20)).reshape(4, 5) / 100, order=2)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: gg.cumulative_sum(gg.ones((2, 2))),
            ArgumentError,
            "cumulative_sum needs an axis for a tensor with 2 axes",
        ),
        (
            lambda: gg.cumulative_prod(gg.asarray(1.0)),
            ArgumentError,
            "cumulative_prod needs an axis for a tensor with 0 axes",
        ),
        (
            lambda: gg.cumulative_sum(gg.ones(2), axis=1),
            ShapeError,
            "cumulative_sum got axis 1 for a tensor with 1 axes; allowed: -1 to 0",
        ),
        (
            lambda: gg.cummax(gg.asarray([1j])),
            DTypeError,
            "running_position needs a bool, int or float input; got complex64 of shape (1,).",
        ),
        (lambda: gg.diff(gg.ones(2), n=-1), ArgumentError, "diff is taken 0 or more times; got n=-1"),
    ],
)
def test_refusals(call, error, message):
    with pytest.raises(error) as raised:
        call()
    assert raised.value.message == message
