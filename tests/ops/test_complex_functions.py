"""Elementary functions of complex numbers: the special cases of the array API standard 2024.12, values against mpmath,
and the derivatives of holomorphic functions."""

import cmath
import itertools

import mpmath
import numpy as np
import pytest

import glassgrad as gg

INF, NAN, PI = np.inf, np.nan, np.pi
FUNCTIONS = [
    "exp",
    "log",
    "sqrt",
    "sin",
    "cos",
    "tan",
    "sinh",
    "cosh",
    "tanh",
    "asin",
    "acos",
    "atan",
    "asinh",
]
FUNCTIONS += ["acosh", "atanh", "log10"]
DTYPES = ["complex64", "complex128"]


def agrees(found, wanted):
    """Equal, infinite alike or NaN alike; to rounding."""
    if np.isnan(found) or np.isnan(wanted) or np.isinf(found) or np.isinf(wanted):
        return np.array_equal(found, wanted, equal_nan=True)
    return abs(found - wanted) <= 1e-6 * max(1.0, abs(wanted))


# where C99, which Python follows, and the standard differ, or the standard leaves a sign open
OPEN = {
    "tan": [(NAN, 0.0)],
    "tanh": [(0.0, NAN)],
    "acosh": [(0.0, NAN)],
    "asin": [(INF, NAN)],
    "acos": [(INF, NAN)],
    "sin": [(NAN, INF)],
}


def is_open(name, a, b):
    return any(np.array_equal([abs(a), abs(b)], place, equal_nan=True) for place in OPEN.get(name, []))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_against_python_at_every_corner(name, dtype):
    """At zeros, ones, infinities and NaN of either part and sign, Python's `cmath` is the witness."""
    parts = [-INF, -2.0, -1.0, -0.5, -0.0, 0.0, 0.5, 1.0, 2.0, INF, NAN]
    compared = 0
    for a, b in itertools.product(parts, parts):
        try:
            wanted = getattr(cmath, name)(complex(a, b))
        except (ValueError, OverflowError):
            continue  # a pole, or NaN, which Python raises for: stated below
        if is_open(name, a, b):
            continue
        found = getattr(gg, name)(gg.asarray(complex(a, b), dtype=dtype)).item()
        assert agrees(found.real, wanted.real), (name, a, b, found, wanted)
        assert agrees(found.imag, wanted.imag), (name, a, b, found, wanted)
        compared += 1
    assert compared > 80


SPECIAL = {
    "expm1": [
        ((0, 0), (0, 0)),
        ((2, INF), (NAN, NAN)),
        ((2, NAN), (NAN, NAN)),
        ((INF, 0), (INF, 0)),
        ((-INF, 2), (-1, 0)),
        ((INF, 2), (-INF, INF)),
        ((-INF, INF), (-1, 0)),
        ((-INF, NAN), (-1, 0)),
        ((NAN, 0), (NAN, 0)),
        ((NAN, 2), (NAN, NAN)),
        ((NAN, NAN), (NAN, NAN)),
    ],
    "log1p": [
        ((-1, 0), (-INF, 0)),
        ((2, INF), (INF, PI / 2)),
        ((2, NAN), (NAN, NAN)),
        ((-INF, 2), (INF, PI)),
        ((INF, 2), (INF, 0)),
        ((-INF, INF), (INF, 3 * PI / 4)),
        ((INF, INF), (INF, PI / 4)),
        ((INF, NAN), (INF, NAN)),
        ((-INF, NAN), (INF, NAN)),
        ((NAN, 2), (NAN, NAN)),
        ((NAN, INF), (INF, NAN)),
        ((NAN, NAN), (NAN, NAN)),
    ],
    "log": [((0, 0), (-INF, 0)), ((-0.0, 0), (-INF, PI)), ((-INF, 2), (INF, PI)), ((NAN, INF), (INF, NAN))],
    "log10": [((0, 0), (-INF, 0)), ((100, 0), (2, 0))],
    "log2": [((0, 0), (-INF, 0)), ((8, 0), (3, 0)), ((0, 1), (0, PI / 2 / np.log(2)))],
    "exp": [((-INF, INF), (0, 0)), ((INF, 2), (-INF, INF)), ((1, INF), (NAN, NAN)), ((NAN, 0), (NAN, 0))],
    "sqrt": [((2, INF), (INF, INF)), ((-INF, 2), (0, INF)), ((INF, NAN), (INF, NAN)), ((-4, 0), (0, 2))],
    "tanh": [((0, INF), (0, NAN)), ((2, INF), (NAN, NAN)), ((INF, 2), (1, 0)), ((0, NAN), (0, NAN))],
    "cosh": [((2, INF), (NAN, NAN)), ((INF, 0), (INF, 0))],
    "sinh": [((2, INF), (NAN, NAN)), ((INF, 0), (INF, 0))],
    "atanh": [((1, 0), (INF, 0)), ((0, NAN), (0, NAN)), ((INF, INF), (0, PI / 2))],
    "acosh": [((-INF, INF), (INF, 3 * PI / 4)), ((NAN, INF), (INF, NAN))],
    "asinh": [((INF, INF), (INF, PI / 4)), ((NAN, 0), (NAN, 0))],
    "acos": [((0, 0), (PI / 2, 0)), ((-INF, INF), (3 * PI / 4, -INF))],
}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", SPECIAL)
def test_special_cases_of_the_standard(name, dtype):
    for given, wanted in SPECIAL[name]:
        found = getattr(gg, name)(gg.asarray(complex(*given), dtype=dtype)).item()
        assert agrees(found.real, wanted[0]), (given, found, wanted)
        # a NaN's sign is no sign, and that of an imaginary 0 may be left open
        assert agrees(found.imag, wanted[1]), (given, found, wanted)


RNG = np.random.default_rng(11)
SOME = np.concatenate([RNG.normal(size=40) + 1j * RNG.normal(size=40), 1e-9 * (RNG.normal(size=9) + 1j)])
EXACT = {name: getattr(mpmath, name) for name in FUNCTIONS if name != "log10"}
EXACT |= {"log10": lambda z: mpmath.log(z) / mpmath.log(10), "log2": lambda z: mpmath.log(z) / mpmath.log(2)}
EXACT |= {"expm1": mpmath.expm1, "log1p": mpmath.log1p}


@pytest.mark.parametrize("name", EXACT)
def test_values(name):
    """Relative to the size of the number, both parts together."""
    for dtype, bound in (("complex128", 8 * 2.0**-52), ("complex64", 8 * 2.0**-23)):
        points = gg.asarray(SOME.astype(dtype))
        with mpmath.workdps(60):
            exact = np.array([complex(EXACT[name](mpmath.mpc(z))) for z in points.numpy().tolist()])
        found = getattr(gg, name)(points).numpy()
        assert found.dtype == dtype
        assert np.max(np.abs(found - exact) / np.abs(exact)) <= bound


@pytest.mark.parametrize("name", EXACT)
def test_derivatives_are_holomorphic(name):
    """A complex step in any direction changes the value by the same derivative times the step."""
    z = np.array([0.3 + 0.7j, -0.6 + 0.4j, 1.4 - 0.8j])
    function = getattr(gg, name)
    with mpmath.workdps(40):
        wanted = np.array([complex(mpmath.diff(EXACT[name], mpmath.mpc(point))) for point in z])
    for direction in (1.0, 1j, 0.6 - 0.8j):
        _, moved = gg.jvp(function, (gg.asarray(z),), (gg.asarray(direction * np.ones(3, complex)),))
        assert np.allclose(moved.numpy(), wanted * direction, rtol=1e-12)
    # the gradient of a real loss is dL/dx + i dL/dy: for Re f the conjugate of the derivative
    gradient = gg.grad(lambda x: gg.sum(gg.real(function(x))))(gg.asarray(z))
    assert np.allclose(gradient.numpy(), wanted.conj(), rtol=1e-12)


def test_powers():
    z, w = SOME[:40], np.roll(SOME[:40], 7)
    with mpmath.workdps(60):
        exact = np.array([complex(mpmath.power(*map(mpmath.mpc, pair))) for pair in zip(z, w, strict=True)])
    found = gg.pow(gg.asarray(z), gg.asarray(w)).numpy()
    assert np.max(np.abs(found - exact) / np.abs(exact)) <= 2e-14
    assert gg.pow(gg.asarray(0j), gg.asarray(0j)).item() == 1
    assert gg.pow(gg.asarray(0j), gg.asarray(2 + 0j)).item() == 0
