"""The pictures: what is drawn is what was given, and the caller's matplotlib is left alone."""

from __future__ import annotations

import errno
import math
import os
import subprocess
import sys
from pathlib import Path

import matplotlib
import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from PIL import Image

from glassgrad.errors import ArgumentError, CheckpointError, GlassgradError, NotFiniteError, ShapeError
from glassgrad.train.history import History
from glassgrad.train.plots import plot_confusion, plot_curves, plot_regression

BLUE, VERMILION = "#0072b2", "#d55e00"


@pytest.fixture
def drawn(monkeypatch) -> list[Figure]:
    """The figures, as they are when they are saved."""
    figures: list[Figure] = []
    save = Figure.savefig

    def spy(figure: Figure, *args, **kwargs):
        figures.append(figure)
        return save(figure, *args, **kwargs)

    monkeypatch.setattr(Figure, "savefig", spy)
    return figures


@pytest.fixture
def history() -> History:
    return History(
        [
            {"epoch": 4, "loss": 0.9, "validation_loss": 1.0, "accuracy": 0.5, "validation_accuracy": 0.4},
            {"epoch": 5, "loss": 0.4, "validation_loss": 0.6, "accuracy": 0.8, "validation_accuracy": 0.7},
            {"epoch": 6, "loss": 0.3, "validation_loss": 0.7, "accuracy": 0.9, "validation_accuracy": 0.75},
        ]
    )


def title(axes: Axes) -> str:
    return axes.get_title(loc="left")


def curves(axes: Axes) -> dict[str, tuple[list[float], list[float]]]:
    """The lines by colour: those that join epochs, and not the marks of one epoch."""
    return {
        to_hex(line.get_color()): (list(line.get_xdata()), list(line.get_ydata()))
        for line in axes.lines
        if line.get_linestyle() == "-"
    }


def circled(axes: Axes) -> list[tuple[float, float]]:
    return [
        (line.get_xdata()[0], line.get_ydata()[0]) for line in axes.lines if line.get_fillstyle() == "none"
    ]


def labels(axes: Axes) -> dict[str, str]:
    return {text.get_text(): to_hex(text.get_color()) for text in axes.texts}


# --- curves


def test_curves_hold_the_numbers_of_the_history(history: History, tmp_path: Path, drawn: list[Figure]):
    plot_curves(history, tmp_path / "curves.png")
    ((loss, accuracy),) = [figure.axes for figure in drawn]
    assert curves(loss) == {BLUE: ([4, 5, 6], [0.9, 0.4, 0.3]), VERMILION: ([4, 5, 6], [1.0, 0.6, 0.7])}
    assert curves(accuracy) == {BLUE: ([4, 5, 6], [0.5, 0.8, 0.9]), VERMILION: ([4, 5, 6], [0.4, 0.7, 0.75])}
    assert labels(loss) == labels(accuracy) == {"train": BLUE, "validation": VERMILION}
    assert title(loss) == "Loss: best validation 0.6 in epoch 5 (circled)"
    assert title(accuracy) == "Accuracy: best validation 75.0% in epoch 6 (circled)"
    assert (circled(loss), circled(accuracy)) == ([(5, 0.6)], [(6, 0.75)])
    assert [axes.get_xlabel() for axes in (loss, accuracy)] == ["epoch", "epoch"]
    assert [axes.get_ylabel() for axes in (loss, accuracy)] == ["loss", "accuracy"]


def test_a_regression_has_one_panel_and_training_alone_is_its_own_best(tmp_path: Path, drawn: list[Figure]):
    plot_curves(History([{"loss": 3.0}, {"loss": 1.0}, {"loss": 2.0}]), tmp_path / "curves.png")
    (axes,) = drawn[0].axes
    assert curves(axes) == {BLUE: ([1, 2, 3], [3.0, 1.0, 2.0])}
    assert labels(axes) == {"train": BLUE}
    assert title(axes) == "Loss: best train 1 in epoch 2 (circled)"


def test_one_epoch_has_a_tick_of_its_own(tmp_path: Path, drawn: list[Figure]):
    plot_curves(History([{"epoch": 1, "loss": 0.5}]), tmp_path / "curves.png")
    (axes,) = drawn[0].axes
    low, high = axes.get_xlim()
    assert [tick for tick in axes.get_xticks() if low <= tick <= high] == [1]


def test_gaps_and_infinities_are_gaps_in_the_line(tmp_path: Path, drawn: list[Figure]):
    records = [{"loss": math.inf, "validation_loss": math.nan}, {"loss": 0.5}, {"loss": 0.7, "accuracy": 0.5}]
    plot_curves(History(records), tmp_path / "curves.png")
    loss, accuracy = drawn[0].axes
    np.testing.assert_array_equal(curves(loss)[BLUE][1], [math.nan, 0.5, 0.7])
    assert title(loss) == "Loss: no finite validation value"
    assert labels(loss) == {"train": BLUE}
    assert title(accuracy) == "Accuracy: best train 50.0% in epoch 3 (circled)"


def test_epochs_without_a_number_are_counted(tmp_path: Path, drawn: list[Figure]):
    plot_curves(History([{"epoch": 7, "loss": 0.5}, {"loss": 0.4}]), tmp_path / "curves.png")
    assert curves(drawn[0].axes[0])[BLUE][0] == [1, 2]


def test_names_of_curves_that_end_together_do_not_overlap(tmp_path: Path, drawn: list[Figure]):
    records = [{"loss": 1.0, "validation_loss": 2.0}, {"loss": 0.5, "validation_loss": 0.5001}]
    plot_curves(History(records), tmp_path / "curves.png")
    (axes,) = drawn[0].axes
    train, validation = (text.get_window_extent() for text in axes.texts)
    assert not train.overlaps(validation)
    assert train.y1 < validation.y0


def test_a_history_without_loss_is_refused(tmp_path: Path):
    with pytest.raises(ArgumentError) as caught:
        plot_curves(History([{"epoch": 1, "accuracy": 0.5}]), tmp_path / "curves.png")
    assert str(caught.value) == (
        "plot_curves needs a history with 'loss' or 'validation_loss'; it has 'epoch', 'accuracy'."
    )
    with pytest.raises(ArgumentError, match="; it has no columns yet"):
        plot_curves(History(), tmp_path / "curves.png")
    assert list(tmp_path.iterdir()) == []


# --- confusion


def test_the_confusion_matrix_shows_counts_and_fractions_of_rows(tmp_path: Path, drawn: list[Figure]):
    plot_confusion([[6, 2, 0], [0, 3, 1], [0, 0, 0]], ["cat", "dog", r"$\bird$"], tmp_path / "confusion.png")
    matrix, scale = drawn[0].axes
    assert [text.get_text() for text in matrix.texts] == list("620031000")
    shown = np.asarray(matrix.images[0].get_array())
    np.testing.assert_allclose(shown, [[0.75, 0.25, 0], [0, 0.75, 0.25], [0, 0, 0]], rtol=1e-15)
    assert [text.get_position() for text in matrix.texts[:3]] == [(0, 0), (1, 0), (2, 0)]
    assert [text.get_text() for text in matrix.get_xticklabels()] == ["cat", "dog", r"$\bird$"]
    assert [text.get_text() for text in matrix.get_yticklabels()] == ["cat", "dog", r"$\bird$"]
    assert (matrix.get_xlabel(), matrix.get_ylabel()) == ("predicted class", "true class")
    assert scale.get_ylabel() == "fraction of the true class"
    assert title(matrix) == "Accuracy 75.0%: 9 of 12 right"


@pytest.mark.parametrize(("classes", "count"), [(2, 9), (20, 99_999), (24, 9_999_999)])
def test_counts_and_names_stay_in_their_cells_and_the_picture_holds_them_all(
    classes: int, count: int, tmp_path: Path, drawn: list[Figure]
):
    names = [f"a class with a long name {number}" for number in range(classes)]
    plot_confusion(np.full((classes, classes), count), names, tmp_path / "confusion.png")
    matrix = drawn[0].axes[0]
    cell = matrix.get_window_extent().width / classes
    assert max(text.get_window_extent().width for text in matrix.texts) < cell
    assert max(label.get_window_extent().height for label in matrix.get_yticklabels()) < cell
    tight = drawn[0].get_tightbbox()
    with Image.open(tmp_path / "confusion.png") as image:
        assert image.width >= tight.width * 150
        assert image.height >= tight.height * 150


def test_counts_too_small_to_read_are_left_out(tmp_path: Path, drawn: list[Figure], monkeypatch):
    monkeypatch.setattr("glassgrad.train.plots.LARGEST_SIDE", 3.0)
    plot_confusion(np.eye(40, dtype=int) * 1000, [str(number) for number in range(40)], tmp_path / "c.png")
    assert list(drawn[0].axes[0].texts) == []


def test_one_name_per_class(tmp_path: Path):
    with pytest.raises(
        ArgumentError, match=r"^plot_confusion: got 1 names for 2 classes; expected one each\.$"
    ):
        plot_confusion([[1, 0], [0, 1]], ["cat"], tmp_path / "confusion.png")
    with pytest.raises(ShapeError, match=r"got \(2, 1\)"):
        plot_confusion([[1], [0]], ["cat", "dog"], tmp_path / "confusion.png")
    assert list(tmp_path.iterdir()) == []


# --- regression


def test_predictions_against_true_values(tmp_path: Path, drawn: list[Figure]):
    plot_regression([1.0, 2.0, 3.0], [1.0, 2.0, 5.0], tmp_path / "regression.png")
    (axes,) = drawn[0].axes
    assert np.asarray(axes.collections[0].get_offsets()).tolist() == [[1, 1], [2, 2], [3, 5]]
    (diagonal,) = axes.lines
    assert list(diagonal.get_xdata()) == list(diagonal.get_ydata())
    assert axes.get_xlim() == axes.get_ylim() == pytest.approx((0.8, 5.2), rel=1e-15)
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("true value", "predicted value")
    assert title(axes) == "Predicted against true values: RMSE 1.155, R² -1.000"
    assert [text.get_text() for text in axes.texts] == ["predicted\n= true"]


def test_a_constant_target_has_no_r2(tmp_path: Path, drawn: list[Figure]):
    plot_regression([[2.0], [2.0]], [[2.0], [2.0]], tmp_path / "regression.png")
    (axes,) = drawn[0].axes
    assert title(axes) == "Predicted against true values: RMSE 0"
    assert axes.get_xlim() == (1.0, 3.0)


def test_predictions_that_are_not_finite_are_refused(tmp_path: Path):
    with pytest.raises(
        NotFiniteError, match=r"^regression: prediction\[1\] is nan, and 1 of 2 values are not"
    ):
        plot_regression([1.0, 2.0], [1.0, math.nan], tmp_path / "regression.png")
    assert list(tmp_path.iterdir()) == []


# --- files and settings


def test_the_file_is_a_png_of_150_dots_per_inch(history: History, tmp_path: Path):
    path = tmp_path / "curves.PNG"
    plot_curves(history, path)
    with Image.open(path) as image:
        image.load()
        assert image.format == "PNG"
        assert image.info["dpi"] == pytest.approx((150, 150), rel=1e-3)
        assert image.width > 1400
    assert list(tmp_path.iterdir()) == [path]


def test_another_format_is_refused(history: History, tmp_path: Path):
    with pytest.raises(ArgumentError) as caught:
        plot_curves(history, tmp_path / "curves.pdf")
    assert str(caught.value) == (
        f"pictures are written as PNG; got the path {tmp_path / 'curves.pdf'}. Let it end in .png."
    )
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_leaves_the_old_picture(history: History, tmp_path: Path, monkeypatch):
    path = tmp_path / "curves.png"
    path.write_bytes(b"the old picture")

    def full(descriptor):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(CheckpointError) as caught:
        plot_curves(history, path)
    assert str(caught.value) == (
        f"could not write the picture {path}: No space left on device (ENOSPC). The previous file is "
        f"unchanged. Free some space on this disk, or write to a folder on another one."
    )
    assert path.read_bytes() == b"the old picture"


def test_the_callers_settings_do_not_matter_and_do_not_change(history: History, tmp_path: Path):
    plot_curves(history, tmp_path / "plain.png")
    mine = {"axes.facecolor": "black", "text.color": "white", "font.size": 30.0, "savefig.dpi": 30.0}
    with matplotlib.rc_context(mine):
        before = dict(matplotlib.rcParams)
        plot_curves(history, tmp_path / "mine.png")
        assert dict(matplotlib.rcParams) == before
    assert (tmp_path / "mine.png").read_bytes() == (tmp_path / "plain.png").read_bytes()


def test_matplotlib_is_imported_by_the_first_picture_and_pyplot_never(tmp_path: Path):
    program = """if True:
        import sys
        from glassgrad.train.history import History
        from glassgrad.train.plots import plot_curves
        assert "matplotlib" not in sys.modules
        plot_curves(History([{"loss": 0.5}]), sys.argv[1])
        assert "matplotlib" in sys.modules
        assert "matplotlib.pyplot" not in sys.modules
    """
    result = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "curves.png")],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (result.returncode, result.stderr) == (0, "")


def test_without_matplotlib_the_cure_is_named(history: History, tmp_path: Path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(GlassgradError) as caught:
        plot_curves(history, tmp_path / "curves.png")
    assert str(caught.value) == "pictures need matplotlib: pip install 'glassgrad[plot]'"
