"""The text of a graph: one line per node, with names that are unique and values in a few characters."""

import inspect

import numpy as np
import pytest

import glassgrad as gg
from glassgrad.graph.text import brief, node_names


def test_names_formulas_values_and_gradients_in_columns():
    x = gg.tensor([1.0, -2.0], requires_grad=True, name="x")
    graph = gg.graph_of(gg.sum(gg.relu(x) * 3.0))
    assert graph.summary().splitlines() == [
        "x = input                                float32[2]  value [ 1., -2.]",
        "n0 = relu(x)                             float32[2]  value [1., 0.]",
        "c0 = constant                            float32[]   value 3",
        "n1 = multiply(n0, c0)                    float32[2]  value [3., 0.]",
        "n2 = sum(n1, axes=(0,), keepdims=False)  float32[]   value 3",
    ]
    graph.backward()
    assert graph.summary().splitlines() == [
        "x = input                                float32[2]  value [ 1., -2.]  grad [3., 0.]",
        "n0 = relu(x)                             float32[2]  value [1., 0.]    grad [3., 3.]",
        "c0 = constant                            float32[]   value 3",
        "n1 = multiply(n0, c0)                    float32[2]  value [3., 0.]    grad [1., 1.]",
        "n2 = sum(n1, axes=(0,), keepdims=False)  float32[]   value 3           grad 1",
    ]


def test_an_index_shows_which_elements_it_takes():
    w = gg.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True, name="w")
    graph = gg.graph_of(w[0, ::2] * w[..., 1:][0])
    assert [line.split("  ")[0] for line in graph.summary().splitlines()] == [
        "w = input",
        "n0 = index(w, key=[0, ::2])",
        "n1 = index(w, key=[..., 1:])",
        "n2 = index(n1, key=[0])",
        "n3 = multiply(n0, n2)",
    ]


def test_a_name_given_twice_or_made_up_already_is_used_once():
    x = gg.tensor(2.0, requires_grad=True, name="n0")
    y = gg.tensor(3.0, requires_grad=True, name="n0")
    z = gg.tensor(4.0, requires_grad=True)
    graph = gg.graph_of(x * y + z)
    assert list(node_names(graph).values()) == ["n0", "x0", "x1", "n1", "n2"]


@pytest.mark.parametrize(
    ("array", "text"),
    [
        (3.0, "3"),
        (np.float32(0.1), "0.1"),
        (1234567.0, "1.23457e+06"),
        (np.zeros((0, 3)), "(empty)"),
        (np.array([1.0, -0.123456]), "[ 1.    , -0.1235]"),
        (np.array([[1, 2], [3, 4]]), "[[1, 2], [3, 4]]"),
        (np.arange(5.0), "0 .. 4"),
        (np.arange(5) > 2, "0 .. 1"),
        (np.array([np.nan] * 5), "nan .. nan"),
        (np.True_, "1"),
    ],
)
def test_values_in_a_few_characters(array, text):
    assert brief(array) == text


def test_a_node_says_where_it_was_made():
    x = gg.tensor([1.0], requires_grad=True, name="weights")
    line = inspect.currentframe().f_lineno - 1
    product = x * 2.0
    assert repr(x.node) == f"<Node input 'weights' float32[1] from test_summary.py:{line}>"
    assert repr(product.node) == f"<Node multiply float32[1] from test_summary.py:{line + 2}>"
    assert product.node.place == f"test_summary.py:{line + 2}"
    assert product.node.ndim == 1


def test_the_place_is_the_right_line_of_a_long_call():
    x = gg.tensor(1.0, requires_grad=True)
    line = inspect.currentframe().f_lineno
    total = gg.add(
        gg.exp(x),
        gg.sin(
            x,
        ),
    )
    places = [node.place for node in gg.graph_of(total).body[1:]]
    assert places == [f"test_summary.py:{line + offset}" for offset in (2, 3, 1)]


def test_a_large_graph_is_written_in_linear_time():
    """20,000 nodes: with a search through all names for each, this takes minutes."""
    x = gg.tensor(1.0, requires_grad=True)
    y = x
    for _ in range(20_000):
        y = gg.sin(y)
    lines = gg.graph_of(y).summary().splitlines()
    assert len(lines) == 20_001
    assert lines[-1].startswith("n19999 = sin(n19998)")
