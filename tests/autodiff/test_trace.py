"""`trace` gives the graph that eager execution takes; what needs a value says what to write instead."""

from collections import namedtuple
from pathlib import Path

import numpy as np
import pytest

import glassgrad as gg
from glassgrad import nn


def two_layers(x, parameters):
    hidden = gg.tanh(x @ parameters["w"][0] + parameters["b"])
    for _ in range(2):
        hidden = gg.softmax(hidden * 2)
    return gg.mean((hidden @ parameters["w"][1]) ** 2)


@pytest.fixture
def arguments(rng):
    def draw(*shape):
        return rng.normal(size=shape)

    return draw(4, 3), {"w": [draw(3, 2), draw(2, 1)], "b": draw(2)}


def line(text):
    """`file:line` of the line of this file that holds `text`."""
    lines = Path(__file__).read_text(encoding="utf-8").splitlines()
    return f"test_trace.py:{next(i for i, words in enumerate(lines, 1) if text in words)}"


def test_forward_and_backward_give_the_same_bits_as_eager(arguments):
    x, parameters = arguments
    graph = gg.trace(two_layers, x, parameters)
    value, gradients = gg.value_and_grad(two_layers, argnums=(0, 1))(x, parameters)
    flat = [x, parameters["b"], *parameters["w"]]
    assert graph.forward(*flat).item() == value.item()
    expected = [gradients[0], gradients[1]["b"], *gradients[1]["w"]]
    for found, wanted in zip(graph.backward(), expected, strict=True):
        np.testing.assert_array_equal(found.numpy(), wanted.numpy())


def test_specs_are_as_good_as_examples(arguments):
    x, parameters = arguments
    specs = {"w": [gg.Spec((3, 2), "float64"), gg.Spec((2, 1), "float64")], "b": gg.Spec(2, gg.float64)}
    by_specs = gg.trace(two_layers, gg.Spec((4, 3), np.float64), specs)
    assert by_specs.summary() == gg.trace(two_layers, x, parameters).summary()
    assert all(node.value is None for node in by_specs.inputs)


def test_inputs_are_named_after_the_parameters():
    point = namedtuple("point", "x y")

    def f(a, *rest, option=3):
        return a["u"] + a["v"][1] + rest[0].y + rest[1] + option

    one = gg.Spec()
    graph = gg.trace(f, {"v": [one, one], "u": one}, point(one, one), one)
    names = ["a['u']", "a['v'][0]", "a['v'][1]", "rest[0].x", "rest[0].y", "rest[1]"]
    assert [node.name for node in graph.inputs] == names
    assert graph.forward(1.0, 2.0, 3.0, 4.0, 5.0, 6.0).item() == 1 + 3 + 5 + 6 + 3
    assert [g.item() for g in graph.backward()] == [1, 0, 1, 0, 1, 1]


def test_shapes_and_dtypes_are_known_while_tracing():
    seen = []

    def f(x):
        y = gg.astype(x[:, None] @ x[None], gg.float16)
        seen.append((y.shape, y.dtype, y.ndim, y.size, len(y), repr(y)))
        return y

    gg.trace(f, gg.Spec(3))
    assert seen == [((3, 3), np.float16, 2, 9, 3, "tensor(<no value>, shape=(3, 3), dtype=float16)")]


def test_outputs_are_flattened():
    graph = gg.trace(lambda x: {"b": x * 2, "a": (x, [x + 1])}, gg.Spec())
    assert [y.item() for y in graph.forward(5.0)] == [5, 6, 10]


def test_the_graph_does_not_touch_the_tape_it_reads():
    w = gg.tensor(3.0, requires_grad=True, name="w")
    square = w * w
    graph = gg.trace(lambda x: x * square, gg.Spec())
    assert graph.forward(2.0).item() == 18
    assert graph.backward()[0].item() == 9
    (copy,) = [node for node in graph.nodes_topologically_sorted() if node.name == "w"]
    assert copy.grad == 12  # 2 * 2 w
    assert w.node.grad is None
    square.backward()
    assert w.grad.item() == 6


def test_a_module_stays_as_it_is():
    model = nn.Linear(3, 2)
    x = np.ones((4, 3), np.float32)
    graph = gg.trace(lambda model, x: model(x), model, x)
    assert [node.name for node in graph.inputs] == ["x"]
    np.testing.assert_array_equal(graph.forward(x).numpy(), model(gg.asarray(x)).numpy())


def test_gradients_inside_a_traced_function():
    def slope(x):
        return gg.grad(lambda y: (y**3 * x).sum())(x)

    x = np.array([1.0, 2.0])
    graph = gg.trace(slope, x)
    np.testing.assert_array_equal(graph.forward(x).numpy(), 3 * x**3)
    assert graph.backward([1.0, 10.0])[0].tolist() == [9, 360]  # of 3 x^3, with its own x held inside


def test_no_gradient_passes_where_recording_is_off_or_stopped():
    def f(x):
        with gg.no_grad():
            constant = x * x
        return x * constant + x.detach() * x

    graph = gg.trace(f, gg.Spec())
    assert graph.forward(3.0).item() == 36
    assert graph.backward()[0].item() == 12  # 9 + 3, as in eager execution
    x = gg.tensor(3.0, requires_grad=True)
    f(x).backward()
    assert x.grad.item() == 12


def test_integers_have_no_gradient():
    graph = gg.trace(lambda x, i: x[i].sum(), gg.Spec(4), gg.Spec(2, gg.int64))
    assert graph.forward([1.0, 2.0, 3.0, 4.0], [3, 3]).item() == 8
    assert [g.tolist() for g in graph.backward()] == [[0, 0, 0, 2], [0, 0]]


def branch(x):
    if x.sum() > 0:  # the branch
        return x
    return -x


def loop(x):
    while x.sum() < 10:  # the loop
        x = x * 2
    return x


STANDS = "inside gg.trace, gg.vmap and gg.compile a tensor stands for any value of its shape and dtype."
CHOOSE = (
    "gg.where(condition, a, b) chooses numbers, gg.cond(condition, f, g, *operands) what is computed, and "
    "gg.while_loop and gg.scan repeat."
)


@pytest.mark.parametrize(
    ("function", "op", "place"), [(branch, "greater", "# the branch"), (loop, "less", "# the loop")]
)
def test_a_branch_on_an_unknown_value_names_the_line_and_the_alternatives(function, op, place):
    with pytest.raises(gg.GraphError) as caught:
        gg.trace(function, gg.Spec(3))
    where = line(f":  {place}")
    assert str(caught.value) == (
        f"`if`, `while`, `and`, `or` and `not` need the value of a tensor, which is not known here (bool[], from {op} "
        f"at {where}): {STANDS} {CHOOSE} (at {where})"
    )


@pytest.mark.parametrize("number", [float, int, complex, lambda x: x.item(), lambda x: f"{x:.2f}"])
def test_a_number_of_an_unknown_value(number):
    with pytest.raises(gg.GraphError) as caught:
        gg.trace(lambda x: x * gg.asarray(number(x)), gg.Spec())
    assert str(caught.value).startswith(
        f"float(), int() and .item() need the value of a tensor, which is not known here (float32[], an argument): "
        f"{STANDS} Compute with the tensor itself; gg.where, gg.cond, gg.scan and gg.while_loop choose and repeat by "
        f"its value. (at test_trace.py:"
    )


@pytest.mark.parametrize(
    "array", [lambda x: x.numpy(), lambda x: x.tolist(), lambda x: np.sum(gg.stop_gradient(x))]
)
def test_an_array_of_an_unknown_value(array):
    with pytest.raises(gg.GraphError) as caught:
        gg.trace(lambda x: x * gg.asarray(array(x)), gg.Spec(2))
    text = str(caught.value)
    assert text.startswith(
        ".numpy(), .tolist() and NumPy's functions need the value of a tensor, which is not known"
    )
    assert "gg.cond" in text


def test_a_boolean_mask_is_refused_with_its_cure():
    with pytest.raises(
        gg.GraphError, match="a boolean mask selects a number of elements that is not known here: use"
    ):
        gg.trace(lambda x: x[x > 0], gg.Spec(3))


def test_a_wrong_shape_is_found_while_tracing():
    with pytest.raises(
        gg.ShapeError, match=r"matmul needs x1.shape\[-1\] == x2.shape\[-2\]; got x1 float32\[2, 3\]"
    ):
        gg.trace(lambda x, w: x @ w, gg.Spec((2, 3)), gg.Spec((2, 3)))


def nothing(x):
    x + 1


def seven(x):
    return 7


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (
            nothing,
            "trace needs a function that returns tensors; nothing returned NoneType. Is `return` missing?",
        ),
        (
            seven,
            "trace needs a function that returns tensors; seven returned int. "
            "Compute with tensors, without .item() and .numpy().",
        ),
        (3, "trace takes a function and its arguments; got 3"),
    ],
)
def test_what_cannot_be_traced(function, message):
    with pytest.raises(gg.ArgumentError) as caught:
        gg.trace(function, gg.Spec())
    assert caught.value.message == message


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ("ab", "Spec takes a shape: an integer or a tuple of integers; got 'ab'"),
        ((2, 1.5), "Spec takes a shape: an integer or a tuple of integers; got (2, 1.5)"),
        (-1, "Spec takes sizes of 0 or more; got (-1,)"),
    ],
)
def test_what_is_no_spec(shape, message):
    with pytest.raises(gg.ArgumentError) as caught:
        gg.Spec(shape)
    assert caught.value.message == message


def test_specs_are_values():
    assert gg.Spec([2, 3]) == gg.Spec((2, 3), "float32")
    assert gg.Spec(3) != gg.Spec(3, "float64")
    assert len({gg.Spec(3), gg.Spec((3,))}) == 1
