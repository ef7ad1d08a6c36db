"""Forward mode: `jvp` and `hvp` against closed forms, reverse mode and differences; what it stores; its mistakes."""

import math
import tracemalloc

import numpy as np
import pytest

import glassgrad as gg
from glassgrad.errors import ArgumentError, DTypeError, GraphError, ShapeError


def test_lecture_function_with_its_published_tangent():
    """y = ln x1 + x1 x2 - sin x2 at (2, 5) in the direction x1: 5.5 (Baydin et al. 2018, table 2)."""
    value, slope = gg.jvp(lambda x1, x2: gg.log(x1) + x1 * x2 - gg.sin(x2), (2.0, 5.0), (1.0, 0.0))
    assert value.item() == pytest.approx(math.log(2) + 10 - math.sin(5), rel=1e-6)
    assert slope.item() == pytest.approx(5.5)


def test_python_may_branch_and_loop_on_values():
    def collatz_like(x):
        steps = 0
        while x > 1.0:
            x = x / 2 if steps % 2 == 0 else x * 0.9
            steps += 1
        return x

    value, slope = gg.jvp(collatz_like, (np.array(10.0),), (np.array(1.0),))
    assert slope.item() == pytest.approx(value.item() / 10.0, rel=1e-14)


def test_trees_in_and_out():
    def f(p, x):
        return {"y": p["w"] * x, "fixed": gg.asarray(1.0), "list": [p["b"] + x]}

    primal, tangent = gg.jvp(f, ({"w": 2.0, "b": 3.0}, 4.0), ({"w": 1.0, "b": 0.0}, 10.0))
    assert primal["y"].item() == 8.0
    assert tangent["y"].item() == 4.0 + 2.0 * 10.0
    assert tangent["fixed"].item() == 0.0
    assert tangent["list"][0].item() == 10.0


def test_integers_and_stopped_values_do_not_move():
    primal, tangent = gg.jvp(
        lambda x: (gg.astype(x, gg.int64), gg.stop_gradient(x) * x, gg.floor(x)), (2.5,), (1.0,)
    )
    assert [p.item() for p in primal] == [2, 6.25, 2.0]
    assert [t.item() for t in tangent] == [0, 2.5, 0.0]
    assert tangent[0].dtype == gg.int64


def test_a_variable_outside_gets_its_gradient():
    """d/dx of the directional derivative of x² y in the direction of y is 2x."""
    x = gg.tensor(3.0, requires_grad=True)
    _, slope = gg.jvp(lambda y: x * x * y, (1.0,), (1.0,))
    slope.backward()
    assert x.grad.item() == 6.0


def test_nothing_is_stored_for_later():
    def chain(n):
        def f(x):
            for _ in range(n):
                x = x * 1.0001
            return x

        return f

    x, t = np.ones(10_000), np.ones(10_000)
    gg.jvp(chain(3), (x,), (t,))
    tracemalloc.start()
    gg.jvp(chain(500), (x,), (t,))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 12 * x.nbytes  # 500 steps on tape would hold 500 arrays


def test_hvp_is_the_hessian_times_a_vector():
    rng = np.random.default_rng(3)
    a, x, v = rng.normal(size=(4, 4)), rng.normal(size=4), rng.normal(size=4)

    def f(x):
        return gg.sum(gg.sin(a @ x)) * gg.sum(x * x)

    step = 1e-5
    gradient = gg.grad(f)
    difference = (gradient(x + step * v).numpy() - gradient(x - step * v).numpy()) / (2 * step)
    np.testing.assert_allclose(gg.hvp(f, x, v).numpy(), difference, rtol=1e-7)
    np.testing.assert_allclose(gg.hessian(f)(x).numpy() @ v, gg.hvp(f, x, v).numpy(), rtol=1e-12)


def test_hvp_of_a_tree():
    found = gg.hvp(lambda p: p["a"] ** 2 * p["b"], {"a": 3.0, "b": 5.0}, {"a": 1.0, "b": 0.0})
    assert (found["a"].item(), found["b"].item()) == (10.0, 6.0)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: gg.jvp(gg.sin, (gg.zeros((2, 3)),), (gg.zeros(3),)),
            ShapeError,
            "a tangent has the shape of its input: input 0 has shape (2, 3), its tangent (3,)",
        ),
        (
            lambda: gg.jvp(gg.sin, (gg.asarray(1.0),), (np.array(1.0),)),
            DTypeError,
            "a tangent has the dtype of its input: input 0 is float32, its tangent float64. "
            "gg.astype(tangent, gg.float32) converts.",
        ),
        (
            lambda: gg.jvp(gg.sin, (gg.asarray(1),), (1,)),
            DTypeError,
            "jvp moves its inputs, so they must be floats; input 0 has dtype int64. Write 1.0 instead of 1, or pass "
            "what stays fixed through the function's closure: lambda x: f(x, n).",
        ),
        (
            lambda: gg.jvp(gg.sin, 1.0, 1.0),
            ArgumentError,
            "jvp takes the inputs as a tuple, one entry per argument of the function; got float. "
            "For one argument: gg.jvp(f, (x,), (t,)).",
        ),
        (
            lambda: gg.jvp(gg.add, (1.0, 2.0), (1.0,)),
            ArgumentError,
            "jvp needs tangents nested as the inputs: 2 tensors as (0, 1); got 1 as (0,)",
        ),
        (
            lambda: gg.jvp(lambda x: x.item(), (1.0,), (1.0,)),
            ArgumentError,
            "jvp needs a function that returns tensors; <lambda> returned float. "
            "Compute with tensors, without .item() and .numpy().",
        ),
        (
            lambda: gg.jvp(lambda x: x.backward(), (1.0,), (1.0,)),
            GraphError,
            "backward() adds to .grad, which belongs to one value, and cannot be called inside gg.jvp, gg.vmap or "
            "what is built on them. Use gg.grad or gg.vjp there.",
        ),
    ],
)
def test_mistakes(call, error, message):
    with pytest.raises(error) as caught:
        call()
    assert caught.value.message == message
