"""Arguments of compiled functions: what is an input, what is a constant, and what is run as it is."""

import copy
import pickle
from collections import OrderedDict, defaultdict, namedtuple
from typing import Any

import numpy as np
import pytest
from compared import assert_close, assert_same

import glassgrad as gg
from glassgrad.compiler import compile

X = gg.asarray(np.arange(6.0).reshape(2, 3))
Pair = namedtuple("Pair", "left right")


def test_layouts_of_arrays() -> None:
    def function(x: Any) -> Any:
        return x * 2.0, gg.sum(x, axis=0)

    base = np.arange(24.0).reshape(4, 6)
    read_only = base.copy()
    read_only.flags.writeable = False
    unaligned = np.frombuffer(b"x" + base.tobytes(), np.uint8)[1:].view(np.float64).reshape(4, 6)
    assert not unaligned.flags.aligned
    for array in (
        base,
        base.T,
        base[::-1, ::2],
        read_only,
        unaligned,
        base.astype(">f8"),
        np.asfortranarray(base),
    ):
        wanted = function(gg.asarray(array))
        compiled = compile(function)
        assert_close(compiled(array), wanted)
        assert_close(compiled(gg.asarray(array)), wanted)
    np.testing.assert_array_equal(base, np.arange(24.0).reshape(4, 6))


def test_one_program_for_all_layouts() -> None:
    compiled = compile(lambda x: x + 1.0)
    base = np.arange(12.0).reshape(3, 4)
    for array in (base, base.T.copy().T, base[::-1], gg.asarray(base)):
        np.testing.assert_array_equal(compiled(array).numpy(), np.asarray(array) + 1.0)
    assert compiled.compilations == 1


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "int64", "complex128"])
def test_python_floats_take_the_dtype_beside_them(dtype: str) -> None:
    x = gg.astype(gg.asarray([0, 1, 2]), dtype)

    def function(x: Any, rate: float) -> Any:
        return (
            x * rate,
            x - rate / 3,
            (1.0 - rate) * x,
            x * (rate**2 + 1) - abs(-rate),
            rate + x,
            gg.where(x == x, x, rate),
        )

    assert_same(function, x, 0.1)


def test_python_floats_alone() -> None:
    compiled = assert_same(
        lambda a, b: (gg.exp(a), a * b + 0.5, -a, gg.ones(2) * a, gg.asarray([1.0]) + a // b), 0.1, 2.0
    )
    assert isinstance(compiled(0.1, 2.0)[1], float)
    for a in (0.2, -0.0, float("inf"), 1e300):
        assert_close(compiled(a, 3.0), compiled.function(a, 3.0))
    assert compiled.compilations == 1


def test_scalars_of_numpy() -> None:
    x = gg.asarray(np.arange(3.0))
    for scalar in (np.float64(0.1), np.float32(0.1), np.float16(0.1)):
        compiled = assert_same(lambda x, a: (x * a, gg.exp(a)), x, scalar)
        compiled(x, scalar * 2)
        assert compiled.compilations == 1
    assert_same(lambda x, k: x[k] * k, x, np.int64(2))


@pytest.mark.filterwarnings("ignore:compile")
def test_other_values_are_constants() -> None:
    def function(x: Any, power: Any, flag: Any, mode: Any) -> Any:
        y = x**power if flag else x
        return y + 1.0 if mode == "up" else y - 1.0

    compiled = compile(function)
    for args in (
        (2, True, "up"),
        (3, True, "up"),
        (2, False, "up"),
        (2, True, "down"),
        (2, 1, "up"),
        (2, True, None),
    ):
        assert_close(compiled(X, *args), function(X, *args))
    assert compiled.compilations == 6
    compiled(X, 2, True, "up")
    assert compiled.compilations == 6


def test_trees() -> None:
    def function(tree: Any) -> Any:
        return {
            "sum": tree["a"][0] + tree["a"][1]["b"],
            "pair": Pair(tree["pair"].left * 2.0, tree["pair"].right),
            "order": list(tree["ordered"]),
            "missing": tree["default"]["missing"],
            "nothing": None,
            "kinds": (type(tree["ordered"]).__name__, type(tree["a"]).__name__),
        }

    tree = {
        "a": [X, {"b": X * 2.0}],
        "pair": Pair(X, 3),
        "ordered": OrderedDict([("z", X), ("a", X)]),
        "default": defaultdict(lambda: 7, {"x": X, "missing": 8}),
    }
    assert_same(function, tree)


def test_keyword_arguments() -> None:
    def function(x: Any, *, scale: Any = 1.0, shift: Any = None) -> Any:
        return x * scale + (0.0 if shift is None else shift)

    compiled = compile(function)
    with pytest.warns(UserWarning, match="compiled again"):  # noqa: PT031
        for options in ({}, {"scale": 2.0}, {"shift": X}, {"scale": 3.0, "shift": X}):
            assert_close(compiled(X, **options), function(X, **options))
    compiled(X, scale=5.0, shift=X)
    assert compiled.compilations == 4


def test_modules_and_parameters_as_arguments() -> None:
    layer, other = gg.nn.Linear(3, 2), gg.nn.Linear(3, 2)
    x = gg.ones((4, 3))
    compiled = compile(lambda module, x: module(x) + 1.0)
    assert_close(compiled(layer, x), (layer(x) + 1.0).detach())
    layer.weight.assign(layer.weight.detach() * 2.0)
    assert_close(compiled(layer, x), (layer(x) + 1.0).detach())
    assert compiled.compilations == 1
    with pytest.warns(UserWarning, match="module was a Linear, is another Linear"):
        assert_close(compiled(other, x), (other(x) + 1.0).detach())

    def halve(parameter: Any) -> None:
        parameter.assign(parameter.detach() / 2.0)

    before = layer.weight.numpy()
    run = compile(halve)
    for _ in range(2):
        run(layer.weight)
    np.testing.assert_array_equal(layer.weight.numpy(), before / 4.0)


def test_a_method() -> None:
    class Model(gg.nn.Module):
        def __init__(self) -> None:
            self.layer = gg.nn.Linear(3, 2)

        @compile
        def forward(self, x: Any) -> Any:
            return self.layer(x) * 2.0

    model = Model()
    assert_close(model(gg.ones(3)), (model.layer(gg.ones(3)) * 2.0).detach())
    with pytest.warns(UserWarning, match="self was a Model, is another Model"):
        Model()(gg.ones(3))


def test_unhashable_constants_are_kept_apart() -> None:
    compiled = compile(lambda x, names: x * float(len(names)))
    with pytest.warns(UserWarning, match="names was a set, is another set"):  # noqa: PT031
        for size in range(1, 6):
            assert_close(compiled(X, set(range(size))), X * float(size))


def test_results_of_every_kind() -> None:
    parameter = gg.nn.Parameter([1.0])

    def function(x: Any) -> Any:
        y = x + 1.0
        return [x, y, y, y.T, y[0], 3, "text", None, True, gg.asarray([1.0, 2.0]), (), {"a": [y * 2.0]}]

    assert_same(function, X)
    assert compile(lambda: parameter)() is parameter
    compiled = compile(function)
    first, second = compiled(X), compiled(X * 2.0)
    assert_close(first, function(X))
    assert_close(second, function(X * 2.0))


def test_results_do_not_share_memory_that_changes() -> None:
    compiled = compile(lambda x: (x + 1.0, gg.sum(x, axis=0), (x * 2.0)[::2], gg.exp(x) @ x))
    arrays = [np.random.default_rng(i).normal(size=(4, 4)) for i in range(3)]
    kept = [compiled(array) for array in arrays]
    for array, found in zip(arrays, kept, strict=True):
        assert_close(found, compiled.function(gg.asarray(array)))


# --- inside other modes ------------------------------------------------------------------------------------


def square(x: Any) -> Any:
    return gg.sum(gg.sin(x) * x)


def test_differentiated_from_outside() -> None:
    compiled = compile(square)
    compiled(X)  # there is a program that must not be used now
    assert_close(gg.grad(compiled)(X), gg.grad(square)(X))
    assert_close(gg.value_and_grad(compiled)(X), gg.value_and_grad(square)(X))
    assert_close(gg.jvp(compiled, (X,), (X,)), gg.jvp(square, (X,), (X,)))
    assert_close(gg.vmap(compiled)(X), gg.vmap(square)(X))
    assert_close(gg.hessian(compiled)(X[0]), gg.hessian(square)(X[0]))
    graph = gg.trace(compiled, X)
    assert_close(graph.forward(X), square(X))
    variable = gg.tensor(X, requires_grad=True)
    compiled(variable).backward()
    assert_close(variable.grad, gg.grad(square)(X))
    with gg.no_grad():
        assert_close(compiled(variable), square(X))


def test_tensors_from_outside_that_are_differentiated() -> None:
    assert_close(gg.grad(lambda x: compile(lambda y: gg.sum(x * y))(X))(X), X)
    assert_close(gg.vmap(lambda x: compile(lambda y: x * y)(2.0))(X), X * 2.0)
    assert_close(gg.jvp(lambda x: compile(lambda y: x * y)(3.0), (X,), (X,)), (X * 3.0, X * 3.0))
    variable = gg.tensor(2.0, requires_grad=True)

    def step(x: Any) -> Any:
        loss = gg.sum(variable * x)
        loss.backward()
        return loss.detach()

    compiled = compile(step)
    for _ in range(2):
        variable.grad = None
        assert_close(compiled(X), gg.sum(X) * 2.0)
        assert variable.grad is not None
        assert variable.grad.item() == 15.0


def test_modes_inside() -> None:
    def function(x: Any) -> Any:
        return (
            gg.value_and_grad(square)(x),
            gg.jvp(square, (x,), (x * 2.0,)),
            gg.vmap(gg.grad(square))(x),
            gg.hessian(square)(x[0]),
            gg.jacobian(lambda x: gg.tanh(x) * gg.sum(x))(x[0]),
            gg.vjp(gg.sin, x)[1](x),
            gg.checkpoint(square)(x),
            gg.grad(gg.checkpoint(square))(x),
        )

    assert_same(function, X)


def test_control_flow_inside() -> None:
    def function(x: Any, n: Any) -> Any:
        def body(carry: Any, row: Any) -> Any:
            carry = gg.tanh(carry + row)
            return carry, carry * 2.0

        def loss(x: Any) -> Any:
            return gg.sum(gg.scan(body, gg.zeros(3, dtype=x.dtype), x)[0])

        return (
            gg.scan(body, gg.zeros(3, dtype=x.dtype), x),
            gg.grad(loss)(x),
            gg.cond(gg.sum(x) > n, lambda x: x + 1.0, lambda x: x - 1.0, x),
        )

    assert_same(function, X, 3)
    assert_same(function, X, 100)


def test_while_loop_inside() -> None:
    def function(x: Any) -> Any:
        return gg.while_loop(lambda state: state[1] < 4, lambda state: (state[0] * 1.5, state[1] + 1), (x, 0))

    assert_same(function, X)


def test_compiled_inside_compiled() -> None:
    def plain(x: Any, k: float = 2.0) -> Any:
        return gg.sum(x * x) * k

    def function(x: Any, inner: Any) -> Any:
        return inner(x) + gg.sum(gg.grad(inner)(x)) + inner(x, k=3.0)

    inner = compile(plain)
    assert_close(compile(function)(X, inner), function(X, plain))
    assert inner.compilations == 0


def test_gradient_of_a_compiled_result_says_why_there_is_none() -> None:
    layer = gg.nn.Linear(3, 2)
    loss = compile(lambda x: gg.sum(layer(x)))(gg.ones(3))
    with pytest.raises(gg.GraphError, match=r"computed by a compiled function \(compile the whole step"):
        loss.backward()


@pytest.mark.parametrize("dtype", ["float16", "float32", "uint64", "complex64"])
def test_cells_do_not_share_memory_with_arguments(dtype: str) -> None:
    cells = [gg.nn.Buffer(np.zeros(shape, dtype)) for shape in ((2, 2), 4, (2, 2))]

    def assign(x: Any) -> None:
        for cell, value in zip(cells, (x, x.reshape(4), gg.stop_gradient(x)[::-1]), strict=True):
            cell.assign(value)

    array = np.arange(4).reshape(2, 2).astype(dtype)
    compile(assign)(array)
    array[:] = 9
    for cell, wanted in zip(cells, ([0, 1, 2, 3], [0, 1, 2, 3], [2, 3, 0, 1]), strict=True):
        np.testing.assert_array_equal(cell.numpy().ravel(), wanted)


@compile
def doubled(x: Any) -> Any:
    return x * 2.0


def test_copies_and_pickles_are_those_of_a_function() -> None:
    assert doubled(gg.tensor(3.0)).item() == 6.0
    assert copy.deepcopy(doubled) is copy.copy(doubled) is doubled
    assert pickle.loads(pickle.dumps(doubled)) is doubled
    with pytest.raises((pickle.PicklingError, AttributeError), match="lambda"):
        pickle.dumps(compile(lambda x: x))
