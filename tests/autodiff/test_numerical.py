"""gg.numerical.grad: each scheme against closed forms, with the error that follows from the scheme."""

import math

import numpy as np
import pytest

import glassgrad as gg
from glassgrad.autodiff.numerical import EPSILON, richardson
from glassgrad.errors import ArgumentError, DTypeError, GraphError

# |f''|, |f'''| and |f| are at most a few units for these functions near these points, so that the errors are
# forward: h |f''| / 2 + 2 eps |f| / h with h = eps^(1/2); central: h^2 |f'''| / 6 + eps |f| / h with h = eps^(1/3)
FUNCTIONS = {
    "sin": (gg.sin, 0.7, math.cos(0.7)),
    "exp": (gg.exp, 0.3, math.exp(0.3)),
    "cube": (lambda x: x * x * x, 1.1, 3 * 1.1**2),
    "log": (gg.log, 1.5, 1 / 1.5),
    "tanh": (gg.tanh, -0.4, 1 - math.tanh(-0.4) ** 2),
    "quotient": (lambda x: gg.sin(x) / (1.0 + x * x), 0.5, None),
}
BOUNDS = {
    "forward": 6 * EPSILON ** (1 / 2),
    "central": 6 * EPSILON ** (2 / 3),
    "complex": 4 * EPSILON,
    "richardson": 1e-12,
}


def slope(name):
    function, at, wanted = FUNCTIONS[name]
    if wanted is None:
        wanted = (math.cos(at) * (1 + at * at) - math.sin(at) * 2 * at) / (1 + at * at) ** 2
    return function, at, wanted


@pytest.mark.parametrize("scheme", BOUNDS)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_error_is_within_what_the_scheme_promises(name, scheme):
    function, at, wanted = slope(name)
    assert abs(gg.numerical.grad(function, at, scheme=scheme) - wanted) <= BOUNDS[scheme]


@pytest.mark.parametrize(
    ("scheme", "order", "steps"),
    [("forward", 1, (1e-3, 1e-4)), ("central", 2, (1e-2, 1e-3)), ("complex", 2, (1e-2, 1e-3))],
)
def test_the_error_falls_with_the_step_as_its_order_says(scheme, order, steps):
    errors = [abs(gg.numerical.grad(gg.exp, 0.3, scheme=scheme, step=h) - math.exp(0.3)) for h in steps]
    assert errors[0] / errors[1] == pytest.approx(10**order, rel=0.05)


def test_forward_difference_worked_out_by_hand():
    """(3.5² - 3²) / 0.5 = 6.5; (3.5² - 2.5²) / 1 = 6; the step is relative to |x| = 3, so 0.5 is 1/6 of it."""
    assert gg.numerical.grad(lambda x: x * x, 3.0, scheme="forward", step=0.5 / 3) == pytest.approx(
        6.5, rel=1e-14
    )
    assert gg.numerical.grad(lambda x: x * x, 3.0, scheme="central", step=0.5 / 3) == pytest.approx(
        6.0, rel=1e-14
    )
    assert gg.numerical.grad(lambda x: x * x, 0.1, scheme="forward", step=0.5) == pytest.approx(
        0.7, rel=1e-14
    )


def test_large_and_small_points():
    assert gg.numerical.grad(lambda x: x * x, 1e6, scheme="central") == pytest.approx(2e6, rel=1e-9)
    assert gg.numerical.grad(gg.sin, 0.0, scheme="complex") == 1.0
    assert gg.numerical.grad(gg.log, 1e-3, scheme="complex") == pytest.approx(1e3, rel=1e-14)


@pytest.mark.parametrize("scheme", BOUNDS)
def test_arrays_and_several_inputs(scheme):
    x, y = np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([0.5, -0.5])
    dx, dy = gg.numerical.grad(lambda x, y: gg.sum(x * x * y), x, y, scheme=scheme)
    assert np.allclose(dx, 2 * x * y, rtol=1e-6)
    assert np.allclose(dy, (x * x).sum(0), rtol=1e-6)
    assert (dx.dtype, dx.shape, dy.shape) == (np.float64, (2, 2), (2,))


def test_complex_step_through_matrix_products_softmax_and_indices():
    x = np.array([[0.5, -0.2], [0.1, 0.9]])
    # the sum of x @ x is (column sums) @ (row sums), so x[i, j] occurs with row sum j and with column sum i
    by_hand = x.sum(1)[None, :] + x.sum(0)[:, None]
    found = gg.numerical.grad(lambda x: gg.sum(gg.matmul(x, x)), x, scheme="complex")
    assert np.allclose(found, by_hand, rtol=1e-15)
    p = np.exp(x[0]) / np.exp(x[0]).sum()
    found = gg.numerical.grad(lambda x: gg.softmax(x)[0], x[0], scheme="complex")
    assert np.allclose(found, p[0] * (np.array([1.0, 0.0]) - p), rtol=1e-14)


def test_what_may_come_in_and_go_out():
    assert gg.numerical.grad(lambda x: x.item() ** 2, 3.0) == pytest.approx(6.0)  # a Python number
    assert gg.numerical.grad(lambda x: x.numpy() ** 2, 3) == pytest.approx(6.0)  # an array; an integer point
    assert gg.numerical.grad(
        lambda x: gg.sum(x, keepdims=True), gg.asarray([1.0, 2.0])
    ).tolist() == pytest.approx([1, 1])
    assert gg.numerical.grad(lambda x: gg.sum(x), np.zeros((0, 2))).shape == (0, 2)
    assert gg.numerical.grad(lambda: 1.0) == ()


def test_it_records_nothing_and_works_under_no_grad():
    seen = []

    def function(x):
        seen.append(x.requires_grad or (x * x).requires_grad)
        return x * x

    gg.numerical.grad(function, 1.0)
    assert seen == [False] * 2


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: gg.numerical.grad(gg.sin, 1.0, scheme="backward"),
            ArgumentError,
            "scheme must be one of forward, central, complex, richardson; got 'backward'",
        ),
        (
            lambda: gg.numerical.grad(gg.sin, 1.0, step=0.0),
            ArgumentError,
            "the step must be positive; got 0.0",
        ),
        (
            lambda: gg.numerical.grad(gg.sin, 1.0, step=math.nan),
            ArgumentError,
            "the step must be positive; got nan",
        ),
        (
            lambda: gg.numerical.grad(gg.sin, 1j),
            DTypeError,
            "numerical.grad needs real inputs; got complex64",
        ),
        (lambda: gg.numerical.grad(gg.sin, True), DTypeError, "numerical.grad needs real inputs; got bool"),
        (
            lambda: gg.numerical.grad(gg.sin, [1.0, 2.0]),
            GraphError,
            "numerical.grad needs a function that returns a single number; got shape (2,)",
        ),
    ],
)
def test_refusals(call, error, message):
    with pytest.raises(error) as raised:
        call()
    assert raised.value.message == message


def test_richardson_extrapolates_away_every_even_power():
    """An estimate with errors h² + h⁴ + h⁶: three levels remove them exactly."""
    assert richardson(lambda h: 5.0 + h**2 + h**4 + h**6, 0.5, levels=4) == pytest.approx(5.0, abs=1e-14)


def test_richardson_stops_where_rounding_takes_over():
    def noisy(h):
        return math.sin(1.0) + h**2 + 1e-16 / h

    assert richardson(noisy, 1e-1) == pytest.approx(math.sin(1.0), abs=1e-13)


def test_a_step_that_leaves_the_domain_is_made_smaller():
    assert gg.numerical.grad(gg.log, 1e-3, scheme="richardson") == pytest.approx(1000.0, rel=1e-9)


def test_richardson_removes_the_error_of_each_even_order():
    """With three levels it is exact for an estimate 1 + h^2 + h^4, which wrong weights are not."""
    estimate = gg.numerical.richardson(lambda h: 1.0 + h**2 + h**4, step=0.5, levels=3)
    assert estimate == pytest.approx(1.0, rel=1e-15)


@pytest.mark.parametrize(
    ("function", "part"),
    [
        (gg.abs, "real"),
        (gg.sign, "real"),
        (lambda x: x * gg.conj(x), "conj"),
        (lambda x: gg.sum(gg.imag(x * x)), "imag"),
    ],
)
def test_the_complex_step_needs_an_analytic_function(function, part):
    """|x + ih| is real, so its derivative would come out as 0."""
    with pytest.raises(DTypeError) as raised:
        gg.numerical.grad(function, 1.0, scheme="complex")
    place = raised.value.message.split(" at ")[1].split(" ")[0]
    assert place.startswith("test_numerical.py:")
    assert raised.value.message == (
        f"scheme='complex' needs an analytic function: {part} at {place} is not (abs, sign and angle are made of real, "
        f"imag and conj). Or use scheme='richardson'."
    )
