"""gg.linalg in the other modes: jvp against differences, vmap against a loop, forward over reverse against reverse over
reverse, and traced; on the functions of test_linalg_gradients."""

import numpy as np
import pytest
from test_linalg_gradients import ANY_SHAPE, SQUARE, as_real, small, spread_out

import glassgrad as gg

CASES = [
    *(pytest.param(f, (3, 3), id=name) for name, f in (SQUARE | ANY_SHAPE).items()),
    *(pytest.param(f, (4, 2), id=f"{name}, tall") for name, f in ANY_SHAPE.items()),
    *(pytest.param(f, (2, 4), id=f"{name}, wide") for name, f in ANY_SHAPE.items()),
]
PLACES = {"real": lambda x: x, "complex": lambda x: gg.complex(x, 0.3 * x * x + 0.1)}


@pytest.fixture(params=PLACES)
def place(request):
    """Where the function is looked at: at real matrices, or along a curve through complex ones."""
    return PLACES[request.param]


@pytest.mark.parametrize(("function", "shape"), CASES)
def test_tangents_agree_with_differences(function, shape, place):
    x, direction = spread_out(*shape), small(*shape, seed=19)

    def f(x):
        return as_real(function(place(gg.asarray(x))))

    def slope(h):
        return (f(x + h * direction).numpy() - f(x - h * direction).numpy()) / (2 * h)

    _, found = gg.jvp(f, (gg.asarray(x),), (gg.asarray(direction),))
    wanted = (4 * slope(5e-4) - slope(1e-3)) / 3
    assert np.allclose(found.numpy(), wanted, rtol=1e-7, atol=1e-7)


@pytest.mark.parametrize(("function", "shape"), CASES)
def test_vmap_agrees_with_a_loop(function, shape, place):
    x = spread_out(*shape)
    stack = gg.asarray(np.stack([x, 1.1 * x, x + 0.05]))

    def f(x):
        return as_real(function(place(x)))

    gradient = gg.grad(lambda x: gg.sum(f(x) ** 2))
    for mapped in (f, gradient):
        found = gg.vmap(mapped)(stack).numpy()
        assert np.allclose(found, [mapped(x).numpy() for x in stack], rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize(("function", "shape"), CASES)
def test_forward_over_reverse_agrees_with_reverse_over_reverse(function, shape, place):
    x, direction = gg.asarray(spread_out(*shape)), gg.asarray(small(*shape, seed=19))
    gradient = gg.grad(lambda x: gg.sum(as_real(function(place(x))) ** 2))
    _, found = gg.jvp(gradient, (x,), (direction,))
    wanted = gg.grad(lambda x: gg.sum(gradient(x) * direction))(x)
    assert np.allclose(found.numpy(), wanted.numpy(), rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize(("function", "shape"), CASES)
def test_gradients_are_traced_without_values(function, shape, place):
    """No function and no rule looks at values: the graph is the same for every matrix of the shape."""
    gradient = gg.grad(lambda x: gg.sum(as_real(function(place(x))) ** 2))
    graph = gg.trace(gradient, gg.Spec(shape, "float64"))
    x = spread_out(*shape)
    assert np.allclose(graph.forward(x).numpy(), gradient(gg.asarray(x)).numpy(), rtol=1e-10, atol=1e-10)
