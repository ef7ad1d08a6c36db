"""Computing beforehand what does not depend on the inputs."""

from typing import Any

import numpy as np
from steps import PlusOne, assert_same_values, graph_of, steps_of

import glassgrad as gg
from glassgrad.compiler.passes import fold, fold_constants
from glassgrad.graph import CONSTANT, Graph, Node
from glassgrad.ops.function import Applied


def on_constant(function: Any, array: Any) -> Graph:
    """The graph of x + function(array), where the function has not been computed."""
    traced = gg.trace(lambda c, x: function(c) + x, gg.Spec(array.shape, "float64"), gg.Spec((1,), "float64"))
    constant, x = traced.inputs
    new = {constant: Node(CONSTANT, (), array.shape, array.dtype, False, None, array), x: x}
    for node in traced.body:
        if node not in new:
            inputs = tuple(new[source] for source in node.inputs)
            new[node] = Node(node.op, inputs, node.shape, node.dtype, False, None, node.value)
    return Graph([x], [new[output] for output in traced.outputs])


def test_ops_on_constants_become_constants() -> None:
    before = on_constant(lambda c: gg.exp(gg.sin(c) * 2.0), np.arange(3.0))
    after = fold_constants(before)
    assert steps_of(before) == ["sin", "multiply", "exp", "add"]
    assert steps_of(after) == ["add"]
    assert_same_values(after, before)


def test_what_depends_on_an_input_stays() -> None:
    before = graph_of(lambda x: gg.sin(x) + gg.cos(x * 0.0), (3,))
    assert fold_constants(before).body == before.body


def test_large_results_of_small_constants_stay() -> None:
    size = fold.LARGEST + 1
    before = on_constant(lambda c: gg.broadcast_to(c, (size,)), np.ones(1))
    assert steps_of(fold_constants(before)) == steps_of(before)
    small = on_constant(lambda c: gg.broadcast_to(c, (size - 1,)), np.ones(1))
    assert "broadcast_to" not in steps_of(fold_constants(small))
    shrunk = on_constant(lambda c: gg.sum(c, axis=0, keepdims=True), np.ones(size))
    assert "sum" not in steps_of(fold_constants(shrunk))
    assert_same_values(fold_constants(shrunk), shrunk)


def test_users_own_functions_stay() -> None:
    before = on_constant(lambda c: PlusOne.apply(c), np.ones(1))
    assert any(isinstance(node.op, Applied) for node in fold_constants(before).body)


def test_signs_of_zero_and_nan_are_kept() -> None:
    before = on_constant(lambda c: 1.0 / c, np.array([-0.0, np.nan, np.inf]))
    (folded,) = (
        node.value for node in fold_constants(before).body if node.value is not None and node.shape == (3,)
    )
    np.testing.assert_array_equal(folded, [-np.inf, np.nan, 0.0])
