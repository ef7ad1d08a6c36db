"""The accuracy of elementwise ops: exact values by mpmath, points from the whole domain, and errors in ULP.

The unit is the ULP: the distance between neighbouring floats of the size of the exact value, down to the subnormal
numbers, which are 2**-149 apart in float32. A correctly rounded result is off by at most half of one.
"""

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import mpmath
import numpy as np
from mpmath import mpf

from glassgrad.graph import quiet
from glassgrad.ops import (
    activation,
    arithmetic,
    exponential as e,
    special_functions as special,
    trigonometric as trig,
)
from glassgrad.ops.families import Elementwise, Formula

Array = np.ndarray[Any, Any]
BITS = 400
"""Binary digits that exact values are computed with: enough for what cancels near 1e-45 and 1e38."""


@dataclass(frozen=True)
class Case:
    """An op, its exact value, and where to look.

    near: where the function has zeros, poles, ends or cuts. low, high: the part of the domain worth sampling.
    from32, from64: the size below which a result that has cancelled is measured by the ULP of that size (with the
    reason in docs/accuracy.md). bound64: the most ULP that float64 may be off.
    """

    op: Elementwise
    exact: Callable[..., Any]
    near: tuple[float, ...] = ()
    low: float = -np.inf
    high: float = np.inf
    pairs: Callable[[Any, type, int], tuple[Array, Array]] | None = None
    from32: float = 0.0
    from64: float = 0.0
    bound64: float = 4.0
    share: float = 1.0

    @property
    def name(self) -> str:
        return self.op.name


# --- points ---------------------------------------------------------------------------------------------------


def any_bits(rng: Any, dtype: type, count: int) -> Array:
    """Finite numbers of every exponent, with either sign, whose other digits are random, all 0 or all 1."""
    info = np.finfo(dtype)
    whole = np.uint32 if dtype is np.float32 else np.uint64
    exponents = np.arange(2 ** (info.bits - 1 - info.nmant) - 1, dtype=whole)
    rounds = max(1, count // (2 * len(exponents)))
    chosen = np.tile(exponents, 2 * rounds) if count >= len(exponents) else rng.choice(exponents, count)
    digits = rng.integers(0, 2**info.nmant, chosen.size, dtype=whole)
    edge = rng.random(chosen.size)
    digits[edge < 0.1] = 0
    digits[edge > 0.9] = 2**info.nmant - 1
    signs = rng.integers(0, 2, chosen.size, dtype=whole) << whole(info.bits - 1)
    found = (signs | (chosen << whole(info.nmant)) | digits).view(dtype)
    return np.asarray(found + dtype(0))  # mpmath has no -0


def around(rng: Any, places: tuple[float, ...], dtype: type, count: int) -> Array:
    """Numbers near each place: its neighbours among the floats, and others at all small distances."""
    found = []
    for place in places:
        x = np.asarray(place, dtype)
        steps = [x, np.nextafter(x, dtype(np.inf)), np.nextafter(x, dtype(-np.inf))]
        apart = rng.choice([-1.0, 1.0], count) * 10.0 ** rng.uniform(-9, -0.5, count)
        found += [np.array(steps), (place + max(abs(place), 1.0) * apart).astype(dtype)]
    return np.concatenate(found) if found else np.zeros(0, dtype)


def points(case: Case, dtype: type, count: int, seed: int = 0) -> tuple[Array, ...]:
    """Inputs for a case, about `count` of them."""
    rng = np.random.default_rng(seed)
    count = int(count * case.share)
    if case.pairs is not None:
        return case.pairs(rng, dtype, count)
    x = np.concatenate(
        [
            any_bits(rng, dtype, count // 2),
            *(rng.uniform(-size, size, count // 8).astype(dtype) for size in (1, 10, 100)),
            around(rng, case.near, dtype, max(4, count // 40)),
        ]
    )
    return (x[(x >= case.low) & (x <= case.high)],)


def of_all_sizes(rng: Any, dtype: type, count: int) -> tuple[Array, Array]:
    """Pairs of any numbers, pairs of similar size, and pairs of moderate numbers."""
    x, y = any_bits(rng, dtype, count // 3), any_bits(rng, dtype, count // 3)
    y = rng.permutation(y)
    similar = (any_bits(rng, dtype, count // 3) * 0.5).astype(dtype)
    with np.errstate(all="ignore"):
        beside = (similar * rng.uniform(-2, 2, similar.size)).astype(dtype)
    moderate = rng.uniform(-30, 30, (2, count // 3)).astype(dtype)
    n = min(len(x), len(y))
    return np.concatenate([x[:n], similar, moderate[0]]), np.concatenate([y[:n], beside, moderate[1]])


def for_power(rng: Any, dtype: type, count: int) -> tuple[Array, Array]:
    """Bases of every size with exponents that keep the result in range, bases near 1, negative bases."""
    limit = np.log(float(np.finfo(dtype).max))
    base = np.abs(any_bits(rng, dtype, count // 2))
    base = base[base > 0]
    exponent = rng.uniform(-limit, limit, base.size) / np.maximum(np.abs(np.log(base.astype(float))), 1e-3)
    near_1 = 1 + 10.0 ** rng.uniform(-7, -1, count // 4) * rng.choice([-1, 1], count // 4)
    large = rng.uniform(-limit, limit, count // 4) / np.log(near_1)
    negative, integers = -rng.uniform(0.1, 10, count // 4), rng.integers(-30, 30, count // 4)
    bases = np.concatenate([base, near_1, negative, base[:50]])
    return bases.astype(dtype), np.concatenate([exponent, large, integers, np.full(50, 0.5)]).astype(dtype)


def moderate_and_far(rng: Any, dtype: type, count: int) -> tuple[Array, Array]:
    """Pairs whose exponentials are near each other and near 1, and pairs far apart."""
    x, y = rng.uniform(-2, 2, (2, count // 3)), rng.uniform(-100, 100, (2, count // 3))
    wide = any_bits(rng, dtype, count // 3)
    return (
        np.concatenate([x[0], y[0], wide]).astype(dtype),
        np.concatenate([x[1], y[1], rng.permutation(wide)]).astype(dtype),
    )


def with_positive_second(rng: Any, dtype: type, count: int) -> tuple[Array, Array]:
    x, y = of_all_sizes(rng, dtype, count)
    return np.where(np.abs(x) < 1e30, x, x * dtype(1e-8)), np.where(y == 0, dtype(1), np.abs(y))


# --- errors ---------------------------------------------------------------------------------------------------


def exact_value(case: Case, at: tuple[float, ...]) -> Any:
    """The value with `BITS` digits; NaN outside the domain, infinity at a pole."""
    with mpmath.workprec(BITS):
        try:
            value = case.exact(*map(mpf, at))
        except (ValueError, ZeroDivisionError):
            return mpmath.nan
        return mpmath.nan if isinstance(value, mpmath.mpc) else mpf(value)


def ulps_apart(found: float, exact: Any, dtype: type, smallest: float = 0.0) -> float:
    """How far a float is from the exact value, in units of the distance between floats of its size."""
    info = np.finfo(dtype)
    if mpmath.isnan(exact):
        return 0.0 if np.isnan(found) else np.inf
    with mpmath.workprec(BITS):
        largest = mpf(float(info.max)) * (
            1 + mpf(float(info.epsneg)) / 2
        )  # from here on the infinity is nearer
    if abs(exact) >= largest or np.isinf(found):
        return 0.0 if abs(exact) >= largest and found == np.inf * float(mpmath.sign(exact)) else np.inf
    if np.isnan(found):
        return np.inf
    size = max(abs(exact), mpf(float(info.tiny)), mpf(smallest))
    with mpmath.workprec(BITS):
        ulp = mpf(2) ** (mpmath.frexp(size)[1] - 1 - info.nmant)
        return float(abs(mpf(found) - exact) / ulp)


def worst(case: Case, dtype: type, count: int, seed: int = 0) -> tuple[float, tuple[float, ...]]:
    """The largest error in ULP among about `count` points, and where it is.

    Besides, the points where float32 and float64 differ most among a hundred times as many are looked at: if the op
    is not computed in float64 anyway, those are where it is worst.
    """
    inputs = points(case, dtype, count, seed)
    if dtype is np.float32:
        inputs = tuple(map(np.concatenate, zip(inputs, suspicious(case, 100 * count, seed), strict=True)))
    found = np.asarray(quiet.run(case.op.forward, *inputs)).tolist()
    smallest = case.from32 if dtype is np.float32 else case.from64
    at = list(zip(*(x.tolist() for x in inputs), strict=True))
    errors = [
        ulps_apart(value, exact_value(case, place), dtype, smallest)
        for value, place in zip(found, at, strict=True)
    ]
    place = int(np.argmax(errors))
    return errors[place], at[place]


def suspicious(case: Case, count: int, seed: int, keep: int = 40) -> tuple[Array, ...]:
    """The inputs in float32 whose results are the furthest from those in float64."""
    inputs = points(case, np.float32, count, seed + 1)
    single = np.asarray(quiet.run(case.op.forward, *inputs)).astype(np.float64)
    double = np.asarray(quiet.run(case.op.forward, *(x.astype(np.float64) for x in inputs)))
    with np.errstate(all="ignore"):
        apart = np.abs(single - double) / np.spacing(np.abs(double).astype(np.float32)).astype(np.float64)
    apart[~np.isfinite(apart)] = -1
    chosen = np.argsort(apart)[-keep:]
    return tuple(x[chosen] for x in inputs)


# --- the table ------------------------------------------------------------------------------------------------


def lgamma(x: Any) -> Any:
    if x <= 0 and x == mpmath.floor(x):
        return mpmath.inf
    if x > 0:
        return mpmath.loggamma(x)
    return mpmath.log(mpmath.pi / abs(x * mpmath.sinpi(x))) - mpmath.loggamma(-x)


def polygamma(n: int) -> Callable[[Any], Any]:
    def exact(x: Any) -> Any:
        if x == 0:
            return mpmath.inf * (-1) ** (n + 1)
        if x < 0 and x == mpmath.floor(x):
            return mpmath.inf if n % 2 else mpmath.nan
        if abs(x) < mpf(2) ** -300:
            return (-1) ** (n + 1) * mpmath.factorial(n) / x ** (n + 1)
        return mpmath.polygamma(n, x)

    return exact


def erfinv(x: Any) -> Any:
    if abs(x) >= 1:
        return mpmath.inf * x if abs(x) == 1 else mpmath.nan
    with mpmath.workprec(160):
        return x * mpmath.sqrt(mpmath.pi) / 2 if abs(x) < mpf(2) ** -80 else mpmath.erfinv(x)


def erfc(x: Any) -> Any:
    return mpmath.erfc(x) if x < 1e6 else mpf(0)


def logaddexp(x: Any, y: Any) -> Any:
    low, high = sorted((x, y))
    return high + mpmath.log1p(mpmath.exp(low - high))


def logit(x: Any) -> Any:
    return mpmath.log(x / (1 - x)) if x < 1 else mpmath.inf


def elu(x: Any) -> Any:
    return x if x > 0 else mpmath.expm1(x)


def xlogy(x: Any, y: Any) -> Any:
    return x * mpmath.log(y) if x else mpf(0)


def remainder(x: Any, y: Any) -> Any:
    with mpmath.workprec(2400):
        return x - mpmath.floor(x / y) * y


QUARTERS = tuple(np.pi / 2 * np.r_[1:12, 22, 44, 710 / np.pi * 2, 1e4, 1e8])
LGAMMA_ZEROS = (-2.4570247382208006, -2.747682646727413, -3.1435808883499799, -3.9552942848585979, -4.0392)
DIGAMMA_ZEROS = (1.4616321449683623, -0.50408300826445541, -1.5734984731623904, -9.7026725)
LEFT_OF_POLES = (-1.0, -2.0, -3.0, -20.0, -170.0)

CASES: tuple[Case, ...] = (
    Case(arithmetic.Add(), lambda x, y: x + y, pairs=of_all_sizes, bound64=0.5),
    Case(arithmetic.Subtract(), lambda x, y: x - y, pairs=of_all_sizes, bound64=0.5),
    Case(arithmetic.Multiply(), lambda x, y: x * y, pairs=of_all_sizes, bound64=0.5),
    Case(arithmetic.Divide(), lambda x, y: x / y, pairs=with_positive_second, bound64=0.5),
    Case(arithmetic.Power(), mpmath.power, pairs=for_power),
    Case(arithmetic.Square(), lambda x: x * x, bound64=0.5),
    Case(arithmetic.Reciprocal(), lambda x: 1 / x if x else mpmath.inf, bound64=0.5),
    Case(arithmetic.Remainder(), remainder, pairs=with_positive_second, bound64=0.5),
    Case(arithmetic.Hypot(), lambda x, y: mpmath.sqrt(x * x + y * y), pairs=of_all_sizes, bound64=1.0),
    Case(e.Exp(), mpmath.exp, near=(0.0, 88.722839, -103.97, 709.78, -745.1)),
    Case(e.Expm1(), mpmath.expm1, near=(0.0, 88.722839, -17.3, -37.4, 709.78)),
    Case(e.Log(), mpmath.log, near=(1.0,), low=0.0),
    Case(e.Log2(), lambda x: mpmath.log(x) / mpmath.log(2), near=(1.0, 2.0), low=0.0),
    Case(e.Log10(), lambda x: mpmath.log(x) / mpmath.log(10), near=(1.0, 10.0), low=0.0),
    Case(e.Log1p(), mpmath.log1p, near=(0.0, -1.0), low=-1.0),
    Case(e.Sqrt(), mpmath.sqrt, low=0.0, bound64=0.5),
    Case(e.Sigmoid(), lambda x: 1 / (1 + mpmath.exp(-x)), near=(0.0, -88.7, -103.2, 17.3), low=-709.0),
    Case(e.Softplus(), lambda x: mpmath.log1p(mpmath.exp(x)), near=(0.0, -103.2, 16.6, -745.1)),
    Case(e.Logaddexp(), logaddexp, pairs=moderate_and_far, from32=2.0**-28, from64=1.0),
    Case(trig.Sin(), mpmath.sin, near=QUARTERS),
    Case(trig.Cos(), mpmath.cos, near=QUARTERS),
    Case(trig.Tan(), mpmath.tan, near=QUARTERS),
    Case(trig.Asin(), mpmath.asin, near=(-1.0, -0.5, 0.5, 1.0), low=-1.0, high=1.0),
    Case(trig.Acos(), mpmath.acos, near=(-1.0, -0.5, 0.5, 1.0), low=-1.0, high=1.0),
    Case(trig.Atan(), mpmath.atan, near=(1.0, -1.0)),
    Case(trig.Atan2(), mpmath.atan2, pairs=of_all_sizes),
    Case(trig.Sinh(), mpmath.sinh, near=(0.0, 89.4, -89.4, 710.4)),
    Case(trig.Cosh(), mpmath.cosh, near=(0.0, 89.4, -89.4, 710.4)),
    Case(trig.Tanh(), mpmath.tanh, near=(0.0, 9.0)),
    Case(trig.Asinh(), mpmath.asinh, near=(0.0, 1.0)),
    Case(trig.Acosh(), mpmath.acosh, near=(1.0, 2.0), low=1.0),
    Case(trig.Atanh(), mpmath.atanh, near=(-1.0, 1.0, 0.5), low=-1.0, high=1.0),
    Case(activation.LeakyRelu(0.25), lambda x: x if x > 0 else x / 4, bound64=0.5),
    Case(activation.Elu(1.0), elu, near=(0.0, -17.3, -37.4)),
    Case(special.Erf(), mpmath.erf, near=(0.0, 0.85, 4.0, 6.0), bound64=2.0),
    Case(special.Erfc(), erfc, near=(0.0, 0.5, 4.0, 10.05, 27.2), bound64=8.0),
    Case(special.Erfinv(), erfinv, near=(0.6, 0.9999, -1.0), low=-1.0, high=1.0, bound64=8.0, share=0.25),
    Case(special.Lgamma(), lgamma, near=(0.5, 1.0, 1.5, 2.0, 3.0, 8.0, *LGAMMA_ZEROS, *LEFT_OF_POLES), from64=8.0),
    Case(special.Digamma(), polygamma(0), near=(1.0, 2.0, 8.0, *DIGAMMA_ZEROS, *LEFT_OF_POLES), from64=16.0),
    *(
        Case(
            special.Polygamma(n), polygamma(n), (0.0, 1.0, 10.0, -0.5, *LEFT_OF_POLES), -1e6, 1e6,
            from64=100.0, bound64=10.0, share=0.1,
        )
        for n in (1, 2, 3)
    ),
    Case(special.Logit(), logit, near=(0.5, 1.0), low=0.0, high=1.0),
    Case(special.Xlogy(), xlogy, pairs=with_positive_second),
)  # fmt: skip

EXACT = {
    *("negative", "abs", "sign", "copysign", "nextafter", "signbit", "floor", "ceil", "round", "trunc"),
    *("maximum", "minimum", "clip", "where", "relu", "floor_divide"),
}
"""Ops that give one of their inputs, a neighbouring float or an integer: nothing is rounded."""


def every_elementwise_op(family: type[Elementwise] = Elementwise) -> dict[str, type[Elementwise]]:
    """The name of each elementwise op, and its class."""
    found: dict[str, type[Elementwise]] = {}
    ours = [kind for kind in family.__subclasses__() if kind.__module__.startswith("glassgrad.ops.")]
    for kind in ours:
        if kind is not Formula:
            found |= every_elementwise_op(kind) or {kind.name.fget(kind.__new__(kind)): kind}  # type: ignore[attr-defined]
    return dict(sorted(found.items()))


def rounds_nothing(name: str, kind: type[Elementwise]) -> bool:
    """Whether an op is exact: listed as such, or its result or its inputs are truth values or bits."""
    return name in EXACT or "f" not in kind.kinds or kind.__mro__[1].__name__ == "Truth"


def by_name() -> dict[str, list[Case]]:
    """The cases of each op."""
    ordered = sorted(CASES, key=lambda case: case.name)
    return {name: list(group) for name, group in itertools.groupby(ordered, key=lambda case: case.name)}
