"""Checking a gradient: automatic derivatives compared with differences of values, entry by entry."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import ArgumentError, GradientMismatch
from ..ops.reduce import sum
from ..tensor import Tensor, asarray, tensor
from . import numerical
from .gradient import grad


@dataclass(frozen=True)
class GradcheckReport:
    """What `gradcheck` found: the largest relative error, where, and how many entries were compared."""

    largest_error: float
    argument: int
    index: tuple[int, ...]
    compared: int
    order: int

    def __str__(self) -> str:
        found = f"{self.compared} entries agree to order {self.order}"
        worst = (
            f"largest relative error {self.largest_error:.2e} at argument {self.argument}, index {self.index}"
        )
        return f"{found}; {worst}" if self.compared else found


def gradcheck(
    function: Callable[..., Any],
    *inputs: Any,
    modes: Sequence[str] = ("reverse",),
    order: int = 1,
    tolerance: float = 1e-6,
    seed: int = 0,
) -> GradcheckReport:
    """Compare the gradients of `function` at `inputs` with Richardson differences, in float64.

    `function` maps tensors to a tensor of any shape; a fixed random weighting makes one number of it. Integer inputs
    are held constant. With `order` = 2 the gradient's own gradient is compared too, along a random direction.
    The error of an entry is |automatic - numerical| / max(1, |numerical|).

    Raises GradientMismatch naming the argument, the index and both values.

    >>> import glassgrad as gg
    >>> print(gradcheck(lambda x: x * gg.sin(x), gg.tensor([1.0, 2.0])))
    2 entries agree to order 1; largest relative error ... at argument 0, index (...,)
    """
    unknown = [mode for mode in modes if mode != "reverse"]
    if unknown:
        raise ArgumentError(f"gradcheck knows the mode 'reverse'; got {unknown[0]!r}")
    if order not in (1, 2):
        raise ArgumentError(f"gradcheck compares order 1 or 2; got {order}")
    points = [_to_double(value) for value in inputs]
    varied = [i for i, point in enumerate(points) if point.dtype.kind == "f"]
    if not varied:
        raise ArgumentError(
            "gradcheck needs at least one floating-point input; got none. Write 1.0 instead of 1."
        )

    def weighted(*variables: Any) -> Tensor:
        full: list[Any] = list(points)
        for position, variable in zip(varied, variables, strict=True):
            full[position] = variable
        return _to_number(function(*full), seed)

    start = [points[i] for i in varied]
    _require_repeatable(weighted, start)
    report = _compare(weighted, start, varied, 1, tolerance)
    if order == 2:
        report = _worse(report, _compare(_directional(weighted, start, seed), start, varied, 2, tolerance))
    return report


def _require_repeatable(function: Callable[..., Tensor], points: list[Tensor]) -> None:
    once, again = (function(*points).item() for _ in range(2))
    if once != again and not np.isnan(once):
        raise ArgumentError(
            f"gradcheck needs a function that gives the same result every time; it gave {once:.9g} and then "
            f"{again:.9g}. Is Dropout in training mode? Call model.eval(), or draw random numbers outside."
        )


def _how_they_differ(automatic: float, numerical: float) -> str:
    """What an error of this kind most often comes from."""
    if automatic == 0.0:
        return "No gradient arrived: does the value leave the graph, through .numpy() or .item()?"
    if math.isclose(automatic, -numerical, rel_tol=1e-4):
        return "The sign is wrong: look at the backward of your Function."
    return "Look at the backward of your Function, and at kinks such as that of relu at 0."


def _to_double(value: Any) -> Tensor:
    given = asarray(value)
    return tensor(given.numpy().astype(np.float64)) if given.dtype.kind == "f" else given


def _to_number(result: Tensor, seed: int) -> Tensor:
    if result.size == 1:
        return sum(result)
    weights = np.random.default_rng(seed).uniform(0.5, 1.5, result.shape)
    return sum(result * asarray(weights))


def _directional(function: Callable[..., Tensor], points: list[Tensor], seed: int) -> Callable[..., Tensor]:
    """The derivative of `function` along a random direction, as a function that can be differentiated again."""
    rng = np.random.default_rng(seed + 1)
    directions = [asarray(rng.uniform(0.5, 1.5, point.shape)) for point in points]

    def slope(*variables: Any) -> Tensor:
        gradients = grad(function, argnums=tuple(range(len(points))))(*variables)
        total = sum(gradients[0] * directions[0])
        for gradient, direction in itertools.islice(zip(gradients, directions, strict=True), 1, None):
            total = total + sum(gradient * direction)
        return total

    return slope


def _compare(
    function: Callable[..., Tensor], points: list[Tensor], names: list[int], order: int, tolerance: float
) -> GradcheckReport:
    automatic = grad(function, argnums=tuple(range(len(points))))(*points)
    expected = numerical.grad(function, *points, scheme="richardson")
    expected = (expected,) if len(points) == 1 else expected
    report = GradcheckReport(0.0, names[0], (), 0, order)
    for name, found, wanted in zip(names, automatic, expected, strict=True):
        for index in np.ndindex(wanted.shape):
            a, n = float(found.numpy()[index]), float(wanted[index])
            error = abs(a - n) / max(1.0, abs(n))
            if not error <= tolerance:
                raise GradientMismatch(
                    f"derivative {order} with respect to argument {name}, index {index}: automatic {a:.9g}, "
                    f"numerical {n:.9g}, relative error {error:.1e} > {tolerance:.0e}. {_how_they_differ(a, n)}"
                )
            report = _worse(report, GradcheckReport(error, name, index, 1, order))
    return report


def _worse(first: GradcheckReport, second: GradcheckReport) -> GradcheckReport:
    """Both reports as one, with the larger error."""
    worse = second if second.largest_error >= first.largest_error else first
    return GradcheckReport(
        worse.largest_error,
        worse.argument,
        worse.index,
        first.compared + second.compared,
        max(first.order, second.order),
    )
