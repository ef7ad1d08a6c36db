"""Fit the rational functions in `glassgrad/expr/special_coefficients.py`: `python docs/make_coefficients.py`.

Each is the quotient p(t) / q(t) that agrees with the function at Chebyshev points of an interval, found by solving the
linear equations p(t) - f(t) q(t) = 0, q(0) = 1 with 80 digits (mpmath). Close to the best possible quotient of these
degrees (Trefethen, "Approximation theory and approximation practice", chapters 5 and 26), and nothing is taken from
tables. The definitions are DLMF's, chapters 5 and 7.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import mpmath
from mpmath import mpf

TARGET = Path(__file__).parent.parent / "src" / "glassgrad" / "expr" / "special_coefficients.py"
DIGITS = 80


def rational(
    f: Callable[[Any], Any], low: Any, high: Any, above: int, below: int
) -> tuple[list[Any], list[Any]]:
    """The coefficients (lowest power first) of p of degree `above` and q of degree `below` for f on [low, high]."""
    unknowns = above + below + 1
    low, high = mpf(low), mpf(high)
    points = [
        (low + high) / 2 + (high - low) / 2 * mpmath.cos(mpmath.pi * (2 * k + 1) / (2 * unknowns))
        for k in range(unknowns)
    ]
    rows, right = [], []
    for t in points:
        value = f(t)
        rows.append([t**k for k in range(above + 1)] + [-value * t**k for k in range(1, below + 1)])
        right.append(value)
    solved = list(mpmath.lu_solve(mpmath.matrix(rows), mpmath.matrix(right)))
    return solved[: above + 1], [mpf(1), *solved[above + 1 :]]


def erf_excess(z: Any) -> Any:
    """erf(x) / x - 1 in z = x**2."""
    x = mpmath.sqrt(z)
    return mpmath.erf(x) / x - 1 if z else 2 / mpmath.sqrt(mpmath.pi) - 1


def erfc_scaled(x: Any) -> Any:
    """The factor of erfc(x) that changes slowly."""
    return mpmath.erfc(x) * mpmath.exp(x * x)


def erfc_far(z: Any) -> Any:
    """x erfc(x) exp(x**2) in z = 1 / x**2."""
    x = 1 / mpmath.sqrt(z)
    return x * erfc_scaled(x)


def erfinv(x: Any) -> Any:
    """The y with erf(y) = x."""
    return mpmath.findroot(lambda y: mpmath.erf(y) - x, x)


def erfinv_near(w: Any) -> Any:
    """erfinv(x) / x - 1 in w = 0.375 - x**2."""
    x = mpmath.sqrt(mpf("0.375") - w)
    return erfinv(x) / x - 1


def erfinv_far(r: Any) -> Any:
    """erfinv(x) in r = sqrt(-ln(1 - x))."""
    wanted = mpmath.exp(-r * r)
    # the logarithm of erfc is nearly a parabola, on which Newton's method converges fast
    return mpmath.findroot(
        lambda y: mpmath.log(mpmath.erfc(y)) + r * r, mpmath.sqrt(mpmath.log(2 / wanted)) * mpf("0.9")
    )


def stirling_rest(z: Any) -> Any:
    """x times what Stirling's formula leaves out of ln Gamma(x), in z = 1 / x**2."""
    if not z:
        return mpf(1) / 12
    x = 1 / mpmath.sqrt(z)
    return x * (mpmath.loggamma(x) - ((x - mpf("0.5")) * mpmath.log(x) - x + mpmath.log(2 * mpmath.pi) / 2))


def digamma_rest(z: Any) -> Any:
    """x**2 (ln x - 1 / (2 x) - digamma(x)) in z = 1 / x**2."""
    if not z:
        return mpf(1) / 12
    x = 1 / mpmath.sqrt(z)
    return x * x * (mpmath.log(x) - 1 / (2 * x) - mpmath.digamma(x))


def fits() -> dict[str, tuple[str, tuple[list[Any], list[Any]]]]:
    """Name -> what it is, and the coefficients."""
    root = mpmath.findroot(mpmath.digamma, mpf("1.46"))
    half = mpf("0.5")
    return {
        "ERF_NEAR": ("erf(x) / x - 1 in x**2, |x| <= 0.85", rational(erf_excess, 0, mpf("0.7225"), 5, 5)),
        "ERFC_MIDDLE": ("erfc(x) exp(x**2) in x, 0.5 <= x <= 4", rational(erfc_scaled, half, 4, 8, 8)),
        "ERFC_FAR": (
            "x erfc(x) exp(x**2) in 1 / x**2, x >= 4",
            rational(erfc_far, mpf("1e-9"), mpf(1) / 16, 6, 6),
        ),
        "ERFINV_NEAR": (
            "erfinv(x) / x - 1 in 0.375 - x**2, |x| <= 0.6",
            rational(erfinv_near, 0, mpf("0.375"), 6, 6),
        ),
        "ERFINV_MIDDLE": (
            "erfinv(x) in sqrt(-ln(1 - x)) - 0.9, 0.6 <= x <= 1 - exp(-9)",
            rational(lambda t: erfinv_far(mpf("0.9") + t), mpf("0.05"), mpf("2.1"), 9, 9),
        ),
        "ERFINV_FAR": (
            "erfinv(x) in sqrt(-ln(1 - x)) - 3, 1 - exp(-9) <= x < 1",
            rational(lambda t: erfinv_far(3 + t), 0, mpf("3.1"), 7, 7),
        ),
        "LGAMMA_ONE": (
            "lgamma(x) / (x - 1) in x - 0.5, 0.5 <= x <= 1.5",
            rational(lambda t: mpmath.loggamma(half + t) / (t - half), 0, 1, 8, 7),
        ),
        "LGAMMA_TWO": (
            "lgamma(x) / (x - 2) in x - 1.5, 1.5 <= x <= 3",
            rational(lambda t: mpmath.loggamma(mpf("1.5") + t) / (t - half), 0, mpf("1.5"), 8, 7),
        ),
        "LGAMMA_MIDDLE": (
            "lgamma(x) in x - 3, 3 <= x <= 8",
            rational(lambda t: mpmath.loggamma(3 + t), 0, 5, 8, 7),
        ),
        "LGAMMA_FAR": ("see stirling_rest, x >= 8", rational(stirling_rest, 0, mpf(1) / 64, 4, 3)),
        "DIGAMMA_NEAR": (
            "digamma(x) / (x - root) in x - 1, 1 <= x <= 2",
            rational(lambda t: mpmath.digamma(1 + t) / (1 + t - root), 0, 1, 8, 7),
        ),
        "DIGAMMA_MIDDLE": (
            "digamma(x) in x - 2, 2 <= x <= 8",
            rational(lambda t: mpmath.digamma(2 + t), 0, 6, 9, 8),
        ),
        "DIGAMMA_FAR": ("see digamma_rest, x >= 8", rational(digamma_rest, 0, mpf(1) / 64, 4, 4)),
    }


def bernoulli_terms(count: int) -> list[Any]:
    """B(2k) / (2k)!, k = 1, 2, ..."""
    return [mpmath.bernoulli(2 * k) / mpmath.factorial(2 * k) for k in range(1, count + 1)]


def digamma_root() -> tuple[float, float]:
    """The positive zero of digamma, as a float and what that lacks."""
    root = mpmath.findroot(mpmath.digamma, mpf("1.46"))
    return float(root), float(root - mpf(float(root)))


def numbers(values: list[Any]) -> str:
    """Floats with all their digits, one a line."""
    return "(\n" + "".join(f"    {float(value)!r},\n" for value in values) + ")"


def module() -> str:
    """The text of the module."""
    lines = [
        '"""Coefficients, lowest power first: made by `docs/make_coefficients.py`, not by hand."""',
        "",
    ]
    with mpmath.workdps(DIGITS):
        for name, (about, (above, below)) in fits().items():
            lines += [f"# {about}", f"{name} = (", *indented(numbers(above)), *indented(numbers(below)), ")"]
        lines += ["# B(2k) / (2k)!", f"BERNOULLI = {numbers(bernoulli_terms(14))}"]
        first, rest = digamma_root()
        lines += ["# ln(2 pi) / 2 - 1 / 2", f"STIRLING = {float((mpmath.log(2 * mpmath.pi) - 1) / 2)!r}"]
        lines += ["# the positive zero of digamma, in two parts", f"DIGAMMA_ROOT = ({first!r}, {rest!r})"]
    return "\n".join(lines) + "\n"


def indented(text: str) -> list[str]:
    """The lines of a tuple inside a tuple."""
    return [f"    {line}" for line in f"{text},".splitlines()]


if __name__ == "__main__":
    TARGET.write_text(module())
