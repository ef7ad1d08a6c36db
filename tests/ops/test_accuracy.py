"""The accuracy of elementwise functions in float32, against mpmath with 120 bits.

The unit is the ULP: the distance to the next float32. What the bounds follow from:

* NumPy's vector implementations of the elementary functions state a largest error of 4 ULP (exp, log and the
  trigonometric ones less), on any processor. A function that is one of these may be off by that much.
* k ULP are at most k * 2**-23 relative, one rounding is 2**-24 relative, and a relative error of r is at most
  r * 2**24 ULP. So what is composed from them is bounded by adding up relative errors, as the comments say.
"""

from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np
import pytest

import glassgrad as gg

RNG = np.random.default_rng(3)
SMALLEST_NORMAL = 2.0**-126
DIRECT = 4.0


def ulp_errors(found: Any, exact: list[Any]) -> np.ndarray:
    """How far float32 numbers are from exact ones. Below the normal numbers any result as small is right: some
    processors are set to round those to 0."""
    errors = []
    for value, wanted in zip(np.asarray(found).tolist(), exact, strict=True):
        if abs(wanted) >= 2**128 - 2**103:  # what rounds to infinity
            errors.append(0.0 if value == np.copysign(np.inf, float(mpmath.sign(wanted))) else np.inf)
            continue
        size = max(abs(wanted), SMALLEST_NORMAL)
        ulp = mpmath.mpf(2) ** (int(mpmath.floor(mpmath.log(size, 2))) - 23)
        underflow = abs(wanted) < SMALLEST_NORMAL and abs(value) <= SMALLEST_NORMAL
        errors.append(0.0 if underflow else float(abs(mpmath.mpf(value) - wanted) / ulp))
    return np.array(errors)


def uniform(low: float, high: float, count: int = 200) -> np.ndarray:
    return RNG.uniform(low, high, count).astype(np.float32)


def sizes(low: float, high: float, count: int = 100) -> np.ndarray:
    """Numbers of every size from 10**low to 10**high."""
    return (10 ** RNG.uniform(low, high, count)).astype(np.float32)


TINY = np.concatenate([sizes(-37, 0), -sizes(-37, 0), [np.float32(0)]])


def exact_softplus(x: Any) -> Any:
    return mpmath.log1p(mpmath.exp(x))


def exact_sigmoid(x: Any) -> Any:
    return 1 / (1 + mpmath.exp(-x))


ONE: dict[str, tuple[Callable[[Any], Any], float, tuple[np.ndarray, ...]]] = {
    "exp": (mpmath.exp, DIRECT, (uniform(-100, 88), TINY)),
    "expm1": (mpmath.expm1, DIRECT, (uniform(-30, 88), TINY)),
    "log": (mpmath.log, DIRECT, (sizes(-37, 38), uniform(0.9, 1.1))),
    "log1p": (mpmath.log1p, DIRECT, (uniform(-0.99, 10), TINY[np.abs(TINY) < 0.9], sizes(0, 30))),
    # log: 4 ULP; its divisor is rounded, and so is the quotient: (4 * 2**-23 + 2 * 2**-24) * 2**24
    "log2": (lambda x: mpmath.log(x, 2), 10.0, (sizes(-37, 38), uniform(0.9, 1.1))),
    "log10": (lambda x: mpmath.log(x, 10), 10.0, (sizes(-37, 38), uniform(0.9, 1.1))),
    "sqrt": (mpmath.sqrt, 0.5, (sizes(-37, 38),)),
    # exp: 4 ULP, which the quotient carries on with a factor below 1; one sum and one quotient are rounded
    "sigmoid": (exact_sigmoid, 10.0, (uniform(-100, 100), uniform(-10, 10), TINY)),
    # exp and log1p: 4 ULP each (log1p carries the relative error of exp on with a factor below 1), one sum
    "softplus": (exact_softplus, 17.0, (uniform(-100, 100), uniform(-10, 10), TINY)),
    "sin": (mpmath.sin, DIRECT, (uniform(-10, 10), uniform(-1e5, 1e5), TINY)),
    "cos": (mpmath.cos, DIRECT, (uniform(-10, 10), uniform(-1e5, 1e5), TINY)),
    "tan": (mpmath.tan, DIRECT, (uniform(-10, 10), TINY)),
    "asin": (mpmath.asin, DIRECT, (uniform(-1, 1), TINY[np.abs(TINY) < 1])),
    "acos": (mpmath.acos, DIRECT, (uniform(-1, 1),)),
    "atan": (mpmath.atan, DIRECT, (uniform(-10, 10), sizes(0, 30), TINY)),
    "sinh": (mpmath.sinh, DIRECT, (uniform(-88, 88), uniform(-2, 2), TINY)),
    "cosh": (mpmath.cosh, DIRECT, (uniform(-88, 88), uniform(-2, 2))),
    "tanh": (mpmath.tanh, DIRECT, (uniform(-10, 10), TINY)),
    "elu": (lambda x: x if x > 0 else mpmath.expm1(x), DIRECT, (uniform(-30, 10), TINY)),
    "square": (lambda x: x * x, 0.5, (uniform(-10, 10),)),
    "reciprocal": (lambda x: 1 / x, 0.5, (uniform(0.1, 10), sizes(0, 37))),
}


@pytest.mark.parametrize("name", ONE)
def test_functions_of_one_number(name, record_property):
    exact, bound, points = ONE[name]
    x = np.concatenate(points)
    with mpmath.workprec(120):
        errors = ulp_errors(getattr(gg, name)(x).numpy(), [exact(mpmath.mpf(value)) for value in x.tolist()])
    record_property("largest error in ULP", errors.max())
    assert errors.max() <= bound, f"{name}({x[errors.argmax()]!r})"


TWO: dict[str, tuple[Callable[[Any, Any], Any], np.ndarray, np.ndarray]] = {
    "add": (lambda x, y: x + y, uniform(-9, 9), uniform(-9, 9)),
    "subtract": (lambda x, y: x - y, uniform(-9, 9), uniform(-9, 9)),
    "multiply": (lambda x, y: x * y, uniform(-9, 9), uniform(-9, 9)),
    "divide": (lambda x, y: x / y, uniform(-9, 9), uniform(-9, 9)),
    "pow": (mpmath.power, uniform(0, 20), uniform(-20, 20)),
    "atan2": (mpmath.atan2, uniform(-20, 20), uniform(-20, 20)),
}


@pytest.mark.parametrize("name", TWO)
def test_functions_of_two_numbers(name, record_property):
    exact, x, y = TWO[name]
    pairs = zip(map(mpmath.mpf, x.tolist()), map(mpmath.mpf, y.tolist()), strict=True)
    with mpmath.workprec(120):
        errors = ulp_errors(getattr(gg, name)(x, y).numpy(), [exact(*pair) for pair in pairs])
    record_property("largest error in ULP", errors.max())
    assert errors.max() <= (DIRECT if name in ("pow", "atan2") else 0.5)


def test_logaddexp():
    """The sum of the larger input and a number below ln 2 may cancel, so the error is absolute: 2**-24 of the result,
    and of ln 2 as much as softplus has, and one rounding of the difference of the inputs, whose effect on exp(-gap)
    is below gap * exp(-gap) * 2**-24 < 0.4 * 2**-24."""
    x, y = (np.concatenate([uniform(-50, 50), uniform(-1, 1)]) for _ in range(2))
    with mpmath.workprec(120):
        exact = [
            mpmath.log(mpmath.exp(a) + mpmath.exp(b))
            for a, b in zip(map(mpmath.mpf, x.tolist()), map(mpmath.mpf, y.tolist()), strict=True)
        ]
        found = gg.logaddexp(x, y).numpy().tolist()
        errors = [abs(f - e) for f, e in zip(found, exact, strict=True)]
    assert all(error <= 2.0**-24 * (abs(e) + 17.4 * 0.7) for error, e in zip(errors, exact, strict=True))


@pytest.mark.parametrize(
    ("function", "x", "wanted"),
    [
        (gg.sigmoid, -1000.0, 0.0),
        (gg.sigmoid, 100.0, 1.0),
        (gg.sigmoid, 1000.0, 1.0),
        (gg.softplus, 1000.0, 1000.0),
        (gg.softplus, -1000.0, 0.0),
        (gg.softplus, np.inf, np.inf),
        (gg.softplus, -np.inf, 0.0),
        (gg.exp, 1000.0, np.inf),
        (gg.exp, -1000.0, 0.0),
        (gg.expm1, 1e-20, 1e-20),
        (gg.expm1, -1e-20, -1e-20),
        (gg.expm1, -1000.0, -1.0),
        (gg.log1p, 1e-20, 1e-20),
        (gg.log1p, -1.0, -np.inf),
        (gg.log, 0.0, -np.inf),
        (gg.tanh, 1000.0, 1.0),
        (gg.elu, -1000.0, -1.0),
    ],
)
def test_extreme_inputs(function, x, wanted):
    assert function(gg.asarray(x)).item() == np.float32(wanted)


def test_sigmoid_of_minus_100_is_not_lost():
    """exp(-100) = 3.7e-44 is below the normal float32 numbers, but is one in float64."""
    assert gg.sigmoid(np.array(-100.0)).item() == pytest.approx(3.720075976020836e-44, rel=1e-14)
    assert gg.sigmoid(gg.asarray(-80.0)).item() == pytest.approx(1.8048513878454153e-35, rel=1e-6)


@pytest.mark.parametrize(
    ("x", "y", "wanted"),
    [
        (np.inf, np.inf, np.inf),
        (-np.inf, -np.inf, -np.inf),
        (np.inf, -np.inf, np.inf),
        (-np.inf, 1.5, 1.5),
        (np.inf, 1.5, np.inf),
        (1e30, 1e30, 1e30),
        (1000.0, 0.0, 1000.0),
    ],
)
def test_logaddexp_of_infinities(x, y, wanted):
    assert gg.logaddexp(gg.asarray(x), gg.asarray(y)).item() == np.float32(wanted)
    assert gg.logaddexp(gg.asarray(y), gg.asarray(x)).item() == np.float32(wanted)


@pytest.mark.parametrize("name", [*ONE, "relu", "abs", "negative", "sign", "floor", "leaky_relu"])
def test_nan_passes_through(name):
    assert np.isnan(getattr(gg, name)(gg.asarray(np.nan)).item())


@pytest.mark.parametrize("name", [*TWO, "maximum", "minimum", "remainder", "logaddexp"])
def test_nan_in_either_input_passes_through(name):
    assert np.isnan(getattr(gg, name)(gg.asarray(np.nan), 1.5).item())
    assert np.isnan(getattr(gg, name)(gg.asarray(1.5), np.nan).item())
