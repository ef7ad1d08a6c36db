"""The cheap gradient principle: a gradient costs at most 4 times the function, a directional derivative at most 3.

Counted on the traced graphs, in arithmetic operations on numbers, for the functions of the benchmark workloads.
Source: Baur and Strassen (1983); Griewank and Walther, "Evaluating Derivatives" (2008), 3.3 and 4.1.
"""

import math

import numpy as np
import pytest

import glassgrad as gg
from glassgrad.expr import Call
from glassgrad.graph import Leaf
from glassgrad.ops.contract import Matmul
from glassgrad.ops.convolve import Convolution, ConvolutionTranspose, ConvolutionWeight
from glassgrad.ops.families import Elementwise
from glassgrad.ops.index import Index
from glassgrad.ops.joining import Concat, Pad
from glassgrad.ops.shape import Astype, BroadcastTo, Flip, Identity, PermuteDims, Reshape, StopGradient

MOVES = Reshape, PermuteDims, BroadcastTo, Flip, Identity, StopGradient, Astype, Index, Concat, Pad


def calls(expression, seen):
    if isinstance(expression, Call) and expression not in seen:
        seen.add(expression)
        for operand in expression.operands:
            calls(operand, seen)
    return len(seen)


def operations(node):
    """Arithmetic operations on numbers in one application; moving numbers is none."""
    size = math.prod(node.shape)
    shapes = [source.shape for source in node.inputs]
    if isinstance(node.op, (Leaf, *MOVES)):
        return 0
    if isinstance(node.op, Elementwise):
        return size * calls(node.op.expression, set())
    if isinstance(node.op, Matmul):
        return 2 * size * shapes[0][-1]
    if isinstance(node.op, Convolution | ConvolutionTranspose | ConvolutionWeight):
        maps = {Convolution: node.shape, ConvolutionTranspose: shapes[0], ConvolutionWeight: shapes[1]}
        filters = node.shape if isinstance(node.op, ConvolutionWeight) else shapes[1]
        return 2 * math.prod(maps[type(node.op)]) * math.prod(filters[1:])
    return max([size, *map(math.prod, shapes)])


def cost(function, *specs):
    return sum(operations(node) for node in gg.trace(function, *specs).nodes_topologically_sorted())


def hw0(x):
    return gg.sigmoid(gg.log(5 * (gg.maximum(x[0], x[1]) * x[2] / x[3] - (x[4] + x[5])))) + 0.5


def logistic(p):
    x, y = np.ones((256, 64), np.float32), np.ones(256, np.float32)
    z = x @ p["w"] + p["b"]
    return gg.mean(gg.softplus(z) - y * z) + 1e-4 * gg.sum(p["w"] * p["w"])


def two_layer(p):
    x, y = np.ones((64, 100), np.float32), np.ones((64, 10), np.float32)
    return gg.sum((gg.sigmoid(x @ p["w1"]) @ p["w2"] - y) ** 2)


def cross_entropy(scores, labels):
    chosen = gg.take_along_axis(scores, labels[:, None], axis=1)
    return gg.mean(gg.logsumexp(scores, axis=1) - chosen[:, 0])


LABELS = gg.asarray(np.arange(16) % 10)


def mlp(p):
    h = gg.asarray(np.ones((16, 64), np.float32))
    h = gg.relu(h @ p["w1"] + p["b1"])
    h = gg.relu(h @ p["w2"] + p["b2"])
    return cross_entropy(h @ p["w3"], LABELS)


def lenet(p):
    h = gg.asarray(np.ones((16, 1, 28, 28), np.float32))
    h = gg.max_pool(gg.relu(gg.convolution(h, p["c1"])), 2)
    h = gg.max_pool(gg.relu(gg.convolution(h, p["c2"])), 2)
    return cross_entropy(gg.relu(gg.reshape(h, (16, -1)) @ p["w1"]) @ p["w2"], LABELS)


def alexnet(p):
    h = gg.asarray(np.ones((4, 3, 35, 35), np.float32))
    h = gg.max_pool(gg.relu(gg.convolution(h, p["c1"], stride=4, padding=2)), 3, stride=2)
    h = gg.relu(gg.convolution(h, p["c2"], padding=1))
    return cross_entropy(gg.reshape(h, (4, -1)) @ p["w"], LABELS[:4])


def lstm(p):
    def step(carry, x):
        h, c = carry
        gates = x @ p["wx"] + h @ p["wh"] + p["b"]
        i, f, o = (gg.sigmoid(gates[:, k * 16 : (k + 1) * 16]) for k in range(3))
        c = f * c + i * gg.tanh(gates[:, 48:])
        return (o * gg.tanh(c), c), o

    start = gg.zeros((8, 16)), gg.zeros((8, 16))
    (h, _), outputs = gg.scan(step, start, gg.asarray(np.ones((5, 8, 12), np.float32)))
    return gg.sum(h * h) + gg.sum(outputs)


def ntm(p):
    """One step of reading: content addressing, interpolation, shift, sharpening, read."""
    memory, key = p["memory"], p["key"]
    norms = gg.sqrt(gg.sum(memory * memory, axis=1)) * gg.sqrt(gg.sum(key * key))
    w = gg.softmax(p["beta"] * ((memory @ key) / norms))
    w = 0.3 * w + 0.7 * p["before"]
    w = 0.1 * gg.roll(w, 1) + 0.8 * w + 0.1 * gg.roll(w, -1)
    w = w**2.0
    return gg.sum(((w / gg.sum(w)) @ memory) ** 2)


def gpt(p):
    x = gg.asarray(np.ones((4, 16, 32), np.float32))

    def norm(x):
        centred = x - gg.mean(x, axis=-1, keepdims=True)
        return centred / gg.sqrt(gg.mean(centred * centred, axis=-1, keepdims=True) + 1e-5)

    h = norm(x)
    q, k, v = h @ p["q"], h @ p["k"], h @ p["v"]
    mask = np.triu(np.full((16, 16), -1e9, np.float32), 1)
    x = x + gg.softmax(q @ gg.matrix_transpose(k) / 5.7 + mask) @ v
    h = norm(x) @ p["up"]
    h = 0.5 * h * (1 + gg.tanh(0.797 * (h + 0.0447 * h * h * h)))
    return gg.mean((x + h @ p["down"]) ** 2)


WORKLOADS = {
    hw0: [gg.Spec()] * 6,
    logistic: {"w": gg.Spec(64), "b": gg.Spec(())},
    two_layer: {"w1": gg.Spec((100, 20)), "w2": gg.Spec((20, 10))},
    mlp: {
        "w1": gg.Spec((64, 32)),
        "b1": gg.Spec(32),
        "w2": gg.Spec((32, 32)),
        "b2": gg.Spec(32),
        "w3": gg.Spec((32, 10)),
    },
    lenet: {
        "c1": gg.Spec((4, 1, 5, 5)),
        "c2": gg.Spec((8, 4, 5, 5)),
        "w1": gg.Spec((128, 50)),
        "w2": gg.Spec((50, 10)),
    },
    alexnet: {"c1": gg.Spec((8, 3, 11, 11)), "c2": gg.Spec((8, 8, 3, 3)), "w": gg.Spec((72, 10))},
    lstm: {"wx": gg.Spec((12, 64)), "wh": gg.Spec((16, 64)), "b": gg.Spec(64)},
    ntm: {"memory": gg.Spec((32, 10)), "key": gg.Spec(10), "beta": gg.Spec(()), "before": gg.Spec(32)},
    gpt: {
        **{name: gg.Spec((32, 32)) for name in "qkv"},
        "up": gg.Spec((32, 64)),
        "down": gg.Spec((64, 32)),
    },
}


@pytest.mark.parametrize("function", WORKLOADS, ids=lambda function: function.__name__)
def test_a_gradient_costs_at_most_four_functions(function):
    spec = WORKLOADS[function]
    assert cost(gg.value_and_grad(function), spec) <= 4 * cost(function, spec)


@pytest.mark.parametrize("function", WORKLOADS, ids=lambda function: function.__name__)
def test_a_directional_derivative_costs_at_most_three_functions(function):
    spec = WORKLOADS[function]
    pushed = cost(lambda p, t: gg.jvp(function, (p,), (t,)), spec, spec)
    assert pushed <= 3 * cost(function, spec)


def test_the_count_of_a_product():
    assert (
        cost(lambda a, b: gg.sum(gg.tanh(a @ b) * 2.0), gg.Spec((2, 3)), gg.Spec((3, 4)))
        == 2 * 24 + 8 + 8 + 8
    )
