"""The whole core in a few seconds: what to run at every commit. Needs NumPy and pytest only."""

import math

import numpy as np
import pytest

import glassgrad as gg


def test_circuit_of_the_lectures():
    x, y, z = (gg.tensor(v, requires_grad=True) for v in (-2.0, 5.0, -4.0))
    f = (x + y) * z
    f.backward()
    assert (f.item(), x.grad.item(), y.grad.item(), z.grad.item()) == (-12.0, -4.0, -4.0, 3.0)


def test_gradients_add_up_where_a_value_is_used_twice_and_over_calls():
    x = gg.tensor(3.0, requires_grad=True)
    (x * x + x).backward()
    assert x.grad.item() == 7.0
    (2.0 * x).backward()
    assert x.grad.item() == 9.0


def test_derivatives_of_sine_to_order_four():
    f = gg.sin
    for expected in (math.cos(0.7), -math.sin(0.7), -math.cos(0.7), math.sin(0.7)):
        f = gg.grad(f)
        assert f(np.float64(0.7)).item() == pytest.approx(expected, rel=1e-15)


def test_perturbations_are_not_confused():
    assert gg.grad(lambda x: x * gg.grad(lambda y: x + y)(3.0))(2.0).item() == 1.0


def test_broadcast_gradient_is_summed_back():
    bias = gg.tensor(np.zeros(3), requires_grad=True)
    (gg.ones((4, 3), dtype=gg.float64) * 2.0 + bias).sum().backward()
    assert bias.grad.tolist() == [4.0, 4.0, 4.0]


def test_matmul_gradients_are_the_transposed_products():
    a, b = np.arange(6.0).reshape(2, 3), np.arange(12.0).reshape(3, 4)
    g = np.arange(8.0).reshape(2, 4) - 3.0
    _, pullback = gg.vjp(gg.matmul, gg.tensor(a), gg.tensor(b))
    to_a, to_b = pullback(gg.tensor(g))
    np.testing.assert_array_equal(to_a.numpy(), g @ b.T)
    np.testing.assert_array_equal(to_b.numpy(), a.T @ g)


def test_softmax_does_not_overflow():
    assert gg.softmax(gg.tensor([1000.0, 1000.0])).tolist() == [0.5, 0.5]


def test_deep_chain_needs_no_recursion():
    x = gg.tensor(1.0, requires_grad=True)
    y = x
    for _ in range(20_000):
        y = y + 1.0
    y.backward()
    assert y.item() == 20_001.0
    assert x.grad.item() == 1.0


def test_graph_runs_forward_and_backward_on_other_values():
    x = gg.tensor(2.0, requires_grad=True)
    graph = gg.graph_of(x * x * x)
    assert graph.forward(3.0).item() == 27.0
    assert graph.backward()[0].item() == 27.0


def test_four_numerical_schemes():
    for scheme, error in (("forward", 1e-6), ("central", 1e-8), ("complex", 1e-15), ("richardson", 1e-11)):
        slope = gg.numerical.grad(lambda x: gg.exp(x), 1.0, scheme=scheme)
        assert float(slope) == pytest.approx(math.e, rel=error)


def test_gradcheck_finds_a_wrong_sign():
    class Wrong(gg.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x * x

        @staticmethod
        def backward(ctx, upstream):
            (x,) = ctx.saved_tensors
            return -2.0 * x * upstream

    with pytest.raises(gg.GradientMismatch, match="argument 0, index"):
        gg.gradcheck(Wrong.apply, gg.tensor([1.0, 2.0]))


def test_shape_error_names_op_shapes_and_line():
    with pytest.raises(gg.ShapeError) as caught:
        gg.ones((2, 3)) @ gg.ones((2, 3))
    assert str(caught.value) == (
        "matmul needs x1.shape[-1] == x2.shape[-2]; got x1 float32[2, 3] and x2 float32[2, 3], so 3 != 2. "
        f"If x2 holds weights as (out, in), pass gg.matrix_transpose(x2). (at test_tiny.py:{caught.tb.tb_lineno})"
    )


def test_two_layers_learn_exclusive_or():
    gg.random.seed(1)
    inputs, targets = gg.tensor([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]), gg.tensor([0, 1, 1, 0])
    model = gg.nn.Sequential(gg.nn.Linear(2, 8), gg.nn.Tanh(), gg.nn.Linear(8, 2))
    loss_of, optimizer = gg.nn.CrossEntropyLoss(), gg.optim.Adam(model.parameters(), lr=0.05)
    for _ in range(200):
        optimizer.zero_grad()
        loss_of(model(inputs), targets).backward()
        optimizer.step()
    assert model(inputs).argmax(axis=1).tolist() == [0, 1, 1, 0]


def test_a_training_step_compiles():
    w = gg.nn.Parameter([1.0, 2.0])
    optimizer = gg.optim.SGD([w], lr=0.1)

    @gg.compile
    def step(x):
        optimizer.zero_grad()
        loss = gg.sum(gg.tanh(w * x) ** 2)
        loss.backward()
        optimizer.step()
        return loss

    losses = [step(gg.asarray([1.0, -1.0])).item() for _ in range(20)]
    assert losses[0] == pytest.approx(math.tanh(1) ** 2 + math.tanh(2) ** 2, rel=1e-6)
    assert losses[-1] < losses[0]
