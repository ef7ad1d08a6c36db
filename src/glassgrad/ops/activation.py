"""Activations: the nonlinear functions of neural networks that are ops, and softmax built from others."""

from __future__ import annotations

from typing import Any, ClassVar

from ..expr import Expr, scalar as s
from ..graph import interned
from ..graph.static import static
from ..tensor import Tensor, apply, asarray
from .exponential import exp, log
from .families import Elementwise, Partials
from .reduce import finite_maximum, sum
from .shape import normalize_axes

__all__ = ["elu", "leaky_relu", "log_softmax", "relu", "softmax"]


class Relu(Elementwise):
    """max(x, 0)."""

    kinds = "iuf"
    pattern = "router: the upstream gradient passes where x > 0"

    def value(self, x: Expr) -> Expr:
        return s.maximum(x, 0)  # an integer, so that integers stay integers

    def partials(self, out: Expr, x: Expr) -> Partials:
        return (s.where(x > 0.0, 1.0, 0.0),)


_relu = Relu()


def relu(x: Any, /) -> Tensor:
    """max(x, 0), elementwise, real dtypes; NaN stays NaN. The derivative at 0 is 0.

    An op of its own, because at 0 `maximum(x, 0)` would pass half of the gradient.

    >>> gg.relu(gg.asarray([1.0, -2.0, 3.0, -1.0]))
    tensor([1., 0., 3., 0.])
    """
    return apply(_relu, x)


@static
class LeakyRelu(Elementwise):
    """x where x > 0, else slope * x."""

    slope: float

    kinds: ClassVar[str] = "f"

    def value(self, x: Expr) -> Expr:
        return s.where(x > 0.0, x, self.slope * x)

    def partials(self, out: Expr, x: Expr) -> Partials:
        return (s.where(x > 0.0, 1.0, self.slope),)


@static
class Elu(Elementwise):
    """x where x > 0, else alpha * (exp(x) - 1)."""

    alpha: float

    kinds: ClassVar[str] = "f"

    def value(self, x: Expr) -> Expr:
        return s.where(x > 0.0, x, self.alpha * s.expm1(s.minimum(x, 0.0)))

    def partials(self, out: Expr, x: Expr) -> Partials:
        # out + alpha would do, and lose every digit far to the left of 0
        return (s.where(x > 0.0, 1.0, self.alpha * s.exp(s.where(x > 0.0, 0.0, x))),)


def leaky_relu(x: Any, /, negative_slope: float = 0.01) -> Tensor:
    """x where x > 0, else negative_slope * x; elementwise, real float dtypes. At 0 the negative side counts.

    Source: Maas, Hannun, Ng, "Rectifier nonlinearities improve neural network acoustic models" (2013).

    >>> gg.leaky_relu(gg.asarray([1.0, -2.0]), 0.1)
    tensor([ 1. , -0.2])
    """
    return apply(interned(LeakyRelu, float(negative_slope)), x)


def elu(x: Any, /, alpha: float = 1.0) -> Tensor:
    """x where x > 0, else alpha * (exp(x) - 1); elementwise, real float dtypes.

    Source: Clevert, Unterthiner, Hochreiter, "Fast and accurate deep network learning by ELUs" (2016).

    >>> gg.elu(gg.asarray([1.0, 0.0]))
    tensor([1., 0.])
    """
    return apply(interned(Elu, float(alpha)), x)


def softmax(x: Any, /, *, axis: int = -1) -> Tensor:
    """exp(x) / sum exp(x) along `axis`: positive, sums to 1. Real float dtypes.

    The maximum is subtracted first, so large inputs do not overflow.

    >>> gg.softmax(gg.asarray([0.0, 0.0, 1000.0]))
    tensor([0., 0., 1.])
    """
    x = asarray(x)
    axes = normalize_axes(axis, x.ndim, "softmax")
    weights = exp(x - finite_maximum(x, axes))
    return weights / sum(weights, axis=axes, keepdims=True)


def log_softmax(x: Any, /, *, axis: int = -1) -> Tensor:
    """ln softmax(x) along `axis`, without forming the softmax. Real float dtypes.

    >>> f"{gg.log_softmax(gg.asarray([0.0, 0.0]))[0]:.5f}"
    '-0.69315'
    """
    x = asarray(x)
    axes = normalize_axes(axis, x.ndim, "log_softmax")
    shifted: Tensor = x - finite_maximum(x, axes)
    return shifted - log(sum(exp(shifted), axis=axes, keepdims=True))
