"""Pictures of a training run: its curves by epoch, its confusion matrix, predicted against true values."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from glassgrad.errors import ArgumentError, GlassgradError
from glassgrad.io.atomic import write_bytes
from glassgrad.train.history import History
from glassgrad.train.report import (
    Floats,
    Integers,
    regression_scores,
    require_confusion_matrix,
    require_pairs,
)

DOTS_PER_INCH = 150
POINTS_PER_INCH = 72
# Blue and vermilion of Okabe and Ito's palette, told apart with every kind of colour blindness.
# Source: Okabe and Ito (2008), Color Universal Design, https://jfly.uni-koeln.de/color/
CURVE_COLOURS = {"train": "#0072B2", "validation": "#D55E00"}
POINT_COLOUR = "#0072B2"
QUIET_COLOUR = "#6E6E6E"
STYLE = {
    "axes.axisbelow": True,
    "axes.edgecolor": QUIET_COLOUR,
    "axes.grid": True,
    "axes.labelsize": 11,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlelocation": "left",
    "axes.titlepad": 12,
    "axes.titlesize": 12,
    "figure.dpi": DOTS_PER_INCH,
    "font.size": 10,
    "grid.color": "#E6E6E6",
    "text.parse_math": False,  # a class may have a dollar sign in its name
}

PANELS = ("loss", "accuracy")
MOST_EPOCHS_WITH_DOTS = 40
LABEL_HEIGHT = 0.075  # of a line of text, as a part of the axes' height
CELL = 0.45  # inches, of a confusion matrix
SMALLEST_SIDE, LARGEST_SIDE = 2.8, 40.0  # inches; a picture has at most 65,535 dots a side
SMALLEST_FONT = 4.0  # points; counts that would be smaller are left out
DIGIT_WIDTH = 0.62  # of the font's size


def plot_curves(history: History, path: str | os.PathLike[str]) -> None:
    """Draw loss, and accuracy where there is one, by epoch into the PNG file `path`; the best is circled.

    history: with a column "loss" or "validation_loss"; "accuracy" and "validation_accuracy" are drawn when
        there. The best epoch is that of the validation curve, or of the training curve without one.
    Raises ArgumentError when there is no loss to draw or `path` does not end in .png, CheckpointError when
    the file cannot be written, GlassgradError without matplotlib.

    >>> import tempfile
    >>> history = History([{"epoch": 1, "loss": 0.9}, {"epoch": 2, "loss": 0.4}])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     plot_curves(history, Path(folder, "curves.png"))
    ...     Path(folder, "curves.png").read_bytes()[1:4]
    b'PNG'
    """
    panels = [name for name in PANELS if name in history or f"validation_{name}" in history]
    if "loss" not in panels:
        known = ", ".join(map(repr, history.keys())) or "no columns yet"
        raise ArgumentError(f"plot_curves needs a history with 'loss' or 'validation_loss'; it has {known}.")
    with _figure(path, width=5.6 * len(panels), height=3.8) as figure:
        grid = figure.subplots(1, len(panels), squeeze=False, gridspec_kw={"wspace": 0.45})
        for axes, name in zip(grid[0], panels, strict=True):
            _draw_curves(axes, history, name)


def plot_confusion(matrix: npt.ArrayLike, names: Sequence[str], path: str | os.PathLike[str]) -> None:
    """Draw a confusion matrix into the PNG file `path`: counts as numbers, fractions as colour.

    matrix: (classes, classes) int, rows by true class, as `confusion_matrix` returns it.
    names: one per class.
    Raises ShapeError, DTypeError or ArgumentError when `matrix` is no confusion matrix, ArgumentError unless
    there is one name per class and `path` ends in .png, CheckpointError when the file cannot be written,
    GlassgradError without matplotlib.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     plot_confusion([[3, 1], [0, 4]], ["cat", "dog"], Path(folder, "confusion.png"))
    """
    counts = require_confusion_matrix(matrix)
    classes = len(counts)
    if len(names) != classes:
        raise ArgumentError(
            f"plot_confusion: got {len(names)} names for {classes} classes; expected one each."
        )
    side = float(np.clip(CELL * classes, SMALLEST_SIDE, LARGEST_SIDE))
    with _figure(path, width=side, height=side) as figure:
        _draw_confusion(figure, counts, [str(name) for name in names], side)


def plot_regression(target: npt.ArrayLike, prediction: npt.ArrayLike, path: str | os.PathLike[str]) -> None:
    """Draw predicted against true values into the PNG file `path`, with the diagonal where both are equal.

    target, prediction: (samples,) or (samples, outputs), finite numbers.
    Raises ShapeError when the shapes differ, DTypeError for what are no real numbers, ArgumentError when
    there are no samples or `path` does not end in .png, NotFiniteError for a nan or an infinity,
    CheckpointError when the file cannot be written, GlassgradError without matplotlib.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     plot_regression([1.0, 2.0], [1.1, 1.8], Path(folder, "regression.png"))
    """
    expected, found = require_pairs(target, prediction)
    scores = regression_scores(expected, found)
    low, high = min(expected.min(), found.min()), max(expected.max(), found.max())
    margin = 0.05 * (high - low) or 1.0
    limits = (low - margin, high + margin)
    opacity = float(np.clip(300 / expected.size, 0.12, 0.8))  # so that a crowd shows where it is densest
    with _figure(path, width=5, height=5) as figure:
        axes = figure.subplots()
        axes.scatter(expected.ravel(), found.ravel(), s=22, color=POINT_COLOUR, alpha=opacity, linewidths=0)
        axes.plot(limits, limits, color=QUIET_COLOUR, linewidth=1.2, zorder=2)
        axes.text(1.01, 1, "predicted\n= true", color=QUIET_COLOUR, va="top", transform=axes.transAxes)
        r2 = "" if np.isnan(scores.r2) else f", R² {scores.r2:.3f}"
        axes.set(
            aspect="equal",
            xlim=limits,
            ylim=limits,
            xlabel="true value",
            ylabel="predicted value",
            title=f"Predicted against true values: RMSE {scores.rmse:.4g}{r2}",
        )


@contextmanager
def _figure(path: str | os.PathLike[str], width: float, height: float) -> Iterator[Any]:
    """Give an empty figure of `width` by `height` inches, and write what was drawn into `path` afterwards."""
    if Path(path).suffix.lower() != ".png":
        raise ArgumentError(f"pictures are written as PNG; got the path {path}. Let it end in .png.")
    try:
        from matplotlib import style
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise GlassgradError("pictures need matplotlib: pip install 'glassgrad[plot]'") from error
    # Not pyplot, which would open windows and keep figures; and neither use nor change the caller's settings.
    with style.context(STYLE, after_reset=True):
        figure = Figure(figsize=(width, height))
        FigureCanvasAgg(figure)
        yield figure
        picture = io.BytesIO()
        # A tight box grows around what lies outside the figure, such as long names.
        figure.savefig(picture, format="png", bbox_inches="tight", pad_inches=0.15)
    write_bytes(path, picture.getvalue(), what="picture")


def _draw_curves(axes: Any, history: History, name: str) -> None:
    from matplotlib.ticker import MaxNLocator, PercentFormatter

    epochs = np.array(history["epoch"]) if "epoch" in history else np.array([np.nan])
    if not np.isfinite(epochs).all():  # a record lacks its number: count them
        epochs = np.arange(1.0, len(history) + 1)
    curves = {}
    for label, column in (("train", name), ("validation", f"validation_{name}")):
        if column in history:
            values = np.array(history[column])
            values[~np.isfinite(values)] = np.nan  # a gap in the line; an infinity would have no axis
            curves[label] = values
            marker = "o" if len(history) <= MOST_EPOCHS_WITH_DOTS else ""
            axes.plot(epochs, values, color=CURVE_COLOURS[label], marker=marker, markersize=3.5)
    best = _circle_best(axes, epochs, curves, name)
    margin = max(0.5, 0.02 * np.ptp(epochs))  # half an epoch, so that a single one has an axis too
    axes.set(
        xlim=(epochs.min() - margin, epochs.max() + margin),
        xlabel="epoch",
        ylabel=name,
        title=f"{name.capitalize()}: {best}",
    )
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 5, 10], min_n_ticks=1))
    if name == "accuracy":
        axes.yaxis.set_major_formatter(PercentFormatter(1.0))
    _label_ends(axes, curves)


def _circle_best(axes: Any, epochs: Floats, curves: dict[str, Floats], name: str) -> str:
    """Circle the best epoch of the validation curve, or of the only curve, and return what it shows."""
    label = "validation" if "validation" in curves else "train"
    values = curves[label]
    if np.isnan(values).all():
        return f"no finite {label} value"
    at = int(np.nanargmax(values) if name == "accuracy" else np.nanargmin(values))
    axes.plot(epochs[at], values[at], "o", color=CURVE_COLOURS[label], markersize=4, zorder=4)
    axes.plot(
        epochs[at], values[at], "o", color="black", fillstyle="none", markersize=10, zorder=4, clip_on=False
    )
    value = f"{values[at]:.1%}" if name == "accuracy" else f"{values[at]:.4g}"
    return f"best {label} {value} in epoch {epochs[at]:g} (circled)"


def _label_ends(axes: Any, curves: dict[str, Floats]) -> None:
    """Write each curve's name right of the axes, at the height where the curve ends."""
    low, high = axes.get_ylim()
    heights = {
        label: (values[~np.isnan(values)][-1] - low) / (high - low)
        for label, values in curves.items()
        if not np.isnan(values).all()
    }
    if len(heights) == 2 and np.ptp(list(heights.values())) < LABEL_HEIGHT:
        middle = np.mean(list(heights.values()))
        lower, upper = sorted(heights, key=heights.__getitem__)
        heights = {lower: middle - LABEL_HEIGHT / 2, upper: middle + LABEL_HEIGHT / 2}
    for label, height in heights.items():
        axes.text(1.01, height, label, color=CURVE_COLOURS[label], va="center", transform=axes.transAxes)


def _draw_confusion(figure: Any, counts: Integers, names: list[str], side: float) -> None:
    """Draw the matrix over the whole figure, a square of `side` inches; everything else goes around it."""
    classes = len(counts)
    cell = side / classes * POINTS_PER_INCH
    fractions = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)  # all 0 for a class without samples
    axes = figure.add_axes((0, 0, 1, 1))
    image = axes.imshow(fractions, cmap="Blues", vmin=0, vmax=1)
    font_size = min(10.0, 0.9 * cell)
    axes.set_xticks(range(classes), names, fontsize=font_size)
    axes.set_yticks(range(classes), names, fontsize=font_size)
    if max(map(len, names)) * DIGIT_WIDTH * font_size > cell:
        for label in axes.get_xticklabels():
            label.set(rotation=45, horizontalalignment="right", rotation_mode="anchor")
    axes.tick_params(length=0)
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)
    _write_counts(axes, counts, fractions, cell)
    right, total = int(np.trace(counts)), int(counts.sum())
    axes.set(
        xlabel="predicted class",
        ylabel="true class",
        title=f"Accuracy {right / total:.1%}: {right:,} of {total:,} right",
    )
    scale = figure.colorbar(image, cax=figure.add_axes((1 + 0.2 / side, 0, 0.15 / side, 1)))
    scale.set_label("fraction of the true class")
    scale.outline.set_visible(False)
    scale.ax.grid(visible=False)


def _write_counts(axes: Any, counts: Integers, fractions: Floats, cell: float) -> None:
    """Write each count into its cell, which is `cell` points wide."""
    font_size = min(10.0, 0.9 * cell / (DIGIT_WIDTH * max(len(str(counts.max())), 2)))
    if font_size < SMALLEST_FONT:
        return
    for row, column in np.ndindex(counts.shape):
        count, is_dark = counts[row, column], fractions[row, column] > 0.5
        colour = "white" if is_dark else "black" if count else "#B0B0B0"
        axes.text(column, row, str(count), color=colour, size=font_size, ha="center", va="center_baseline")
