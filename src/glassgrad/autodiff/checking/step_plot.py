"""The picture of numerical differentiation: rounding errors to the left of the best step, truncation to its right."""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from ...errors import GlassgradError
from .. import numerical

if TYPE_CHECKING:
    from .compare_report import Comparison

STEPS = np.logspace(0, -20, 201)
SMALLEST_ERROR = numerical.EPSILON / 2
"""An error below the rounding of the derivative itself is drawn here."""
# Blue, vermilion and bluish green of Okabe and Ito's palette, told apart with every kind of colour blindness.
# Source: Okabe and Ito (2008), Color Universal Design, https://jfly.uni-koeln.de/color/
COLOURS = {"complex": "#009E73", "forward": "#0072B2", "central": "#D55E00"}
WIDTHS = {"complex": 3.5, "forward": 1.5, "central": 1.5}
QUIET = "#6E6E6E"
FORMULAS = {
    "forward": "forward: (f(x+h) - f(x)) / h",
    "central": "central: (f(x+h) - f(x-h)) / 2h",
    "complex": "complex step: Im f(x+ih) / h",
}


def errors_by_step(comparison: Comparison, scheme: str) -> list[float] | None:
    """The relative error of a scheme at each of `STEPS`; None if the scheme does not work for the function."""
    exact = float(sum(value.sum() for value in comparison.reference.values))
    points = comparison.points
    ones = [np.ones_like(point) for point in points]

    def along(t: Any) -> Any:
        return numerical.call(
            comparison.function, [np.asarray(x + t * u) for x, u in zip(points, ones, strict=True)]
        )

    if scheme == "complex" and comparison["complex step"].values is None:
        return None
    slope = _SCHEMES[scheme]
    errors = [abs(float(slope(along, h)) - exact) for h in STEPS]
    return [error / abs(exact) if exact else error for error in errors]


_SCHEMES: dict[str, Callable[[Callable[[Any], Any], float], Any]] = {
    "forward": lambda f, h: (f(h) - f(0.0)) / h,
    "central": lambda f, h: (f(h) - f(-h)) / (2 * h),
    "complex": lambda f, h: np.imag(f(complex(0.0, h))) / h,
}


def plot_errors(comparison: Comparison, path: str | os.PathLike[str]) -> None:
    """Draw the error of each scheme over the step into the file `path`."""
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise GlassgradError("pictures need matplotlib: pip install 'glassgrad[plot]'") from error
    figure = Figure(figsize=(7.2, 4.6), layout="constrained")
    axes = figure.subplots()
    for scheme, colour in COLOURS.items():
        errors = errors_by_step(comparison, scheme)
        if errors is None:
            continue
        drawn = [max(error, SMALLEST_ERROR) if math.isfinite(error) else math.nan for error in errors]
        axes.loglog(STEPS, drawn, color=colour, linewidth=WIDTHS[scheme], label=FORMULAS[scheme])
        if scheme != "complex":
            default = numerical.STEPS[scheme]
            at_default = drawn[int(np.argmin(np.abs(np.log(STEPS / default))))]
            axes.plot(default, at_default, "o", color=colour, markersize=7, markeredgecolor="white")
    _finish(axes)
    figure.savefig(os.fspath(path), dpi=150)


def _finish(axes: Any) -> None:
    epsilon = numerical.EPSILON
    axes.axhline(epsilon, color=QUIET, linewidth=0.8, linestyle=":")
    axes.annotate(
        "precision of float64",
        (STEPS[0], epsilon),
        xytext=(-2, -11),
        textcoords="offset points",
        ha="right",
        color=QUIET,
        fontsize=8,
    )
    axes.set_xlim(STEPS[-1], STEPS[0])
    axes.set_ylim(SMALLEST_ERROR / 10, 30)
    axes.set_xlabel("step h", fontsize=11)
    axes.set_ylabel("relative error of the derivative", fontsize=11)
    axes.set_title("rounding error (left) against truncation error (right)", loc="left", fontsize=12, pad=12)
    axes.grid(color="#E6E6E6", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.plot([], [], "o", color=QUIET, markersize=6, markeredgecolor="white", label="the default step")
    axes.legend(frameon=False, loc="upper center", fontsize=9)
