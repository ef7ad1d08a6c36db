"""The multiply gate as a user writes it: forward saves its inputs, backward swaps them."""

import numpy as np
import pytest

import glassgrad as gg


class MultiplyGate(gg.Function):
    pattern = "switch: each input gets the upstream gradient times the other input"

    @staticmethod
    def forward(ctx, x, y):
        ctx.save_for_backward(x, y)
        return x * y

    @staticmethod
    def backward(ctx, upstream):
        x, y = ctx.saved_tensors
        return upstream * y, upstream * x


def test_forward_and_backward():
    # z = xy at (3, -4) is -12; upstream 2 gives dx = 2(-4) = -8 and dy = 2*3 = 6
    x, y = (gg.tensor(value, requires_grad=True) for value in (3.0, -4.0))
    z = MultiplyGate.apply(x, y)
    z.backward(2.0)
    assert (z.item(), x.grad.item(), y.grad.item()) == (-12.0, -8.0, 6.0)


def test_it_is_one_node_with_its_own_name_and_words():
    x, y = (gg.tensor(value, requires_grad=True) for value in (3.0, -4.0))
    graph = gg.graph_of(2 * (MultiplyGate.apply(x, y) + gg.maximum(2.0, -1.0)))
    (gate,) = [node for node in graph.nodes_topologically_sorted() if node.op.name == "MultiplyGate"]
    assert gate.op.pattern == MultiplyGate.pattern
    assert [gradient.item() for gradient in graph.backward()] == [-8.0, 6.0]
    assert (gate.value.item(), gate.grad.item()) == (-12.0, 2.0)


def test_inside_the_circuit_of_the_lecture():
    def f(x, y, z):
        return MultiplyGate.apply(x + y, z)

    assert [g.item() for g in gg.grad(f, argnums=(0, 1, 2))(-2.0, 5.0, -4.0)] == [-4.0, -4.0, 3.0]


def test_second_derivatives():
    # f = (xy)(xy) = x^2 y^2: f_xx = 2y^2 = 32, f_xy = 4xy = -48, f_yy = 2x^2 = 18 at (3, -4)
    def f(x, y):
        product = MultiplyGate.apply(x, y)
        return MultiplyGate.apply(product, product)

    rows = [gg.grad(gg.grad(f, argnums=i), argnums=(0, 1))(3.0, -4.0) for i in (0, 1)]
    assert [[entry.item() for entry in row] for row in rows] == [[32.0, -48.0], [-48.0, 18.0]]


def test_arrays_and_differences():
    rng = np.random.default_rng(0)
    x, y, upstream = rng.standard_normal((3, 2, 4))
    _, pullback = gg.vjp(MultiplyGate.apply, gg.asarray(x), gg.asarray(y))
    dx, dy = pullback(gg.asarray(upstream))
    np.testing.assert_allclose(dx.numpy(), upstream * y, rtol=1e-15)
    np.testing.assert_allclose(dy.numpy(), upstream * x, rtol=1e-15)
    gg.gradcheck(MultiplyGate.apply, x, y, order=2)


def test_the_checker_finds_a_wrong_backward():
    class Forgetful(MultiplyGate):
        @staticmethod
        def backward(ctx, upstream):
            x, y = ctx.saved_tensors
            return upstream * x, upstream * y  # not swapped

    with pytest.raises(gg.GradientMismatch) as caught:
        gg.gradcheck(Forgetful.apply, 3.0, -4.0)
    assert "derivative 1 with respect to argument 0, index (): automatic " in str(caught.value)


def test_backward_must_return_a_gradient_for_every_argument():
    class OneGradient(MultiplyGate):
        @staticmethod
        def backward(ctx, upstream):
            return upstream

    x = gg.tensor(3.0, requires_grad=True)
    with pytest.raises(gg.ArgumentError) as caught:
        OneGradient.apply(x, x).backward()
    assert caught.value.message == (
        "OneGradient.backward must return one gradient (or None) for each of the 2 arguments of forward; it returned 1"
    )
