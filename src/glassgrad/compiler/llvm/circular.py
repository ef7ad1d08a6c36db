"""Sine, cosine, tangent and their inverses, and the error function, for float32, without branches."""

from __future__ import annotations

import math

from . import coefficients as c
from .exponentials import exp2_wide, exp_in_parts, odd, power_of_two
from .number import FLOAT32, FLOAT64, Number

Angle = tuple[Number, Number]
"""A float64 r with |r| <= pi / 4 and an integer k: together the angle r + k pi / 2."""


def in_quarter_turns(x: Number) -> Angle:
    """The angle x in parts: x times those bits of 2 / pi that do not make whole turns (Payne and Hanek, "Radian
    reduction for trigonometric functions", 1983).

    x is m 2**e with an integer m of 24 bits. Of 2 / pi, 128 bits are needed, from one that e tells; the zeros before
    2 / pi let the smallest e start at its first word. An angle that needs no reduction is its own r; r of an infinite
    angle is NaN.
    """
    bits = x.bits()
    m = ((bits & 0x7FFFFF) | 0x800000).wide_integer()
    place = ((bits >> 23) & 0xFF) - 117
    middle, last = place > 63, place > 127
    place = place.wide_integer()
    words = [place.constant(word) for word in c.TWO_OVER_PI]
    first, second, third = (
        last.choose(words[i + 2], middle.choose(words[i + 1], words[i])) for i in range(3)
    )
    shift = place & 63
    high = first.intrinsic("fshl", second, shift)
    low = second.intrinsic("fshl", third, shift)
    # a turn is 2**64: the product modulo a turn, without its last bits
    turned = m * (high & 0xFFFFFFFF) + ((m * high.shifted_right(32)) << 32)
    turned = turned + (m * low.shifted_right(32)).shifted_right(32)
    k = (turned + 2**61) >> 62
    r = (turned - (k << 62)).to_float(FLOAT64) * (math.pi / 2**63)
    k = k.narrow_integer()
    is_negative = bits < 0
    r, k = is_negative.choose(-r, r), is_negative.choose(-k, k)
    is_large = x.size() >= 0.5
    r = (x.size() < math.inf).choose(r, math.nan)
    return is_large.choose(r, x.wide()), is_large.choose(k, 0)


def _sine_and_cosine(r: Number) -> tuple[Number, Number]:
    z = r * r
    return odd(r, c.SIN), (z * z).times_plus(z.polynomial(c.COS[24]), 1 - z * 0.5)


def _with_flipped_sign(x: Number, k: Number) -> Number:
    """-x where the bit of 2 in k is set, else x."""
    return (x.bits() ^ ((k & 2) << 30)).as_float()


def sin(x: Number) -> Number:
    """The sine."""
    r, k = in_quarter_turns(x)
    sine, cosine = _sine_and_cosine(r.narrow())
    return x.equals(0.0).choose(x, _with_flipped_sign((k & 1).equals(0).choose(sine, cosine), k))


def cos(x: Number) -> Number:
    """The cosine."""
    r, k = in_quarter_turns(x)
    sine, cosine = _sine_and_cosine(r.narrow())
    return _with_flipped_sign((k & 1).equals(0).choose(cosine, sine), k + 1)


def tan(x: Number) -> Number:
    """The tangent: -1 / tan(r) where k is odd; in float64, for the errors of two quotients would add up."""
    r, k = in_quarter_turns(x)
    z = r * r
    tangent = (r * z).times_plus(z.polynomial(c.TAN[24]), r)
    return x.equals(0.0).choose(x, (k & 1).equals(0).choose(tangent, -1 / tangent).narrow())


# --- inverses ---------------------------------------------------------------------------------------------------


def _from(angle: float, part: Number) -> Number:
    """`angle - part` with more digits of the angle than a float32 has."""
    head = FLOAT32.rounded(angle)
    return head - (part - (angle - head))


def atan(x: Number) -> Number:
    """The angle whose tangent is x; beyond 1 it is that of 1 / x from a right angle."""
    size = x.size()
    beyond = size > 1.0
    near = odd(beyond.choose(1 / size, size), c.ATAN)
    return beyond.choose(_from(math.pi / 2, near), near).with_sign_of(x)


def atan2(y: Number, x: Number) -> Number:
    """The angle of the point (x, y), from -pi to pi; which zero or infinity is meant its sign tells (C11, F.10.1.4)."""
    up, along = y.size(), x.size()
    steep = up > along
    larger, smaller = steep.choose(up, along), steep.choose(along, up)
    equal = larger.equals(0.0).choose(larger, x.constant(1.0))
    angle = odd(larger.equals(smaller).choose(equal, smaller / larger), c.ATAN)
    angle = steep.choose(_from(math.pi / 2, angle), angle)
    return (x.bits() < 0).choose(_from(math.pi, angle), angle).with_sign_of(y)


def _small_asin(x: Number) -> tuple[Number, Number]:
    """Whether |x| > 1/2, and then asin(sqrt((1 - |x|) / 2)), else asin(|x|), as float64: the errors of a float32
    would be doubled."""
    size = x.size().wide()
    large = size > 0.5
    s = large.choose(((1 - size) * 0.5).intrinsic("sqrt"), size)
    z = s * s
    return large, (s * z).times_plus(z.polynomial(c.ASIN[24]), s)


def asin(x: Number) -> Number:
    """The angle between -pi / 2 and pi / 2 whose sine is x; NaN outside [-1, 1]."""
    large, angle = _small_asin(x)
    return large.choose(math.pi / 2 - 2 * angle, angle).narrow().with_sign_of(x)


def acos(x: Number) -> Number:
    """The angle between 0 and pi whose cosine is x; NaN outside [-1, 1]."""
    large, angle = _small_asin(x)
    beside = large.choose(2 * angle, math.pi / 2 - angle)
    return (x < 0.0).choose(math.pi - beside, beside).narrow()


# --- the error function -------------------------------------------------------------------------------------------


def erf(x: Number) -> Number:
    """The error function: 1 - e**(-x q(x)), near 0 an odd polynomial."""
    size = x.size()
    near = size.times_plus((size * size).polynomial(c.ERF[24]), size)
    bounded = size.at_most(4.0)
    p, n = exp_in_parts(-bounded * (bounded - 2.4).polynomial(c.ERF_TAIL[24]))
    return (size < 0.9).choose(near, 1 - p * power_of_two(n)).with_sign_of(x)


def erfc(x: Number) -> Number:
    """1 - erf(x), by e**(-x**2) times a function that changes slowly, in float64; from 10.5 on it is 0."""
    size = x.size().at_most(10.5).wide()
    scaled = ((size - 2) / (size + 2)).polynomial(c.ERFC_WIDE[53])
    beyond = scaled * exp2_wide(size * size * (-1 / math.log(2)))
    return (x < 0.0).choose(2 - beyond, beyond).narrow()
