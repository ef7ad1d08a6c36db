"""gg.grad, gg.value_and_grad and gg.vjp: arguments, structures, auxiliary results, zeros and refusals."""

from collections import OrderedDict, namedtuple

import numpy as np
import pytest

import glassgrad as gg
from glassgrad.errors import ArgumentError, DTypeError, GraphError, ShapeError
from glassgrad.tensor import tree

Line = namedtuple("Line", "slope offset")


def product(x, y):
    return x * y * y


def test_argnums():
    assert gg.grad(product)(2.0, 3.0).item() == 9.0
    assert gg.grad(product, argnums=1)(2.0, 3.0).item() == 12.0
    assert gg.grad(product, argnums=-1)(2.0, 3.0).item() == 12.0
    both = gg.grad(product, argnums=(1, 0))(2.0, 3.0)
    assert isinstance(both, tuple)
    assert [g.item() for g in both] == [12.0, 9.0]
    assert [g.item() for g in gg.grad(product, argnums=(0,))(2.0, 3.0)] == [9.0]


def test_the_same_tensor_for_two_arguments():
    a = gg.tensor(2.0, requires_grad=True)
    assert [g.item() for g in gg.grad(product, argnums=(0, 1))(a, a)] == [4.0, 8.0]


def test_value_and_grad():
    value, slope = gg.value_and_grad(product)(2.0, 3.0)
    assert (value.item(), slope.item()) == (18.0, 9.0)
    assert not value.requires_grad
    assert not slope.requires_grad


def test_has_aux():
    def f(x):
        return x * x, {"double": x * 2.0}

    slope, aux = gg.grad(f, has_aux=True)(3.0)
    assert (slope.item(), aux["double"].item()) == (6.0, 6.0)
    (value, aux), slope = gg.value_and_grad(f, has_aux=True)(3.0)
    assert (value.item(), aux["double"].item(), slope.item()) == (9.0, 6.0, 6.0)


def test_trees():
    parameters = {"line": Line(2.0, gg.asarray(3.0)), "list": [gg.asarray([1.0, 2.0]), (4.0,)]}

    def f(p):
        return p["line"].slope * p["line"].offset * gg.sum(p["list"][0] * p["list"][0]) * p["list"][1][0]

    found = gg.grad(f)(parameters)
    assert list(found) == ["line", "list"]
    assert isinstance(found["line"], Line)
    assert isinstance(found["list"], list)
    assert isinstance(found["list"][1], tuple)
    assert (found["line"].slope.item(), found["line"].offset.item()) == (60.0, 40.0)
    assert found["list"][0].tolist() == [48.0, 96.0]
    assert found["list"][1][0].item() == 30.0


def test_dicts_keep_their_order_and_pair_up_by_key():
    found = gg.grad(lambda d: d["b"] * d["a"] * d["a"])(OrderedDict(b=2.0, a=3.0))
    assert list(found) == ["b", "a"]
    assert (found["b"].item(), found["a"].item()) == (9.0, 12.0)


def test_flatten_and_rebuild():
    nested = {"b": [1, (2, 3)], "a": Line(4, {}), 5: ()}
    leaves, rebuild = tree.flatten(nested)
    assert sorted(leaves) == [1, 2, 3, 4]
    assert rebuild(leaves) == nested
    assert rebuild([-leaf for leaf in leaves]) == {"b": [-1, (-2, -3)], "a": Line(-4, {}), 5: ()}
    assert tree.flatten({"b": 1, "a": 2})[0] == tree.flatten({"a": 2, "b": 1})[0]


def test_what_the_result_does_not_depend_on_has_zeros():
    x, unused = gg.grad(lambda x, y: x * 2.0, argnums=(0, 1))(1.0, gg.ones((2, 3), dtype="float64"))
    assert x.item() == 2.0
    assert (unused.shape, unused.dtype, unused.numpy().any()) == ((2, 3), gg.float64, False)
    assert gg.grad(lambda x: gg.asarray(1.0))(2.0).item() == 0.0
    assert gg.grad(lambda x: x.detach() * 2.0)(2.0).item() == 0.0
    assert gg.grad(lambda x: gg.stop_gradient(x) * 2.0)(2.0).item() == 0.0
    assert gg.grad(lambda x: gg.sum(gg.astype(x > 0.0, gg.float32)))(2.0).item() == 0.0


def test_the_identity_has_slope_1():
    assert gg.grad(lambda x: x)(5.0).item() == 1.0


def test_a_result_of_one_element_counts_as_a_number():
    assert gg.grad(lambda x: gg.sum(x, keepdims=True))(gg.ones((2, 2))).tolist() == [[1.0, 1.0], [1.0, 1.0]]


def test_variables_and_their_grad_are_left_alone():
    x = gg.tensor(3.0, requires_grad=True)
    assert gg.grad(lambda x: x * x)(x).item() == 6.0
    assert x.grad is None


def test_the_dtype_of_a_gradient_is_that_of_its_argument():
    x, y = gg.grad(lambda x, y: gg.sum(x * y), argnums=(0, 1))(np.ones(2), gg.ones(2))
    assert (x.dtype, y.dtype) == (gg.float64, gg.float32)


def test_python_control_flow_follows_the_values():
    def collatz(x):
        while x < 100.0:
            x = x * 3.0 + 1.0
        return x

    assert gg.grad(collatz)(1.0).item() == 3.0**4  # 1, 4, 13, 40, 121


def test_vjp():
    value, pullback = gg.vjp(lambda x, y: x * y, gg.asarray([1.0, 2.0]), gg.asarray([3.0, 4.0]))
    assert value.tolist() == [3.0, 8.0]
    assert not value.requires_grad
    assert [g.tolist() for g in pullback([1.0, 10.0] @ gg.eye(2))] == [[3.0, 40.0], [1.0, 20.0]]
    assert [g.tolist() for g in pullback(np.array([1, 0]))] == [
        [3.0, 0.0],
        [1.0, 0.0],
    ]  # again, and from integers


def test_vjp_with_trees():
    def f(p):
        return {"sum": p["x"] + p["y"], "product": [p["x"] * p["y"]]}

    value, pullback = gg.vjp(f, {"x": 3.0, "y": 4.0})
    assert (value["sum"].item(), value["product"][0].item()) == (7.0, 12.0)
    (found,) = pullback({"product": [gg.asarray(10.0)], "sum": gg.asarray(1.0)})  # in whatever order
    assert (found["x"].item(), found["y"].item()) == (41.0, 31.0)


def test_vjp_of_one_tensor_returned_twice_adds_both_upstream_gradients():
    def twice(x):
        y = x * 3.0
        return y, y

    _, pullback = gg.vjp(twice, 1.0)
    assert pullback((1.0, 10.0))[0].item() == 33.0


def test_vjp_of_a_constant_result_gives_zeros():
    _, pullback = gg.vjp(lambda x: gg.ones(2), gg.asarray([5.0]))
    assert pullback(gg.ones(2))[0].tolist() == [0.0]


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: gg.grad(product, argnums=2)(1.0, 2.0),
            ArgumentError,
            "grad got argnums=2, but the function was called with 2 arguments, counted from 0",
        ),
        (
            lambda: gg.grad(product, argnums="x")(1.0, 2.0),
            ArgumentError,
            "argnums says by number, from 0, which arguments to differentiate for; got 'x'. "
            "The function that grad returns takes the values: gg.grad(f)(x).",
        ),
        (
            lambda: gg.grad(product, argnums=(1, -1))(1.0, 2.0),
            ArgumentError,
            "grad got the same argument twice in argnums=(1, -1)",
        ),
        (
            lambda: gg.grad(lambda x: 1.0)(2.0),
            ArgumentError,
            "grad needs a function that returns a tensor; <lambda> returned float. "
            "Compute with tensors, without .item() and .numpy().",
        ),
        (
            lambda: gg.grad(lambda x: x * 1.0)(gg.ones(3)),
            GraphError,
            "grad needs a function that returns a single number; <lambda> returned shape (3,). Sum or average it, "
            "or use gg.vjp for the gradient weighted by an upstream tensor.",
        ),
        (
            lambda: gg.grad(gg.argmax)(gg.ones(3)),
            DTypeError,
            "grad needs a function that returns a real float; argmax returned int64",
        ),
        (
            lambda: gg.grad(lambda x: x * 1j)(1.0),
            DTypeError,
            "grad needs a function that returns a real float; <lambda> returned complex64",
        ),
        (
            lambda: gg.grad(product)(1, 2.0),
            DTypeError,
            "only floating-point tensors can require a gradient; got dtype int64. "
            "Write 1.0 instead of 1, or pass dtype=gg.float32.",
        ),
        (
            lambda: gg.grad(lambda x: x * x, has_aux=True)(2.0),
            ArgumentError,
            "with has_aux=True grad needs a function that returns a pair (number, anything); <lambda> returned Tensor",
        ),
        (
            lambda: gg.vjp(lambda x: 1.0, 2.0),
            ArgumentError,
            "vjp needs a function that returns tensors; <lambda> returned float. "
            "Compute with tensors, without .item() and .numpy().",
        ),
        (
            lambda: gg.vjp(lambda x: (x, x), 2.0)[1](1.0),
            ShapeError,
            "the function returned 2 tensors; the pullback got 1 upstream gradients",
        ),
        (
            lambda: gg.vjp(lambda x: {"a": x, "b": x}, 2.0)[1]({"a": 1.0, "c": 1.0}),
            ArgumentError,
            "the upstream gradients must be nested as the tensors that the function returned, {'a': 0, 'b': 1}; "
            "got {'a': 0, 'c': 1}",
        ),
        (
            lambda: gg.vjp(lambda x: x, gg.ones(2))[1](gg.ones(3)),
            ShapeError,
            "the upstream gradient must have the shape of the result, (2,); got (3,). "
            "It is the gradient of the loss with respect to this result.",
        ),
    ],
)
def test_refusals(call, error, message):
    with pytest.raises(error) as raised:
        call()
    assert raised.value.message == message
