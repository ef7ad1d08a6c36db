"""`compare_gradients`: one function, differentiated in every way, side by side."""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ...errors import ArgumentError, DTypeError, GlassgradError, GraphError
from ...tensor import Tensor, asarray
from .. import numerical
from ..called import require_function
from ..forward import jvp
from ..gradient import grad
from .compare_report import Comparison, ComparisonRow, Reference
from .high_precision import DIGITS, slopes_in_high_precision
from .slopes import Line

MOST_SYMBOLS = 32
"""More elements than this are not differentiated symbolically: the formulas grow too large."""
QUICK = 0.02
"""Runs that take less than this many seconds are timed again, `RUNS` times in all; the best counts."""
RUNS = 5

Array = np.ndarray[Any, Any]
Arrays = list[Array]


def compare_gradients(function: Callable[..., Any], *inputs: Any) -> Comparison:
    """The gradient of `function` at `inputs`, by every mode: value, error, evaluations, time and memory.

    function: maps the tensors to a single number. inputs: floats, arrays or tensors; everything is done in float64.
    Returns a report: printed, a table with a row for forward and central differences, the complex step, Richardson
    extrapolation, the symbolic derivative, forward mode (a jvp per element) and reverse mode. A row that cannot be had
    says why. `error` is the largest one, relative to the largest entry of the gradient, against `reference`: the
    function computed by mpmath with 100 digits, where every op has a formula, else the best estimate from differences;
    the report says which. `evaluations` counts the calls of `function`: the complex step and the symbolic mode call it
    once to look at its graph. `memory` is the peak that Python allocates. `report.plot("steps.png")` draws the error
    of differences over the step.

    Raises GraphError if the result is not a single number, DTypeError for inputs that are not real.

    >>> import glassgrad as gg
    >>> report = gg.compare_gradients(lambda x: gg.sin(x) * x, 1.0)
    >>> [(row.mode, row.evaluations) for row in report.rows[:4]]
    [('forward difference', 2), ('central difference', 2), ('complex step', 2), ('Richardson', 12)]
    """
    require_function("compare_gradients", function)
    if not inputs:
        raise ArgumentError("compare_gradients takes a function and the inputs to differentiate it at")
    points = [_as_point(value) for value in inputs]
    result = function(*map(Tensor, points))
    if np.size(result) != 1:
        raise GraphError(
            f"compare_gradients needs a function that returns a single number; got shape {np.shape(result)}"
        )
    reference = _reference(function, points)
    modes: dict[str, Callable[[Callable[..., Any]], Arrays]] = {
        "forward difference": lambda f: _by_differences(f, points, "forward"),
        "central difference": lambda f: _by_differences(f, points, "central"),
        "complex step": lambda f: _by_differences(f, points, "complex"),
        "Richardson": lambda f: _by_differences(f, points, "richardson"),
        "symbolic": lambda f: _symbolic(f, points),
        "forward mode": lambda f: _forward(f, points),
        "reverse mode": lambda f: _reverse(f, points),
    }
    rows = tuple(_row(mode, run, function, reference) for mode, run in modes.items())
    return Comparison(rows, reference, function, points)


def _as_point(value: Any) -> Array:
    x = value if isinstance(value, Tensor) else asarray(np.asarray(value))
    if x.dtype.kind not in "fiu":
        raise DTypeError(f"compare_gradients needs real inputs; got {x.dtype}")
    return np.asarray(x.numpy().astype(np.float64))


def _row(
    mode: str, run: Callable[[Callable[..., Any]], Arrays], function: Callable[..., Any], reference: Reference
) -> ComparisonRow:
    calls = 0

    def counted(*args: Any) -> Any:
        nonlocal calls
        calls += 1
        return function(*args)

    try:
        values = run(counted)
    except GlassgradError as error:
        return ComparisonRow(mode, None, None, None, None, None, error.message)
    seconds, memory = _time(lambda: run(function)), _memory(lambda: run(function))
    return ComparisonRow(mode, values, reference.error_of(values), calls, seconds, memory, "")


def _time(run: Callable[[], Any]) -> float:
    best = np.inf
    for _ in range(RUNS):
        start = time.perf_counter()
        run()
        best = min(best, time.perf_counter() - start)
        if best > QUICK:
            break
    return float(best)


def _memory(run: Callable[[], Any]) -> int:
    """The peak of what Python allocates during a run, in bytes."""
    was_tracing = tracemalloc.is_tracing()
    if not was_tracing:
        tracemalloc.start()
    try:
        tracemalloc.reset_peak()
        before, _ = tracemalloc.get_traced_memory()
        run()
        return tracemalloc.get_traced_memory()[1] - before
    finally:
        if not was_tracing:
            tracemalloc.stop()


# --- the modes ------------------------------------------------------------------------------------------------------


def _by_differences(function: Callable[..., Any], points: Arrays, scheme: numerical.Scheme) -> Arrays:
    found = numerical.grad(function, *map(Tensor, points), scheme=scheme)
    return list(found) if isinstance(found, tuple) else [found]


def _reverse(function: Callable[..., Any], points: Arrays) -> Arrays:
    found = grad(function, argnums=tuple(range(len(points))))(*map(Tensor, points))
    return [g.numpy() for g in found]


def _forward(function: Callable[..., Any], points: Arrays) -> Arrays:
    inputs = [Tensor(point) for point in points]
    still = [Tensor(np.zeros_like(point)) for point in points]
    found = [np.zeros_like(point) for point in points]
    for place, slopes in enumerate(found):
        for index in np.ndindex(slopes.shape):
            direction = np.zeros_like(slopes)
            direction[index] = 1.0
            tangents = [*still[:place], Tensor(direction), *still[place + 1 :]]
            slopes[index] = jvp(function, inputs, tangents)[1].item()
    return found


def _symbolic(function: Callable[..., Any], points: Arrays) -> Arrays:
    """SymPy's derivatives, turned into NumPy code once and computed."""
    from ..symbolic.expressions import grad as symbolic_grad
    from ..symbolic.forms import require_sympy

    sp = require_sympy()
    if sum(point.size for point in points) > MOST_SYMBOLS:
        raise ArgumentError(f"formulas with more than {MOST_SYMBOLS} variables grow too large")
    symbols = [_symbols(place, point.shape) for place, point in enumerate(points)]
    found = symbolic_grad(function, *(given.tolist() if given.ndim else given.item() for given in symbols))
    parts = found if len(points) > 1 else (found,)
    flat = [form for part in parts for form in (sp.flatten(part) if hasattr(part, "shape") else [part])]
    names = [name for given in symbols for name in given.ravel()]
    compute = sp.lambdify(names, flat, modules=["numpy", "scipy"] if _has_scipy() else "numpy", cse=True)
    numbers = compute(*(number for point in points for number in point.ravel()))
    result, start = [], 0
    for point in points:
        result.append(np.array(numbers[start : start + point.size], np.float64).reshape(point.shape))
        start += point.size
    return result


def _symbols(place: int, shape: Sequence[int]) -> Array:
    from ..symbolic.forms import require_sympy

    found = np.empty(shape, dtype=object)
    for index in np.ndindex(*shape):
        found[index] = require_sympy().Symbol("_".join([f"x{place}", *map(str, index)]))
    return found


def _has_scipy() -> bool:
    from importlib.util import find_spec

    return find_spec("scipy") is not None


# --- the reference --------------------------------------------------------------------------------------------------


def _reference(function: Callable[..., Any], points: Arrays) -> Reference:
    try:
        slopes = slopes_in_high_precision(function, points)
    except GlassgradError as error:
        return _best_estimate(function, points, error.message)
    return Reference(slopes, 0.0, f"mpmath with {2 * DIGITS} digits")


def _best_estimate(function: Callable[..., Any], points: Arrays, why: str) -> Reference:
    """Ridders' extrapolation at the best of many scales, with its bound of the error."""
    at_point = float(numerical.call(function, points))
    found, worst = [np.zeros_like(point) for point in points], 0.0
    for place, slopes in enumerate(found):
        for index in np.ndindex(slopes.shape):

            def moved(t: float, place: int = place, index: tuple[int, ...] = index) -> float:
                shifted = points[place].copy()
                shifted[index] += t
                return float(numerical.call(function, [*points[:place], shifted, *points[place + 1 :]]))

            x = float(points[place][index])
            line = Line(moved, at_point, x, max(1.0, abs(x)), abs(at_point), numerical.EPSILON)
            estimate = line.quick.central
            slopes[index] = estimate.value
            worst = max(worst, estimate.error)
    return Reference(found, worst, f"Richardson, with an error of up to {worst:.1e} (not mpmath: {why})")
