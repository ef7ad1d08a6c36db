"""sigmoid(ln(5(max(x1, x2) x3 / x4 - (x5 + x6)))) + 1/2: the long expression of a first homework on backpropagation."""

from math import nan

import numpy as np
import pytest

import glassgrad as gg

POINTS = [
    (3.0, -1.0, 4.0, 2.0, 1.0, 0.5),  # x1 is the larger
    (-2.0, 1.5, 3.0, 0.25, -4.0, 2.0),  # x2 is the larger
    (-1.0, -5.0, -2.0, 7.0, -3.0, 0.1),  # negative numbers through the product
]


def function(x1, x2, x3, x4, x5, x6):
    return gg.sigmoid(gg.log(5 * (gg.maximum(x1, x2) * x3 / x4 - (x5 + x6)))) + 0.5


def on_paper(x1, x2, x3, x4, x5, x6):
    """Value and gradient. With u = 5(m x3/x4 - x5 - x6) and m = max(x1, x2): sigmoid(ln u) = u / (1 + u),
    whose derivative for u is 1 / (1 + u)^2."""
    m = max(x1, x2)
    u = 5 * (m * x3 / x4 - x5 - x6)
    outer = 1 / (1 + u) ** 2
    du_dm = 5 * x3 / x4
    du = (du_dm * (x1 > x2), du_dm * (x2 > x1), 5 * m / x4, -5 * m * x3 / x4**2, -5, -5)
    return u / (1 + u) + 0.5, [outer * part for part in du]


def in_numpy(x1, x2, x3, x4, x5, x6):
    """The expression as written, for real and complex numbers; max compares real parts."""
    larger = x1 if np.real(x1) > np.real(x2) else x2
    return 1 / (1 + np.exp(-np.log(5 * (larger * x3 / x4 - (x5 + x6))))) + 0.5


def complex_step(point):
    h = 1e-30
    return [
        in_numpy(*[value + 1j * h * (i == moved) for i, value in enumerate(point)]).imag / h
        for moved in range(len(point))
    ]


def extrapolated_central_difference(point):
    """(4 D(h/2) - D(h)) / 3 with the central difference D: error h^4."""

    def central(moved, h):
        up, down = ([v + sign * h * (i == moved) for i, v in enumerate(point)] for sign in (1, -1))
        return (in_numpy(*up) - in_numpy(*down)) / (2 * h)

    return [(4 * central(moved, 5e-4) - central(moved, 1e-3)) / 3 for moved in range(len(point))]


def test_the_first_point_by_mental_arithmetic():
    # m = 3, m x3/x4 = 6, minus 1.5 is 4.5, times 5 is u = 22.5;  22.5 / 23.5 + 0.5;  du/dx1 = 5 * 4/2 = 10, and so on
    value, gradient = on_paper(*POINTS[0])
    assert value == pytest.approx(22.5 / 23.5 + 0.5, rel=1e-15)
    assert gradient == pytest.approx([g / 23.5**2 for g in (10, 0, 7.5, -15, -5, -5)], rel=1e-15)


@pytest.mark.parametrize("point", POINTS)
def test_value_and_gradient(point):
    expected, gradient = on_paper(*point)
    inputs = [gg.tensor(x, gg.float64) for x in point]
    value, found = gg.value_and_grad(function, argnums=range(6))(*inputs)
    assert value.item() == pytest.approx(expected, rel=1e-14)
    assert [g.item() for g in found] == pytest.approx(gradient, rel=1e-13)
    assert [g.item() for g in found] == pytest.approx(complex_step(point), rel=1e-13)
    assert [g.item() for g in found] == pytest.approx(
        extrapolated_central_difference(point), rel=1e-7, abs=1e-9
    )


@pytest.mark.parametrize("point", POINTS)
def test_float32_is_float32_exact(point):
    _, gradient = on_paper(*point)
    found = gg.grad(function, argnums=range(6))(*point)
    assert [g.item() for g in found] == pytest.approx(gradient, rel=1e-5)


@pytest.mark.parametrize(
    ("scheme", "tolerance"), [("forward", 1e-6), ("central", 1e-8), ("richardson", 1e-11)]
)
def test_numerical_schemes(scheme, tolerance):
    _, gradient = on_paper(*POINTS[0])
    found = gg.numerical.grad(function, *POINTS[0], scheme=scheme)
    assert [float(g) for g in found] == pytest.approx(gradient, abs=tolerance)


def test_the_gradient_at_every_gate():
    """At the first point: m = 3, times 4 is 12, over 2 is 6, minus 1.5 is 4.5, times 5 is 22.5 = u."""
    inputs = [
        gg.tensor(x, gg.float64, requires_grad=True, name=f"x{i}") for i, x in enumerate(POINTS[0], start=1)
    ]
    graph = gg.graph_of(function(*inputs))
    graph.backward()
    u, s = 22.5, 22.5 / 23.5
    at_u = 1 / 23.5**2
    expected = {
        "maximum": [(3.0, 10 * at_u)],
        "multiply": [(12.0, 2.5 * at_u), (u, at_u)],
        "divide": [(6.0, 5 * at_u)],
        "subtract": [(4.5, 5 * at_u)],
        "log": [(np.log(u), s * (1 - s))],
        "sigmoid": [(s, 1.0)],
        "add": [(1.5, -5 * at_u), (s + 0.5, 1.0)],
    }
    gates = [node for node in graph.nodes_topologically_sorted() if node.inputs]
    assert {gate.op.name for gate in gates} == set(expected)
    for name, numbers in expected.items():
        found = [(gate.value.item(), gate.grad.item()) for gate in gates if gate.op.name == name]
        np.testing.assert_allclose(found, numbers, rtol=1e-13)


def test_two_equal_inputs_of_max_share_the_gradient():
    # max(x1, x2) at x1 = x2 has no derivative; each side gets half of what the winner would get
    winner = on_paper(3.0, 2.0, *POINTS[0][2:])[1][0]
    found = gg.grad(function, argnums=(0, 1))(3.0, 3.0, *POINTS[0][2:])
    assert [g.item() for g in found] == pytest.approx([winner / 2, winner / 2], rel=1e-5)


def test_outside_its_domain_the_value_is_nan():
    # u = 5(1 * 1 / 1 - 3) = -10 has no logarithm
    assert function(*map(gg.asarray, (1.0, 0.0, 1.0, 1.0, 1.0, 2.0))).item() == pytest.approx(
        nan, nan_ok=True
    )
