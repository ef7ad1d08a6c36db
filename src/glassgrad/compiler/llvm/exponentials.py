"""Exponentials and logarithms, and the hyperbolic functions made of them, for float32 and float64.

Without branches: the argument is reduced with the part of its bits that is the exponent (Cody and Waite, "Software
Manual for the Elementary Functions", 1980), a polynomial covers what remains (`coefficients`), and special values are
selected. Errors in ULP are in tests/compiler/test_scalars.py; results below the normal numbers are rounded like all
others, unless the processor is told to flush them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from . import coefficients as c
from .number import FLOAT32, FLOAT64, Number

LN2 = {24: c.LN2_24, 53: c.LN2_53}


def reduced(x: Number) -> tuple[Number, Number]:
    """n, an integer, and r with x = n ln(2) + r and |r| <= ln(2) / 2, for an x whose exponential is near a float."""
    head, tail = LN2[x.format.digits]
    rounder = x.constant(x.format.rounder)
    sum_of_both = x.times_plus(1 / math.log(2), rounder)
    n = sum_of_both - rounder
    r = n.times_plus(-tail, n.times_plus(-head, x))
    return sum_of_both.bits() - rounder.bits(), r


def power_of_two(n: Number) -> Number:
    """2**n for an integer n that is the exponent of a normal float."""
    form = {32: 23, 64: 52}[n.type.width]
    bias = {32: 127, 64: 1023}[n.type.width]
    return ((n + bias) << form).as_float()


def scaled(x: Number, n: Number) -> Number:
    """x * 2**n for n up to twice what a float's exponent can be; only the last step rounds, or overflows."""
    half = n >> 1
    return x * power_of_two(half) * power_of_two(n - half)


def exp_in_parts(x: Number) -> tuple[Number, Number]:
    """p and an integer n with exp(x) = p * 2**n and p near 1."""
    n, r = reduced(x)
    return (r * r).times_plus(r.polynomial(c.EXP[x.format.digits]), r) + 1, n


def _within_exp(x: Number) -> Number:
    """x, or the nearest number from where on exp is 0 or infinite."""
    low, high = {24: (-104.0, 90.0), 53: (-746.0, 711.0)}[x.format.digits]
    return x.at_least(low).at_most(high)


def exp(x: Number) -> Number:
    """e**x."""
    return scaled(*exp_in_parts(_within_exp(x)))


def expm1(x: Number) -> Number:
    """e**x - 1 = 2 (2**(n - 1) (e**r - 1) + (2**(n - 1) - 1/2))."""
    low, high = {24: (-20.0, 89.0), 53: (-40.0, 710.0)}[x.format.digits]
    n, r = reduced(x.at_least(low).at_most(high))
    p = (r * r).times_plus(r.polynomial(c.EXP[x.format.digits]), r)
    scale = power_of_two(n - 1)
    result = 2 * p.times_plus(scale, scale - 0.5)
    return (x.size() < 2.0**-x.format.digits).choose(x, result)


def _exponent(x: Number) -> Number:
    """The integer k for which x / 2**k is between sqrt(1/2) and sqrt(2); x is positive and normal."""
    lowest = x.constant(math.sqrt(0.5)).bits()
    return (x.bits() - lowest) >> x.format.fraction_bits


def _log_near_one(f: Number, k: Number) -> Number:
    """ln(1 + f) + k ln(2), for 1 + f between sqrt(1/2) and sqrt(2).

    With s = f / (2 + f), ln(1 + f) is 2 s and a series in s**3, and 2 s = f - s f, of which f is exact (Muller,
    "Elementary Functions: Algorithms and Implementation", 3rd edition, 2016, chapters 3 and 11).
    """
    head, tail = LN2[f.format.digits]
    s = f / (f + 2)
    z = s * s
    half_square = f * f * 0.5
    beyond = z * z.polynomial(c.LOG[f.format.digits])
    correction = s.times_plus(half_square + beyond, k * tail)
    return k.times_plus(head, f - (half_square - correction))


def _log_special(x: Number, zero: float, result: Number) -> Number:
    """`result`, but the right values where x is `zero`, less than that, infinite or NaN."""
    result = (x < math.inf).choose(result, x)
    result = (x < zero).choose(x.constant(math.nan), result)
    return x.equals(zero).choose(x.constant(-math.inf), result)


def log(x: Number) -> Number:
    """The natural logarithm. A number below the normal ones is read as the integer that its bits are."""
    form = x.format
    is_tiny = x < form.smallest_normal
    shift = is_tiny.choose(x.constant(float(form.bias + form.fraction_bits - 1)), x.constant(0.0))
    return _log_special(x, 0.0, _log_normal(is_tiny.choose(x.bits().to_float(form), x), shift))


def _log_normal(x: Number, shift: Number | float = 0.0) -> Number:
    """ln(x) - shift ln(2), for x > 0 that has all its digits."""
    k = _exponent(x)
    mantissa = (x.bits() - (k << x.format.fraction_bits)).as_float()
    return _log_near_one(mantissa - 1, _exponent_to_float(k) - shift)


def _exponent_to_float(k: Number) -> Number:
    """An exponent as a float; processors convert integers of 32 bits faster."""
    return k.to_float(FLOAT32) if k.type == FLOAT32.integer else k.narrow_integer().to_float(FLOAT64)


def _log_wide(x: Number) -> Number:
    """ln(x) of a float64 that was a float32, and so is never below the normal numbers."""
    return _log_special(x, 0.0, _log_normal(x))


def log1p(x: Number) -> Number:
    """ln(1 + x): x itself is scaled, for the sum 1 + x has lost digits; a large x has none to lose."""
    form = x.format
    total = x + 1
    k = _exponent(total)
    inverse = power_of_two(-k)
    mantissa = (total.bits() - (k << form.fraction_bits)).as_float()
    f = (x < 2.0**60).choose(x.times_plus(inverse, inverse - 1), mantissa - 1)
    result = _log_special(x, -1.0, _log_near_one(f, _exponent_to_float(k)))
    return (x.size() < 2.0**-form.digits).choose(x, result)


def tanh(x: Number) -> Number:
    """The hyperbolic tangent: 1 - 2 / (e**2x + 1), near 0 an odd polynomial."""
    size = x.size()
    limit = {24: 10.0, 53: 20.0}[x.format.digits]
    p, n = exp_in_parts(size.at_most(limit) * 2)
    far = 1 - 2 / (p * power_of_two(n) + 1)
    return (size < 0.6).choose(odd(size, c.TANH), far).with_sign_of(x)


def odd(x: Number, polynomial: Mapping[int, Sequence[float]]) -> Number:
    """x + x**3 p(x**2)."""
    z = x * x
    return (x * z).times_plus(z.polynomial(polynomial[x.format.digits]), x)


def _half_exp(x: Number) -> Number:
    p, n = exp_in_parts(_within_exp(x))
    return scaled(p, n - 1)


def sinh(x: Number) -> Number:
    """The hyperbolic sine: (e**x - e**-x) / 2, near 0 an odd polynomial."""
    size = x.size()
    t = _half_exp(size)
    return (size < 1.0).choose(odd(size, c.SINH), t - 0.25 / t).with_sign_of(x)


def cosh(x: Number) -> Number:
    """The hyperbolic cosine, (e**x + e**-x) / 2."""
    t = _half_exp(x.size())
    return t + 0.25 / t


# --- float32 through float64 -----------------------------------------------------------------------------------


def log2_of_float32(x: Number) -> Number:
    """The logarithm to base 2."""
    return (_log_wide(x.wide()) * (1 / math.log(2))).narrow()


def log10_of_float32(x: Number) -> Number:
    """The logarithm to base 10."""
    return (_log_wide(x.wide()) * (1 / math.log(10))).narrow()


def asinh_of_float32(x: Number) -> Number:
    """ln(|x| + sqrt(x**2 + 1)), with x's sign."""
    a = x.size().wide()
    square = a * a
    result = log1p(a + square / ((square + 1).intrinsic("sqrt") + 1)).narrow()
    return (x.size() < math.inf).choose(result, x).with_sign_of(x)


def acosh_of_float32(x: Number) -> Number:
    """ln(x + sqrt(x**2 - 1))."""
    t = x.wide() - 1
    result = log1p(t + (t * (t + 2)).intrinsic("sqrt")).narrow()
    return (x < 1.0).choose(x.constant(math.nan), result)


def atanh_of_float32(x: Number) -> Number:
    """ln((1 + x) / (1 - x)) / 2."""
    a = x.size().wide()
    return (log1p(2 * a / (1 - a)) * 0.5).narrow().with_sign_of(x)


def power_of_float32(x: Number, y: Number) -> Number:
    """x**y as 2**(y log2 |x|), in float64: the product multiplies the logarithm's error by up to 150.

    Special values are those of C's pow (C11, F.10.4.4): x**0 and 1**y are 1 even for NaN, a negative x has a power if
    y is an integer, and its sign if that is odd.
    """
    exact = exp2_wide(y.wide() * _log2_wide(x.size().wide())).narrow()
    whole = y.intrinsic("trunc")
    half = y * 0.5
    is_odd = y.equals(whole) & half.differs(half.intrinsic("trunc"))
    signed = is_odd.choose(exact.with_sign_of(x), exact)
    is_undefined = (x < 0.0) & y.differs(whole) & (x > -math.inf)
    signed = is_undefined.choose(x.constant(math.nan), signed)
    ends = y.size().equals(math.inf) & x.size().equals(1.0)
    is_one = y.equals(0.0) | x.equals(1.0) | ends
    return is_one.choose(x.constant(1.0), signed)


def _log2_wide(x: Number) -> Number:
    """log2 of a float64 that is a float32, and so normal, at least 0, or infinite, or NaN; to 45 bits."""
    k = _exponent(x)
    mantissa = (x.bits() - (k << FLOAT64.fraction_bits)).as_float()
    f = mantissa - 1
    s = f / (f + 2)
    result = s.times_plus((s * s).polynomial(c.LOG2_WIDE[53]), _exponent_to_float(k))
    result = (x < math.inf).choose(result, x)
    return x.equals(0.0).choose(x.constant(-math.inf), result)


def exp2_wide(x: Number) -> Number:
    """2**x to 35 bits, for x whose power is a float32, or 0 or infinite as a float32."""
    x = x.at_least(-200.0).at_most(200.0)
    rounder = x.constant(FLOAT64.rounder)
    total = x + rounder
    fraction = x - (total - rounder)
    return fraction.polynomial(c.EXP2_WIDE[53]) * power_of_two(total.bits() - rounder.bits())
