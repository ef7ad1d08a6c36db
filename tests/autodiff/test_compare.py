"""gg.compare_gradients: every number of its table, against closed forms and counts made by hand."""

import math

import numpy as np
import pytest

import glassgrad as gg
from glassgrad.autodiff.checking.high_precision import slopes_in_high_precision
from glassgrad.autodiff.checking.step_plot import STEPS, errors_by_step
from glassgrad.errors import ArgumentError, DTypeError, GraphError

MODES = [
    "forward difference",
    "central difference",
    "complex step",
    "Richardson",
    "symbolic",
    "forward mode",
    "reverse mode",
]


def lyness(x):
    """The example of Squire and Trapp (1998): its derivative at 1.5 is 4.05342789389862..."""
    return gg.exp(x) / gg.sqrt(gg.sin(x) ** 3 + gg.cos(x) ** 3)


def network(x, w):
    return gg.sum(gg.tanh(x @ w) ** 2)


def test_one_row_for_each_mode():
    assert [row.mode for row in gg.compare_gradients(lyness, 1.5).rows] == MODES


def test_errors_are_in_the_order_that_theory_says():
    report = gg.compare_gradients(lyness, 1.5)
    error = {row.mode: row.error for row in report.rows}
    assert 1e-9 < error["forward difference"] < 1e-6
    assert 1e-13 < error["central difference"] < 1e-8
    assert 10 * error["Richardson"] < error["central difference"] < error["forward difference"] / 10
    assert error["complex step"] < error["Richardson"]
    for exact in ("complex step", "symbolic", "forward mode", "reverse mode"):
        assert error[exact] < 1e-15


@pytest.mark.parametrize(
    ("function", "points"),
    [
        (lyness, (1.5,)),
        (network, (np.linspace(-1, 1, 6).reshape(2, 3), np.array([0.3, -0.5, 0.7]))),
    ],
)
def test_evaluations_are_counted_exactly(function, points):
    n = sum(np.size(point) for point in points)
    report = gg.compare_gradients(function, *points)
    assert [row.evaluations for row in report.rows] == [n + len(points), 2 * n, n + 1, 12 * n, 1, n, 1]


def test_the_gradients_themselves():
    x, w = np.linspace(-1, 1, 6).reshape(2, 3), np.array([0.3, -0.5, 0.7])
    t = np.tanh(x @ w)
    by_x = np.outer(2 * t * (1 - t * t), w)
    by_w = (2 * t * (1 - t * t)) @ x
    report = gg.compare_gradients(network, x, w)
    for row in report.rows:
        np.testing.assert_allclose(row.values[0], by_x, atol=1e-6)
        np.testing.assert_allclose(row.values[1], by_w, atol=1e-6)
        assert row.seconds > 0
        assert 0 < row.memory < 10e6


def test_error_is_relative_to_the_largest_entry():
    """x^2 by forward differences: the error is h, with h = sqrt(eps) max(1, |x|)."""
    report = gg.compare_gradients(lambda x: gg.sum(x * x), np.array([1.0, 100.0]))
    h = math.sqrt(np.finfo(np.float64).eps) * 100
    assert report["forward difference"].error == pytest.approx(h / 200, rel=0.5)


# --- the reference ----------------------------------------------------------------------------------------------


def test_the_reference_is_right_to_the_last_digit():
    report = gg.compare_gradients(lyness, 1.5)
    assert report.reference.values[0] == 4.053427893898621  # by hand, with 60 digits of mpmath
    assert report.reference.bound == 0.0
    assert report.reference.source == "mpmath with 100 digits"


def test_high_precision_sees_through_cancellation():
    """(1 - cos x) / x^2 at 1e-5: nothing in float64 has more than six digits of the slope, -x / 12."""

    def flat(x):
        return (1.0 - gg.cos(x)) / (x * x)

    (slope,) = slopes_in_high_precision(flat, [np.array(1e-5)])
    assert slope == pytest.approx(-1e-5 / 12, rel=1e-9)
    report = gg.compare_gradients(flat, 1e-5)
    assert report["reverse mode"].error > 1e-3


def test_high_precision_of_reductions_products_and_choices():
    x = np.array([[0.3, -0.4], [1.2, 0.9]])

    def function(x):
        y = gg.where(x > 0.5, gg.log(gg.abs(x) + 1.0), gg.erf(x))
        return gg.max(y @ y.T) + gg.sum(gg.softplus(x)) * gg.prod(x) + gg.logsumexp(x[0]) + x[1, 1] ** 2.5

    (slopes,) = slopes_in_high_precision(function, [x])
    np.testing.assert_allclose(slopes, gg.grad(function)(x).numpy(), rtol=1e-13)


def test_without_a_formula_the_reference_is_the_best_estimate():
    x = np.array([3.0, 1.0, 2.0])
    report = gg.compare_gradients(lambda x: gg.sum(gg.sin(gg.sort(x))) if x[0] > 0 else x[0], x)
    assert report.reference.source.startswith("Richardson, with an error of up to ")
    assert "`if`" in report.reference.source
    np.testing.assert_allclose(report.reference.values[0], np.cos(x), atol=report.reference.bound)
    assert report.reference.bound < 1e-11


# --- modes that do not work -------------------------------------------------------------------------------------


def test_a_row_that_cannot_be_had_says_why():
    report = gg.compare_gradients(lambda x: gg.sum(gg.abs(x)), np.array([1.0, -2.0]))
    row = report["complex step"]
    assert (row.values, row.error, row.evaluations, row.seconds, row.memory) == (None,) * 5
    assert row.why_not.startswith("scheme='complex' needs an analytic function")
    many = gg.compare_gradients(lambda x: gg.sum(x * x), np.ones(33))
    assert many["symbolic"].why_not == "formulas with more than 32 variables grow too large"
    assert f"symbolic: {many['symbolic'].why_not}" in many.text()


def test_without_sympy(monkeypatch):
    from glassgrad.autodiff.symbolic import forms as sympy_forms

    sympy_forms.require_sympy.cache_clear()
    monkeypatch.setitem(__import__("sys").modules, "sympy", None)
    try:
        report = gg.compare_gradients(gg.sin, 1.0)
    finally:
        sympy_forms.require_sympy.cache_clear()
    assert report["symbolic"].why_not == "symbolic mathematics needs SymPy: pip install 'glassgrad[symbolic]'"


def test_a_wrong_backward_shows_in_its_row_only():
    class Half(gg.Function):
        @staticmethod
        def forward(ctx, x):
            return x * x

        @staticmethod
        def backward(ctx, upstream):
            return upstream

    report = gg.compare_gradients(Half.apply, 3.0)
    assert report["reverse mode"].error == pytest.approx(5 / 6)
    assert report["complex step"].error < 1e-15


# --- how it looks -----------------------------------------------------------------------------------------------


def test_the_table_as_plain_text():
    text = str(gg.compare_gradients(lyness, 1.5))
    lines = text.splitlines()
    assert lines[0].split() == ["mode", "gradient", "error", "evaluations", "time", "memory"]
    assert lines[3].split()[:4] == ["complex", "step", "4.05342789389862", "2.2e-16"]
    assert lines[7].split()[:2] == ["reverse", "mode"]
    assert lines[9] == "error: relative to 4.053427893898621, by mpmath with 100 digits"
    assert len(lines) == 10
    many = gg.compare_gradients(lambda x: gg.sum(x), np.ones((2, 2)))
    assert "[1, 1, 1, ...]" in many.text()
    assert gg.compare_gradients(lambda x: gg.sum(x), np.ones((0, 2))).text().count("[]") == 8


def test_the_table_on_a_terminal(monkeypatch):
    report = gg.compare_gradients(gg.sin, 1.0)
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    assert "\x1b[" in str(report)
    assert "reverse mode" in str(report)
    assert repr(report) == report.text()


def test_the_picture(tmp_path):
    report = gg.compare_gradients(lyness, 1.5)
    report.plot(tmp_path / "steps.png")
    assert (tmp_path / "steps.png").read_bytes().startswith(b"\x89PNG")
    errors = {
        scheme: np.array(errors_by_step(report, scheme)) for scheme in ("forward", "central", "complex")
    }
    best = {scheme: STEPS[np.nanargmin(found)] for scheme, found in errors.items()}
    assert 1e-10 < best["forward"] < 1e-6 < best["central"] * 10 < 1e-2
    # truncation: the error falls with h and with h^2; rounding: it grows as 1 / h; not for the complex step
    at = {step: int(np.argmin(np.abs(np.log(STEPS / step)))) for step in (1e-3, 1e-4, 1e-12, 1e-15)}
    assert errors["forward"][at[1e-3]] / errors["forward"][at[1e-4]] == pytest.approx(10, rel=0.05)
    assert errors["central"][at[1e-3]] / errors["central"][at[1e-4]] == pytest.approx(100, rel=0.05)
    assert errors["forward"][at[1e-15]] > 10 * errors["forward"][at[1e-12]]
    assert errors["complex"][at[1e-12] :].max() < 1e-15
    # where the complex step does not work, its line is left out
    without = gg.compare_gradients(gg.abs, 1.0)
    assert errors_by_step(without, "complex") is None
    without.plot(tmp_path / "abs.svg")
    assert b"complex" not in (tmp_path / "abs.svg").read_bytes()


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: gg.compare_gradients(gg.sin),
            ArgumentError,
            "compare_gradients takes a function and the inputs to differentiate it at",
        ),
        (
            lambda: gg.compare_gradients(gg.sin, 1j),
            DTypeError,
            "compare_gradients needs real inputs; got complex128",
        ),
        (
            lambda: gg.compare_gradients(gg.sin, [1.0, 2.0]),
            GraphError,
            "compare_gradients needs a function that returns a single number; got shape (2,)",
        ),
        (
            lambda: gg.compare_gradients(3.0, 1.0),
            ArgumentError,
            "compare_gradients takes a function; got a float. The gradients of a loss that is computed already: "
            "loss.backward(), and then x.grad.",
        ),
    ],
)
def test_refusals(call, error, message):
    with pytest.raises(error) as raised:
        call()
    assert raised.value.message == message
