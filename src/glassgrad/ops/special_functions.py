"""Special functions: the error function and its inverse, the gamma function's logarithm and what is derived from it.

Each is its own op, because no composition of others is accurate. The numbers come from `glassgrad.expr.special`.
"""

from __future__ import annotations

import math
from typing import Any, ClassVar

from ..errors import ArgumentError
from ..expr import Expr, scalar as s
from ..graph import interned
from ..graph.static import static
from ..tensor import Tensor, apply
from .families import Elementwise, Partials

__all__ = ["digamma", "erf", "erfc", "erfinv", "lgamma", "logit", "polygamma", "xlogy"]

HIGHEST_ORDER = 100


class Erf(Elementwise):
    """2 / sqrt(pi) times the integral of exp(-t^2) from 0 to x."""

    kinds = "f"

    def value(self, x: Expr) -> Expr:
        return s.build(s.ERF, x)

    def partials(self, out: Expr, x: Expr) -> Partials:
        return (2.0 / math.sqrt(math.pi) * s.exp(-(x * x)),)


_erf = Erf()


def erf(x: Any, /) -> Tensor:
    """The error function, from -1 to 1; elementwise, real float dtypes. Source: DLMF 7.2.

    >>> f"{gg.erf(gg.asarray(0.5)):.5f}"
    '0.52050'
    """
    return apply(_erf, x)


class Erfc(Elementwise):
    """1 - erf(x)."""

    kinds = "f"

    def value(self, x: Expr) -> Expr:
        return s.build(s.ERFC, x)

    def partials(self, out: Expr, x: Expr) -> Partials:
        return (-2.0 / math.sqrt(math.pi) * s.exp(-(x * x)),)


_erfc = Erfc()


def erfc(x: Any, /) -> Tensor:
    """The complementary error function 1 - erf(x), without cancellation; elementwise, real float dtypes.

    Source: DLMF 7.2.

    >>> f"{gg.erfc(gg.asarray(5.0)):.4e}"
    '1.5375e-12'
    """
    return apply(_erfc, x)


class Erfinv(Elementwise):
    """The number whose error function is x."""

    kinds = "f"

    def value(self, x: Expr) -> Expr:
        return s.build(s.ERFINV, x)

    def partials(self, out: Expr, x: Expr) -> Partials:
        return (math.sqrt(math.pi) / 2.0 * s.exp(out * out),)


_erfinv = Erfinv()


def erfinv(x: Any, /) -> Tensor:
    """The inverse of the error function: infinite at -1 and 1, NaN outside; elementwise, real float dtypes.

    sqrt(2) erfinv(2 p - 1) is the number that a standard normal variable stays below with probability p.
    Source: DLMF 7.17.

    >>> f"{gg.erfinv(gg.asarray(0.5)):.5f}"
    '0.47694'
    """
    return apply(_erfinv, x)


class Lgamma(Elementwise):
    """ln |Gamma(x)|."""

    kinds = "f"

    def value(self, x: Expr) -> Expr:
        return s.build(s.LGAMMA, x)

    def partials(self, out: Expr, x: Expr) -> Partials:
        return (s.build(s.DIGAMMA, x),)


_lgamma = Lgamma()


def lgamma(x: Any, /) -> Tensor:
    """ln |Gamma(x)|, infinite at 0, -1, -2, ...; elementwise, real float dtypes. Its derivative is `digamma`.

    lgamma(n + 1) is the logarithm of n factorial. Source: DLMF 5.2.

    >>> f"{gg.lgamma(gg.asarray(5.0)):.5f}"
    '3.17805'
    """
    return apply(_lgamma, x)


class Digamma(Elementwise):
    """The derivative of ln |Gamma(x)|."""

    kinds = "f"

    def value(self, x: Expr) -> Expr:
        return s.build(s.DIGAMMA, x)

    def partials(self, out: Expr, x: Expr) -> Partials:
        return (s.build(s.POLYGAMMA, 1, x),)


_digamma = Digamma()


def digamma(x: Any, /) -> Tensor:
    """The derivative of `lgamma`; elementwise, real float dtypes. Its own derivative is polygamma(1, x).

    At 0 it is infinite with the sign of -1/x, at -1, -2, ... NaN, because both signs meet there. Source: DLMF 5.2.

    >>> f"{gg.digamma(gg.asarray(1.0)):.5f}"
    '-0.57722'
    """
    return apply(_digamma, x)


@static
class Polygamma(Elementwise):
    """The n-th derivative of digamma."""

    n: int

    kinds: ClassVar[str] = "f"

    def value(self, x: Expr) -> Expr:
        return s.build(s.POLYGAMMA, self.n, x)

    def partials(self, out: Expr, x: Expr) -> Partials:
        return (s.build(s.POLYGAMMA, self.n + 1, x),)


def polygamma(n: int, x: Any, /) -> Tensor:
    """The n-th derivative of `digamma`, for n from 0 to 100; elementwise, real float dtypes. Source: DLMF 5.15.

    At 0, -1, -2, ... it is infinite for odd n and NaN for even n, whose signs differ on both sides.
    Raises ArgumentError for another n.

    >>> f"{gg.polygamma(1, gg.asarray(1.0)):.5f}"
    '1.64493'
    """
    if type(n) is not int or not 0 <= n <= HIGHEST_ORDER:
        raise ArgumentError(f"polygamma needs an order n that is an int from 0 to {HIGHEST_ORDER}; got {n!r}")
    return apply(interned(Polygamma, n), x)


class Logit(Elementwise):
    """ln(x / (1 - x))."""

    kinds = "f"
    rounds_once = True

    def value(self, x: Expr) -> Expr:
        # 2 x - 1 is exact where the logit vanishes, and log1p gets nothing negative: nothing cancels
        above, below = s.log1p((2.0 * x - 1.0) / (1.0 - x)), s.log1p((1.0 - 2.0 * x) / x)
        return s.where(x >= 0.5, above, -below)

    def partials(self, out: Expr, x: Expr) -> Partials:
        return (1.0 / (x * (1.0 - x)),)


_logit = Logit()


def logit(x: Any, /) -> Tensor:
    """ln(x / (1 - x)), the inverse of `sigmoid`: infinite at 0 and 1, NaN outside; elementwise, real float dtypes.

    An op of its own, because composed it would lose all digits near x = 1/2, where it vanishes.

    >>> f"{gg.logit(gg.asarray(0.75)):.5f}"
    '1.09861'
    """
    return apply(_logit, x)


class Xlogy(Elementwise):
    """x1 ln x2, and 0 where x1 is 0."""

    kinds = "f"
    rounds_once = True

    def value(self, x1: Expr, x2: Expr) -> Expr:
        return s.where(_is_zero_by_agreement(x1, x2), 0.0, x1 * s.log(x2))

    def partials(self, out: Expr, x1: Expr, x2: Expr) -> Partials:
        agreed = _is_zero_by_agreement(x1, x2)
        return s.where(agreed, 0.0, s.log(x2)), s.where(agreed, 0.0, x1 / x2)


def _is_zero_by_agreement(x1: Expr, x2: Expr) -> Expr:
    """Whether x1 is 0 and the logarithm of x2 is not a finite number; a NaN in x2 stays one."""
    not_finite = s.build(s.OR, x2 <= 0.0, s.equal(x2, math.inf))
    return s.both(s.equal(x1, 0.0), not_finite)


_xlogy = Xlogy()


def xlogy(x1: Any, x2: Any, /) -> Tensor:
    """x1 ln x2, and 0 where x1 is 0, even for x2 = 0; broadcasting, real float dtypes. Entropies are sums of it.

    An op of its own, because 0 times an infinite logarithm would be NaN. Where x1 is 0 and x2 is infinite or not
    positive, both derivatives are taken as 0.

    >>> gg.xlogy(gg.asarray([0.0, 1.0]), gg.asarray([0.0, 1.0]))
    tensor([0., 0.])
    """
    return apply(_xlogy, x1, x2)
