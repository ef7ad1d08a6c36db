"""Derivatives of derivatives: to the fourth order against closed forms, and one inside the other without confusion."""

import math

import numpy as np
import pytest

import glassgrad as gg


def nth(function, order):
    for _ in range(order):
        function = gg.grad(function)
    return function


def falling(power, order):
    """power * (power - 1) * ... of `order` factors."""
    return math.prod(power - i for i in range(order))


def tanh_derivatives(x):
    t = math.tanh(x)
    s = 1 - t * t
    return [t, s, -2 * t * s, s * (6 * t * t - 2), s * t * (16 - 24 * t * t)]


def sigmoid_derivatives(x):
    y = 1 / (1 + math.exp(-x))
    s = y * (1 - y)
    return [y, s, s * (1 - 2 * y), s * (1 - 6 * y + 6 * y * y), s * (1 - 2 * y) * (1 - 12 * y + 12 * y * y)]


# function -> its value and first four derivatives at x, worked out on paper
CLOSED_FORMS = {
    "exp": (gg.exp, lambda x: [math.exp(x)] * 5),
    "sin": (gg.sin, lambda x: [math.sin(x + k * math.pi / 2) for k in range(5)]),
    "cos": (gg.cos, lambda x: [math.cos(x + k * math.pi / 2) for k in range(5)]),
    "log": (gg.log, lambda x: [math.log(x), 1 / x, -1 / x**2, 2 / x**3, -6 / x**4]),
    "power 2.5": (lambda x: x**2.5, lambda x: [falling(2.5, k) * x ** (2.5 - k) for k in range(5)]),
    "power 5": (lambda x: x * x * x * x * x, lambda x: [falling(5, k) * x ** (5 - k) for k in range(5)]),
    "sqrt": (gg.sqrt, lambda x: [falling(0.5, k) * x ** (0.5 - k) for k in range(5)]),
    "reciprocal": (lambda x: 1 / x, lambda x: [falling(-1, k) * x ** (-1.0 - k) for k in range(5)]),
    "reciprocal op": (gg.reciprocal, lambda x: [falling(-1, k) * x ** (-1.0 - k) for k in range(5)]),
    "tanh": (gg.tanh, tanh_derivatives),
    "sigmoid": (gg.sigmoid, sigmoid_derivatives),
    "softplus": (gg.softplus, lambda x: [math.log1p(math.exp(x)), *sigmoid_derivatives(x)[:4]]),
    "logaddexp": (
        lambda x: gg.logaddexp(x, 0.0),
        lambda x: [math.log1p(math.exp(x)), *sigmoid_derivatives(x)[:4]],
    ),
    "sinh": (gg.sinh, lambda x: [math.sinh(x), math.cosh(x)] * 2 + [math.sinh(x)]),
    "log1p": (
        gg.log1p,
        lambda x: [
            math.log1p(x),
            *(-((-1.0) ** k) * math.factorial(k - 1) / (1 + x) ** k for k in range(1, 5)),
        ],
    ),
    "expm1": (gg.expm1, lambda x: [math.expm1(x), *[math.exp(x)] * 4]),
    "x exp(x)": (lambda x: x * gg.exp(x), lambda x: [(x + k) * math.exp(x) for k in range(5)]),
    "2**x": (lambda x: 2.0**x, lambda x: [2**x * math.log(2) ** k for k in range(5)]),
    "prod": (lambda x: gg.prod(gg.stack([x, x, x])), lambda x: [x**3, 3 * x * x, 6 * x, 6.0, 0.0]),
}


@pytest.mark.parametrize("order", range(5))
@pytest.mark.parametrize("name", CLOSED_FORMS)
def test_to_the_fourth_order(name, order):
    function, derivatives = CLOSED_FORMS[name]
    for x in (0.7, 1.9):
        assert nth(function, order)(np.array(x)).item() == pytest.approx(
            derivatives(x)[order], rel=1e-11, abs=1e-11
        )


def test_perturbations_are_not_confused():
    """d/dx [x · d/dy (x + y)] = 1: the inner derivative is 1 whatever x is. A mix-up of the two gives 2."""
    assert gg.grad(lambda x: x * gg.grad(lambda y: x + y)(1.0))(3.0).item() == 1.0


@pytest.mark.parametrize(
    ("outer", "at", "wanted"),
    [
        # d/dx [d/dy (x y) at y = x] = d/dx x
        (lambda x: gg.grad(lambda y: x * y)(x), 3.0, 1.0),
        # d/dx [x · d/dy (x y) at y = 1] = d/dx x²
        (lambda x: x * gg.grad(lambda y: x * y)(1.0), 3.0, 6.0),
        # d/dx [d/dy (y²) at y = x] = d/dx 2x
        (lambda x: gg.grad(lambda y: y * y)(x), 3.0, 2.0),
        # d/dx [x · d/dy (y³) at y = x] = d/dx 3x³
        (lambda x: x * gg.grad(lambda y: y * y * y)(x), 2.0, 36.0),
        # the inner one does not depend on x at all
        (lambda x: x * gg.grad(lambda y: y * y)(5.0), 3.0, 10.0),
        (lambda x: gg.grad(lambda y: y * y)(5.0), 3.0, 0.0),
        # the inner one ignores its own variable
        (lambda x: x * gg.grad(lambda y: x * x)(1.0), 3.0, 0.0),
        # the name x again, inside
        (lambda x: gg.grad(lambda x: x * x)(x) * x, 3.0, 12.0),
        # three deep: d/dx d/dy d/dz (x y z) = 1, times x y
        (lambda x: gg.grad(lambda y: y * gg.grad(lambda z: x * y * z)(1.0))(2.0), 3.0, 4.0),
        # the inner variable leaks into the outer function's other factor
        (lambda x: gg.grad(lambda y: gg.sin(x * y))(2.0), 0.5, math.cos(1.0) - 1.0 * math.sin(1.0)),
    ],
)
def test_one_inside_the_other(outer, at, wanted):
    assert gg.grad(outer)(np.array(at)).item() == pytest.approx(wanted, rel=1e-12)


def test_mixed_derivatives_by_different_arguments():
    def f(x, y):
        return x * x * y * y * y

    dx_dy = gg.grad(gg.grad(f, argnums=1), argnums=0)
    dy_dx = gg.grad(gg.grad(f, argnums=0), argnums=1)
    assert dx_dy(2.0, 3.0).item() == dy_dx(2.0, 3.0).item() == 2 * 2 * 3 * 9
    assert gg.grad(lambda x: gg.grad(f, argnums=1)(x, x))(2.0).item() == pytest.approx(12 * 2.0**3)


def test_a_variable_captured_by_a_closure():
    scale = gg.tensor(3.0, requires_grad=True)
    slope = gg.grad(lambda x: scale * x * x)(2.0)
    assert slope.item() == 12.0
    assert scale.grad is None  # gg.grad touches nobody's .grad
    slope.backward()  # but what it computed is connected to scale: d/dscale (2 scale x)
    assert scale.grad.item() == 4.0


def test_vjp_inside_grad():
    def through_the_point(x):
        _, pullback = gg.vjp(lambda z: z * z * x, x)
        return pullback(1.0)[0]  # 2 z x at z = x

    def through_the_upstream(x):
        _, pullback = gg.vjp(lambda z: z * z, 2.0)
        return pullback(x)[0]  # 4 x

    def through_the_value(x):
        value, _ = gg.vjp(lambda z: z * z, x)
        return value

    assert gg.grad(through_the_point)(3.0).item() == 12.0
    assert gg.grad(through_the_upstream)(3.0).item() == 4.0
    assert gg.grad(through_the_value)(3.0).item() == 6.0


def test_an_upstream_gradient_of_another_dtype_stays_connected():
    def scaled(x):
        _, pullback = gg.vjp(lambda z: z * z, gg.asarray([1.0, 2.0]))  # float32
        return gg.sum(pullback(x)[0])  # 2 z · x

    assert gg.grad(scaled)(np.array([1.0, 1.0])).tolist() == [2.0, 4.0]


def test_value_and_grad_inside_grad():
    def f(x):
        value, slope = gg.value_and_grad(lambda y: y * y * y)(x)
        return value * slope  # 3 x⁵

    assert gg.grad(f)(2.0).item() == 15 * 16.0


def test_grad_of_a_recorded_tensor_is_recorded():
    x = gg.tensor(3.0, requires_grad=True)
    cube_slope = gg.grad(lambda z: z * z * z)(x)
    cube_slope.backward()
    assert x.grad.item() == 18.0


def test_hessian_of_a_quadratic_form_row_by_row(rng):
    A = rng.normal(size=(3, 3))
    at = rng.normal(size=3)

    def row(i):
        return gg.grad(lambda x: gg.grad(lambda y: y @ gg.asarray(A) @ y)(x)[i])(at)

    assert np.allclose([row(i).numpy() for i in range(3)], A + A.T, rtol=1e-13)


def test_gradient_penalty():
    """|d f/dx|² differentiated by the weights: for f = w · x² it is 4 w² x², whose derivative by w is 8 w x²."""
    w = gg.tensor([2.0, -3.0], requires_grad=True)
    x = gg.tensor([1.0, 2.0], requires_grad=True)
    slope = gg.grad(lambda x: gg.sum(w * x * x))(x)
    gg.sum(slope * slope).backward()
    assert w.grad.tolist() == [8 * 2.0 * 1.0, 8 * -3.0 * 4.0]


def test_newtons_method_finds_a_root():
    def f(x):
        return x * x * x - 2.0

    x = np.array(1.0)
    for _ in range(8):
        value, slope = gg.value_and_grad(f)(x)
        x = x - value.numpy() / slope.numpy()
    assert x == pytest.approx(2 ** (1 / 3), rel=1e-15)
