"""l1 = x, l(n+1) = 4 l(n) (1 - l(n)): differentiating through a Python loop, without expression swell."""

from math import asin, sin, sqrt

import numpy as np
import pytest

import glassgrad as gg

POINTS = [0.0, 0.1, 0.2, 0.5, 0.637, 0.9, 1.0, -0.3]


def logistic_map(x, n=4):
    value = x
    for _ in range(n - 1):
        value = 4 * value * (1 - value)
    return value


def fourth_iterate(x):
    """l4 written out, as in Baydin, Pearlmutter, Radul, Siskind (2018), table 1."""
    return 64 * x * (1 - x) * (1 - 2 * x) ** 2 * (1 - 8 * x + 8 * x**2) ** 2


def derivative_on_paper(x):
    """l4 = 64 a b c^2 d^2 with a = x, b = 1 - x, c = 1 - 2x, d = 1 - 8x + 8x^2, by the product rule:
    a' = 1, b' = -1, (c^2)' = -4c, (d^2)' = 2d(16x - 8)."""
    a, b, c, d = x, 1 - x, 1 - 2 * x, 1 - 8 * x + 8 * x * x
    from_a = b * c**2 * d**2
    from_b = -a * c**2 * d**2
    from_c = a * b * (-4 * c) * d**2
    from_d = a * b * c**2 * 2 * d * (16 * x - 8)
    return 64 * (from_a + from_b + from_c + from_d)


def test_the_derivative_on_paper_at_one_point():
    # x = 0.1: b = 0.9, c = 0.8, d = 0.28
    # 64 (0.9*0.64*0.0784 - 0.1*0.64*0.0784 - 4*0.09*0.8*0.0784 + 2*0.09*0.64*0.28*(-6.4))
    expected = 64 * (0.0451584 - 0.0050176 - 0.02257920 - 0.20643840)
    assert derivative_on_paper(0.1) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("x", POINTS)
def test_through_the_loop(x):
    value, slope = gg.value_and_grad(logistic_map)(gg.tensor(x, gg.float64))
    assert value.item() == pytest.approx(fourth_iterate(x), rel=1e-13, abs=1e-13)
    assert slope.item() == pytest.approx(derivative_on_paper(x), rel=1e-12, abs=1e-12)


@pytest.mark.parametrize("x", POINTS)
@pytest.mark.parametrize(
    # at these points the forward difference is off by h l4''/2, at most 1e-6 of max(1, slope), and the central one by
    # h^2 l4'''/6, at most 1e-8 of it
    ("scheme", "tolerance"),
    [("forward", 2e-6), ("central", 2e-8), ("complex", 1e-12), ("richardson", 1e-10)],
)
def test_from_differences(x, scheme, tolerance):
    found = float(gg.numerical.grad(logistic_map, x, scheme=scheme))
    assert found == pytest.approx(derivative_on_paper(x), rel=tolerance, abs=tolerance)


def test_the_graph_grows_by_the_same_three_gates_per_step():
    def gates(n):
        x = gg.tensor(0.2, requires_grad=True)
        return [node for node in gg.graph_of(logistic_map(x, n)).nodes_topologically_sorted() if node.inputs]

    assert [len(gates(n)) for n in (2, 3, 4, 10)] == [3, 6, 9, 27]


def test_a_long_loop_against_the_closed_form():
    # l(n) = sin^2(2^(n-1) t) with t = asin(sqrt x), so dl(n)/dx = 2^(n-1) sin(2^n t) / (2 sqrt(x(1-x)))
    x, n = 0.2, 12
    t = asin(sqrt(x))
    value, slope = gg.value_and_grad(lambda x: logistic_map(x, n))(gg.tensor(x, gg.float64))
    # each step may double a rounding error: 2^11 eps is 5e-13
    assert value.item() == pytest.approx(sin(2 ** (n - 1) * t) ** 2, abs=1e-11)
    assert slope.item() == pytest.approx(2 ** (n - 1) * sin(2**n * t) / (2 * sqrt(x * (1 - x))), rel=1e-9)


def test_all_points_at_once():
    x = np.array(POINTS)
    slopes = gg.grad(lambda x: gg.sum(logistic_map(x)))(x)
    np.testing.assert_allclose(slopes.numpy(), derivative_on_paper(x), rtol=1e-12, atol=1e-12)
