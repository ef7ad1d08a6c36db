"""Four ways to one derivative: worked out on paper, as flat code, from differences, and by reverse mode."""

from math import cos, log, sin

import numpy as np
import pytest

import glassgrad as gg


def product_and_sine(x1, x2):
    return x1 * x2 + gg.sin(x1)


def survey(x1, x2):
    """The running example of Baydin, Pearlmutter, Radul, Siskind (2018), "Automatic differentiation in machine
    learning: a survey", tables 2 and 3."""
    return gg.log(x1) + x1 * x2 - gg.sin(x2)


def product_and_sine_on_paper(x1, x2):
    # d/dx1 (x1 x2 + sin x1) = x2 + cos x1,  d/dx2 = x1
    return x1 * x2 + sin(x1), (x2 + cos(x1), x1)


def survey_on_paper(x1, x2):
    # d/dx1 (ln x1 + x1 x2 - sin x2) = 1/x1 + x2,  d/dx2 = x1 - cos x2
    return log(x1) + x1 * x2 - sin(x2), (1 / x1 + x2, x1 - cos(x2))


def product_and_sine_flat(x1, x2):
    v1 = x1 * x2
    v2 = sin(x1)
    y = v1 + v2
    dy = 1.0
    dv1 = dy
    dv2 = dy
    dx1 = dv2 * cos(x1)
    dx1 += dv1 * x2
    dx2 = dv1 * x1
    return y, (dx1, dx2)


def survey_flat(x1, x2):
    v1 = log(x1)
    v2 = x1 * x2
    v3 = sin(x2)
    v4 = v1 + v2
    y = v4 - v3
    dy = 1.0
    dv4 = dy
    dv3 = -dy
    dv1 = dv4
    dv2 = dv4
    dx2 = dv3 * cos(x2)
    dx2 += dv2 * x1
    dx1 = dv2 * x2
    dx1 += dv1 / x1
    return y, (dx1, dx2)


CASES = [
    pytest.param(
        product_and_sine, product_and_sine_on_paper, product_and_sine_flat, (2.0, 3.0), id="x1x2+sin"
    ),
    pytest.param(
        product_and_sine, product_and_sine_on_paper, product_and_sine_flat, (-0.7, 0.0), id="x1x2+sin, zero"
    ),
    pytest.param(survey, survey_on_paper, survey_flat, (2.0, 5.0), id="survey"),
    pytest.param(survey, survey_on_paper, survey_flat, (0.01, -30.0), id="survey, steep"),
]


def test_the_survey_prints_these_numbers():
    value, gradient = survey_on_paper(2.0, 5.0)
    assert round(value, 3) == 11.652
    assert [round(g, 3) for g in gradient] == [5.5, 1.716]


@pytest.mark.parametrize(("function", "on_paper", "flat", "point"), CASES)
def test_paper_and_flat_code_agree(function, on_paper, flat, point):
    value, gradient = on_paper(*point)
    flat_value, flat_gradient = flat(*point)
    assert flat_value == pytest.approx(value, rel=1e-15)
    assert flat_gradient == pytest.approx(gradient, rel=1e-15)


@pytest.mark.parametrize(("function", "on_paper", "flat", "point"), CASES)
def test_reverse_mode(function, on_paper, flat, point):
    expected, gradient = on_paper(*point)
    inputs = [gg.tensor(value, gg.float64) for value in point]
    value, found = gg.value_and_grad(function, argnums=(0, 1))(*inputs)
    assert value.item() == pytest.approx(expected, rel=1e-14)
    assert [g.item() for g in found] == pytest.approx(gradient, rel=1e-14)


# relative error that each scheme is worth in float64 with its own step h: sqrt(eps), eps^(2/3), eps, about eps
@pytest.mark.parametrize(
    ("scheme", "tolerance"), [("forward", 1e-6), ("central", 1e-8), ("complex", 1e-14), ("richardson", 1e-11)]
)
@pytest.mark.parametrize(("function", "on_paper", "flat", "point"), CASES[:3])
def test_numerical_derivatives(function, on_paper, flat, point, scheme, tolerance):
    _, gradient = on_paper(*point)
    found = gg.numerical.grad(function, *point, scheme=scheme)
    assert [float(g) for g in found] == pytest.approx(gradient, rel=tolerance, abs=tolerance)


@pytest.mark.parametrize(("scheme", "order"), [("forward", 1), ("central", 2)])
def test_a_smaller_step_helps_at_the_rate_of_the_scheme(scheme, order):
    """Halving h divides the error of the forward difference by 2 and of the central one by 4."""
    exact = survey_on_paper(2.0, 5.0)[1][0]
    errors = [
        abs(float(gg.numerical.grad(survey, 2.0, 5.0, scheme=scheme, step=step)[0]) - exact)
        for step in (2e-3, 1e-3)
    ]
    assert errors[0] / errors[1] == pytest.approx(2**order, rel=0.01)


def test_second_derivatives_of_the_survey_function():
    # on paper: d2/dx1^2 = -1/x1^2 = -0.25,  d2/dx1dx2 = 1,  d2/dx2^2 = sin x2
    x1, x2 = (gg.tensor(value, gg.float64) for value in (2.0, 5.0))
    rows = [gg.grad(gg.grad(survey, argnums=i), argnums=(0, 1))(x1, x2) for i in (0, 1)]
    found = np.array([[entry.item() for entry in row] for row in rows])
    np.testing.assert_allclose(found, [[-0.25, 1.0], [1.0, sin(5.0)]], rtol=1e-14)


def test_gradcheck_agrees():
    report = gg.gradcheck(survey, 2.0, 5.0, order=2)
    assert report.compared == 4
    assert report.largest_error < 1e-9
