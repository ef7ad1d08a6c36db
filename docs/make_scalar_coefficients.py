"""Fit the polynomials in `glassgrad/compiler/llvm/coefficients.py`: `python docs/make_scalar_coefficients.py`.

Each interpolates its function at Chebyshev points of the interval that range reduction leaves, which comes within a
small factor of the best polynomial of its degree (Trefethen, "Approximation theory and approximation practice",
chapter 16). Each is fitted for float32 and, where that is used, for float64.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import mpmath
from make_coefficients import rational
from mpmath import mpf

DIGITS = 160  # near 0, quotients of differences lose many
TARGET = Path(__file__).parent.parent / "src" / "glassgrad" / "compiler" / "llvm" / "coefficients.py"
HALF_LN2 = mpf("0.347")


def series(f: Callable[[Any], Any], at_zero: Any) -> Callable[[Any], Any]:
    """The function with its limit at 0, where its formula is 0 / 0."""
    return lambda t: f(t) if abs(t) > mpf("1e-30") else mpf(at_zero)


def of_square(f: Callable[[Any], Any], at_zero: Any) -> Callable[[Any], Any]:
    """(f(x) / x - 1) / x**2 in z = x**2: what an odd function adds to x."""
    return series(lambda z: (f(mpmath.sqrt(z)) / mpmath.sqrt(z) - 1) / z, at_zero)


def log_rest(z: Any) -> Any:
    """(ln((1 + s) / (1 - s)) - 2 s) / s**3 in z = s**2."""
    s = mpmath.sqrt(z)
    return (mpmath.log((1 + s) / (1 - s)) - 2 * s) / (s * z)


def cos_rest(z: Any) -> Any:
    """(cos(x) - 1 + x**2 / 2) / x**4 in z = x**2."""
    return (mpmath.cos(mpmath.sqrt(z)) - 1 + z / 2) / (z * z)


def erf_tail(x: Any) -> Any:
    """-ln(erfc(x)) / x."""
    return -mpmath.log(mpmath.erfc(x)) / x


def erfc_scaled(t: Any) -> Any:
    """erfc(x) exp(x**2) in t = (x - 2) / (x + 2), which bends it nearly straight."""
    x = 2 * (1 + t) / (1 - t)
    return mpmath.erfc(x) * mpmath.exp(x * x)


QUARTER_TURN = mpf("0.62")  # (pi / 4) ** 2, and a little
LOG_END = mpf("0.0295")  # ((sqrt(2) - 1) / (sqrt(2) + 1)) ** 2

# name: (what it is, the function, where, {digits of the format: degree})
POLYNOMIALS: dict[str, tuple[str, Callable[[Any], Any], Any, Any, dict[int, int]]] = {
    "EXP": (
        "(exp(r) - 1 - r) / r**2, |r| <= ln(2) / 2",
        series(lambda r: (mpmath.expm1(r) - r) / (r * r), 0.5),
        -HALF_LN2,
        HALF_LN2,
        {24: 4, 53: 10},
    ),
    "LOG": (
        "(ln((1 + s) / (1 - s)) - 2 s) / s**3 in s**2, |s| <= (sqrt(2) - 1) / (sqrt(2) + 1)",
        series(log_rest, mpf(2) / 3),
        0,
        LOG_END,
        {24: 2, 53: 7},
    ),
    "TANH": (
        "(tanh(x) - x) / x**3 in x**2, |x| <= 0.6",
        of_square(mpmath.tanh, mpf(-1) / 3),
        0,
        mpf("0.36"),
        {24: 4, 53: 11},
    ),
    "SINH": (
        "(sinh(x) - x) / x**3 in x**2, |x| <= 1",
        of_square(mpmath.sinh, mpf(1) / 6),
        0,
        1,
        {24: 2, 53: 7},
    ),
    "SIN": (
        "(sin(x) - x) / x**3 in x**2, |x| <= pi / 4",
        of_square(mpmath.sin, mpf(-1) / 6),
        0,
        QUARTER_TURN,
        {24: 3},
    ),
    "COS": (
        "(cos(x) - 1 + x**2 / 2) / x**4 in x**2, |x| <= pi / 4",
        series(cos_rest, mpf(1) / 24),
        0,
        QUARTER_TURN,
        {24: 2},
    ),
    "TAN": (
        "(tan(x) - x) / x**3 in x**2, |x| <= pi / 4",
        of_square(mpmath.tan, mpf(1) / 3),
        0,
        QUARTER_TURN,
        {24: 6},
    ),
    "ATAN": ("(atan(x) - x) / x**3 in x**2, |x| <= 1", of_square(mpmath.atan, mpf(-1) / 3), 0, 1, {24: 9}),
    "ASIN": (
        "(asin(x) - x) / x**3 in x**2, |x| <= 0.5",
        of_square(mpmath.asin, mpf(1) / 6),
        0,
        mpf("0.2501"),
        {24: 5},
    ),
    "ERF": (
        "erf(x) / x - 1 in x**2, |x| <= 0.9",
        series(lambda z: mpmath.erf(mpmath.sqrt(z)) / mpmath.sqrt(z) - 1, 2 / mpmath.sqrt(mpmath.pi) - 1),
        0,
        mpf("0.81"),
        {24: 6},
    ),
    "ERF_TAIL": (
        "-ln(erfc(x)) / x in x - 2.4, 0.9 <= x <= 4",
        lambda t: erf_tail(t + mpf("2.4")),
        mpf("-1.5"),
        mpf("1.6"),
        {24: 8},
    ),
    "ERFC_WIDE": (
        "erfc(x) exp(x**2) in (x - 2) / (x + 2), 0 <= x <= 10.5, to 30 bits",
        erfc_scaled,
        -1,
        mpf("0.681"),
        {53: 13},
    ),
    "LOG2_WIDE": (
        "log2((1 + s) / (1 - s)) / s in s**2, as for LOG, to 45 bits",
        series(
            lambda z: mpmath.log((1 + mpmath.sqrt(z)) / (1 - mpmath.sqrt(z)), 2) / mpmath.sqrt(z),
            2 / mpmath.log(2),
        ),
        0,
        LOG_END,
        {53: 6},
    ),
    "EXP2_WIDE": ("2**r, |r| <= 0.5, to 35 bits", lambda r: mpf(2) ** r, mpf("-0.5"), mpf("0.5"), {53: 7}),
}


def module() -> str:
    """The text of the module."""
    lines = [
        '"""Polynomials, lowest power first: made by `docs/make_scalar_coefficients.py`, not by hand.',
        "",
        "Fitted for each number of binary digits: 24 for float32, 53 for float64.",
        '"""',
        "",
    ]
    with mpmath.workdps(DIGITS):
        for name, (about, f, low, high, degrees) in POLYNOMIALS.items():
            lines += [f"# {about}", f"{name} = {{"]
            for digits, degree in degrees.items():
                coefficients, _ = rational(f, low, high, degree, 0)
                lines += [
                    f"    {digits}: (",
                    *(f"        {float(value)!r}," for value in coefficients),
                    "    ),",
                ]
            lines += ["}"]
        lines += [
            "# the natural logarithm of 2: a part that keeps its product with an exponent exact, and the rest"
        ]
        for digits, kept in {24: 9, 53: 32}.items():
            head = mpmath.nint(mpmath.log(2) * 2**kept) / 2**kept
            lines += [f"LN2_{digits} = ({float(head)!r}, {float(mpmath.log(2) - head)!r})"]
        bits = int(mpmath.floor(2 / mpmath.pi * mpf(2) ** (320 - 35)))
        words = [f"0x{bits >> shift & (2**64 - 1):X}" for shift in range(256, -1, -64)]
        lines += ["# 2 / pi in words of 64 bits, after 35 zeros", f"TWO_OVER_PI = ({', '.join(words)})"]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    TARGET.write_text(module())
