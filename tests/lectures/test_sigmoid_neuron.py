"""The sigmoid neuron of the lectures: one fused gate, and the same neuron built of primitive gates."""

from math import exp

import pytest

import glassgrad as gg

# f = 1 / (1 + exp(-(w0 x0 + w1 x1 + w2))) at w = (2, -3, -3), x = (-1, -2)
# s = 2(-1) + (-3)(-2) - 3 = 1,  f = 1 / (1 + 1/e) = 0.7311,  df/ds = f(1 - f) = 0.1966
# df/dw = 0.1966 (x0, x1, 1),  df/dx = 0.1966 (w0, w1)
F = 1 / (1 + exp(-1))
SLOPE = F * (1 - F)
DW = (-SLOPE, -2 * SLOPE, SLOPE)
DX = (2 * SLOPE, -3 * SLOPE)


def neuron(w, x):
    return gg.sigmoid(w[0] * x[0] + w[1] * x[1] + w[2])


def test_the_hand_computation_gives_the_numbers_of_the_slide():
    assert round(F, 4) == 0.7311
    assert [round(g, 4) for g in DW] == [-0.1966, -0.3932, 0.1966]
    assert [round(g, 4) for g in DX] == [0.3932, -0.5898]


def test_the_neuron_with_one_sigmoid_gate():
    w = gg.tensor([2.0, -3.0, -3.0], gg.float64, requires_grad=True)
    x = gg.tensor([-1.0, -2.0], gg.float64, requires_grad=True)
    f = neuron(w, x)
    f.backward()
    assert f.item() == pytest.approx(F, rel=1e-15)
    assert w.grad.tolist() == pytest.approx(DW, rel=1e-14)
    assert x.grad.tolist() == pytest.approx(DX, rel=1e-14)


def test_the_neuron_in_the_default_float32():
    dw, dx = gg.grad(neuron, argnums=(0, 1))(gg.tensor([2.0, -3.0, -3.0]), gg.tensor([-1.0, -2.0]))
    assert dw.tolist() == pytest.approx(DW, rel=1e-6)
    assert dx.tolist() == pytest.approx(DX, rel=1e-6)


def test_the_neuron_of_primitive_gates_gate_by_gate():
    values = {"w0": 2.0, "x0": -1.0, "w1": -3.0, "x1": -2.0, "w2": -3.0}
    w0, x0, w1, x1, w2 = (gg.tensor(v, gg.float64, requires_grad=True, name=n) for n, v in values.items())
    graph = gg.graph_of(gg.reciprocal(gg.exp(-(w0 * x0 + w1 * x1 + w2)) + 1))
    graph.backward()
    gates = [node for node in graph.nodes_topologically_sorted() if node.inputs]
    expected = [
        # gate         value           gradient: local slope times the gradient of the next gate
        ("multiply", -2.0, SLOPE),
        ("multiply", 6.0, SLOPE),
        ("add", 4.0, SLOPE),
        ("add", 1.0, SLOPE),  # -1 * (-0.1966)
        ("negative", -1.0, exp(-1) * -(F**2)),  # exp'(-1) = e^-1 = 0.3679
        ("exp", exp(-1), -(F**2)),  # 1 * (-0.5344)
        ("add", 1 + exp(-1), -(F**2)),  # (1/x)' = -1/x^2 at 1.3679: -0.5344
        ("reciprocal", F, 1.0),
    ]
    assert [gate.op.name for gate in gates] == [name for name, _, _ in expected]
    for gate, (_, value, gradient) in zip(gates, expected, strict=True):
        assert gate.value.item() == pytest.approx(value, rel=1e-14)
        assert gate.grad.item() == pytest.approx(gradient, rel=1e-14)

    on_the_slide = [0.20, 0.20, 0.20, 0.20, -0.20, -0.53, -0.53, 1.00]
    assert [round(gate.grad.item(), 2) for gate in gates] == on_the_slide
    leaves = {node.name: node.grad.item() for node in graph.inputs}
    assert leaves == pytest.approx(
        {"w0": DW[0], "w1": DW[1], "w2": DW[2], "x0": DX[0], "x1": DX[1]}, rel=1e-14
    )


def test_the_gates_say_scaler_where_they_scale():
    x = gg.tensor(1.0, requires_grad=True)
    for gate in (gg.exp, gg.reciprocal, gg.sigmoid):
        node = gg.graph_of(gate(x)).nodes_topologically_sorted()[-1]
        assert node.op.pattern.split(":")[0] == "scaler"
