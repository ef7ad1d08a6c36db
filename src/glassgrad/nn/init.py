"""Initialisation: the random starting values of parameters, with variances that keep signals alive through many layers.

Every function assigns into a Parameter (or a Buffer) and returns it; the random numbers are `gg.random`'s.

Sources: Glorot, Bengio, "Understanding the difficulty of training deep feedforward neural networks" (2010), for xavier;
He, Zhang, Ren, Sun, "Delving deep into rectifiers" (2015), for kaiming; Klambauer et al., "Self-normalizing neural
networks" (2017), for the gain of selu.
"""

from __future__ import annotations

import math
from typing import Any

from .. import ops, random
from ..errors import ArgumentError, ShapeError
from .parameter import Cell, require_cell


def uniform_(tensor: Any, a: float = 0.0, b: float = 1.0) -> Cell:
    """Numbers spread evenly over [a, b).

    >>> p = gg.nn.init.uniform_(gg.nn.Parameter(gg.zeros(100)), -1.0, 1.0)
    >>> bool(gg.all(gg.abs(p) <= 1.0))
    True
    """
    cell = require_cell("uniform_", tensor)
    return cell.assign(random.uniform(cell.shape, a, b, dtype=cell.dtype))


def normal_(tensor: Any, mean: float = 0.0, std: float = 1.0) -> Cell:
    """Normally distributed numbers with this mean and standard deviation.

    >>> gg.nn.init.normal_(gg.nn.Parameter([1.0]), mean=3.0, std=0.0)
    Parameter(tensor([3.], requires_grad=True))
    """
    cell = require_cell("normal_", tensor)
    return cell.assign(random.normal(cell.shape, mean, std, dtype=cell.dtype))


def constant_(tensor: Any, val: float) -> Cell:
    """The same number everywhere.

    >>> gg.nn.init.constant_(gg.nn.Parameter([1.0, 2.0]), 0.5)
    Parameter(tensor([0.5, 0.5], requires_grad=True))
    """
    cell = require_cell("constant_", tensor)
    return cell.assign(ops.full(cell.shape, val, dtype=cell.dtype))


def zeros_(tensor: Any) -> Cell:
    """Zeros, as for a bias.

    >>> gg.nn.init.zeros_(gg.nn.Parameter([1.0, 2.0]))
    Parameter(tensor([0., 0.], requires_grad=True))
    """
    return constant_(tensor, 0.0)


def ones_(tensor: Any) -> Cell:
    """Ones, as for a scale.

    >>> gg.nn.init.ones_(gg.nn.Parameter([0.0, 2.0]))
    Parameter(tensor([1., 1.], requires_grad=True))
    """
    return constant_(tensor, 1.0)


def xavier_uniform_(tensor: Any, gain: float = 1.0) -> Cell:
    """U(-a, a) with a = gain √(6 / (fan_in + fan_out)): the compromise between forward and backward signals.

    tensor: a weight (out, in) or (out, in, ...kernel). Raises ShapeError for fewer axes.

    >>> gg.nn.init.xavier_uniform_(gg.nn.Parameter(gg.zeros((3, 2)))).shape
    (3, 2)
    """
    bound = math.sqrt(3.0) * _xavier_std("xavier_uniform_", tensor, gain)
    return uniform_(tensor, -bound, bound)


def xavier_normal_(tensor: Any, gain: float = 1.0) -> Cell:
    """N(0, std²) with std = gain √(2 / (fan_in + fan_out)); see `xavier_uniform_`.

    >>> gg.nn.init.xavier_normal_(gg.nn.Parameter(gg.zeros((3, 2)))).shape
    (3, 2)
    """
    return normal_(tensor, 0.0, _xavier_std("xavier_normal_", tensor, gain))


def kaiming_uniform_(
    tensor: Any, a: float = 0.0, mode: str = "fan_in", nonlinearity: str = "leaky_relu"
) -> Cell:
    """U(-b, b) with b = gain √(3 / fan), where gain makes up for what the nonlinearity after the layer takes away.

    tensor: a weight (out, in) or (out, in, ...kernel). a: the negative slope, for leaky_relu. mode: "fan_in" keeps
    the variance of the outputs, "fan_out" that of the gradients. Raises ShapeError, ArgumentError.

    >>> gg.nn.init.kaiming_uniform_(gg.nn.Parameter(gg.zeros((3, 2)))).shape
    (3, 2)
    """
    bound = math.sqrt(3.0) * _kaiming_std("kaiming_uniform_", tensor, a, mode, nonlinearity)
    return uniform_(tensor, -bound, bound)


def kaiming_normal_(
    tensor: Any, a: float = 0.0, mode: str = "fan_in", nonlinearity: str = "leaky_relu"
) -> Cell:
    """N(0, std²) with std = gain / √fan; see `kaiming_uniform_`.

    >>> gg.nn.init.kaiming_normal_(gg.nn.Parameter(gg.zeros((3, 2)))).shape
    (3, 2)
    """
    return normal_(tensor, 0.0, _kaiming_std("kaiming_normal_", tensor, a, mode, nonlinearity))


def calculate_gain(nonlinearity: str, param: float | None = None) -> float:
    """The factor by which a weight's standard deviation makes up for a nonlinearity; `param`: leaky_relu's slope.

    >>> calculate_gain("relu") ** 2
    2.0...
    """
    if nonlinearity == "leaky_relu":
        slope = 0.01 if param is None else param
        return math.sqrt(2.0 / (1.0 + slope * slope))
    if nonlinearity not in GAINS:
        raise ArgumentError(
            f"calculate_gain knows {', '.join(sorted([*GAINS, 'leaky_relu']))}; got {nonlinearity!r}"
        )
    return GAINS[nonlinearity]


GAINS = {
    "linear": 1.0,
    "conv1d": 1.0,
    "conv2d": 1.0,
    "conv3d": 1.0,
    "conv_transpose1d": 1.0,
    "conv_transpose2d": 1.0,
    "conv_transpose3d": 1.0,
    "sigmoid": 1.0,
    "tanh": 5.0 / 3.0,
    "relu": math.sqrt(2.0),
    "selu": 0.75,
}


def _fans(function: str, tensor: Any) -> tuple[int, int]:
    """How many inputs each output has, and how many outputs each input."""
    shape = require_cell(function, tensor).shape
    if len(shape) < 2:
        raise ShapeError(f"{function} needs a weight with at least 2 axes (out, in, ...); got shape {shape}")
    kernel = math.prod(shape[2:])
    return shape[1] * kernel, shape[0] * kernel


def _xavier_std(function: str, tensor: Any, gain: float) -> float:
    fan_in, fan_out = _fans(function, tensor)
    return gain * math.sqrt(2.0 / (fan_in + fan_out))


def _kaiming_std(function: str, tensor: Any, a: float, mode: str, nonlinearity: str) -> float:
    fans = dict(zip(("fan_in", "fan_out"), _fans(function, tensor), strict=True))
    if mode not in fans:
        raise ArgumentError(f"{function} needs mode='fan_in' or 'fan_out'; got {mode!r}")
    return calculate_gain(nonlinearity, a) / math.sqrt(fans[mode])
