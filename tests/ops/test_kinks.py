"""Derivatives where central differences cannot say what is right: each is the value that the docstring promises."""

import numpy as np
import pytest

import glassgrad as gg

INF, NAN = np.inf, np.nan


def gradients(function, *points):
    """The gradients of the sum of `function` at `points`, as lists."""
    variables = [gg.tensor(point, dtype="float64", requires_grad=True) for point in points]
    gg.sum(function(*variables)).backward()
    return [x.grad.tolist() for x in variables]


def slope(function, *points):
    return gradients(function, *points)[0]


@pytest.mark.filterwarnings("ignore:every gradient of this backward")  # it is 0 where it must be
@pytest.mark.parametrize(
    ("function", "points", "wanted"),
    [
        (gg.relu, [0.0, -0.0, 1.0, -1.0], [0.0, 0.0, 1.0, 0.0]),
        (gg.leaky_relu, [0.0, 1.0, -1.0], [0.01, 1.0, 0.01]),
        (gg.elu, [0.0, 1.0], [1.0, 1.0]),
        (lambda x: gg.elu(x, 2.0), [0.0, 1.0], [2.0, 1.0]),
        (gg.abs, [0.0, -0.0, -2.0], [0.0, 0.0, -1.0]),
        (gg.sign, [0.0, 5.0], [0.0, 0.0]),
        (gg.floor, [0.0, 1.0, 1.5], [0.0, 0.0, 0.0]),
        (gg.ceil, [0.0, 1.0, 1.5], [0.0, 0.0, 0.0]),
        (gg.round, [0.5, 1.0, 1.5], [0.0, 0.0, 0.0]),
        (gg.trunc, [0.0, -1.0, 1.5], [0.0, 0.0, 0.0]),
        (gg.sqrt, [0.0, 4.0], [INF, 0.25]),
        (gg.log, [0.0], [INF]),
        (gg.asin, [1.0, -1.0], [INF, INF]),
        (gg.acos, [1.0, -1.0], [-INF, -INF]),
        (gg.sigmoid, [1000.0, -1000.0, 0.0], [0.0, 0.0, 0.25]),
        (gg.softplus, [1000.0, -1000.0, 0.0], [1.0, 0.0, 0.5]),
        (lambda x: x**0.5, [0.0], [INF]),
        (lambda x: x**0, [0.0, 3.0], [0.0, 0.0]),
        (lambda x: x**1, [0.0, 3.0], [1.0, 1.0]),
        (lambda x: x**2, [0.0, 3.0], [0.0, 6.0]),
        (lambda x: x**-1, [0.0], [-INF]),
    ],
)
def test_one_input(function, points, wanted):
    assert slope(function, points) == wanted


@pytest.mark.parametrize("function", [gg.maximum, gg.minimum])
def test_equal_inputs_share_the_gradient(function):
    first, second = gradients(function, [2.0, -INF, INF, 0.0], [2.0, -INF, INF, -0.0])
    assert first == second == [0.5, 0.5, 0.5, 0.5]


@pytest.mark.parametrize(
    ("low", "high", "wanted"),
    [
        (0.0, 1.0, [0.0, 1.0, 1.0, 1.0, 0.0]),
        (0.0, None, [0.0, 1.0, 1.0, 1.0, 1.0]),
        (None, 1.0, [1.0, 1.0, 1.0, 1.0, 0.0]),
        (None, None, [1.0, 1.0, 1.0, 1.0, 1.0]),
    ],
)
def test_clip_passes_the_gradient_inside_and_at_the_bounds(low, high, wanted):
    assert slope(lambda x: gg.clip(x, low, high), [-1.0, 0.0, 0.5, 1.0, 2.0]) == wanted


def test_clip_sends_the_gradient_to_the_bound_outside():
    x, low, high = gradients(gg.clip, [-1.0, 0.5, 2.0], [0.0, 0.0, 0.0], [1.0, 1.0, 1.0])
    assert (x, low, high) == ([0.0, 1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0])


def test_clip_with_crossed_bounds_gives_the_upper_one():
    x, low, high = gradients(gg.clip, [1.0, 3.0, 5.0], [4.0] * 3, [2.0] * 3)
    assert (x, low, high) == ([0.0] * 3, [0.0] * 3, [1.0] * 3)


def test_power_by_the_exponent_at_base_0_and_below():
    _, exponent = gradients(gg.pow, [0.0, 0.0, -1.0, 2.0], [0.0, 2.0, 2.0, 0.0])
    assert exponent[:2] == [0.0, 0.0]
    assert np.isnan(exponent[2])
    assert exponent[3] == pytest.approx(np.log(2), rel=1e-15)


@pytest.mark.parametrize(
    ("function", "values", "wanted"),
    [
        (gg.max, [2.0, 2.0, 1.0], [0.5, 0.5, 0.0]),
        (gg.min, [2.0, 1.0, 1.0], [0.0, 0.5, 0.5]),
        (gg.max, [INF, INF, 1.0], [0.5, 0.5, 0.0]),
        (gg.max, [-INF, -INF], [0.5, 0.5]),
        (gg.max, [1.0, 1.0, 1.0, 1.0], [0.25, 0.25, 0.25, 0.25]),
    ],
)
def test_equal_extremes_share_the_gradient(function, values, wanted):
    assert slope(function, values) == wanted


@pytest.mark.parametrize(
    ("values", "wanted"),
    [([2.0, 0.0, 3.0], [0.0, 6.0, 0.0]), ([2.0, 0.0, 0.0], [0.0, 0.0, 0.0]), ([0.0], [1.0])],
)
def test_product_with_zeros(values, wanted):
    assert slope(gg.prod, values) == wanted


def test_softmax_and_logsumexp_give_impossible_classes_no_gradient():
    one_over = 1 / (1 + np.e)
    assert slope(gg.logsumexp, [-INF, 0.0, 1.0]) == pytest.approx([0.0, one_over, 1 - one_over])
    assert slope(lambda x: gg.log_softmax(x)[1], [-INF, 0.0, 1.0]) == pytest.approx(
        [0.0, 1 - one_over, one_over - 1]
    )
    product = one_over * (1 - one_over)
    assert slope(lambda x: gg.softmax(x)[1], [-INF, 0.0, 1.0]) == pytest.approx([0.0, product, -product])


def test_second_derivatives_of_smooth_functions_that_are_computed_with_kinks():
    """softplus and logaddexp are computed from |x|, but their derivatives have no kink at 0."""

    def second(function):
        return gg.grad(gg.grad(function))

    def third(function):
        return gg.grad(second(function))

    for at in (0.0, -0.0):
        assert second(gg.softplus)(np.array(at)).item() == 0.25
        assert third(gg.softplus)(np.array(at)).item() == 0.0
        assert third(gg.sigmoid)(np.array(at)).item() == -0.125
    assert second(lambda x: gg.logaddexp(x, 1.5))(np.array(1.5)).item() == 0.25
    assert second(gg.softplus)(np.array(1000.0)).item() == 0.0
    assert second(gg.softplus)(np.array(-1000.0)).item() == 0.0


def test_a_branch_that_is_not_taken_does_not_spoil_the_gradient():
    """The classic trap: where(x > 0, log(x), 0) at 0 multiplies an infinite slope by 0. Shielding the input works."""

    def shielded(x):
        return gg.where(x > 0, gg.log(gg.where(x > 0, x, 1.0)), 0.0)

    assert slope(shielded, [0.0, 2.0]) == [0.0, 0.5]


def test_sort_sends_each_gradient_home():
    weights = np.array([1.0, 10.0, 100.0])
    assert slope(lambda x: gg.sort(x) * weights, [3.0, 1.0, 2.0]) == [100.0, 1.0, 10.0]
    assert slope(lambda x: gg.sort(x, descending=True) * weights, [3.0, 1.0, 2.0]) == [1.0, 100.0, 10.0]
