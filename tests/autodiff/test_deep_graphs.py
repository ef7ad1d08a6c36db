"""A chain of 200,000 nodes: nothing on the way recurses, neither our code nor Python's deletion of the graph."""

import gc

import numpy as np
import pytest

import glassgrad as gg

LENGTH = 200_000


@pytest.fixture(scope="module")
def chain():
    x = gg.tensor(1.0, dtype="float64", requires_grad=True)
    y = x
    for _ in range(LENGTH):
        y = -y
    return x, y


def test_forward_graph_backward_and_deletion(chain):
    x, y = chain
    assert y.item() == 1.0
    graph = gg.graph_of(y)
    assert len(graph.body) == LENGTH + 1
    assert graph.forward(3.0).item() == 3.0
    assert graph.backward()[0].item() == 1.0
    del graph
    y.backward()
    assert x.grad.item() == 1.0
    del y
    gc.collect()


def test_gradient_of_a_long_loop():
    """x(n+1) = x(n) + (cos x(n) - x(n)) / 1000, whose slope is the product of 1 - (sin x(n) + 1) / 1000."""
    steps = 20_000

    def flow(x):
        for _ in range(steps):
            x = x + (gg.cos(x) - x) / 1000.0
        return x

    slope, x = 1.0, 1.0
    for _ in range(steps):
        slope *= 1 - (np.sin(x) + 1) / 1000
        x += (np.cos(x) - x) / 1000
    assert gg.grad(flow)(np.array(1.0)).item() == pytest.approx(slope, rel=1e-9)
