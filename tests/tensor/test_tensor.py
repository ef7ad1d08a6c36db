"""Tensors: what they are made of, what they tell, and what they refuse."""

import copy
from fractions import Fraction

import numpy as np
import pytest

import glassgrad as gg
from glassgrad.errors import ArgumentError, DTypeError, GlassgradError, GraphError, ShapeError
from glassgrad.graph import INPUT, Node
from glassgrad.tensor import Tensor


@pytest.mark.parametrize(
    ("data", "dtype", "values"),
    [
        (1.5, "float32", 1.5),
        (3, "int64", 3),
        (True, "bool", True),
        (2j, "complex64", 2j),
        ([1.0, 2.0], "float32", [1.0, 2.0]),
        ([1, 2], "int64", [1, 2]),
        ([True, False], "bool", [True, False]),
        ([1, 2.5, True], "float32", [1.0, 2.5, 1.0]),
        ((1.0, (2.0)), "float32", [1.0, 2.0]),
        ([], "float32", []),
        ([[]], "float32", [[]]),
        (range(3), "int64", [0, 1, 2]),
        (np.array([1.0]), "float64", [1.0]),
        (np.array([1, 2], np.uint8), "uint8", [1, 2]),
        (np.float64(0.5), "float64", 0.5),
        (np.array([1.0, 2.0], ">f4"), "float32", [1.0, 2.0]),
        (np.array([1, 2], ">i8"), "int64", [1, 2]),
        (2**63, "uint64", 2**63),
    ],
)
def test_dtype_follows_from_the_data(data, dtype, values):
    for made in (gg.tensor(data), gg.asarray(data)):
        assert made.dtype == np.dtype(dtype)
        assert made.dtype.isnative
        assert made.tolist() == values


@pytest.mark.parametrize(
    ("dtype", "wanted"),
    [
        (gg.float64, "float64"),
        ("int8", "int8"),
        (float, "float32"),
        (complex, "complex64"),
        (bool, "bool"),
        (">f4", "float32"),
    ],
)
def test_dtype_can_be_asked_for(dtype, wanted):
    made = gg.tensor([1, 0], dtype=dtype)
    assert made.dtype == np.dtype(wanted)
    assert made.dtype.isnative
    assert made.tolist() == [1, 0]


def test_tensors_among_the_data_are_joined():
    assert gg.tensor([gg.asarray(1.0), gg.asarray(2.0)]).tolist() == [1.0, 2.0]
    assert gg.tensor([gg.asarray([1, 2]), [3.5, 4.0]]).tolist() == [[1.0, 2.0], [3.5, 4.0]]
    assert gg.tensor(gg.asarray([1.0, 2.0])).tolist() == [1.0, 2.0]


def test_tensor_copies_and_asarray_shares():
    array = np.ones(2)
    copied, shared, copied_too = gg.tensor(array), gg.asarray(array), gg.asarray(array, copy=True)
    array[0] = 9.0
    assert copied.tolist() == copied_too.tolist() == [1.0, 1.0]
    assert shared.tolist() == [9.0, 1.0]
    x = gg.asarray([1.0])
    assert gg.asarray(x) is x
    assert gg.asarray(x, gg.float32) is x
    assert gg.asarray(x, gg.float64).dtype == gg.float64


def test_what_it_tells():
    x = gg.tensor(np.zeros((2, 3, 0)), requires_grad=True)
    assert (x.shape, x.ndim, x.size, x.device) == ((2, 3, 0), 3, 0, "cpu")
    assert x.is_leaf
    assert x.requires_grad
    assert not (x * 2.0).is_leaf
    assert not gg.ones(2).requires_grad
    assert gg.ones(2).is_leaf


@pytest.mark.parametrize(
    ("made", "text"),
    [
        (gg.tensor([[1.0, -2.5]]), "tensor([[ 1. , -2.5]])"),
        (gg.tensor(3), "tensor(3)"),
        (gg.tensor(True), "tensor(True)"),
        (gg.tensor([1.0], dtype="float64"), "tensor([1.], dtype=float64)"),
        (gg.tensor(1, dtype="int8"), "tensor(1, dtype=int8)"),
        (gg.tensor([1.0], requires_grad=True), "tensor([1.], requires_grad=True)"),
        (
            gg.tensor(1.0, dtype="float64", requires_grad=True),
            "tensor(1., dtype=float64, requires_grad=True)",
        ),
        (gg.tensor([[1], [2]]), "tensor([[1],\n        [2]])"),
        (gg.tensor([]), "tensor([])"),
    ],
)
def test_repr(made, text):
    assert repr(made) == text


def test_ways_out():
    x = gg.tensor([[1.5, 2.5]], requires_grad=True)
    assert x.numpy().base is not None  # a view, not a copy
    assert x.tolist() == [[1.5, 2.5]]
    assert gg.asarray(2.5).item() == 2.5
    assert type(gg.asarray(2.5).item()) is float
    assert type(gg.asarray([[7]]).item()) is int
    assert (float(gg.asarray(2)), int(gg.asarray(2.7)), complex(gg.asarray(1.0))) == (2.0, 2, 1 + 0j)
    assert ["a", "b"][gg.asarray(1)] == "b"
    assert bool(gg.asarray([0.5])) is True
    assert bool(gg.asarray(0)) is False
    assert (
        f"{gg.asarray(1.25):.1f}|{gg.asarray(2)}|{gg.asarray([1.0, 2.0]):.1f}"
        == "1.2|tensor(2)|tensor([1., 2.])"
    )


def test_numpys_view_is_read_only():
    with pytest.raises(ValueError, match="read-only"):
        gg.ones(2).numpy()[0] = 5.0


def test_numpy_takes_a_tensor_that_needs_no_gradient():
    x = gg.asarray([1.0, 2.0])
    assert np.asarray(x).dtype == np.float32
    assert np.array(x, dtype="float64").tolist() == [1.0, 2.0]
    copied = np.array(x, copy=True)
    copied[0] = 9.0
    assert x.tolist() == [1.0, 2.0]
    assert np.sum(x) == 3.0
    assert np.concatenate([x, x]).tolist() == [1.0, 2.0, 1.0, 2.0]
    assert np.allclose(x, [1.0, 2.0], rtol=0)


def test_copies_and_sets():
    x = gg.tensor([1.0, 2.0], requires_grad=True)
    twin = copy.deepcopy(x)
    gg.sum(twin * 2.0).backward()
    assert twin.grad.tolist() == [2.0, 2.0]
    assert x.grad is None
    assert copy.deepcopy({"w": gg.asarray([1.0])})["w"].tolist() == [1.0]
    named = copy.deepcopy(gg.tensor([3.0], name="data"))
    assert (named.tolist(), named.node.name) == ([3.0], "data")
    assert len({x, x, twin}) == 2  # by identity: equality is elementwise


def test_names_are_kept_by_variables_and_constants():
    x = gg.tensor([1.0], requires_grad=True, name="weights")
    c = gg.tensor([2.0], name="data")
    assert [node.name for node in gg.graph_of(x * c).body] == ["weights", "data", None]
    assert not (c * 2.0).requires_grad


def test_a_tensor_of_which_only_the_shape_is_known():
    x = Tensor(None, Node(INPUT, (), (2, 3), gg.float32, True, None))
    assert repr(x) == "tensor(<no value>, shape=(2, 3), dtype=float32)"
    assert (x.shape, x.dtype, x.size) == ((2, 3), gg.float32, 6)
    y = gg.sum(gg.exp(x) / 2.0, axis=0)
    assert (y.shape, y.dtype, y.requires_grad) == ((3,), gg.float32, True)
    assert gg.reshape(x, (3, -1)).shape == (3, 2)
    assert (2.0 * x)[:, None, ::2].shape == (2, 1, 2)
    with pytest.raises(GraphError, match=r"^.numpy\(\), .tolist\(\) and NumPy.s functions need the value"):
        y.numpy()
    with pytest.raises(GlassgradError, match=r"^add cannot broadcast x1 float32\[2, 3\] and x2 float32\[4\]"):
        x + gg.ones(4)
    with pytest.raises(
        GraphError, match=r"^a boolean mask selects a number of elements that is not known here"
    ):
        x[x > 0]


NOT_NUMBERS = "Turn categories into integers first: np.unique(x, return_inverse=True)[1]."


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: gg.tensor("abc"),
            DTypeError,
            f"a tensor holds numbers; got 'abc' (NumPy dtype <U3). {NOT_NUMBERS}",
        ),
        (
            lambda: gg.tensor(None),
            DTypeError,
            "a tensor holds numbers; got None. Is it the .grad of a tensor before backward(), or the result of a "
            "function without return?",
        ),
        (
            lambda: gg.tensor([1.0, None]),
            DTypeError,
            "a tensor holds numbers; got None in [1.0, None]. Write float('nan') for a missing number.",
        ),
        (
            lambda: gg.tensor([Fraction(1, 2)]),
            DTypeError,
            f"a tensor holds numbers; got [Fraction(1, 2)] (NumPy dtype object). {NOT_NUMBERS}",
        ),
        (
            lambda: gg.tensor(["long text " * 10]),
            DTypeError,
            "a tensor holds numbers; got ['long text long text long text long text long text long ... "
            f"(NumPy dtype <U100). {NOT_NUMBERS}",
        ),
        (
            lambda: gg.tensor(np.array(["2020-01-01"], "M8[D]")),
            DTypeError,
            "a tensor holds numbers; got array(['2020-01-01'], dtype='datetime64[D]') "
            f"(NumPy dtype datetime64[D]). {NOT_NUMBERS}",
        ),
        (
            lambda: gg.tensor([-1], dtype="uint8"),
            DTypeError,
            "cannot make a tensor of [-1]: Python integer -1 out of bounds for uint8",
        ),
        (
            lambda: gg.tensor(np.array([1j]), dtype="float32"),
            DTypeError,
            "cannot make a float32 tensor of complex numbers: the imaginary part would be lost",
        ),
        (
            lambda: gg.tensor([1.0], dtype="float31"),
            DTypeError,
            "expected a dtype such as gg.float32 or 'int64'; got 'float31'",
        ),
        (
            lambda: gg.tensor([1.0], dtype="S3"),
            DTypeError,
            "tensors hold booleans, integers, floats or complex numbers; got dtype |S3",
        ),
        (
            lambda: gg.tensor([1], requires_grad=True),
            DTypeError,
            "only floating-point tensors can require a gradient; got dtype int64. "
            "Write 1.0 instead of 1, or pass dtype=gg.float32.",
        ),
        (
            lambda: gg.asarray(gg.tensor([1.0], requires_grad=True), gg.float64),
            DTypeError,
            "asarray would cut this float32 tensor off its graph: use gg.astype(x, float64)",
        ),
        (
            lambda: gg.asarray(np.array([255], np.uint8)) + 300,
            DTypeError,
            "the number 300 does not fit uint8, the dtype of the tensors beside it: "
            "convert them to a wider dtype first, with gg.astype",
        ),
        (
            lambda: gg.asarray([1]) + 2**70,
            DTypeError,
            "the number 1180591620717411303424 does not fit int64, the dtype of the tensors beside it: "
            "convert them to a wider dtype first, with gg.astype",
        ),
        (
            lambda: gg.ones(2).item(),
            GraphError,
            "only a tensor with one element is a number; got shape (2,). Reduce it first, for example x.mean(); "
            "x.tolist() gives all elements.",
        ),
        (
            lambda: len(gg.asarray(1.0)),
            DTypeError,
            "a tensor without axes is a single number: it has no length and nothing to loop over. "
            "x.item() gives the number.",
        ),
        (
            lambda: [1, 2][gg.asarray(1.0)],
            DTypeError,
            "a count or an index must be an integer; got a tensor of dtype float32. int(x) makes one.",
        ),
        (
            lambda: bool(gg.ones(2)),
            GraphError,
            "the truth value of a tensor of shape (2,) is ambiguous: use gg.any(x) or gg.all(x) for one answer, "
            "gg.where(x > 0, a, b) to choose element by element, gg.logical_and for `and` and a < x < b",
        ),
        (
            lambda: bool(gg.zeros(0)),
            GraphError,
            "the truth value of a tensor of shape (0,) is ambiguous: use gg.any(x) or gg.all(x) for one answer, "
            "gg.where(x > 0, a, b) to choose element by element, gg.logical_and for `and` and a < x < b",
        ),
        (
            lambda: gg.ones(2).__setitem__(0, 1.0),
            DTypeError,
            "tensors never change: write x = x.at[index].set(value), or .add(value), for a new one",
        ),
        (
            lambda: copy.deepcopy(gg.tensor([1.0], requires_grad=True) * 2.0),
            GraphError,
            "a computed tensor belongs to its graph, so it cannot be copied alone: copy x.detach()",
        ),
        (
            lambda: gg.ones(2).retain_grad(),
            GraphError,
            "retain_grad() needs a tensor that depends on one with requires_grad=True",
        ),
        (
            lambda: np.asarray(gg.tensor([1.0], requires_grad=True)),
            GraphError,
            "NumPy asked for the array inside a tensor that requires a gradient, which would silently cut the graph. "
            "Use the function of the same name in gg (gg.sum, gg.exp ...), or x.numpy() if no gradient is meant "
            "to flow.",
        ),
        (
            lambda: np.sum(gg.tensor([1.0], requires_grad=True)),
            GraphError,
            "np.sum would cut this tensor, which requires a gradient, off its graph: write gg.sum(x), "
            "or x.numpy() if no gradient is meant to flow",
        ),
        (
            lambda: np.concatenate([gg.ones(1), gg.tensor([1.0], requires_grad=True)]),
            GraphError,
            "np.concatenate would cut this tensor, which requires a gradient, off its graph: write "
            "gg.concat([x, y], axis=0), or x.numpy() if no gradient is meant to flow",
        ),
        (
            lambda: np.add.reduce(gg.ones(2)),
            DTypeError,
            "np.add does not work on tensors: use gg.add, or x.numpy() outside the graph",
        ),
        (
            lambda: np.fmod(gg.ones(2), 1.0),
            DTypeError,
            "np.fmod does not work on tensors, and glassgrad has no such function: outside the graph, "
            "np.fmod(x.numpy()) does",
        ),
    ],
)
def test_refusals(call, error, message):
    with pytest.raises(error) as raised:
        call()
    assert raised.value.message == message


def test_ragged_lists_are_refused():
    with pytest.raises(ShapeError) as raised:
        gg.tensor([[1.0], [1.0, 2.0]])
    assert raised.value.message == (
        "a tensor needs rows of equal length; got [[1.0], [1.0, 2.0]]. "
        "Pad the shorter rows, or keep one tensor for each."
    )


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("exp", "a tensor has no method 'exp': call the function gg.exp(x)"),
        ("unsqueeze", "a tensor has no 'unsqueeze': write gg.expand_dims(x, axis)"),
        ("cuda", "a tensor has no 'cuda': leave it out, because glassgrad computes on the CPU"),
        ("add_", "tensors never change, so there is no in-place add_(): assign the result, x = ..."),
        ("colour", "a tensor has no attribute 'colour'"),
    ],
)
def test_attributes_that_do_not_exist(name, message):
    with pytest.raises(AttributeError) as raised:
        getattr(gg.ones(2), name)
    assert str(raised.value) == message


def test_the_gradient_of_an_intermediate_result_is_not_kept_and_says_so():
    x = gg.tensor(2.0, requires_grad=True)
    square = x * x
    (square * 3.0).backward()
    with pytest.warns(
        UserWarning,
        match=r"^the gradient of an intermediate result \(multiply at test_tensor.py:\d+\) is not",
    ):
        assert square.grad is None


def test_every_error_is_a_glassgrad_error_and_one_of_pythons():
    assert issubclass(DTypeError, TypeError)
    assert issubclass(ArgumentError, ValueError)
    assert issubclass(GraphError, RuntimeError)
    error = GlassgradError("no")
    error.place, error.module_path = "model.py:3", ["linear", "encoder"]
    assert str(error) == "in encoder.linear: no (at model.py:3)"
