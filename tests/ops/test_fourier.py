"""Fourier transforms against NumPy, against the defining sum, and their derivatives for complex numbers."""

import cmath

import numpy as np
import pytest

import glassgrad as gg
from glassgrad.errors import ArgumentError, DTypeError, ShapeError

RNG = np.random.default_rng(9)
NORMS = ("backward", "ortho", "forward")


def complex_numbers(*shape):
    return RNG.normal(size=shape) + 1j * RNG.normal(size=shape)


def test_the_names_are_those_of_the_array_api():
    assert set(gg.fft.__all__) == {
        *("fft", "ifft", "fftn", "ifftn", "rfft", "irfft", "rfftn", "irfftn", "hfft", "ihfft"),
        *("fftfreq", "rfftfreq", "fftshift", "ifftshift"),
    }
    assert all(">>>" in getattr(gg.fft, name).__doc__ for name in gg.fft.__all__)


@pytest.mark.parametrize("n", [1, 2, 5, 8])
def test_fft_is_the_defining_sum(n):
    x = complex_numbers(n)
    expected = [sum(x[j] * cmath.exp(-2j * cmath.pi * j * k / n) for j in range(n)) for k in range(n)]
    np.testing.assert_allclose(gg.fft.fft(x).numpy(), expected, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(gg.fft.ifft(np.array(expected)).numpy(), x, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("n", [None, 1, 3, 4, 7])
@pytest.mark.parametrize("name", ["fft", "ifft", "rfft", "irfft", "hfft", "ihfft"])
def test_along_one_axis(name, n, norm):
    for axis in (-1, 0, 1):
        x = RNG.normal(size=(4, 5, 3))
        if name not in ("rfft", "ihfft"):
            x = x + 1j * RNG.normal(size=x.shape)
        found = getattr(gg.fft, name)(x, n=n, axis=axis, norm=norm)
        expected = getattr(np.fft, name)(x, n=n, axis=axis, norm=norm)
        assert found.dtype == expected.dtype
        np.testing.assert_allclose(found.numpy(), expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize(
    ("s", "axes"),
    [(None, None), (None, (1,)), (None, (2, 0)), ((3, 6), (0, -1)), ((6, 2), (2, 1)), ((5,), (1,))],
)
@pytest.mark.parametrize("name", ["fftn", "ifftn", "rfftn", "irfftn"])
def test_along_several_axes(name, s, axes, norm):
    x = RNG.normal(size=(4, 5, 3)) if name == "rfftn" else complex_numbers(4, 5, 3)
    found = getattr(gg.fft, name)(x, s=s, axes=axes, norm=norm)
    expected = getattr(np.fft, name)(x, s=s, axes=axes, norm=norm)
    assert found.dtype == expected.dtype
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-12, atol=1e-12)


def test_sizes_alone_mean_the_last_axes():
    x = complex_numbers(4, 5, 3)
    expected = np.fft.fftn(x, s=(2, 6), axes=(1, 2))
    np.testing.assert_allclose(gg.fft.fftn(x, s=(2, 6)).numpy(), expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(
    ("name", "given", "result"),
    [
        ("fft", "float16", "complex64"),
        ("fft", "float32", "complex64"),
        ("ifftn", "complex64", "complex64"),
        ("fft", "float64", "complex128"),
        ("rfft", "float16", "complex64"),
        ("rfft", "float32", "complex64"),
        ("rfftn", "float64", "complex128"),
        ("irfft", "complex64", "float32"),
        ("irfftn", "complex128", "float64"),
        ("hfft", "float32", "float32"),
        ("ihfft", "float64", "complex128"),
    ],
)
def test_single_precision_stays_single(name, given, result):
    assert getattr(gg.fft, name)(gg.ones((2, 4), dtype=given)).dtype == np.dtype(result)


# --- derivatives ----------------------------------------------------------------------------------------------

LINEAR = {
    "fft": (lambda x: gg.fft.fft(x, n=6, norm="ortho"), True),
    "fft of real numbers": (lambda x: gg.fft.fft(x), False),
    "ifft": (lambda x: gg.fft.ifft(x, n=3, axis=0), True),
    "fftn": (lambda x: gg.fft.fftn(x, norm="forward"), True),
    "ifftn": (lambda x: gg.fft.ifftn(x, axes=(1, 0)), True),
    "rfft, even": (lambda x: gg.fft.rfft(x), False),
    "rfft, odd": (lambda x: gg.fft.rfft(x, n=5, norm="ortho"), False),
    "irfft, even": (lambda x: gg.fft.irfft(x, norm="forward"), True),
    "irfft, odd": (lambda x: gg.fft.irfft(x, n=7), True),
    "irfft of real numbers": (lambda x: gg.fft.irfft(x), False),
    "rfftn": (lambda x: gg.fft.rfftn(x), False),
    "irfftn": (lambda x: gg.fft.irfftn(x, norm="ortho"), True),
    "hfft": (lambda x: gg.fft.hfft(x), True),
    "ihfft": (lambda x: gg.fft.ihfft(x), False),
    "fftshift": (lambda x: gg.fft.fftshift(x, axes=1), True),
}


def inner(a, b):
    """The real inner product of complex numbers as pairs of real ones: what gradients are defined by."""
    return float((np.conj(np.asarray(a)) * np.asarray(b)).real.sum())


def point(is_complex):
    return complex_numbers(3, 4) if is_complex else RNG.normal(size=(3, 4))


@pytest.mark.parametrize("case", LINEAR)
def test_vjp_is_the_transpose_of_the_transform_itself(case):
    """<v, F u> == <F* v, u>, and for a linear F the transform is its own tangent."""
    transform, is_complex = LINEAR[case]
    x, u = gg.asarray(point(is_complex)), gg.asarray(point(is_complex))
    y, pullback = gg.vjp(transform, x)
    v = RNG.normal(size=y.shape)
    v = gg.asarray(v + 1j * RNG.normal(size=y.shape) if y.dtype.kind == "c" else v)
    back = pullback(v)
    back = back[0] if isinstance(back, tuple) else back
    assert back.dtype == x.dtype
    forward = transform(u)
    assert inner(v.numpy(), forward.numpy()) == pytest.approx(inner(back.numpy(), u.numpy()), rel=1e-12)
    _, moved = gg.jvp(transform, (x,), (u,))
    np.testing.assert_allclose(moved.numpy(), forward.numpy(), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("case", LINEAR)
def test_gradient_of_a_real_loss_agrees_with_differences(case):
    transform, is_complex = LINEAR[case]
    x = point(is_complex)
    weights = np.random.default_rng(1).normal(size=transform(gg.asarray(x)).shape)

    def loss(x):
        y = transform(x)
        return gg.sum(gg.real(y) ** 3 * weights) + gg.sum(gg.imag(y) * gg.real(y))

    found = gg.grad(loss)(gg.asarray(x)).numpy()
    step = 1e-5
    for index in np.ndindex(*x.shape):
        slopes = []
        for direction in (step, 1j * step) if is_complex else (step,):
            forth, back = x.copy(), x.copy()
            forth[index] += direction
            back[index] -= direction
            slopes.append((float(loss(gg.asarray(forth))) - float(loss(gg.asarray(back)))) / (2 * step))
        expected = complex(*slopes) if is_complex else slopes[0]
        assert abs(found[index] - expected) < 1e-6 * (1 + abs(expected))


def test_second_derivative_of_the_energy_is_parsevals():
    """Parseval: the energy of n frequencies is n times that of the signal, so its Hessian is 2 n on the diagonal."""

    def energy(x):
        y = gg.fft.fft(x)
        return gg.sum(gg.real(y) ** 2 + gg.imag(y) ** 2)

    found = gg.hessian(energy)(gg.asarray(RNG.normal(size=5))).numpy()
    np.testing.assert_allclose(found, 10 * np.eye(5), rtol=1e-12, atol=1e-12)


def test_vmap_leaves_the_axis_of_each_member():
    x = complex_numbers(3, 4, 5)
    found = gg.vmap(lambda row: gg.fft.irfft(gg.fft.fft(row, axis=0), axis=-1))(gg.asarray(x))
    expected = np.fft.irfft(np.fft.fft(x, axis=1), axis=-1)
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-12, atol=1e-12)


# --- frequencies and shifts -----------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [1, 2, 5, 8])
def test_frequencies(n):
    for name in ("fftfreq", "rfftfreq"):
        found = getattr(gg.fft, name)(n, d=0.2, dtype="float64")
        np.testing.assert_allclose(found.numpy(), getattr(np.fft, name)(n, d=0.2), rtol=1e-15)
        assert getattr(gg.fft, name)(n).dtype == gg.float32


@pytest.mark.parametrize("axes", [None, 0, (1,), (0, 2)])
def test_shifts(axes):
    x = RNG.normal(size=(3, 4, 5))
    assert np.array_equal(gg.fft.fftshift(x, axes=axes).numpy(), np.fft.fftshift(x, axes))
    assert np.array_equal(gg.fft.ifftshift(x, axes=axes).numpy(), np.fft.ifftshift(x, axes))


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: gg.fft.fft(gg.ones(3, dtype="int64")),
            DTypeError,
            "fft needs a float or complex input; got int64 of shape (3,). gg.astype(x, gg.float32) converts.",
        ),
        (
            lambda: gg.fft.rfft(gg.ones(3, dtype="complex64")),
            DTypeError,
            "rfft needs a float input; got complex64 of shape (3,). For complex input use gg.fft.fft.",
        ),
        (
            lambda: gg.fft.fft(gg.asarray(1.0)),
            ShapeError,
            "fft needs at least 1 axis; got a single number",
        ),
        (
            lambda: gg.fft.fft(gg.ones(3), norm="unitary"),
            ArgumentError,
            'fft knows norm "backward", "ortho" and "forward"; got \'unitary\'',
        ),
        (
            lambda: gg.fft.ifft(gg.ones((2, 0))),
            ShapeError,
            "ifft needs 1 sample or more along axis 1; got 0 for shape (2, 0)",
        ),
        (
            lambda: gg.fft.rfft(gg.ones(3), n=0),
            ShapeError,
            "rfft needs 1 sample or more along axis 0; got 0 for shape (3,)",
        ),
        (
            lambda: gg.fft.irfft(gg.ones(1)),
            ShapeError,
            "irfft needs 1 sample or more along axis 0; got n=0 for shape (1,). For a single frequency pass n=1.",
        ),
        (
            lambda: gg.fft.fft(gg.ones(3), axis=1),
            ShapeError,
            "fft got axis 1 for a tensor with 1 axes; allowed: -1 to 0",
        ),
        (
            lambda: gg.fft.fftn(gg.ones((2, 2)), s=(1, 2, 3)),
            ShapeError,
            "fftn got s=(1, 2, 3) for the last axes of shape (2, 2), which has 2",
        ),
        (
            lambda: gg.fft.rfftn(gg.ones((2, 2)), s=(1,), axes=(0, 1)),
            ShapeError,
            "rfftn needs one size for each axis; got s=(1,) and axes=(0, 1)",
        ),
        (
            lambda: gg.fft.ifftn(gg.ones((2, 2)), axes=(0, -2)),
            ShapeError,
            "ifftn needs one axis or more, each once; got (0, -2)",
        ),
        (
            lambda: gg.fft.fftfreq(0),
            ArgumentError,
            "fftfreq needs a number of samples of 1 or more; got 0",
        ),
        (
            lambda: gg.fft.rfftfreq(4, d=0),
            ArgumentError,
            "rfftfreq needs samples some distance apart; got d=0",
        ),
        (
            lambda: gg.fft.fftfreq(4, dtype="int64"),
            DTypeError,
            "fftfreq gives real floats; got dtype int64",
        ),
    ],
)
def test_refused(call, error, message):
    with pytest.raises(error) as raised:
        call()
    assert raised.value.message == message
