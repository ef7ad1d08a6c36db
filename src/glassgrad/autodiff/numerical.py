"""Numerical differentiation: derivatives from values alone, by small steps in each coordinate."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..errors import ArgumentError, DTypeError, GraphError
from ..graph import ancestors
from ..tensor import Tensor, asarray, no_grad, recording

Scheme = Literal["forward", "central", "complex", "richardson"]
Array = NDArray[Any]

EPSILON = float(np.finfo(np.float64).eps)

# the step that balances truncation against rounding error, relative to max(1, |x|)
STEPS: dict[str, float] = {
    "forward": EPSILON ** (1 / 2),
    "central": EPSILON ** (1 / 3),
    "complex": 1e-30,
    "richardson": 1e-2,
}


LEVELS = 6
"""How often Richardson extrapolation halves the step, and one more."""


def grad(
    function: Callable[..., Any], *inputs: Any, scheme: Scheme = "central", step: float | None = None
) -> Any:
    """The gradient of `function` (tensors to a single number) at `inputs`, in float64, from its values alone.

    | scheme     | formula                           | error in the step h    | evaluations per coordinate |
    |------------|-----------------------------------|------------------------|----------------------------|
    | forward    | (f(x+h) - f(x)) / h               | h                      | 1, and 1 for all           |
    | central    | (f(x+h) - f(x-h)) / 2h            | h^2                    | 2                          |
    | complex    | Im f(x + ih) / h                  | h^2, without rounding  | 1; f must be analytic      |
    | richardson | central, extrapolated to h = 0    | far below h^10         | 12                         |

    `step` is h relative to max(1, |x|). Returns a NumPy array for one input, a tuple of them for several.
    Sources: Squire, Trapp (1998) for the complex step; Richardson (1911).

    >>> import glassgrad as gg
    >>> float(grad(lambda x: x * x * x, 2.0))
    12.000000000...
    """
    if scheme not in STEPS:
        raise ArgumentError(f"scheme must be one of {', '.join(STEPS)}; got {scheme!r}")
    points = [_as_point(value) for value in inputs]
    h = STEPS[scheme] if step is None else step
    if not h > 0:
        raise ArgumentError(f"the step must be positive; got {step}")
    try:
        if scheme == "complex":
            require_analytic(function, points)
        results = tuple(_partial(function, points, position, scheme, h) for position in range(len(points)))
    except DTypeError as error:
        if scheme == "complex":
            error.message = (
                f"scheme='complex' needs an analytic function: {error.message} Or use scheme='richardson'."
            )
        raise
    return results[0] if len(results) == 1 else results


def _as_point(value: Any) -> Array:
    given = asarray(value)
    if given.dtype.kind not in "fiu":
        raise DTypeError(f"numerical.grad needs real inputs; got {given.dtype}")
    if not isinstance(value, Tensor):
        given = asarray(
            value, np.float64
        )  # Python's 0.1 is a double; the default float32 would move the point
    return given.numpy().astype(np.float64)


def require_analytic(function: Callable[..., Any], points: list[Array]) -> None:
    """Raise a DTypeError if `function` takes complex numbers apart, because then a step along i says nothing."""
    inputs = [Tensor(point.astype(np.complex128)) for point in points]
    for x in inputs:
        x.node = x.as_node()
    with recording(True):
        result = function(*inputs)
    if not isinstance(result, Tensor) or result.node is None:
        return
    for node in ancestors([result.node]):
        if not node.op.is_analytic:
            raise DTypeError(
                f"{node.op.name} at {node.place} is not (abs, sign and angle are made of real, imag and conj)."
            )


def _partial(
    function: Callable[..., Any], points: list[Array], position: int, scheme: Scheme, step: float
) -> Array:
    """The gradient with respect to one of the inputs."""
    point = points[position]
    result = np.zeros(point.shape)
    at_point = call(function, points) if scheme == "forward" else None
    for index in np.ndindex(point.shape):
        h = step if scheme == "complex" else step * max(1.0, abs(float(point[index])))

        def moved(by: complex, index: tuple[int, ...] = index) -> Any:
            kind = np.complex128 if isinstance(by, complex) else np.float64
            shifted = point.astype(kind)
            shifted[index] += by
            return call(function, [*points[:position], shifted, *points[position + 1 :]])

        result[index] = _along_one_coordinate(moved, at_point, scheme, h)
    return result


def _along_one_coordinate(f: Callable[[complex], Any], at_point: Any, scheme: Scheme, h: float) -> float:
    if scheme == "forward":
        return float((f(h) - at_point) / h)
    if scheme == "central":
        return float((f(h) - f(-h)) / (2 * h))
    if scheme == "complex":
        return float(np.imag(f(complex(0.0, h))) / h)

    def estimate(step: float) -> float:
        return float((f(step) - f(-step)) / (2 * step))

    first = estimate(h)
    while h > EPSILON and not np.isfinite(first):
        h /= 10  # the step left the function's domain
        first = estimate(h)
    return ridders([first] + [estimate(h / 2**level) for level in range(1, LEVELS)]).value


class Estimate(NamedTuple):
    """A number with a bound of its error."""

    value: float
    error: float


def richardson(estimate: Callable[[float], Any], step: float, levels: int = LEVELS) -> float:
    """An estimate whose error is a series in h^2, extrapolated to h = 0 by halving the step `levels` - 1 times.

    >>> import math
    >>> richardson(lambda h: (math.exp(h) - math.exp(-h)) / (2 * h), 0.1)
    1.0...
    """
    return ridders([float(estimate(step / 2**level)) for level in range(levels)]).value


def ridders(estimates: Sequence[float], power: int = 2, ratio: float = 2.0) -> Estimate:
    """Estimates with steps each smaller than the last by `ratio`, extrapolated to step 0, with a bound of the error.

    Their error is a series in h^power. The entry of the Neville table that agrees best with its neighbours is taken,
    because below some step rounding errors grow again. By how much entries disagree with their neighbours bounds the
    error: the third smallest of these numbers, because one can be small by accident.
    Source: Ridders, "Accurate computation of F'(x) and F'(x) F''(x)" (1982); Press et al., Numerical Recipes, 5.7.

    >>> round(ridders([1.0 + h**2 + h**4 for h in (0.4, 0.2, 0.1)]).value, 12)
    1.0
    """
    factor = ratio**power
    row = [estimates[0]]
    best, disagreements = row[0], [math.inf]
    for newest in estimates[1:]:
        following = [newest]
        for order, older in enumerate(row, start=1):
            following.append(following[-1] + (following[-1] - older) / (factor**order - 1))
            error = max(abs(following[-1] - following[-2]), abs(following[-1] - older))
            if error <= min(disagreements):
                best = following[-1]
            disagreements.append(error)
        row = following
    return Estimate(best, sorted(disagreements)[min(2, len(disagreements) - 2)])


def call(function: Callable[..., Any], points: list[Array]) -> Any:
    """The value of `function` at NumPy points, as a NumPy number, without recording."""
    with no_grad():
        result = function(*[Tensor(point) for point in points])
    output = np.asarray(result.numpy() if isinstance(result, Tensor) else result)
    if output.size != 1:
        raise GraphError(
            f"numerical.grad needs a function that returns a single number; got shape {output.shape}"
        )
    return output.reshape(())[()]
