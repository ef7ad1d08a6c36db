"""The error function, the gamma function's logarithm, their inverses and derivatives, on NumPy arrays.

Computed in float64 and rounded once. The real line is cut where a function changes its character, and each piece is a
rational function (`special_coefficients`) times what is known exactly. Identities: DLMF chapters 5 and 7.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import lru_cache, wraps
from typing import Any

import numpy as np

from . import special_coefficients as c
from .rounding import rounded_once

Array = Any
Coefficients = tuple[Sequence[float], Sequence[float]]

BLOCK = 16384
"""Numbers computed at a time, so that intermediate results stay in the processor's cache."""


def of_floats(function: Callable[[Array], Array]) -> Callable[[Any], Any]:
    """A function of a vector of float64, as one of any array: block by block, the result in the input's dtype."""

    @wraps(function)
    def of_any(x: Any) -> Any:
        x = np.asarray(x)
        flat = x.reshape(-1)
        out = np.empty(flat.shape, x.dtype if x.dtype.kind == "f" else np.float64)
        for start in range(0, flat.size, BLOCK):
            block = slice(start, start + BLOCK)
            out[block] = function(flat[block].astype(np.float64))
        return out.reshape(x.shape)[()]

    return of_any


def horner(coefficients: Sequence[float], t: Array) -> Array:
    """The polynomial with these coefficients, lowest power first."""
    total = np.full_like(t, coefficients[-1])
    for coefficient in coefficients[-2::-1]:
        total *= t
        total += coefficient
    return total


def quotient(coefficients: Coefficients, t: Array) -> Array:
    """The rational function with these coefficients."""
    return horner(coefficients[0], t) / horner(coefficients[1], t)


def fill(out: Array, where: Array, function: Callable[[Array], Array], x: Array) -> None:
    """Set `out` to `function(x)` at the places `where`."""
    if where.any():
        out[where] = function(x[where])


# --- the exponential near 0 and the logarithm near 1, of complex numbers too --------------------------------------

_real_expm1, _real_log1p = rounded_once(np.expm1), rounded_once(np.log1p)


def expm1(x: Any) -> Any:
    """exp(x) - 1. NumPy's for complex numbers multiplies infinity by 0 where the imaginary part is 0."""
    if not np.iscomplexobj(x):
        return _real_expm1(x)
    return np.where(np.isfinite(x), np.expm1(x), np.exp(x) - 1)[()]


def log1p(x: Any) -> Any:
    """ln(1 + x). NumPy's for complex numbers takes the logarithm of |1 + x|, and loses the digits of a small x."""
    if not np.iscomplexobj(x):
        return _real_log1p(x)
    out = np.array(np.log1p(x))
    a, b = np.real(x), np.imag(x)
    near = (np.abs(a) < 0.5) & (np.abs(b) < 0.5)
    np.copyto(out.real, 0.5 * np.log1p(np.where(near, a * (2 + a) + b * b, 0)), where=near)
    return out[()]


# --- the error function ---------------------------------------------------------------------------------------


def _erf_near(x: Array) -> Array:
    return x + x * quotient(c.ERF_NEAR, x * x)


def _erfc_positive(x: Array) -> Array:
    """erfc(x) for x >= 0.5."""
    x = np.minimum(x, 30.0)  # where it is 0
    scaled = np.full_like(x, np.nan)
    fill(scaled, x <= 4, lambda x: quotient(c.ERFC_MIDDLE, x), x)
    fill(scaled, x > 4, lambda x: quotient(c.ERFC_FAR, 1 / (x * x)) / x, x)
    # the square of x in two parts: its rounding would be multiplied by the square itself
    head = x.astype(np.float32).astype(np.float64)
    return scaled * np.exp(-head * head) * np.exp((head - x) * (head + x))


@of_floats
def erf(x: Array) -> Array:
    """The error function, 2 / sqrt(pi) times the integral of exp(-t**2) from 0 to x."""
    out = np.empty_like(x)
    near = np.abs(x) < 0.85
    fill(out, near, _erf_near, x)
    fill(out, ~near, lambda x: np.copysign(1 - _erfc_positive(np.abs(x)), x), x)
    return out


@of_floats
def erfc(x: Array) -> Array:
    """1 - erf(x), without cancellation for large x."""
    out = np.empty_like(x)
    near = np.abs(x) < 0.5
    fill(out, near, lambda x: 1 - _erf_near(x), x)
    fill(out, ~near & (x < 0), lambda x: 2 - _erfc_positive(-x), x)
    fill(out, ~near & ~(x < 0), _erfc_positive, x)
    return out


@of_floats
def erfinv(x: Array) -> Array:
    """The inverse of the error function: infinite at -1 and 1, NaN outside."""
    size = np.abs(x)
    near = size <= 0.6
    out = np.full_like(x, np.nan)
    fill(out, near, lambda x: x + x * quotient(c.ERFINV_NEAR, 0.375 - x * x), x)
    r = np.sqrt(-np.log(1 - size))
    fill(out, ~near & (r < 3), lambda r: quotient(c.ERFINV_MIDDLE, r - 0.9), r)
    fill(out, (r >= 3) & (size < 1), lambda r: quotient(c.ERFINV_FAR, r - 3), r)
    out[size == 1] = np.inf
    return np.copysign(out, x)


# --- the gamma function ---------------------------------------------------------------------------------------


def from_integer(x: Array) -> Array:
    """How far x is from the nearest integer, exactly; periodic functions of pi * x need no more of x."""
    return x - np.round(x)


def cotangent(apart: Array) -> Array:
    """cot(pi * apart) for |apart| <= 0.5, exactly 0 at the ends, from what is closer: its pole or its zero."""
    size = np.abs(apart)
    near_zero = np.tan(np.pi * (0.5 - size))
    return np.copysign(np.where(size < 0.25, 1 / np.tan(np.pi * size), near_zero), apart)


def _lgamma_far(x: Array) -> Array:
    return (x - 0.5) * (np.log(x) - 1) + (c.STIRLING + quotient(c.LGAMMA_FAR, 1 / (x * x)) / x)


def _lgamma_positive(x: Array) -> Array:
    """lgamma(x) for x >= 0.5; its zeros at 1 and 2 are factors, so that it is exact near them."""
    out = np.full_like(x, np.nan)
    fill(out, x < 1.5, lambda x: (x - 1) * quotient(c.LGAMMA_ONE, x - 0.5), x)
    fill(out, (x >= 1.5) & (x < 3), lambda x: (x - 2) * quotient(c.LGAMMA_TWO, x - 1.5), x)
    fill(out, (x >= 3) & (x < 8), lambda x: quotient(c.LGAMMA_MIDDLE, x - 3), x)
    fill(out, x >= 8, _lgamma_far, x)
    return out


def _lgamma_reflected(x: Array) -> Array:
    """lgamma(x) for x <= -0.5, from Gamma(x) Gamma(-x) = -pi / (x sin(pi x))."""
    return np.log(np.pi / np.abs(x * np.sin(np.pi * from_integer(x)))) - _lgamma_positive(-x)


@of_floats
def lgamma(x: Array) -> Array:
    """ln |Gamma(x)|: infinite at 0, -1, -2, ... and at both ends."""
    out = np.empty_like(x)
    small = np.abs(x) < 0.5
    fill(out, small, lambda x: x * quotient(c.LGAMMA_ONE, x + 0.5) - np.log(np.abs(x)), x)
    fill(out, ~small & ~(x < 0), _lgamma_positive, x)
    fill(out, ~small & (x < 0), _lgamma_reflected, x)
    out[np.isinf(x) | ((x <= 0) & (x == np.floor(x)))] = np.inf
    return out


def _digamma_far(x: Array) -> Array:
    z = 1 / (x * x)
    return np.log(x) - 0.5 / x - z * quotient(c.DIGAMMA_FAR, z)


def _digamma_positive(x: Array) -> Array:
    """digamma(x) for x >= 1; its zero is a factor, so that it is exact near it."""
    head, tail = c.DIGAMMA_ROOT
    out = np.full_like(x, np.nan)
    fill(out, x < 2, lambda x: ((x - head) - tail) * quotient(c.DIGAMMA_NEAR, x - 1), x)
    fill(out, (x >= 2) & (x < 8), lambda x: quotient(c.DIGAMMA_MIDDLE, x - 2), x)
    fill(out, x >= 8, _digamma_far, x)
    return out


def _digamma_reflected(x: Array) -> Array:
    """digamma(x) for x < 0, from digamma(1 - x) - digamma(x) = pi / tan(pi x)."""
    apart = from_integer(x)
    out = _digamma_positive(1 - x) - np.pi * cotangent(apart)
    out[apart == 0] = np.nan
    return out


@of_floats
def digamma(x: Array) -> Array:
    """The derivative of lgamma: NaN at -1, -2, ..., where both signs meet; at 0 the sign is that of -1 / x."""
    out = np.full_like(x, np.nan)
    fill(out, (x >= 0) & (x < 1), lambda x: _digamma_positive(1 + x) - 1 / x, x)
    fill(out, x >= 1, _digamma_positive, x)
    fill(out, x < 0, _digamma_reflected, x)
    return out


def hurwitz_zeta(s: int, x: Array) -> Array:
    """The sum of (x + k) ** -s over k = 0, 1, 2, ... for x > 0 and s > 1, by Euler and Maclaurin (DLMF 25.11.5)."""
    steps = 10
    total = np.zeros_like(x)
    end = x + steps
    factor, power = float(s), end ** (-s - 1.0)
    for k, bernoulli in enumerate(c.BERNOULLI, start=1):
        total += bernoulli * factor * power
        factor *= (s + 2 * k - 1.0) * (s + 2 * k)
        power /= end * end
    total += 0.5 * end ** float(-s)
    total += end ** (1.0 - s) / (s - 1.0)
    for k in range(steps - 1, -1, -1):
        total += (x + k) ** float(-s)
    return total


@lru_cache
def cotangent_derivative(n: int) -> tuple[float, ...]:
    """The polynomial in cot(x) that is its n-th derivative: each is -(1 + cot**2) times the slope of the one before."""
    from numpy.polynomial import polynomial  # 2 ms that no other function needs

    found = np.array([0.0, 1.0])
    for _ in range(n):
        found = polynomial.polymul([-1.0, 0.0, -1.0], polynomial.polyder(found))
    return tuple(found.tolist())


def polygamma(n: Any, x: Any) -> Any:
    """The n-th derivative of digamma, for an integer n >= 0 that is the same everywhere."""
    order = int(n)
    return digamma(x) if order == 0 else _polygamma_of_order(order)(x)


@lru_cache
def _polygamma_of_order(n: int) -> Callable[[Any], Any]:
    scale, sign = math.factorial(n), (-1.0) ** (n + 1)

    def positive(x: Array) -> Array:
        return sign * scale * hurwitz_zeta(n + 1, x)

    def reflected(x: Array) -> Array:
        """DLMF 5.15.6."""
        apart = from_integer(x)
        slope = horner(cotangent_derivative(n), cotangent(apart))
        out = -sign * positive(1 - x) - np.pi ** (n + 1) * slope
        out[apart == 0] = np.inf if n % 2 else np.nan
        return out

    @of_floats
    def of_order(x: Array) -> Array:
        out = np.full_like(x, np.nan)
        fill(out, x == 0, lambda x: sign / x ** (n + 1.0), x)
        fill(out, x > 0, positive, x)
        fill(out, x < 0, reflected, x)
        return out

    return of_order
